"""What came in, already read: parsers have tests of their own."""

from __future__ import annotations

from typing import Any

from channels.models import Channel, Chat, Contact
from channels.parsed import Kind, Parsed
from channels.telegram.chats import message_ref
from core.events import ref
from support.filing import file_item
from support.models import Message
from tests.factories_support import make_inbound


def file_mail(channel: Channel, contact: Contact, text: str = "Hello", **fields: Any) -> Message:
    """The message that this mail became."""
    item = make_inbound(channel, sender=contact.addresses.first().value)
    filed = file_item(item, Parsed(fields.pop("kind", Kind.MESSAGE), contact, text=text, **fields))
    return _message(filed)


def file_chat(chat: Chat, text: str = "Hello", *, contact: Contact | None = None, number: int = 0, **fields: Any) -> Message:
    """The message that this line in a chat became; `number` is Telegram's."""
    if number:
        fields["provider_id"] = chat_id(chat, number)
    fields["replied_to"] = [chat_id(chat, each) for each in fields.pop("answers", ())]
    parsed = Parsed(fields.pop("kind", Kind.MESSAGE), contact or chat.contact, text=text, chat=chat, **fields)
    return _message(file_item(make_inbound(chat.channel), parsed))


def chat_id(chat: Chat, number: int) -> str:
    return message_ref(chat, number)


def _message(filed: str) -> Message:
    message = Message.objects.select_related("ticket").get(pk=filed.partition(":")[2])
    assert ref(message) == filed
    return message
