"""Buttons under our messages: `callback_data` is "<prefix>:<rest>", at most 64 bytes, and whoever registered the prefix hears of
a tap. Apps above register in their `apps.py`: register_buttons("csat", rate_by_button)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from channels import outgoing
from channels.models import Channel, Chat, Contact
from channels.parsed import Quarantine
from channels.telegram.chats import contact_of
from channels.telegram.updates import Pressed

MOST_DATA = 64  # bytes ("InlineKeyboardButton")
MOST_ANSWER = 200  # characters ("answerCallbackQuery")


@dataclass(frozen=True)
class Press:
    """A tap on a button. Whoever may tap is whoever sees the message, in a group anybody: the handler asks who `contact` is."""

    channel: Channel
    contact: Contact
    chat: Chat | None
    data: str  # without the prefix


@dataclass(frozen=True)
class Answer:
    """What a tap led to: a reference of it ("rating:7"), and a sentence that the person sees."""

    ref: str
    text: str = ""


Handler = Callable[[Press], Answer]
_handlers: dict[str, Handler] = {}


def register_buttons(prefix: str, handler: Handler) -> None:
    """`handler` runs in the transaction in which the tap is filed, perhaps again for the same one. Quarantine where it makes no
    sense of it."""
    _handlers[prefix] = handler


def make_data(prefix: str, rest: str) -> str:
    """What a button carries. Raises ValueError where Telegram would not take it."""
    data = f"{prefix}:{rest}"
    if len(data.encode()) > MOST_DATA:
        raise ValueError(f"a button carries {MOST_DATA} bytes at most: {data}")
    return data


def press(channel: Channel, pressed: Pressed) -> str:
    """Hand a tap to whoever knows its prefix, and have Telegram told, so that the button stops turning."""
    prefix, _colon, rest = pressed.data.partition(":")
    handler = _handlers.get(prefix)
    if handler is None:
        raise Quarantine(_("Somebody tapped a button that nobody here knows (%(data)s).") % {"data": pressed.data})
    where = pressed.chat.id if pressed.chat else None
    chat = Chat.objects.filter(channel=channel, provider_id=where).order_by("business_id").first() if where else None
    answer = handler(Press(channel, contact_of(channel, pressed.sender), chat, rest))
    told = {"method": "answerCallbackQuery", "callback_query_id": pressed.id, "text": answer.text[:MOST_ANSWER]}
    outgoing.queue(channel, f"tap:{pressed.id}"[:320], told, key=f"tap:{channel.pk}:{pressed.id}"[:120])
    return answer.ref
