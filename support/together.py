"""What is filed together, in one transaction: what the items ask for is read for all of them, each ticket is read once and held, and what
follows from its changes is done once for all of them when the set ends (`support.services.following.filed_together`)."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from channels.models import Channel, Chat, Contact, InboundItem
from channels.parsed import Parsed
from core.rows import select_rows
from support.models import Message, StartRule, Ticket
from support.models.messages import LONGEST_NAME
from support.models.tickets import UNRESOLVED
from support.subjects import subject_key

MOST_NAMES = 20  # of one item that are looked up with the set: a mail may refer to a thousand, and is filed all the same
MOST_OF_ONE_SENDER = 200  # tickets of the window whose subjects are compared

Subject = tuple[int, int, str, str]  # whose, in which program, through which kind of channel, the subject's key


@dataclass
class Together:
    tickets: dict[int, Ticket] = field(default_factory=dict)  # locked by this transaction; nobody else changes them meanwhile
    followed: dict[int, Ticket] = field(default_factory=dict)
    rules: dict[int, list[StartRule]] = field(default_factory=dict)  # what starts a request, by channel
    # What was asked for the whole set; of what stands here, this is all there is.
    items: dict[int, Message | None] = field(default_factory=dict)  # what an item has become already
    named: dict[str, list[Message]] = field(default_factory=dict)  # messages by the provider's names
    in_chat: dict[int, list[Ticket]] = field(default_factory=dict)  # unresolved ones of private chats, and all that are held
    of_subject: dict[Subject, list[Ticket]] = field(default_factory=dict)

    def hold(self, ticket: Ticket) -> None:
        self.tickets[ticket.pk] = ticket
        for found in (self.in_chat.get(ticket.chat_id or 0), self.of_subject.get(_subject_of(ticket))):
            if found is not None and ticket not in found:
                found.append(ticket)

    def note(self, message: Message) -> None:
        """One that was written meanwhile."""
        if message.inbound_id in self.items:
            self.items[message.inbound_id] = message
        if message.provider_id in self.named:
            self.named[message.provider_id].append(message)


current: ContextVar[Together | None] = ContextVar("filed_together", default=None)


def held(ticket: Ticket) -> Ticket:
    """The ticket as this set has changed it; itself where it has not."""
    return held_as(ticket.pk) or ticket


def held_as(pk: int) -> Ticket | None:
    together = current.get()
    return None if together is None else together.tickets.get(pk)


def hold(ticket: Ticket) -> None:
    together = current.get()
    if together is not None:
        together.hold(ticket)


def subject_of(channel: Channel, writer: Contact, subject: str) -> Subject:
    return writer.pk, channel.program_id, channel.kind, subject_key(subject)


def _subject_of(ticket: Ticket) -> Subject:
    return ticket.contact_id or 0, ticket.program_id, ticket.channel.kind, subject_key(ticket.subject)


def look_ahead(together: Together, items: Sequence[tuple[InboundItem, Parsed]]) -> None:
    """Read and hold what `support.threads` and `support.filing` will ask for."""
    _look_up_messages(together, items)
    wanted = {message.ticket_id for messages in together.named.values() for message in messages}
    wanted |= {pk for _item, parsed in items for pk in map(Ticket.pk_from, parsed.tokens[:MOST_NAMES]) if pk is not None}
    chats = {parsed.chat.pk for _item, parsed in items if parsed.chat is not None and parsed.chat.kind == Chat.Kind.PRIVATE}
    same = _of_same_subject(together, [(item, parsed) for item, parsed in items if parsed.chat is None])
    wanted |= {pk for pks in same.values() for pk in pks}
    rows = Ticket.objects.filter(Q(pk__in=wanted) | Q(chat__in=chats, status__in=UNRESOLVED))
    locked = rows.select_for_update(no_key=True, of=("self",)).select_related("channel", "affiliate").order_by("pk")
    together.in_chat = {pk: [] for pk in chats}
    merged = set()
    for ticket in locked:
        if ticket.merged_into_id is None:
            together.hold(ticket)
        else:
            merged.add(ticket.pk)
    for subject, pks in same.items():
        if merged.isdisjoint(pks):  # else it is asked where the other one is
            together.of_subject[subject] = [together.tickets[pk] for pk in pks]
    for messages in together.named.values():
        for message in messages:
            message.ticket = together.tickets.get(message.ticket_id, message.ticket)


def _look_up_messages(together: Together, items: Sequence[tuple[InboundItem, Parsed]]) -> None:
    together.items = {item.pk: None for item, _parsed in items}
    names = {
        name[:LONGEST_NAME] for _item, parsed in items for name in [parsed.provider_id, *parsed.replied_to[:MOST_NAMES]] if name
    }
    together.named = {name: [] for name in names}
    known = Message.objects.filter(inbound__in=together.items) | Message.objects.named(names)
    for message in known.select_related("ticket", "outgoing").order_by("-pk"):
        together.note(message)


def _of_same_subject(together: Together, mails: Sequence[tuple[InboundItem, Parsed]]) -> dict[Subject, list[int]]:
    """The tickets of each mail's sender and subject within the window, by number."""
    asked = {subject_of(item.channel, parsed.contact, parsed.subject) for item, parsed in mails if subject_key(parsed.subject)}
    if not asked:
        return {}
    since = timezone.now() - timedelta(days=settings.TICKET_THREAD_DAYS)
    found: dict[Subject, list[int]] = {subject: [] for subject in asked}
    newest = """
        SELECT t.id, asked.contact, asked.program, asked.kind, t.subject
        FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS asked(contact, program, kind), LATERAL (
            SELECT t.id, t.subject
            FROM support_ticket t JOIN channels_channel c ON c.id = t.channel_id
            WHERE t.contact_id = asked.contact AND t.program_id = asked.program AND c.kind = asked.kind AND t.last_at >= %s
            ORDER BY t.last_at DESC LIMIT %s) AS t
    """
    where = sorted({(contact, program, kind) for contact, program, kind, _key in asked})
    for pk, contact, program, kind, subject in select_rows(
        newest, [*map(list, zip(*where, strict=True)), since, MOST_OF_ONE_SENDER]
    ):
        key = (contact, program, kind, subject_key(subject))
        if key in found:
            found[key].append(pk)
    return found
