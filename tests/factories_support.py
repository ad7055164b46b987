"""Rows of the inbox for tests, by plain functions as in `tests.factories`."""

from __future__ import annotations

import hashlib
import itertools
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from affiliates.models import Affiliate
from channels.models import BusinessConnection, Channel, Chat, Contact, ContactAddress, InboundItem, Outgoing, StoredFile
from programs.models import Program
from support.models import Attachment, Message, StatusChange, Ticket, TicketStatus
from tests.factories import make_affiliate, make_program, make_user

_numbers = itertools.count(1)


def make_channel(
    program: Program | None = None, kind: str = "email", slug: str = "", *, secrets: dict[str, Any] | None = None, **fields: Any
) -> Channel:
    """A door of the program. A mailbox has an address, a bot a name; with `secrets`, what opens it."""
    number = next(_numbers)
    settings = {
        "email": {"address": f"help{number}@tributary.example"},
        "telegram": {"bot_id": 1000 + number, "username": f"tributary{number}_bot"},
    }
    defaults = {"name": f"{kind.capitalize()} {number}", "settings": settings.get(kind, {})}
    channel = Channel(
        kind=kind, slug=slug or f"made-{kind}-{number}", program=program or make_program(), **{**defaults, **fields}
    )
    if secrets is not None:
        channel.keep_secrets(secrets)
    channel.save()
    return channel


def make_contact(
    affiliate: Affiliate | None = None, *, email: str = "", telegram: int | None = None, phone: str = "", **fields: Any
) -> Contact:
    """Someone who writes; with an affiliate, one who was matched. An e-mail address by default."""
    number = next(_numbers)
    if affiliate is not None:
        fields.setdefault("matched_at", timezone.now())
    fields.setdefault("name", f"Contact {number}")
    contact = Contact.objects.create(affiliate=affiliate, **fields)
    if not (email or telegram or phone):
        email = f"contact{number}@elsewhere.example"
    for kind, value in (("email", email), ("telegram", telegram), ("phone", phone)):
        if value:
            ContactAddress.objects.create(contact=contact, kind=kind, value=str(value))
    return contact


def make_chat(channel: Channel | None = None, contact: Contact | None = None, kind: str = "private", **fields: Any) -> Chat:
    """A chat with a bot; a group has no contact of its own."""
    number = next(_numbers)
    if kind == "private":
        contact = contact or make_contact(telegram=500_000 + number)
    fields.setdefault("provider_id", 500_000 + number if kind == "private" else -1_000_000 - number)
    return Chat.objects.create(
        channel=channel or make_channel(kind="telegram"), contact=contact, kind=kind, title=fields.pop("title", ""), **fields
    )


def make_business_connection(channel: Channel | None = None, **fields: Any) -> BusinessConnection:
    number = next(_numbers)
    defaults = {"connection_id": f"connection-{number}", "provider_user_id": 700_000 + number, "shown_name": "Music partners"}
    return BusinessConnection.objects.create(
        channel=channel or make_channel(kind="telegram"), **{"can_reply": True, **defaults, **fields}
    )


def make_ticket(
    affiliate: Affiliate | None = None,
    program: Program | None = None,
    *,
    channel: Channel | None = None,
    contact: Contact | None = None,
    at: datetime | None = None,
    status: str = TicketStatus.NEW,
    **fields: Any,
) -> Ticket:
    """A ticket as a row, with the first of its status changes, opened at `at`; an affiliate's unless only a contact is given."""
    if affiliate is None and contact is None:
        affiliate = make_affiliate()
    program = program or (channel.program if channel else make_program())
    if channel is None:
        channel = Channel.objects.filter(program=program, kind="portal").first() or make_channel(program, "portal")
    at = at or timezone.now()
    if status == TicketStatus.RESOLVED:
        fields.setdefault("resolved_at", at)
    defaults = {"subject": f"Question {next(_numbers)}", "created_at": at, "last_at": at}
    ticket = Ticket.objects.create(
        program=program, affiliate=affiliate, contact=contact, channel=channel, status=status, **{**defaults, **fields}
    )
    StatusChange.objects.create(ticket=ticket, status=status, at=at)
    return ticket


def make_message(
    ticket: Ticket | None = None, text: str = "", direction: str = "in", *, at: datetime | None = None, **fields: Any
) -> Message:
    """A message as a row; the ticket's times follow. What is of ours has an author."""
    ticket = ticket or make_ticket()
    at = at or timezone.now()
    if direction in ("out", "note"):
        fields.setdefault("author", fields.get("author") or make_user())
    message = Message.objects.write(
        ticket, direction=direction, body_text=text or f"Text {next(_numbers)}", created_at=at, **fields
    )
    ticket.last_at = at
    if direction == "in":
        ticket.last_in_at = at
    elif direction == "out":
        ticket.last_out_at = at
    ticket.save(update_fields=["last_at", "last_in_at", "last_out_at"])
    return message


def make_inbound(channel: Channel | None = None, raw: bytes = b"", **fields: Any) -> InboundItem:
    """An item as it came, not filed yet."""
    number = next(_numbers)
    raw = raw or f"item {number}".encode()
    defaults = {"provider_id": f"item-{number}", "content_hash": hashlib.sha256(raw).hexdigest(), "size": len(raw)}
    return InboundItem.objects.create(channel=channel or make_channel(), raw=raw, **{**defaults, **fields})


def make_outgoing(channel: Channel | None = None, **fields: Any) -> Outgoing:
    """Words on their way, as a row."""
    number = next(_numbers)
    defaults = {
        "to": f"contact{number}@elsewhere.example",
        "payload": {"subject": "Re", "text": "Words"},
        "key": f"test:{number}",
    }
    return Outgoing.objects.create(channel=channel or make_channel(), **{**defaults, **fields})


def make_stored_file(content: bytes = b"", type: str = "text/plain") -> StoredFile:
    """A file's row; its bytes are on no disk."""
    content = content or f"file {next(_numbers)}".encode()
    return StoredFile.objects.create(sha256=hashlib.sha256(content).hexdigest(), size=len(content), type=type)


def make_attachment(message: Message | None = None, name: str = "numbers.txt", **fields: Any) -> Attachment:
    fields.setdefault("file", fields.get("file") or make_stored_file())
    return Attachment.objects.create(message=message or make_message(), name=name, **fields)


def make_conversation(ticket: Ticket | None = None, *, turns: int = 3, by: User | None = None) -> Ticket:
    """A ticket in which question and answer follow each other, a minute apart, the last one now."""
    ticket, by = ticket or make_ticket(), by or make_user()
    start = timezone.now() - timedelta(minutes=2 * turns)
    for turn in range(turns):
        make_message(ticket, at=start + timedelta(minutes=2 * turn))
        make_message(ticket, direction="out", author=by, at=start + timedelta(minutes=2 * turn + 1))
    return ticket
