"""How our words reach the affiliate: by mail, into a chat, or, in the portal, by being there."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from channels.models import Channel, Chat, Contact, ContactAddress, Outgoing
from channels.outgoing import queue
from channels.telegram.chats import message_ref, why_silent
from channels.tokens import make_message_id, make_reply_address
from core.events import ref
from support.errors import NotNow
from support.models import Message, Ticket
from support.models.messages import Direction
from support.subjects import bare_subject

MOST_REFERENCES = 20  # RFC 5322, 3.6.4 wants them all; servers cut long headers. The first one and the newest lead everywhere.
_MESSAGE_ID = re.compile(
    r"[\x21-\x3b\x3d\x3f-\x7e]{1,250}"
)  # what may stand between angle brackets in a header; a chat's names hold spaces


def deliver(message: Message) -> None:
    """Queue the new message for the ticket's channel, in the caller's transaction. NotNow where there is no way."""
    channel = message.ticket.channel
    if channel.kind == Channel.Kind.PORTAL:
        message.notify_at = timezone.now() + timedelta(minutes=settings.PORTAL_NOTIFY_MINUTES)
        message.save(update_fields=["notify_at"])
        return
    if channel.status == Channel.Status.CLOSED:
        raise NotNow(_("%(channel)s is closed: nothing goes out through it.") % {"channel": channel}, code="channel_closed")
    if channel.kind == Channel.Kind.EMAIL:
        _by_mail(message, channel)
    elif channel.kind == Channel.Kind.TELEGRAM:
        _into_chat(message, channel)
    else:
        raise NotNow(_("Nothing can be written to a phone: call, and write down what was said."), code="no_way")


def _by_mail(message: Message, channel: Channel) -> None:
    ticket, address = message.ticket, str(channel.settings.get("address", ""))
    to = mail_address(message)
    if not to:
        raise NotNow(_("No e-mail address of theirs is known."), code="no_way")
    message.provider_id = make_message_id(ticket.public_id, message.public_id, address)
    parent, references = _thread(message)
    subject = f"Re: {bare_subject(ticket.subject)}" if parent else ticket.subject
    headers = {"Message-ID": f"<{message.provider_id}>", "Reply-To": make_reply_address(ticket.public_id, address)}
    if parent:
        headers |= {"In-Reply-To": f"<{parent}>", "References": " ".join(f"<{name}>" for name in references)}
    if message.direction == Direction.AUTO:  # RFC 3834, 5: so that no other machine answers it
        headers |= {"Auto-Submitted": "auto-replied" if parent else "auto-generated", "X-Auto-Response-Suppress": "All"}
    payload = {"subject": subject, "text": message.body_text, "headers": headers, "files": _files(message)}
    message.outgoing = _queue(channel, to, payload, message)
    message.save(update_fields=["provider_id", "outgoing"])


def mail_address(message: Message) -> str:
    """Where the affiliate reads: the address that wrote last into this ticket, else the contact's, else the affiliate's."""
    ticket = message.ticket
    last = message.reply_to if message.reply_to and message.reply_to.contact else _last_in(ticket)
    contact = last.contact if last else ticket.contact
    if contact is not None and not _has_left(contact, ticket):
        rows = contact.addresses.filter(kind__in=[ContactAddress.Kind.EMAIL, ContactAddress.Kind.UNPROVED]).order_by("-pk")
        sender = last.inbound.sender.lower() if last and last.inbound else ""
        addresses = sorted(rows.values_list("value", flat=True), key=lambda address: address.lower() not in sender)
        if addresses:
            return addresses[0]
    return ticket.affiliate.email if ticket.affiliate else ""


def _has_left(contact: Contact, ticket: Ticket) -> bool:
    """Whether an affiliate's ticket would be answered to somebody who is known to belong to it no more."""
    return ticket.affiliate_id is not None and contact.affiliate_id != ticket.affiliate_id


def _last_in(ticket: Ticket) -> Message | None:
    """The newest message that a known person of theirs wrote."""
    rows = ticket.messages.filter(direction=Direction.IN, automatic="", contact__isnull=False)
    return rows.select_related("contact", "inbound").order_by("created_at", "pk").last()


def _thread(message: Message) -> tuple[str, list[str]]:
    """What the mail answers, and the mails before it with that one last (In-Reply-To, References: RFC 5322, 3.6.4)."""
    rows = message.ticket.messages.exclude(pk=message.pk).exclude(provider_id="").order_by("created_at", "pk")
    mails = [(name, direction) for name, direction in rows.values_list("provider_id", "direction") if _MESSAGE_ID.fullmatch(name)]
    if not mails:
        return "", []
    names = list(dict.fromkeys(name for name, _direction in mails))
    asked = [name for name, direction in mails if direction == Direction.IN]
    answered = message.reply_to.provider_id if message.reply_to else ""
    parent = answered if answered in names else (asked or names)[-1]
    before = [name for name in names if name != parent]
    if len(before) >= MOST_REFERENCES:
        before = [before[0], *before[2 - MOST_REFERENCES :]]
    return parent, [*before, parent]


def _into_chat(message: Message, channel: Channel) -> None:
    chat = message.ticket.chat
    if chat is None:
        raise NotNow(_("There is no chat with them yet: they have to write to the bot first."), code="no_way")
    if chat.contact is not None and _has_left(chat.contact, message.ticket):
        raise NotNow(
            _("Whoever writes in this chat does not belong to %(affiliate)s any more: answer them another way.")
            % {"affiliate": message.ticket.affiliate},
            code="other_party",
        )
    if silent := why_silent(chat):
        raise NotNow(silent, code="chat_closed")
    payload: dict[str, Any] = {"text": message.body_text, "files": _files(message)}
    if number := _number_in(chat, message.reply_to.provider_id if message.reply_to else ""):
        payload["reply_parameters"] = {"message_id": number, "allow_sending_without_reply": True}
    if topic := _topic(message):
        payload["message_thread_id"] = int(topic)
    message.outgoing = _queue(channel, str(chat.provider_id), payload, message, chat=chat)
    message.save(update_fields=["outgoing"])


def _topic(message: Message) -> str:
    """Of a group with topics: the one in which what is answered was written, else what was last written in the ticket."""
    if message.ticket.chat is None or message.ticket.chat.contact_id is not None:
        return ""
    if message.reply_to is not None:
        return message.reply_to.topic
    last = message.ticket.messages.filter(direction=Direction.IN).order_by("-created_at", "-pk")
    return last.values_list("topic", flat=True).first() or ""


def _number_in(chat: Chat, provider_id: str) -> int | None:
    """Telegram's number of a message, where that is one of this chat as it is now."""
    number = provider_id.rpartition(" ")[2]
    return int(number) if number.isdigit() and provider_id == message_ref(chat, int(number)) else None


def _files(message: Message) -> list[dict[str, Any]]:
    return [{"file": each.file_id, "name": each.name} for each in message.attachments.all()]


def _queue(channel: Channel, to: str, payload: dict[str, Any], message: Message, *, chat: Chat | None = None) -> Outgoing:
    return queue(channel, to, payload, key=ref(message), about=ref(message), chat=chat)
