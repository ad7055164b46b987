"""Rows of the team's time for tests, by plain functions as in `tests.factories`."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from affiliates.models import Affiliate, Cover
from team.models import Absence, Shift
from team.queries import span_of
from tests.factories import make_user


def make_shift(person: User, duty: str = "support", **fields: Any) -> Shift:
    """A shift of every day, around the clock, since long ago; UTC."""
    defaults = {
        "time_zone": "UTC",
        "first_day": date(2025, 1, 1),
        "start_time": time(0),
        "minutes": 1440,
        "rule": "FREQ=DAILY",
    }
    return Shift.objects.create(person=person, duty=duty, **{**defaults, **fields})


def make_shift_around(at: datetime, person: User, duty: str = "support", hours: int = 8, **fields: Any) -> Shift:
    """A shift that takes place once, the instant in its middle."""
    start = (at - timedelta(hours=hours / 2)).replace(second=0, microsecond=0)
    return make_shift(
        person, duty, **{"first_day": start.date(), "start_time": start.time(), "minutes": hours * 60, "rule": "", **fields}
    )


def make_absence(person: User, first: date | None = None, last: date | None = None, **fields: Any) -> Absence:
    """An approved vacation, today where no day is named."""
    first = first or timezone.now().date()
    defaults = {"state": "approved", "asked_by": person, "kind": "vacation"}
    return Absence.objects.create(person=person, first_day=first, last_day=last or first, **{**defaults, **fields})


def make_cover(affiliate: Affiliate, absence: Absence, to: User | None = None, **fields: Any) -> Cover:
    """Covered for the whole absence; by somebody new where nobody is named."""
    starts, ends = span_of(absence)
    return Cover.objects.create(
        affiliate=affiliate,
        absence=absence,
        from_person=absence.person,
        to_person=to or make_user(),
        planned_by=absence.asked_by,
        **{"starts_at": starts, "ends_at": ends, **fields},
    )
