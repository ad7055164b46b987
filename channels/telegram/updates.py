"""Updates as Telegram sends them (https://core.telegram.org/bots/api#update), read: nothing here asks the database or the network.

Every field is somebody else's: what is not as documented is told as Malformed, and nothing else is raised.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

# What getUpdates and setWebhook ask for. Reactions and inline queries are no requests of anybody's.
ALLOWED = [
    "message", "edited_message", "callback_query", "my_chat_member",
    "business_connection", "business_message", "edited_business_message", "deleted_business_messages",
]  # fmt: skip
MOST_TEXT = 100_000  # characters; Telegram's own messages have 4,096

_ANONYMOUS_ADMIN = 1087968824  # GroupAnonymousBot: the group itself has spoken
_MESSAGES = {
    "message": False, "edited_message": True, "business_message": False, "edited_business_message": True,
}  # fmt: skip


class Malformed(Exception):
    """Not an update as the documentation describes it."""


@dataclass(frozen=True)
class Sender:
    id: int
    name: str
    username: str = ""
    language: str = ""
    is_bot: bool = False


@dataclass(frozen=True)
class ChatRef:
    id: int
    private: bool
    title: str
    username: str = ""


@dataclass(frozen=True)
class FileRef:
    """A file that waits at Telegram. `size` is in bytes, 0 where Telegram does not say."""

    id: str
    name: str
    size: int = 0


@dataclass(frozen=True)
class Said:
    """A message, or its edited form."""

    chat: ChatRef
    sender: Sender
    message_id: int
    edited: bool = False
    connection: str = ""  # business_connection_id
    text: str = ""
    quoted: str = ""
    replied_to: int | None = None
    topic: str = ""  # message_thread_id, in a forum supergroup (is_topic_message); "" is "General", and every other chat
    command: str = ""
    argument: str = ""
    files: list[FileRef] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    by_bot: int | None = None  # sender_business_bot: which bot wrote it for the account
    away: bool = False  # is_from_offline: an away or greeting message, or a scheduled one


@dataclass(frozen=True)
class Housekeeping:
    """Something happened to a chat that nobody wrote: who joined, a new title, a pinned message, a larger group."""

    chat: ChatRef
    migrated_to: int | None = None


@dataclass(frozen=True)
class Membership:
    """The bot's own place in a chat has changed."""

    chat: ChatRef
    sender: Sender
    status: str  # creator administrator member restricted left kicked


@dataclass(frozen=True)
class Connection:
    """One of the company's accounts was connected, changed or disconnected."""

    id: str
    account: Sender
    can_reply: bool
    can_edit_name: bool
    is_enabled: bool


@dataclass(frozen=True)
class Deleted:
    connection: str
    chat: ChatRef
    message_ids: list[int]


@dataclass(frozen=True)
class Pressed:
    """A button under one of our messages (`callback_query`)."""

    id: str
    sender: Sender
    data: str
    chat: ChatRef | None
    message_id: int | None


Update = Said | Housekeeping | Membership | Connection | Deleted | Pressed


def read_update(raw: bytes) -> tuple[int, Update | str]:
    """The update's id and what it says; a kind that nobody here asked for comes as its name. Raises Malformed."""
    try:
        update = json.loads(raw)
        number = update["update_id"]
        if not isinstance(number, int) or isinstance(number, bool):
            raise Malformed("update_id")
        kind = next((name for name in update if name != "update_id"), "")
        reader = _READERS.get(kind)
        return number, reader(update[kind]) if reader else kind
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        raise Malformed(f"{type(error).__name__}: {error}") from None


def _clean(text: Any) -> str:
    """PostgreSQL keeps no NUL; half a pair of surrogates is no text."""
    return str(text or "").replace("\x00", "").encode("utf-8", "replace").decode()[:MOST_TEXT]


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**63) < value < 2**63:
        raise Malformed("an id that is no number")
    return value


def _sender(user: dict[str, Any]) -> Sender:
    name = " ".join(part for part in (_clean(user.get("first_name")), _clean(user.get("last_name"))) if part)
    username = _clean(user.get("username"))
    return Sender(
        _number(user["id"]),
        (name or username)[:160],
        username[:64],
        _clean(user.get("language_code"))[:10],
        user.get("is_bot") is True,
    )


def _chat(chat: dict[str, Any]) -> ChatRef:
    private = chat.get("type") == "private"
    title = chat.get("title") or _sender(chat).name
    return ChatRef(_number(chat["id"]), private, _clean(title)[:200], _clean(chat.get("username"))[:64])


def _who(message: dict[str, Any]) -> Sender:
    """The person; or, where a group's anonymous admin or a channel speaks, that chat itself."""
    user, speaking = message.get("from"), message.get("sender_chat")
    if speaking and (user is None or user.get("id") == _ANONYMOUS_ADMIN or user.get("is_bot")):
        return Sender(_number(speaking["id"]), _chat(speaking).title[:160], _clean(speaking.get("username"))[:64])
    return _sender(user if user is not None else message["chat"])


def _message(edited: bool) -> Callable[[dict[str, Any]], Update]:
    def read(message: dict[str, Any]) -> Update:
        text, notes = _text(message)
        files = _files(message)
        chat = _chat(message["chat"])
        if not text and not files and not notes:
            moved = message.get("migrate_to_chat_id")
            return Housekeeping(chat, _number(moved) if moved is not None else None)
        command, argument = _command(message)
        original = message.get("reply_to_message") or {}
        quote = message.get("quote") or {}
        by_bot = (message.get("sender_business_bot") or {}).get("id")
        topic = _number(message["message_thread_id"]) if message.get("is_topic_message") is True else None
        if original and topic == original.get("message_id"):
            original = {}  # what begins a topic is named by every message in it that answers nothing
        return Said(
            chat=chat,
            sender=_who(message),
            message_id=_number(message["message_id"]),
            edited=edited,
            connection=_clean(message.get("business_connection_id"))[:128],
            text=text,
            quoted=_clean(quote.get("text")),
            replied_to=_number(original["message_id"]) if original else None,
            topic="" if topic is None else str(topic),
            command=command,
            argument=argument,
            files=files,
            notes=notes,
            by_bot=_number(by_bot) if by_bot is not None else None,
            away=message.get("is_from_offline") is True,
        )

    return read


def _text(message: dict[str, Any]) -> tuple[str, list[str]]:
    """What it says, in words: also of what is no text (a place, a contact, a poll). Notes tell what words cannot."""
    text = _clean(message.get("text") or message.get("caption"))
    notes: list[str] = []
    if forwarded := message.get("forward_origin"):
        notes.append(_("Forwarded from %(whom)s.") % {"whom": _origin(forwarded)})
    if contact := message.get("contact"):
        card = f"{_clean(contact.get('first_name'))} {_clean(contact.get('last_name'))}".strip()
        text = f"{card}\n{_clean(contact.get('phone_number'))}"
    elif place := message.get("venue") or message.get("location"):
        where = place.get("location", place)
        named = [
            _clean(place.get("title")),
            _clean(place.get("address")),
            f"{float(where['latitude'])}, {float(where['longitude'])}",
        ]
        text = "\n".join(part for part in named if part)
    elif poll := message.get("poll"):
        text = "\n".join(
            [_clean(poll.get("question")), *(f"– {_clean(option.get('text'))}" for option in poll.get("options", []))]
        )
    elif dice := message.get("dice"):
        text = f"{_clean(dice.get('emoji'))} {_clean(dice.get('value'))}"
    elif sticker := message.get("sticker"):
        text = _clean(sticker.get("emoji")) or _("A sticker")
    elif message.get("story"):
        notes.append(_("They sent a story, which bots cannot open."))
    elif message.get("paid_media") or message.get("giveaway") or message.get("checklist"):
        notes.append(_("They sent something that bots cannot open. Look at it in Telegram."))
    return text, notes


def _origin(origin: dict[str, Any]) -> str:
    if user := origin.get("sender_user"):
        return _sender(user).name
    if chat := origin.get("chat") or origin.get("sender_chat"):
        return _chat(chat).title
    return _clean(origin.get("sender_user_name")) or _("someone")


def _files(message: dict[str, Any]) -> list[FileRef]:
    """The largest form of a photo; every other file as it is. An animation comes as a document besides, so that one is enough."""
    found: list[FileRef] = []
    if photos := message.get("photo"):
        largest = max(photos, key=lambda size: int(size.get("width") or 0) * int(size.get("height") or 0))
        found.append(_file(largest, "photo.jpg"))
    for kind, name in _FILES.items():
        if (file := message.get(kind)) and not (kind == "document" and message.get("animation")):
            found.append(_file(file, name))
    return found


_FILES = {
    "document": "document", "animation": "animation.mp4", "audio": "audio.mp3", "video": "video.mp4", "video_note": "video-note.mp4",
    "voice": "voice.ogg",
}  # fmt: skip


def _file(file: dict[str, Any], name: str) -> FileRef:
    return FileRef(_clean(file["file_id"]), _clean(file.get("file_name")) or name, int(file.get("file_size") or 0))


def _command(message: dict[str, Any]) -> tuple[str, str]:
    """A command that the message begins with: "/money@tributary_bot last month" is ("money", "last month")."""
    first: dict[str, Any] = next(iter(message.get("entities") or []), {})
    text = _clean(message.get("text"))
    if first.get("type") != "bot_command" or first.get("offset") != 0:
        return "", ""
    word, _space, rest = text.partition(" ")
    return word.split()[0].lstrip("/").partition("@")[0].lower()[:32], rest.strip()


def _member(change: dict[str, Any]) -> Membership:
    return Membership(_chat(change["chat"]), _sender(change["from"]), _clean(change["new_chat_member"]["status"]))


def _connection(connection: dict[str, Any]) -> Connection:
    """`rights` (BusinessBotRights) since Bot API 9.0; before it `can_reply` stood beside them."""
    rights = connection.get("rights") or {"can_reply": connection.get("can_reply")}
    return Connection(
        _clean(connection["id"])[:128],
        _sender(connection["user"]),
        rights.get("can_reply") is True,
        rights.get("can_edit_name") is True,
        connection["is_enabled"] is True,
    )


def read_connection(connection: Any) -> Connection:
    """The answer of getBusinessConnection. Raises Malformed."""
    try:
        return _connection(connection)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Malformed(f"{type(error).__name__}: {error}") from None


def _deleted(gone: dict[str, Any]) -> Deleted:
    return Deleted(
        _clean(gone["business_connection_id"])[:128], _chat(gone["chat"]), [_number(number) for number in gone["message_ids"]]
    )


def _pressed(query: dict[str, Any]) -> Pressed:
    under = query.get("message") or {}
    return Pressed(
        _clean(query["id"]),
        _sender(query["from"]),
        _clean(query.get("data"))[:64],
        _chat(under["chat"]) if under else None,
        _number(under["message_id"]) if under else None,
    )


_READERS: dict[str, Callable[[dict[str, Any]], Update]] = {
    **{kind: _message(edited) for kind, edited in _MESSAGES.items()},
    "my_chat_member": _member,
    "business_connection": _connection,
    "deleted_business_messages": _deleted,
    "callback_query": _pressed,
}
