"""The queue: which tickets, in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from affiliates.models import Affiliate
from channels.models import Channel, Contact
from core.access import Can, programs_of
from core.ids import PublicId
from core.rows import select_rows
from programs.models import Program
from support import live
from support.models import OPEN, Commitment, Draft, Mention, Message, Notice, Task, Ticket, TicketStatus
from support.models.tickets import TicketQuerySet

MOST_COUNTED = 99  # beyond this, "99+" tells as much
BY_DUE = (F("next_due").asc(nulls_last=True), F("pk").asc())  # what breaches next; without a clock, the oldest
BY_NEWEST = (F("last_at").desc(), F("pk").desc())


@dataclass(frozen=True)
class Shelf:
    """One way of looking at the inbox."""

    key: str
    label: Any
    narrow: Callable[[TicketQuerySet, Any], QuerySet[Ticket]]
    order: tuple[Any, ...] = BY_NEWEST


def awake() -> Q:
    return Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=timezone.now())


def _of_status(status: TicketStatus) -> Callable[[TicketQuerySet, Any], QuerySet[Ticket]]:
    return lambda tickets, user: tickets.filter(status=status)


SHELVES = {
    shelf.key: shelf
    for shelf in [
        Shelf("", _("To answer"), lambda tickets, user: tickets.filter(awake()).our_turn(), BY_DUE),
        Shelf("mine", _("Mine"), lambda tickets, user: tickets.filter(awake(), assignee=user).our_turn(), BY_DUE),
        Shelf(
            "unassigned",
            _("No owner"),
            lambda tickets, user: tickets.filter(awake(), assignee__isnull=True).our_turn(),
            BY_DUE,
        ),
        Shelf(
            "tasks",
            _("My tasks"),  # whatever has become of the ticket
            lambda tickets, user: tickets.filter(Exists(Task.objects.filter(ticket=OuterRef("pk"), owner=user, done_at=None))),
        ),
        Shelf("waiting", _("Waiting"), _of_status(TicketStatus.PENDING)),
        Shelf("on_hold", _("On hold"), _of_status(TicketStatus.ON_HOLD)),
        Shelf(
            "snoozed",
            _("Snoozed"),
            lambda tickets, user: tickets.filter(snoozed_until__gt=timezone.now()).unresolved(),
            (F("snoozed_until").asc(), F("pk").asc()),
        ),
        Shelf("decide", _("To decide"), lambda tickets, user: tickets.undecided(), (F("created_at").asc(), F("pk").asc())),
        Shelf("resolved", _("Resolved"), lambda tickets, user: tickets.filter(status=TicketStatus.RESOLVED)),
        Shelf("all", _("All"), lambda tickets, user: tickets),
    ]
}

# A ticket that is not late yet and whose owner has been warned, or is about to be (Ticket.is_due_soon).
DUE_SOON = "next_due > %(now)s AND (warn_at <= %(now)s OR next_due = ANY(warned_of))"


@dataclass(slots=True)
class QueueRow(PublicId):
    """What the queue shows of a ticket. `late`: "", "soon" or "late"; `said`: the last words, and which way they went."""

    prefix: ClassVar[str] = Ticket.prefix

    pk: int
    subject: str
    status: str
    priority: str
    level: str
    tags: list[str]
    snoozed_until: datetime | None
    snoozed_reason: str
    next_due: datetime | None
    late: str
    last_at: datetime
    last_in_at: datetime | None
    affiliate: str | None
    contact: str | None
    owner: str | None
    channel: str
    channel_kind: str
    said: str | None
    direction: str | None
    drafted: bool
    excerpt: SafeString = mark_safe("")  # the words around what was searched for
    url: str = ""

    @property
    def party(self) -> str:
        return self.affiliate or str(Contact(name=self.contact or ""))


# Written by hand: to build this statement took longer than to answer it, and to plan its joins as long. Names are looked up one by
# one, for which there is nothing to plan.
_ROWS = f"""
SELECT id, subject, status, priority, level, tags, snoozed_until, snoozed_reason, next_due,
    CASE WHEN next_due <= %(now)s THEN 'late' WHEN {DUE_SOON} THEN 'soon' ELSE '' END, last_at, last_in_at,
    (SELECT name FROM {Affiliate._meta.db_table} WHERE id = affiliate_id),
    (SELECT name FROM {Contact._meta.db_table} WHERE id = contact_id),
    (SELECT coalesce(nullif(name, ''), email) FROM {User._meta.db_table} WHERE id = assignee_id),
    (SELECT name FROM {Channel._meta.db_table} WHERE id = channel_id),
    (SELECT kind FROM {Channel._meta.db_table} WHERE id = channel_id),
    said, direction, EXISTS (SELECT FROM {Draft._meta.db_table} WHERE ticket_id = shown.id AND user_id = %(user)s)
FROM (
    SELECT * FROM {Ticket._meta.db_table} WHERE id = ANY(%(tickets)s) ORDER BY last_at DESC, id DESC OFFSET %(skipped)s LIMIT %(most)s
) shown LEFT JOIN LATERAL (
    SELECT left(body_text, 160) AS said, direction FROM {Message._meta.db_table}
    WHERE ticket_id = shown.id AND direction <> 'auto' ORDER BY created_at DESC, id DESC LIMIT 1
) last ON true
ORDER BY last_at DESC, id DESC
"""


def queue_rows(tickets: Sequence[int], user: Any) -> list[QueueRow]:
    """These tickets, in this order, in one query: who, where, the last words, and whether the reader has a draft."""
    found = {row.pk: row for row in newest_rows(tickets, user, 0, len(tickets))}
    return [found[pk] for pk in tickets if pk in found]


def newest_rows(tickets: Sequence[int], user: Any, skipped: int, most: int) -> list[QueueRow]:
    """Some of these tickets, as BY_NEWEST orders them."""
    values = {"tickets": list(tickets), "skipped": skipped, "most": most, "user": user.pk, "now": timezone.now()}
    return [QueueRow(*row) for row in select_rows(_ROWS, values)] if tickets else []


def places_of(user: Any) -> dict[str, list[tuple[str, str]]]:
    """What the user may look at alone, each by name: the slug and the name of every "program" and every "channel" of these."""
    statement = f"""
SELECT 'program', slug, name FROM {Program._meta.db_table}
WHERE %(programs)s::bigint[] IS NULL OR id = ANY(%(programs)s::bigint[])
UNION ALL
SELECT 'channel', slug, name FROM {Channel._meta.db_table}
WHERE %(programs)s::bigint[] IS NULL OR program_id = ANY(%(programs)s::bigint[])
ORDER BY 3
"""
    programs = programs_of(user, Can.SEE_TICKETS)
    places: dict[str, list[tuple[str, str]]] = {"program": [], "channel": []}
    for kind, slug, name in select_rows(statement, {"programs": None if programs is None else sorted(programs)}):
        places[kind].append((slug, name))
    return places


@dataclass(frozen=True)
class Counts:
    """What waits, each up to one more than MOST_COUNTED."""

    to_answer: int
    mine: int
    unassigned: int
    mentions: int
    notices: int  # tickets of which something was told


@dataclass(frozen=True)
class Warnings:
    """What should not wait, each up to one more than MOST_COUNTED."""

    late: int
    soon: int  # its owner has been warned, or is about to be
    promises: int  # of the reader's own, those due within a day


def waiting_for(request: HttpRequest) -> int:
    """What waits for the reader: their own tickets to answer, and notes that call them. It stands in the menu of every page, so it
    is counted anew only once something has changed."""
    user: Any = request.user
    if hasattr(user, "_inbox_counts") or live.is_away():
        return _waiting(counts_of(user))
    mark, key = live.marks(programs_of(user, Can.SEE_TICKETS), user.pk)[0], f"menu:{user.pk}"
    number = live.kept_number(key, mark)
    if number is None:
        number = _waiting(counts_of(user))
        live.keep_number(key, mark, number)
    return number


def _waiting(counts: Counts) -> int:
    return counts.mine + counts.mentions


def counts_of(user: Any) -> Counts:
    """One query, which stops counting early; asked once a request, for the menu and for the queue."""
    if not hasattr(user, "_inbox_counts"):
        user._inbox_counts = _count(user)
    counts: Counts = user._inbox_counts
    return counts


def _count(user: Any) -> Counts:
    parts = [
        _WAITING,
        f"{_WAITING} AND assignee_id = %(user)s",
        f"{_WAITING} AND assignee_id IS NULL",
        f"SELECT FROM {Mention._meta.db_table} WHERE user_id = %(user)s AND seen_at IS NULL",
        f"SELECT DISTINCT ticket_id FROM {Notice._meta.db_table} WHERE user_id = %(user)s AND seen_at IS NULL",
    ]
    return Counts(*_counted(parts, user))


def warnings_of(user: Any) -> Warnings:
    parts = [
        f"{_WAITING} AND next_due <= %(now)s",
        f"{_WAITING} AND {DUE_SOON}",
        f"SELECT FROM {Commitment._meta.db_table} WHERE owner_id = %(user)s AND status = 'open' AND due_at < %(tomorrow)s",
    ]
    return Warnings(*_counted(parts, user))


_WAITING = (
    f"SELECT FROM {Ticket._meta.db_table} WHERE status IN {tuple(map(str, OPEN))!r}"
    " AND (snoozed_until IS NULL OR snoozed_until <= %(now)s)"
    " AND (%(programs)s::bigint[] IS NULL OR program_id = ANY(%(programs)s::bigint[]))"
)


def _counted(parts: Sequence[str], user: Any) -> list[int]:
    """How many rows each of these has, in one query."""
    counted = ", ".join(f"(SELECT count(*) FROM ({part} LIMIT {MOST_COUNTED + 1}) rows)" for part in parts)
    programs, now = programs_of(user, Can.SEE_TICKETS), timezone.now()
    values = {
        "now": now,
        "tomorrow": now + timedelta(days=1),
        "user": user.pk,
        "programs": None if programs is None else sorted(programs),
    }
    (row,) = select_rows(f"SELECT {counted}", values)
    return list(row)
