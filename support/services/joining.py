"""Tickets that belong together, and what does not: merging, splitting, linking.

A merge moves messages, tasks and links into the target, so that a conversation is read and threaded in one place; what stood where
is told by the event. Mails that answer the merged one find the target through their messages and `merged_into`.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from accounts.models import User
from core.access import Can, check
from core.events import record
from support import events
from support.errors import NotNow, TicketError
from support.models import Message, Ticket, TicketLink, TicketStatus, TicketType
from support.models.messages import Direction
from support.models.tickets import OPEN
from support.services.following import follow
from support.services.tickets import is_about_money, lock_ticket, open_ticket, set_status
from support.subjects import title_of


@transaction.atomic
def merge_tickets(ticket: Ticket, into: Ticket, *, by: User, reason: str = "") -> Ticket:
    """Move all of `ticket` into another one of the same affiliate (or contact) and program; it is resolved and stays as a sign.

    The target is open afterwards where either was."""
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    check(by, Can.ANSWER_TICKETS, into.program_id)
    if ticket.pk == into.pk:
        raise TicketError(_("A ticket cannot go into itself."), code="itself", field="into")
    for each in sorted([ticket, into], key=lambda each: each.pk):  # always in this order: two that merge each other wait, not die
        locked = lock_ticket(each, follow_merge=False)
        ticket, into = (locked, into) if each.pk == ticket.pk else (ticket, locked)
    _check_mergeable(ticket, into)
    moved = list(ticket.messages.order_by("pk").values_list("pk", flat=True))
    Message.objects.filter(ticket=ticket).update(ticket=into)
    ticket.tasks.update(ticket=into)
    ticket.commitments.update(ticket=into)
    _move_voices(ticket, into)
    _move_links(ticket, into)
    was = ticket.status
    ticket.assignee, ticket.snoozed_until = None, None
    set_status(ticket, TicketStatus.RESOLVED, by=by, reason=_("Went into another ticket."))
    ticket.merged_into = into
    ticket.save()
    if was in OPEN and into.status not in OPEN:
        set_status(into, TicketStatus.OPEN, by=by, reason=_("Another ticket went into it."))
    into.tags = list(dict.fromkeys([*into.tags, *ticket.tags]))
    into.affiliate = into.affiliate or ticket.affiliate
    _restamp(into)
    data = {"subject": ticket.subject, "messages": moved, "into": into.public_id}
    record(events.TICKET_MERGED, ticket, into, by=by, data=data, reason=reason)
    follow(ticket)
    follow(into)
    return into


def _check_mergeable(ticket: Ticket, into: Ticket) -> None:
    if ticket.program_id != into.program_id:
        raise NotNow(_("These belong to different programs."), code="other_program")
    if is_about_money(ticket):
        raise NotNow(_("A claim, a dispute or a request for terms is decided by itself: link it instead."), code="money")
    if into.about_payout_id is not None:  # those of the account who do not see its money would lose what they wrote
        raise NotNow(_("What is about a payout is read by those who see the money alone: link it instead."), code="money")
    same_affiliate = ticket.affiliate_id is not None and ticket.affiliate_id == into.affiliate_id
    same_contact = ticket.contact_id is not None and ticket.contact_id == into.contact_id
    # Matched after one of them was opened: the contact says whose both are.
    if not (same_affiliate or (same_contact and None in (ticket.affiliate_id, into.affiliate_id))):
        raise NotNow(_("These are of different people: link them instead, or say first who the sender is."), code="other_party")


def _move_voices(ticket: Ticket, into: Ticket) -> None:
    """What the merged one raised, the target raises; each improvement once."""
    known = into.voices.values("improvement")
    ticket.voices.filter(improvement__in=known).delete()
    ticket.voices.update(ticket=into)


def _move_links(ticket: Ticket, into: Ticket) -> None:
    """Each link of the merged one to a third is the target's; those between the two, and those it has already, stay where they are."""
    for link in TicketLink.objects.filter(Q(ticket=ticket) | Q(other=ticket)):
        third = link.other_id if link.ticket_id == ticket.pk else link.ticket_id
        known = TicketLink.objects.filter(Q(ticket=into, other=third) | Q(ticket=third, other=into)).exists()
        if third != into.pk and not known:
            link.ticket_id, link.other_id = (into.pk, third) if link.ticket_id == ticket.pk else (third, into.pk)
            link.save(update_fields=["ticket", "other"])


@transaction.atomic
def split_ticket(message: Message, *, by: User, subject: str = "", with_later: bool = False) -> Ticket:
    """A new ticket out of this message (`with_later`: and all after it); the rest stays. The first thing must stay a request: a
    ticket cannot lose all that it holds."""
    check(by, Can.ANSWER_TICKETS, message.ticket.program_id)
    ticket = lock_ticket(message.ticket, follow_merge=False)
    message = Message.objects.get(pk=message.pk)
    if message.ticket_id != ticket.pk:
        raise NotNow(_("Somebody has moved this message in the meantime. Reload and look again."), code="moved")
    moving = Q(pk=message.pk)
    if with_later:
        moving |= Q(created_at__gt=message.created_at) | Q(created_at=message.created_at, pk__gt=message.pk)
    moved = list(ticket.messages.filter(moving).order_by("created_at", "pk"))
    if not ticket.messages.exclude(pk__in=[each.pk for each in moved]).exists():
        raise NotNow(_("Then nothing would be left in this ticket."), code="whole")
    turned = any(each.direction == Direction.OUT for each in moved)
    new = open_ticket(
        program=ticket.program,
        channel=ticket.channel,
        chat=ticket.chat,
        affiliate=ticket.affiliate,
        contact=message.contact or ticket.contact,
        subject=subject.strip() or title_of(message.body_text) or ticket.subject,
        type=TicketType.QUESTION if is_about_money(ticket) else ticket.type,  # what is claimed stays where it was claimed
        priority=ticket.priority,
        tags=ticket.tags,
        language=ticket.language,
        status=TicketStatus.OPEN if turned else TicketStatus.NEW,
        by=by,
    )
    Message.objects.filter(pk__in=[each.pk for each in moved]).update(ticket=new)
    ticket.tasks.filter(message__in=moved).update(ticket=new)
    ticket.commitments.filter(message__in=moved).update(ticket=new)
    new.parent, new.about_payout = ticket, ticket.about_payout  # still read by those alone who see the account's money
    _restamp(new)
    _restamp(ticket)
    TicketLink.objects.create(ticket=ticket, other=new, kind=TicketLink.Kind.SPLIT, created_by=by)
    data = {"subject": new.subject, "messages": [each.pk for each in moved], "new": new.public_id}
    record(events.TICKET_SPLIT, ticket, new, by=by, data=data)
    follow(ticket)
    follow(new)
    return new


def _restamp(ticket: Ticket) -> None:
    """The times of its last messages, after these have moved."""
    last: dict[str, datetime | None] = ticket.messages.aggregate(
        last_at=Max("created_at"),
        last_in_at=Max("created_at", filter=Q(direction=Direction.IN, automatic="")),
        last_out_at=Max("created_at", filter=Q(direction=Direction.OUT)),
    )
    ticket.last_at = last["last_at"] or ticket.created_at
    ticket.last_in_at, ticket.last_out_at = last["last_in_at"], last["last_out_at"]
    ticket.save()


@transaction.atomic
def link_tickets(ticket: Ticket, other: Ticket, *, by: User | None, kind: str = TicketLink.Kind.RELATED) -> TicketLink:
    """Say that these belong together; once, whichever way round."""
    if by is not None:
        check(by, Can.ANSWER_TICKETS, ticket.program_id)
        check(by, Can.ANSWER_TICKETS, other.program_id)
    if ticket.pk == other.pk:
        raise TicketError(_("A ticket is not linked to itself."), code="itself", field="other")
    list(Ticket.objects.select_for_update(no_key=True).filter(pk__in=[ticket.pk, other.pk]).order_by("pk").values("pk"))
    there = TicketLink.objects.filter(Q(ticket=ticket, other=other) | Q(ticket=other, other=ticket)).first()
    if there is not None:
        return there
    link = TicketLink.objects.create(ticket=ticket, other=other, kind=kind, created_by=by)
    record(events.TICKET_LINKED, ticket, other, by=by, data={"kind": str(TicketLink.Kind(kind).label)})
    return link
