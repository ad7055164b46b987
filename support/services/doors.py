"""By which door somebody is answered whose request came in where nothing can be written: a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from channels.models import Channel, Chat, Contact, ContactAddress
from channels.telegram.chats import why_silent
from core.access import Can, check
from core.events import record
from support import events
from support.errors import NotNow, TicketError
from support.models import Ticket
from support.services.following import follow
from support.services.tickets import lock_ticket, portal_channel


@dataclass(frozen=True)
class Door:
    """One way to them. `key` names it in a form."""

    key: str
    label: str
    channel: Channel
    chat: Chat | None = None


def doors_of(ticket: Ticket) -> list[Door]:
    """The ways by which they can be written to in the ticket's program, the best first: where they wrote last, else the portal,
    the chat, the mail."""
    found = [*_portal(ticket), *_chats(ticket), *_mail(ticket)]
    last = _wrote_last(ticket)
    return sorted(found, key=lambda door: door.channel.pk != last)


def _portal(ticket: Ticket) -> list[Door]:
    if ticket.affiliate is None:
        return []
    return [Door("portal", _("In their portal"), portal_channel(ticket.program))]


def _chats(ticket: Ticket) -> list[Door]:
    active = Channel.objects.filter(program=ticket.program, status=Channel.Status.ACTIVE)
    chats = Chat.objects.filter(channel__in=active, contact__in=_contacts(ticket), kind="private", closed_reason="")
    rows = chats.select_related("channel", "business", "contact").order_by("-pk")
    return [
        Door(f"chat-{chat.pk}", _("In Telegram: %(name)s") % {"name": chat.contact}, chat.channel, chat)
        for chat in rows
        if not why_silent(chat)
    ]


def _mail(ticket: Ticket) -> list[Door]:
    mailbox = Channel.objects.filter(program=ticket.program, status=Channel.Status.ACTIVE, kind=Channel.Kind.EMAIL)
    found = mailbox.order_by("pk").first()
    address = ""
    if ticket.contact is not None:
        rows = ticket.contact.addresses.filter(kind=ContactAddress.Kind.EMAIL).order_by("-pk")
        address = rows.values_list("value", flat=True).first() or ""
    address = address or (ticket.affiliate.email if ticket.affiliate else "")
    if found is None or not address:
        return []
    return [Door(f"mail-{found.pk}", _("By mail: %(address)s") % {"address": address}, found)]


def _contacts(ticket: Ticket) -> list[int]:
    if ticket.affiliate is None:
        return [ticket.contact_id] if ticket.contact_id else []
    return list(Contact.objects.filter(affiliate=ticket.affiliate).values_list("pk", flat=True))


def _wrote_last(ticket: Ticket) -> int | None:
    """The channel of this program through which they wrote last, calls aside."""
    whose: dict[str, Any] = {"affiliate": ticket.affiliate} if ticket.affiliate else {"contact": ticket.contact}
    rows = Ticket.objects.filter(program=ticket.program, last_in_at__isnull=False, **whose)
    written = rows.exclude(channel__kind=Channel.Kind.PHONE)
    return written.order_by("-last_in_at").values_list("channel", flat=True).first()


@transaction.atomic
def answer_through(ticket: Ticket, key: str, *, by: User) -> Ticket:
    """From now on the ticket of a call is answered through this door (empty: the best one); it stands in its history."""
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    ticket = lock_ticket(ticket)
    if ticket.channel.kind != Channel.Kind.PHONE:
        return ticket
    doors = doors_of(ticket)
    door = next((each for each in doors if key in ("", each.key)), None)
    if not doors:
        raise NotNow(_("Nothing reaches them in writing: call, and write down what was said."), code="no_way")
    if door is None:
        raise TicketError(_("Choose how to answer."), code="no_way", field="door")
    ticket.channel, ticket.chat = door.channel, door.chat
    ticket.save(update_fields=["channel", "chat"])
    record(events.ANSWERED_THROUGH, ticket, by=by, data={"door": door.label})
    follow(ticket)
    return ticket
