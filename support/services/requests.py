"""What an affiliate asked somewhere else, written down: over the API, or by a person on the affiliate's behalf."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from affiliates.models import Affiliate
from channels.models import Channel, Chat, Contact, ContactAddress
from core.access import Can, check
from programs.models import Program
from support.errors import TicketError
from support.models import Ticket
from support.services.messages import clean_text, receive
from support.services.tickets import open_ticket, portal_channel


@transaction.atomic
def record_request(
    *,
    program: Program,
    subject: str,
    text: str,
    affiliate: Affiliate | None = None,
    contact: Contact | None = None,
    channel: Channel | None = None,
    by: User,
) -> Ticket:
    """A new ticket with its first message. It is answered through `channel`; where none is named, in the program's portal if the
    affiliate is known, else by mail or in the chat where the contact can be reached."""
    check(by, Can.ANSWER_TICKETS, program.pk)
    if affiliate is None and contact is None:
        raise TicketError(_("Say who asks: an affiliate or a contact."), code="required", field="affiliate")
    if contact is not None and affiliate is not None and contact.affiliate_id != affiliate.pk:
        raise TicketError(_("This contact is not this affiliate's."), code="other_party", field="contact")
    affiliate = affiliate or (contact.affiliate if contact else None)
    if channel is None:
        channel = portal_channel(program) if affiliate else _reaching(program, contact)
    chat = _way(channel, program, affiliate, contact)
    ticket = open_ticket(
        program=program, channel=channel, subject=subject, affiliate=affiliate, contact=contact, chat=chat, by=by
    )
    return receive(ticket, text=clean_text(text, ()), contact=contact).ticket


def _reaching(program: Program, contact: Contact | None) -> Channel:
    active = Channel.objects.filter(program=program, status=Channel.Status.ACTIVE)
    chat = (
        Chat.objects.filter(channel__in=active, contact=contact, closed_reason="")
        .select_related("channel")
        .order_by("-pk")
        .first()
    )
    if chat is not None:
        return chat.channel
    mailbox = active.filter(kind=Channel.Kind.EMAIL).order_by("pk").first()
    if mailbox is None or not _has_address(contact):
        raise TicketError(_("Nothing of this program reaches this contact: name a channel."), code="no_way", field="channel")
    return mailbox


def _way(channel: Channel, program: Program, affiliate: Affiliate | None, contact: Contact | None) -> Chat | None:
    """The chat in which a messenger's ticket is answered. TicketError where the channel cannot carry an answer."""
    if channel.program_id != program.pk:
        raise TicketError(_("This channel belongs to another program."), code="other_program", field="channel")
    if channel.status == Channel.Status.CLOSED:
        raise TicketError(_("This channel is closed."), code="channel_closed", field="channel")
    if channel.kind == Channel.Kind.PORTAL and affiliate is None:
        raise TicketError(_("Who is not known as an affiliate has no portal."), code="no_way", field="channel")
    if channel.kind == Channel.Kind.EMAIL and affiliate is None and not _has_address(contact):
        raise TicketError(_("No e-mail address of theirs is known."), code="no_way", field="channel")
    if channel.kind != Channel.Kind.TELEGRAM:
        return None
    chats = Chat.objects.filter(channel=channel, closed_reason="").order_by("-pk")
    chat = (chats.filter(contact=contact) if contact else chats.filter(contact__affiliate=affiliate)).first()
    if chat is None:
        raise TicketError(
            _("There is no chat with them yet: they have to write to the bot first."), code="no_way", field="channel"
        )
    return chat


def _has_address(contact: Contact | None) -> bool:
    return contact is not None and contact.addresses.filter(kind=ContactAddress.Kind.EMAIL).exists()
