"""What an item that came in says, whatever door it came through: the one shape that parsers make and filers read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from channels.models import Chat, Contact, InboundItem
from core.errors import Refusal


class Quarantine(Refusal):
    """This item cannot be filed by itself; its text is the reason that a person reads. It stays, whole, for them to decide."""


class Automatic(StrEnum):
    """What no person wrote. None of these is ever answered automatically."""

    NO = ""
    REPLY = "reply"  # RFC 3834: out of office, an autoresponder's answer
    GENERATED = "generated"  # RFC 3834, mailing lists, other systems
    BOUNCE = "bounce"  # RFC 3464, or a null sender
    LOOP = "loop"  # our own words come back


class Authenticity(StrEnum):
    """Whether a message is from whom it says (channels.authentication). A messenger has no doubt of that."""

    PROVED = ""
    UNPROVED = "unproved"  # nobody says anything about it
    DOUBTFUL = "doubtful"  # the mailbox's own server says that it is not


@dataclass(frozen=True)
class ParsedFile:
    name: str  # made safe
    content: bytes
    content_id: str = ""


@dataclass(frozen=True)
class Bounce:
    """A delivery status notification (RFC 3464): which of our messages did not arrive, where, and why."""

    recipient: str
    status: str  # "5.1.1"
    diagnostic: str
    message_id: str = ""


class Kind(StrEnum):
    MESSAGE = "message"
    EDIT = "edit"  # of an earlier message, named by `provider_id`
    DELETION = "deletion"  # of those named in `deleted`


@dataclass(frozen=True)
class Parsed:
    """One message as its sender meant it. Texts hold no NUL and are bounded; the whole stays in the item's raw bytes."""

    kind: Kind
    contact: Contact  # who wrote: found or made by channels, never guessed into an affiliate's account
    text: str = ""
    html: str = ""  # untrusted
    quoted: str = ""
    subject: str = ""
    files: list[ParsedFile] = field(default_factory=list)
    provider_id: str = ""  # as support.Message.provider_id
    replied_to: list[str] = field(
        default_factory=list
    )  # provider ids, the nearest first (In-Reply-To, References; a chat's reply)
    tokens: list[str] = field(default_factory=list)  # public ids of tickets out of our own tokens, signature checked
    chat: Chat | None = None
    topic: str = ""  # of a group with topics: which one
    automatic: Automatic = Automatic.NO
    bounces: list[Bounce] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    written_by_us: bool = False  # in a company account, by its person on their own device: an answer that did not come from here
    command: str = ""  # Telegram: "/money" is "money"
    authenticity: Authenticity = Authenticity.PROVED
    claims: Contact | None = None  # of a doubtful one: whose address it bears; `contact` is a stranger
    notes: list[str] = field(default_factory=list)  # what the reader should know: a broken part, a file left out


Filer = Callable[[InboundItem, Parsed], str]
Together = Callable[[Sequence[tuple[InboundItem, Parsed]]], AbstractContextManager[None]]
_filers: list[tuple[Filer, Together]] = []


def register_filer(filer: Filer, together: Together = lambda _items: nullcontext()) -> None:
    """Support registers what makes a message of a ticket out of an item. It runs in a savepoint, returns the reference of
    what it made ("message:12"), raises Quarantine, before it has written anything, where a person has to decide, and may run again for
    the same item: it then returns the same reference. `together` is given all that are filed in one transaction, and surrounds that."""
    _filers[:] = [(filer, together)]


def filed_together(items: Sequence[tuple[InboundItem, Parsed]]) -> AbstractContextManager[None]:
    return _filers[0][1](items) if _filers else nullcontext()


def file_parsed(item: InboundItem, parsed: Parsed) -> str:
    return _filers[0][0](item, parsed)


@dataclass(frozen=True)
class Filed:
    """Where an item stands now, by public ids."""

    ticket: str
    message: str


Finder = Callable[[str], Filed | None]
Rescuer = Callable[..., str]
_finders: list[Finder] = []
_rescuers: list[Rescuer] = []


def register_desk(find: Finder, rescue: Rescuer) -> None:
    """Support registers `find(reference)`, which says where what an item was filed as stands (None: it is no message), and
    `rescue(item, contact=…, subject=…, text=…, files=…, by=…)`, which makes a ticket of a quarantined item for a person and
    returns the reference of its message."""
    _finders[:] = [find]
    _rescuers[:] = [rescue]


def find_filed(reference: str) -> Filed | None:
    return _finders[0](reference) if _finders and reference else None


def rescue_item(item: InboundItem, *, contact: Contact, subject: str, text: str, files: list[ParsedFile], by: Any) -> str:
    return _rescuers[0](item, contact=contact, subject=subject, text=text, files=files, by=by)
