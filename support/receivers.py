"""What support makes of facts of lower apps."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from channels.models import Outgoing
from channels.telegram.chats import message_ref
from core.events import receiver
from core.models import Event
from support.models import Message, Ticket, TicketStatus
from support.models.messages import Direction
from support.rating_ways import ask_for_rating
from support.services.assignment import hand_back, hand_over
from support.services.clocks import refresh_open_tickets
from support.services.following import follow
from support.services.missing_sales import look_again
from support.services.parties import give_to_affiliate, take_along
from support.services.tickets import lock_ticket, set_status


@receiver("contact.matched")
def give_tickets_to_affiliate(event: Event) -> None:
    """Once it is known who writes, what they have written is that affiliate's."""
    give_to_affiliate(_contact_of(event))


@receiver("contact.unmatched")
def take_what_was_never_theirs(event: Event) -> None:
    """Who was matched with the wrong affiliate takes along what they wrote. Who has left it leaves it there."""
    if event.data.get("wrong"):
        take_along(_contact_of(event), event.data["former"])


def _contact_of(event: Event) -> int:
    return next(int(about.partition(":")[2]) for about in event.about if about.startswith("contact:"))


@receiver("outgoing.sent")
def note_provider_id(event: Event) -> None:
    """Under what name a messenger knows our message: what answers it names that. Of a mail it was known before."""
    message = _message_of(event)
    chat = message.outgoing.chat if message and message.outgoing else None
    number = str(event.data.get("provider_id") or "")
    if message is not None and chat is not None and number.isdigit() and not message.provider_id:
        message.provider_id = message_ref(chat, int(number))
        message.save(update_fields=["provider_id"])


@receiver("outgoing.failed", "outgoing.unknown")
def open_ticket_of_unsent(event: Event) -> None:
    """Our words did not go out, or nobody knows whether they did: it is our turn still."""
    message = _message_of(event)
    if message is None or message.outgoing is None:
        return
    if message.outgoing.status not in (Outgoing.Status.FAILED, Outgoing.Status.UNKNOWN):
        return  # somebody has decided about it since
    with transaction.atomic():
        ticket = lock_ticket(message.ticket)
        if ticket.status in (TicketStatus.PENDING, TicketStatus.RESOLVED):
            set_status(ticket, TicketStatus.OPEN, by=None, reason=_("Our message has not been delivered."))
            ticket.save()
        follow(ticket)


def _message_of(event: Event) -> Message | None:
    kind, _colon, pk = str(event.data.get("about", "")).partition(":")
    if kind != "message" or not pk.isdigit():
        return None
    return Message.objects.select_related("ticket", "outgoing__chat").filter(pk=int(pk)).first()


@receiver("calendar.changed")
def count_by_new_hours(event: Event) -> None:
    """What is open is due by the calendar's new hours."""
    refresh_open_tickets()


@receiver("affiliate.updated")
def choose_levels_anew(event: Event) -> None:
    """Another segment may mean another service level."""
    affiliates = [int(about.partition(":")[2]) for about in event.about if about.startswith("affiliate:")]
    refresh_open_tickets(affiliates=affiliates)


@receiver("cover.ended")
def give_tickets_back(event: Event) -> None:
    """The account is its manager's again, and so is what is still open in it."""
    hand_back(event.data["cover"])


@receiver("cover.started")
def give_tasks_over(event: Event) -> None:
    """Whoever covers the account does what falls due in that time."""
    hand_over(event.data["cover"])


@receiver("conversion.told_otherwise")
def look_at_a_claimed_order(event: Event) -> None:
    """The shop tells another amount than the claim was decided with: whoever decided has that to look at."""
    look_again(event.data)


@receiver("ticket.status_changed")
def ask_after_resolving(event: Event) -> None:
    """Once it is resolved, whoever was helped is asked how."""
    if event.data.get("to") == TicketStatus.RESOLVED:
        pk = next(int(about.partition(":")[2]) for about in event.about if about.startswith("ticket:"))
        ask_for_rating(Ticket.objects.get(pk=pk))


@receiver("chat.introduced")
def show_introduction(event: Event) -> None:
    """The contact was told who writes to them now: it stands in the ticket that is open in their chat."""
    row = Outgoing.objects.select_related("chat").filter(pk=event.data.get("outgoing")).first()
    if row is None or Message.objects.filter(outgoing=row).exists():
        return
    ticket = Ticket.objects.filter(chat=row.chat).unresolved().order_by("-last_at").first()
    if ticket is not None:
        Message.objects.write(
            ticket,
            direction=Direction.AUTO,
            body_text=event.data["text"],
            is_answer=False,
            outgoing=row,
            created_at=event.at,
        )
