"""Open time: how much of it lies between two instants, and when a given amount of it is over. Pure; no query is made.

An instant is open when the wall clock of the calendar's zone shows an hour of that weekday's hours, on a day that is not closed.
So an hour that a change of the clocks repeats is open twice, and one that it skips is not there. A calendar of None is around
the clock. A zone is walked in stretches of one offset, within which the wall clock is a straight line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

import holidays

DAY = timedelta(days=1)
HORIZON = timedelta(days=731)  # how far ahead open time is looked for: beyond it a calendar counts as never open


class OpeningHours(Protocol):
    """What a `team.models.Calendar` tells, saved or not."""

    time_zone: str
    weekly_hours: Sequence[Sequence[Sequence[int]]]  # minutes of the local day, Monday first
    holidays_country: str
    holidays_subdivision: str
    closed_days: list[date]
    open_days: list[date]


def open_between(calendar: OpeningHours | None, start: datetime, end: datetime) -> timedelta:
    """The open time from `start` to `end` (both aware); nothing where `end` is not later."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)  # within one zone Python subtracts wall clocks
    if calendar is None:
        return max(end - start, timedelta())
    return sum((until - since for since, until in open_stretches(calendar, start, end)), timedelta())


def add_open_time(calendar: OpeningHours | None, start: datetime, duration: timedelta) -> datetime | None:
    """The first instant at which `duration` of open time has passed since `start`, in UTC: closing time rather than the next
    opening. None where the calendar is not open for so long within HORIZON."""
    start = start.astimezone(UTC)
    if calendar is None or duration <= timedelta():
        return start + max(duration, timedelta())
    left = duration
    for since, until in open_stretches(calendar, start, start + HORIZON):
        if left <= until - since:
            return since + left
        left -= until - since
    return None


def open_stretches(calendar: OpeningHours, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """When the calendar is open between two instants, in UTC and in order."""
    if not any(calendar.weekly_hours):
        return
    for since, until, offset in _stretches_of_one_offset(
        ZoneInfo(calendar.time_zone), start.astimezone(UTC), end.astimezone(UTC)
    ):
        first, last = since.replace(tzinfo=None) + offset, until.replace(tzinfo=None) + offset
        day = first.date()
        while (midnight := datetime.combine(day, time())) < last:
            for opens, closes in hours_of_day(calendar, day):
                lower = max(midnight + timedelta(minutes=opens), first)
                upper = min(midnight + timedelta(minutes=closes), last)
                if lower < upper:
                    yield (lower - offset).replace(tzinfo=UTC), (upper - offset).replace(tzinfo=UTC)
            day += DAY


def hours_of_day(calendar: OpeningHours, day: date) -> Sequence[Sequence[int]]:
    """The hours of one local day, as [from, to] in minutes. A closed day of our own wins over a day on which we work."""
    if day in calendar.closed_days:
        return ()
    if day not in calendar.open_days and day in holidays_of(calendar.holidays_country, calendar.holidays_subdivision, day.year):
        return ()
    return calendar.weekly_hours[day.weekday()] if len(calendar.weekly_hours) == 7 else ()


@lru_cache(maxsize=512)
def holidays_of(country: str, subdivision: str, year: int) -> dict[date, str]:
    """The public holidays of one year and their names; none without a country, or for one that the package does not know."""
    if not country:
        return {}
    try:
        return dict(holidays.country_holidays(country, subdiv=subdivision or None, years=year).items())
    except NotImplementedError:
        return {}


def _stretches_of_one_offset(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    since = start
    while since < end:
        until, offset = min(since + DAY, end), _offset(zone, since)
        # The offset at `until` belongs to what follows; what is asked is whether it held all the way.
        if _offset(zone, until) != offset:
            until = min(until, _change_between(zone, since, until))
        yield since, until, offset
        since = until


def _change_between(zone: ZoneInfo, since: datetime, until: datetime) -> datetime:
    """The instant at which the zone's offset is no longer what it was at `since`, by halving."""
    offset = _offset(zone, since)
    low, high = int(since.timestamp()), -int(-until.timestamp() // 1)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, datetime.fromtimestamp(middle, UTC)) == offset:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()
