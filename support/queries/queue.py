"""The queue: which tickets, in which order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Left
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.access import Can, programs_of
from core.rows import select_rows
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

ROW = (
    "subject", "status", "priority", "level", "tags", "snoozed_until", "snoozed_reason", "next_due", "warn_at", "warned_of",
    "last_at", "last_in_at", "affiliate__name", "contact__name", "assignee__name", "assignee__email", "channel__kind", "channel__name",
)  # fmt: skip


def queue_rows(tickets: QuerySet[Ticket], user: Any) -> QuerySet[Ticket]:
    """With what a row of the queue shows, in one query: who, where, the last words, and whether the reader has a draft."""
    last = Message.objects.filter(ticket=OuterRef("pk")).exclude(direction="auto").order_by("-created_at", "-pk")
    return (
        tickets.select_related("affiliate", "contact", "assignee", "channel")
        .only(*ROW)
        .annotate(
            last_text=Subquery(last.values_list(Left("body_text", 160))[:1]),
            last_direction=Subquery(last.values("direction")[:1]),
            drafted=Exists(Draft.objects.filter(ticket=OuterRef("pk"), user=user)),
        )
    )


@dataclass(frozen=True)
class Counts:
    """What waits, each up to one more than MOST_COUNTED."""

    to_answer: int
    mine: int
    unassigned: int
    late: int
    soon: int  # its owner has been warned, or is about to be
    mentions: int
    notices: int  # tickets of which something was told
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
    programs = programs_of(user, Can.SEE_TICKETS)
    seen = "" if programs is None else " AND program_id = ANY(%(programs)s)"
    waiting = (
        f"SELECT FROM {Ticket._meta.db_table} WHERE status IN {tuple(map(str, OPEN))!r}"
        f" AND (snoozed_until IS NULL OR snoozed_until <= %(now)s){seen}"
    )
    limit = f" LIMIT {MOST_COUNTED + 1}"
    parts = [
        waiting,
        f"{waiting} AND assignee_id = %(user)s",
        f"{waiting} AND assignee_id IS NULL",
        f"{waiting} AND next_due <= %(now)s",
        f"{waiting} AND next_due > %(now)s AND (warn_at <= %(now)s OR next_due = ANY(warned_of))",
        f"SELECT FROM {Mention._meta.db_table} WHERE user_id = %(user)s AND seen_at IS NULL",
        f"SELECT DISTINCT ticket_id FROM {Notice._meta.db_table} WHERE user_id = %(user)s AND seen_at IS NULL",
        f"SELECT FROM {Commitment._meta.db_table} WHERE owner_id = %(user)s AND status = 'open' AND due_at < %(tomorrow)s",
    ]
    counted = ", ".join(f"(SELECT count(*) FROM ({part}{limit}) rows)" for part in parts)
    now = timezone.now()
    values = {"now": now, "tomorrow": now + timedelta(days=1), "user": user.pk, "programs": sorted(programs or ())}
    (row,) = select_rows(f"SELECT {counted}", values)
    return Counts(*map(int, row))
