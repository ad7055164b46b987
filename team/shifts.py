"""Shifts as times: a rule by the wall clock becomes instants. Pure, without a database.

A shift starts and ends by the clock on the wall of its zone. In the night when the clocks go forward a shift from 22:00 to 06:00
has seven hours, in the other night nine, and shifts that follow each other leave no hole in either. A wall time that the clocks
jump over is read by the offset before the jump; of one that comes twice the first is meant (`datetime.fold`, PEP 495).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

BY_WHOLE_DAYS = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
DAY = timedelta(days=1)
Span = tuple[datetime, datetime]  # from, up to and without


@dataclass(frozen=True)
class Plan:
    """A shift's rule. `rule` as in `team.models.Shift`; `last_day` is the last on which one starts."""

    time_zone: str
    first_day: date
    start_time: time
    minutes: int
    rule: str = ""
    last_day: date | None = None


@dataclass(frozen=True)
class Occurrence:
    day: date  # on which it starts, in the plan's zone
    start: datetime  # UTC
    end: datetime  # UTC


def check_rule(rule: str) -> None:
    """ValueError unless it is empty or a rule that repeats by whole days."""
    if rule:
        parts = dict(part.partition("=")[::2] for part in rule.split(";"))
        if parts.get("FREQ") not in BY_WHOLE_DAYS or parts.keys() & {"BYHOUR", "BYMINUTE", "BYSECOND"}:
            raise ValueError(rule)
        _parsed(rule, datetime.combine(date(2025, 1, 6), time()))


def occurrences(plan: Plan, start: datetime, end: datetime) -> list[Occurrence]:
    """Those that overlap [start, end), in order."""
    zone = ZoneInfo(plan.time_zone)
    # A start may lie up to its length and a change of the clocks before the window.
    first = start.astimezone(zone).date() - 2 * DAY
    last = end.astimezone(zone).date() + DAY
    found = []
    for day in _days(plan, max(first, plan.first_day), min(last, plan.last_day or last)):
        local = datetime.combine(day, plan.start_time)
        began = local.replace(tzinfo=zone).astimezone(UTC)
        ended = (local + timedelta(minutes=plan.minutes)).replace(tzinfo=zone).astimezone(UTC)
        if began < ended and began < end and ended > start:
            found.append(Occurrence(day, began, ended))
    return found


def _days(plan: Plan, first: date, last: date) -> Iterator[date]:
    if first > last:
        return
    if not plan.rule:
        if first <= plan.first_day <= last:
            yield plan.first_day
        return
    rule = _parsed(plan.rule, datetime.combine(plan.first_day, time()))
    for moment in rule.xafter(datetime.combine(first, time()), inc=True):
        if moment.date() > last:
            return
        yield moment.date()


@lru_cache(maxsize=1000)
def _parsed(rule: str, first: datetime) -> rrule:
    parsed = rrulestr(f"RRULE:{rule}", dtstart=first)
    if not isinstance(parsed, rrule):
        raise ValueError(rule)
    return parsed


WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def weekly(days: Iterable[int], every: int = 1) -> str:
    """The rule of these weekdays (0 is Monday), every so many weeks."""
    names = ",".join(WEEKDAYS[day] for day in sorted(set(days)))
    return f"FREQ=WEEKLY{f';INTERVAL={every}' if every > 1 else ''};BYDAY={names}"


def weekdays_of(rule: str) -> tuple[list[int], int] | None:
    """The days and the interval of a rule that `weekly` made; None where it is another one."""
    parts = dict(part.split("=", 1) for part in rule.split(";") if "=" in part)
    days = parts.get("BYDAY", "").split(",")
    if parts.get("FREQ") != "WEEKLY" or not set(parts) <= {"FREQ", "INTERVAL", "BYDAY"} or not set(days) <= set(WEEKDAYS):
        return None
    return sorted(WEEKDAYS.index(day) for day in days), int(parts.get("INTERVAL", "1"))


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time in as few spans as possible, in order."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """What of `spans` no span of `taken` covers."""
    left = merged(spans)
    for start, end in merged(taken):
        kept: list[Span] = []
        for a, b in left:
            if b <= start or a >= end:
                kept.append((a, b))
                continue
            if a < start:
                kept.append((a, start))
            if b > end:
                kept.append((end, b))
        left = kept
    return left


def both(spans: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """The time that lies in `spans` and in `others`."""
    spans = merged(spans)
    return without(spans, without(spans, others))


def whole_days(first: date, last: date, zone: ZoneInfo) -> Span:
    """From the midnight before the first day to the one after the last, there."""
    begin = datetime.combine(first, time(), tzinfo=zone).astimezone(UTC)
    return begin, datetime.combine(last + DAY, time(), tzinfo=zone).astimezone(UTC)
