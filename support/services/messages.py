"""Messages: what came in, what we say, what we note, and what becomes of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from channels.models import Channel, Contact, InboundItem, StoredFile
from core.access import Can, check, rights_of
from core.events import record
from knowledge.languages import language_of
from support import events
from support.errors import NotNow, TicketError
from support.mentions import record_mentions
from support.models import Attachment, Message, MessageVersion, Ticket, TicketStatus
from support.models.messages import LONGEST_NAME, Direction
from support.services.delivery import deliver
from support.services.doors import answer_through
from support.services.following import follow
from support.services.promises import take_promise
from support.services.tickets import lock_ticket, set_assignee, set_status

LONGEST_TEXT = 100_000  # characters of what one of us writes
MOST_FILES = 20
MOST_AUTOMATIC_MAILS = 5  # into one ticket in a day: an autoresponder that does not say that it is one is heard no further
MOVED_BY_A_MESSAGE = ["last_at", "last_in_at", "snoozed_until", "status", "status_until", "resolved_at", "reopened"]


@dataclass(frozen=True)
class NamedFile:
    """A stored file under the name that it has in this message."""

    file: StoredFile
    name: str
    content_id: str = ""


@transaction.atomic(savepoint=False)
def receive(
    ticket: Ticket,
    *,
    text: str,
    html: str = "",
    quoted: str = "",
    contact: Contact | None = None,
    author: User | None = None,
    files: Iterable[NamedFile] = (),
    inbound: InboundItem | None = None,
    provider_id: str = "",
    reply_to: Message | None = None,
    topic: str = "",
    automatic: str = "",
    authenticity: str = "",
    remarks: str = "",
    at: datetime | None = None,
) -> Message:
    """What the affiliate wrote. It is our turn then, unless no person wrote it (`automatic`, see channels.parsed.Automatic)."""
    ticket = lock_ticket(ticket)
    at = at or (inbound.received_at if inbound else timezone.now())
    message = Message.objects.write(
        ticket,
        direction=Direction.IN,
        body_text=text,
        body_html=html,
        quoted_text=quoted,
        contact=contact,
        author=author,
        inbound=inbound,
        provider_id=provider_id[:LONGEST_NAME],
        reply_to=reply_to,
        topic=topic,
        automatic=automatic,
        authenticity=authenticity,
        remarks=remarks,
        created_at=at,
    )
    _attach(message, files)
    record(events.MESSAGE_RECEIVED, message, ticket, by=author, data={"automatic": automatic})
    ticket.last_at = max(ticket.last_at, at)
    if not automatic:
        ticket.last_in_at = max(ticket.last_in_at or at, at)
        ticket.snoozed_until = None
        if ticket.status != TicketStatus.NEW:
            set_status(ticket, TicketStatus.OPEN, by=None, reason=_("The affiliate wrote."))
    follow(ticket, MOVED_BY_A_MESSAGE)
    return message


@transaction.atomic
def reply(
    ticket: Ticket,
    text: str,
    *,
    by: User,
    files: Sequence[NamedFile] = (),
    is_answer: bool = True,
    reply_to: Message | None = None,
    status: str | None = None,
) -> Message:
    """Answer the affiliate through the ticket's channel, after a call by the best way to them. A first word (`is_answer=False`) is
    none yet. The ticket is then `status`, by default pending after an answer and open after a first word; one that nobody owned is
    the answerer's, unless a service answered: that owns none, and the rule finds somebody once it is our turn.
    """
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    ticket = lock_ticket(ticket)
    if ticket.channel.kind == Channel.Kind.PHONE:
        ticket = answer_through(ticket, "", by=by)
    _check_reply_to(reply_to, ticket)
    message = Message.objects.write(
        ticket,
        direction=Direction.OUT,
        author=by,
        body_text=clean_text(text, files),
        is_answer=is_answer,
        reply_to=reply_to,
    )
    _attach(message, files)
    deliver(message)
    record(events.MESSAGE_SENT, message, ticket, by=by, data={"is_answer": is_answer})
    ticket.last_at = ticket.last_out_at = message.created_at
    if ticket.assignee is None and not by.is_service:
        set_assignee(ticket, by, by=by, reason=_("Nobody owned it when they answered."))
    set_status(ticket, status or (TicketStatus.PENDING if is_answer else TicketStatus.OPEN), by=by)
    ticket.save()
    follow(ticket)
    return message


@transaction.atomic
def receive_own(ticket: Ticket, *, text: str, author: User | None, inbound: InboundItem, **kept: Any) -> Message:
    """What one of us wrote on a device of theirs, in a company account: an answer that did not leave from here."""
    ticket = lock_ticket(ticket)
    files = kept.pop("files", ())
    message = Message.objects.write(
        ticket,
        direction=Direction.OUT,
        author=author,
        body_text=text,
        inbound=inbound,
        created_at=inbound.received_at,
        **kept,
    )
    _attach(message, files)
    record(events.MESSAGE_SENT, message, ticket, by=author, data={"is_answer": True})
    ticket.last_at = max(ticket.last_at, message.created_at)
    ticket.last_out_at = max(ticket.last_out_at or message.created_at, message.created_at)
    if ticket.status != TicketStatus.RESOLVED:
        set_status(ticket, TicketStatus.PENDING, by=author)
    ticket.save()
    follow(ticket)
    if author is not None and rights_of(author).has(Can.ANSWER_TICKETS, ticket.program_id):
        take_promise(message, by=author)
    return message


@transaction.atomic
def add_note(ticket: Ticket, text: str, *, by: User, files: Sequence[NamedFile] = ()) -> Message:
    """For the team alone. It changes no state."""
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    ticket = lock_ticket(ticket)
    message = Message.objects.write(ticket, direction=Direction.NOTE, author=by, body_text=clean_text(text, files))
    _attach(message, files)
    record(events.NOTE_ADDED, message, ticket, by=by)
    record_mentions(message)
    ticket.last_at = message.created_at
    ticket.save(update_fields=["last_at"])
    follow(ticket)
    return message


@transaction.atomic
def tell_automatically(ticket: Ticket, text: str) -> Message | None:
    """Tell the affiliate something that no person wrote. It stops no clock and changes no state.

    None where it would answer what no person wrote either (RFC 3834, 2), or where too many have gone out already.
    """
    ticket = lock_ticket(ticket)
    if not may_be_told_automatically(ticket):
        return None
    message = Message.objects.write(ticket, direction=Direction.AUTO, body_text=clean_text(text, ()), is_answer=False)
    deliver(message)
    record(events.MESSAGE_TOLD, message, ticket)
    ticket.last_at = message.created_at
    ticket.save(update_fields=["last_at"])
    follow(ticket)
    return message


def tell_if_reached(ticket: Ticket, text: str) -> Message | None:
    """The same; None as well where there is no way to them now (they have blocked the bot, the right to reply has lapsed), which
    whoever answers sees. For what is done with many at once."""
    try:
        with transaction.atomic():
            return tell_automatically(ticket, text)
    except NotNow:
        return None


def may_be_told_automatically(ticket: Ticket) -> bool:
    last_in = ticket.messages.filter(direction=Direction.IN).order_by("created_at", "pk").last()
    if last_in is not None and last_in.automatic:
        return False
    if ticket.channel.kind != Channel.Kind.EMAIL:
        return True
    since = timezone.now() - timedelta(days=1)
    return ticket.messages.filter(direction=Direction.AUTO, created_at__gte=since).count() < MOST_AUTOMATIC_MAILS


@transaction.atomic
def edit_message(
    message: Message, text: str, *, inbound: InboundItem | None = None, html: str = "", files: Iterable[NamedFile] = ()
) -> Message:
    """Its writer changed it in their messenger: what it said before is kept, and the files that it had. The same edit twice is one."""
    ticket = lock_ticket(message.ticket)
    message = Message.objects.select_for_update(no_key=True, of=("self",)).get(pk=message.pk)
    if inbound is not None and message.versions.filter(inbound=inbound).exists():
        return message
    now = timezone.now()
    MessageVersion.objects.create(message=message, body_text=message.body_text, replaced_at=now, inbound=inbound)
    message.body_text, message.body_html, message.edited_at = text, html, now
    message.language = language_of(text, ticket.language)
    message.save(update_fields=["body_text", "body_html", "language", "edited_at"])
    known = set(message.attachments.values_list("file", flat=True))
    _attach(message, [each for each in files if each.file.pk not in known])
    record(events.MESSAGE_EDITED, message, ticket)
    follow(ticket)
    return message


@transaction.atomic
def mark_deleted(messages: Iterable[Message]) -> int:
    """Their writers deleted these in their messenger: here they stay, marked. Returns how many were not marked yet."""
    marked = 0
    for message in messages:
        ticket = lock_ticket(message.ticket)
        if Message.objects.filter(pk=message.pk, deleted_at=None).update(deleted_at=timezone.now()):
            record(events.MESSAGE_DELETED, message, ticket)
            follow(ticket)
            marked += 1
    return marked


def clean_text(text: str, files: Sequence[NamedFile]) -> str:
    """What one of us wrote, without NUL and empty ends; refused where it says nothing or is longer than anybody reads."""
    text = text.replace("\x00", "").strip()
    if not text and not files:
        raise TicketError(_("Write something."), code="blank", field="body")
    if len(text) > LONGEST_TEXT:
        raise TicketError(_("Write at most %(most)d characters.") % {"most": LONGEST_TEXT}, code="max_length", field="body")
    if len(files) > MOST_FILES:
        raise TicketError(_("Attach at most %(most)d files.") % {"most": MOST_FILES}, code="max_length", field="files")
    return text


def _check_reply_to(reply_to: Message | None, ticket: Ticket) -> None:
    if reply_to is not None and reply_to.ticket_id != ticket.pk:
        raise TicketError(_("This message belongs to another ticket."), code="other_ticket", field="reply_to")


def _attach(message: Message, files: Iterable[NamedFile]) -> None:
    rows = [Attachment(message=message, file=each.file, name=each.name[:200], content_id=each.content_id[:255]) for each in files]
    if rows:
        Attachment.objects.bulk_create(rows)
