"""Whose a sender is, said beside a ticket; and what goes with a sender who turned out to be somebody else."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import User
from affiliates.models import Affiliate
from channels.contacts import match_contact, unmatch_contact
from channels.models import Contact, ContactAddress
from core.access import Can, check
from core.events import record
from support import events
from support.errors import NotNow
from support.live import touch
from support.models import Commitment, Message, Task, Ticket, TicketLink, TicketStatus
from support.models.messages import Direction
from support.services.following import follow
from support.services.joining import link_tickets
from support.services.moves import restamp
from support.services.tickets import is_about_money, open_ticket
from support.subjects import title_of


@transaction.atomic
def match_sender(ticket: Ticket, affiliate: Affiliate, *, by: User, reason: str) -> None:
    """A person says whose the ticket's sender is: all that they wrote is the affiliate's at once."""
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    if ticket.contact is None or ticket.contact.affiliate_id is not None:
        raise NotNow(_("It is known already who this is."), code="known")
    match_and_give(ticket.contact, affiliate, by=by, reason=reason)


@transaction.atomic
def unmatch_sender(ticket: Ticket, *, by: User, reason: str) -> None:
    """It was not them: what the sender wrote is nobody's again, at once."""
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    if ticket.contact is None:
        raise NotNow(_("This contact belongs to no affiliate."), code="unknown")
    unmatch_and_take(ticket.contact, by=by, reason=reason)


@transaction.atomic
def match_and_give(contact: Contact, affiliate: Affiliate, *, by: User, reason: str) -> None:
    """A person says whose a contact is: all that they wrote is the affiliate's at once."""
    match_contact(contact, affiliate, by=by, reason=reason)
    give_to_affiliate(contact.pk)


@transaction.atomic
def unmatch_and_take(contact: Contact, *, by: User, reason: str, wrong: bool = True) -> None:
    """A match is taken back. `wrong`: they never were the affiliate's, and what they wrote goes with them at once."""
    former = contact.affiliate_id
    if former is None:
        raise NotNow(_("This contact belongs to no affiliate."), code="unknown")
    unmatch_contact(contact, by=by, reason=reason, wrong=wrong)
    if wrong:
        take_along(contact.pk, former)


@transaction.atomic
def give_to_affiliate(contact: int) -> None:
    """What a contact that is an affiliate's now wrote while nobody knew is the affiliate's. Called again, it finds nothing."""
    # Who files for them holds the contact, and has perhaps read it before it was matched: what they file is waited for.
    known = Contact.objects.select_for_update(no_key=True).filter(pk=contact)
    owner = known.values_list("affiliate", flat=True).first()
    if owner is None:
        return
    for pk in Ticket.objects.filter(contact=contact, affiliate=None).order_by("pk").values_list("pk", flat=True):
        ticket = _lock(pk)
        ticket.affiliate_id = owner
        ticket.save(update_fields=["affiliate"])
        follow(ticket)


def _lock(pk: int) -> Ticket:
    rows = Ticket.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("program", "channel", "chat", "affiliate", "contact").get(pk=pk)


@transaction.atomic
def take_along(contact: int, former: int) -> int:
    """What this contact wrote as somebody else goes with them: whole tickets, and out of those in which people of the affiliate wrote as
    well, their messages and what answers these. Returns how many tickets the affiliate sees no more, or not all of."""
    sender = Contact.objects.get(pk=contact)
    if sender.affiliate_id == former:
        return 0  # it was them after all
    mine = Q(contact=sender) | Q(pk__in=Message.objects.filter(contact=sender, ticket__affiliate=former).values("ticket"))
    tickets = list(Ticket.objects.filter(mine, affiliate=former).order_by("pk").values_list("pk", flat=True))
    for pk in tickets:
        ticket = _lock(pk)
        touch(ticket)  # the former one's open pages look again, too
        others = ticket.messages.filter(direction=Direction.IN).exclude(contact=sender).exists()
        if others or is_about_money(ticket):
            _take_messages(ticket, sender)
        else:
            _take_ticket(ticket, sender)
    return len(tickets)


def _take_ticket(ticket: Ticket, sender: Contact) -> None:
    data = {"contact": str(sender), "affiliate": str(ticket.affiliate)}
    ticket.contact, ticket.affiliate_id = sender, sender.affiliate_id
    ticket.save(update_fields=["contact", "affiliate"])
    ticket.messages.exclude(notify_at=None).update(notify_at=None)
    record(events.TICKET_WENT_WITH_SENDER, ticket, data=data)
    follow(ticket)


def _take_messages(ticket: Ticket, sender: Contact) -> None:
    proved = sender.addresses.exclude(
        kind=ContactAddress.Kind.UNPROVED
    )  # another's address may stand there, and what answered them
    addresses = list(proved.values_list("value", flat=True))
    wrote = Q(direction=Direction.IN, contact=sender)
    answered = Q(reply_to__contact=sender) | Q(outgoing__to__in=addresses) | Q(outgoing__chat__contact=sender)
    taken = list(ticket.messages.filter(wrote | (answered & ~Q(direction=Direction.IN))).select_related("inbound__channel"))
    if not taken:
        return
    came = next((each.inbound for each in taken if each.inbound), None)
    new = open_ticket(
        program=ticket.program,
        channel=came.channel if came else ticket.channel,
        chat=ticket.chat if ticket.chat and ticket.chat.contact_id == sender.pk else None,
        contact=sender,
        subject=title_of(taken[0].body_text) or ticket.subject,
        status=TicketStatus.OPEN if any(each.direction == Direction.OUT for each in taken) else TicketStatus.NEW,
    )
    numbers = [each.pk for each in taken]
    Message.objects.filter(pk__in=numbers).update(ticket=new, notify_at=None)
    Task.objects.filter(ticket=ticket, message__in=numbers).update(ticket=new)
    Commitment.objects.filter(ticket=ticket, message__in=numbers).update(ticket=new)
    if ticket.contact_id == sender.pk:
        ticket.contact = None
    for each in (ticket, new):
        restamp(each)
    link_tickets(ticket, new, by=None, kind=TicketLink.Kind.OTHER_SENDER)
    record(events.TICKET_WENT_WITH_SENDER, ticket, new, data={"contact": str(sender), "affiliate": str(ticket.affiliate)})
    follow(ticket)
    follow(new)
