"""How soon affiliates are answered, how much waits, how content they are: by person, channel, program, hour.

Read in sets from what was stored when it was decided (`ClockResult`), so that a month of a million tickets is a few statements.
Times are medians from the affiliate's message to what answered it, by the wall clock: what the affiliate waited. The hit rate
is by the targets that held, in open time. What is still running is not in it yet.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from channels.models import Channel
from core.rows import select_rows
from programs.models import Program
from support import live
from support.models import ClockName, Ticket

BY = {
    "person": gettext_lazy("Person"),
    "channel": gettext_lazy("Channel"),
    "program": gettext_lazy("Program"),
    "hour": gettext_lazy("Hour of the day"),
}
_RESULT_KEYS = {
    "person": "r.person_id",
    "channel": "t.channel_id",
    "program": "t.program_id",
    "hour": "extract(hour from r.started_at at time zone %(zone)s)::int",
}
_TICKET_KEYS = {
    "person": "t.assignee_id",
    "channel": "t.channel_id",
    "program": "t.program_id",
    "hour": "extract(hour from {at} at time zone %(zone)s)::int",
}


@dataclass
class Measured:
    """One clock within a group: how many were done, how long they took (median, and nine of ten), how many hit their target."""

    done: int = 0
    median: timedelta | None = None
    most: timedelta | None = None
    hits: int = 0
    decided: int = 0

    @property
    def hit_rate(self) -> float | None:
        return self.hits / self.decided if self.decided else None


@dataclass
class Figures:
    """One line of the page: a person, a channel, a program, an hour, or (key None, `is_total`) all of it."""

    key: int | None
    label: str
    is_total: bool
    clocks: dict[str, Measured]
    opened: int = 0
    resolved: int = 0
    backlog: int = 0
    ratings: int = 0  # given in the time
    content: int = 0  # of them 4 or 5

    @property
    def csat(self) -> float | None:
        return self.content / self.ratings if self.ratings else None

    @property
    def first_reply(self) -> Measured:
        return self.clocks[ClockName.FIRST_REPLY]

    @property
    def answer(self) -> Measured:
        return self.clocks[ClockName.ANSWER]

    @property
    def next_reply(self) -> Measured:
        return self.clocks[ClockName.NEXT_REPLY]

    @property
    def resolution(self) -> Measured:
        return self.clocks[ClockName.RESOLUTION]

    @property
    def hit_rate(self) -> float | None:
        """Over all four clocks."""
        decided = sum(measured.decided for measured in self.clocks.values())
        return sum(measured.hits for measured in self.clocks.values()) / decided if decided else None


def figures(
    by: str, start: datetime, end: datetime, *, programs: Collection[int] | None = None, zone: str = "UTC"
) -> tuple[Figures, list[Figures]]:
    """The figures of what began within [start, end), of these programs (None: all): the total, and a line for each key in its
    order. `backlog` is what is not resolved now."""
    values = {"start": start, "end": end, "zone": zone, "programs": sorted(programs) if programs is not None else None}
    mine = "(%(programs)s::bigint[] IS NULL OR t.program_id = ANY(%(programs)s::bigint[]))"
    found: dict[tuple[int | None, bool], Figures] = {}

    def line(key: int | None, is_total: bool) -> Figures:
        place = (key, bool(is_total))
        if place not in found:
            found[place] = Figures(key, "", bool(is_total), {name: Measured() for name in ClockName.values})
        return found[place]

    for key, is_total, clock, done, median, most, hits, decided in select_rows(
        f"""
        SELECT key, grouping(key), clock, count(done_at),
               percentile_cont(0.5) WITHIN GROUP (ORDER BY done_at - started_at) FILTER (WHERE done_at IS NOT NULL),
               percentile_cont(0.9) WITHIN GROUP (ORDER BY done_at - started_at) FILTER (WHERE done_at IS NOT NULL),
               count(*) FILTER (WHERE met), count(met)
        FROM (
            SELECT {_RESULT_KEYS[by]} AS key, r.clock, r.started_at, r.done_at, r.met
            FROM support_clockresult r JOIN support_ticket t ON t.id = r.ticket_id
            WHERE r.started_at >= %(start)s AND r.started_at < %(end)s AND {mine}
        ) decided
        GROUP BY GROUPING SETS ((key, clock), (clock))
        """,
        values,
    ):
        line(key, is_total).clocks[clock] = Measured(done, median, most, hits, decided)
    counted = " UNION ALL ".join(
        f"SELECT '{name}' AS name, {_TICKET_KEYS[by].format(at=at)} AS key FROM support_ticket t "
        f"WHERE t.merged_into_id IS NULL AND {when} AND {mine}"
        for name, at, when in (
            ("opened", "t.created_at", "t.created_at >= %(start)s AND t.created_at < %(end)s"),
            ("resolved", "t.resolved_at", "t.resolved_at >= %(start)s AND t.resolved_at < %(end)s"),
            ("backlog", "t.created_at", "t.status <> 'resolved'"),
        )
    )
    key_of_rating = {**_RESULT_KEYS, "channel": "r.channel_id", "program": "r.program_id"}[by].replace("started_at", "rated_at")
    of_mine = mine.replace("t.program_id", "r.program_id")
    for name, when in (("ratings", "r.score IS NOT NULL"), ("content", "r.score >= 4")):
        counted += (
            f" UNION ALL SELECT '{name}', {key_of_rating} FROM support_rating r "
            f"WHERE {when} AND r.rated_at >= %(start)s AND r.rated_at < %(end)s AND {of_mine}"
        )
    for name, key, is_total, number in select_rows(
        f"SELECT name, key, grouping(key), count(*) FROM ({counted}) counted GROUP BY GROUPING SETS ((name, key), (name))", values
    ):
        setattr(line(key, is_total), name, number)
    total = line(None, True)
    lines = [each for each in found.values() if not each.is_total]
    _label(by, lines)
    return total, sorted(lines, key=lambda each: (each.key is None, each.key if by == "hour" else each.label.lower()))


def _label(by: str, lines: list[Figures]) -> None:
    keys = [each.key for each in lines if each.key is not None]
    names: dict[int, str] = {}
    if by == "person":
        names = {user.pk: str(user) for user in User.objects.filter(pk__in=keys)}
    elif by == "channel":
        found = Channel.objects.filter(pk__in=keys).select_related("program")
        names = {channel.pk: f"{channel} · {channel.program}" for channel in found}
    elif by == "program":
        names = {program.pk: str(program) for program in Program.objects.filter(pk__in=keys)}
    else:
        names = {hour: f"{hour:02}:00" for hour in keys}
    for each in lines:
        each.label = names.get(each.key, "") if each.key is not None else str(_("Nobody"))


@dataclass(frozen=True)
class Day:
    opened: int
    resolved: int
    backlog: int  # at its end


def by_day(days: list[Any], start: datetime, end: datetime, *, programs: Collection[int] | None, zone: str) -> list[Day]:
    """What came and went on each of these days, and how much was left at the end of each, reckoned back from now."""
    values = {"start": start, "zone": zone, "programs": sorted(programs) if programs is not None else None}
    mine = "(%(programs)s::bigint[] IS NULL OR program_id = ANY(%(programs)s::bigint[])) AND merged_into_id IS NULL"
    found_days: dict[str, dict[Any, int]] = {"created_at": {}, "resolved_at": {}, "backlog": {}}
    statements = [
        f"SELECT '{at}', ({at} at time zone %(zone)s)::date, count(*) FROM support_ticket WHERE {at} >= %(start)s AND {mine} GROUP BY 2"
        for at in ("created_at", "resolved_at")
    ]
    backlog = f"SELECT 'backlog', NULL::date, count(*) FROM support_ticket WHERE status <> 'resolved' AND {mine}"
    for name, day, number in select_rows(" UNION ALL ".join([*statements, backlog]), values):
        found_days[name][day] = number
    opened, resolved, left = found_days["created_at"], found_days["resolved_at"], found_days["backlog"][None]
    left -= sum(number for day, number in opened.items() if day > days[-1])
    left += sum(number for day, number in resolved.items() if day > days[-1])
    found = []
    for day in reversed(days):
        found.append(Day(opened.get(day, 0), resolved.get(day, 0), left))
        left += resolved.get(day, 0) - opened.get(day, 0)
    return found[::-1]


@dataclass(frozen=True)
class Shown:
    """What a program says of itself in public: medians of the last 30 days. None: not often enough to say so."""

    first_reply: timedelta | None
    answer: timedelta | None
    resolution: timedelta | None
    number: int  # first replies
    at: datetime  # measured


PUBLIC_DAYS = 30
FRESH = 300  # seconds for which what was measured is shown again: the page says when that was
ENOUGH = 10  # first replies, below which a median says nothing


def shown_figures(program: Program) -> Shown | None:
    """The measured figures that the program's page and portal may show; None where the program shows none, or has too few."""
    return live.measured(f"shown:{program.pk}", FRESH, lambda: _shown(program))[1] if program.shows_support else None


def _shown(program: Program) -> Shown | None:
    end = timezone.now()
    rows = select_rows(
        """
        SELECT clock, count(done_at), percentile_cont(0.5) WITHIN GROUP (ORDER BY done_at - started_at)
        FROM support_clockresult r JOIN support_ticket t ON t.id = r.ticket_id
        WHERE r.started_at >= %s AND r.started_at < %s AND t.program_id = %s AND r.done_at IS NOT NULL
        GROUP BY clock
        """,
        [end - timedelta(days=PUBLIC_DAYS), end, program.pk],
    )
    found = {clock: (number, median) for clock, number, median in rows}
    number, first_reply = found.get(ClockName.FIRST_REPLY, (0, None))
    if number < ENOUGH:
        return None
    answer, resolution = (found.get(clock, (0, None))[1] for clock in (ClockName.ANSWER, ClockName.RESOLUTION))
    return Shown(first_reply, answer, resolution, number, end)


def turn_counts(programs: Collection[int] | None) -> list[dict[str, Any]]:
    """Of each owner (None: nobody's): what waits for us, what of it is overdue, what waits for the affiliate or is on hold."""
    now = timezone.now()
    found = Ticket.objects.unresolved()
    if programs is not None:
        found = found.filter(program__in=programs)
    ours = Q(status__in=["new", "open"])
    rows: Any = (
        found.order_by()
        .values("assignee")
        .annotate(
            ours=Count("pk", filter=ours & (Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now))),
            snoozed=Count("pk", filter=ours & Q(snoozed_until__gt=now)),
            overdue=Count("pk", filter=ours & Q(next_due__lt=now)),
            soon=Count("pk", filter=ours & Q(next_due__gte=now, next_due__lt=now + timedelta(minutes=30))),
            waiting=Count("pk", filter=~ours),
        )
    )
    return list(rows)
