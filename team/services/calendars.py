"""Calendars: what can be done with them, and what their next year looks like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.access import AccessError, Can, rights_of
from core.errors import Conflict
from core.events import record
from team import events
from team.hours import DAY, holidays_of
from team.models import Calendar

FIELDS = (
    "name", "time_zone", "weekly_hours", "holidays_country", "holidays_subdivision", "closed_days", "open_days",
)  # fmt: skip


@transaction.atomic
def save_calendar(calendar: Calendar, *, by: Any, **fields: Any) -> Calendar:
    """Make a calendar, or change one. It serves every program: for those who see to the inbox everywhere."""
    if not rights_of(by).everywhere(Can.SET_INBOX):
        raise AccessError(_("Calendars serve every program: ask the head of affiliates or an admin."), code="forbidden")
    is_new = calendar.pk is None
    if not is_new:
        calendar = Calendar.objects.select_for_update().get(pk=calendar.pk)
    if Calendar.objects.filter(name=fields["name"]).exclude(pk=calendar.pk).exists():
        raise Conflict(_("There is a calendar of this name already."), code="taken", field="name")
    changed = [name for name in FIELDS if name in fields and getattr(calendar, name) != fields[name]]
    for name in changed:
        setattr(calendar, name, fields[name])
    if is_new or changed:
        calendar.save()
        labels = [str(Calendar._meta.get_field(name).verbose_name) for name in changed]  # type: ignore[union-attr]
        record(events.CALENDAR_MADE if is_new else events.CALENDAR_CHANGED, calendar, by=by, data={"fields": ", ".join(labels)})
    return calendar


@dataclass(frozen=True)
class SpecialDay:
    day: date
    name: str
    is_closed: bool


def special_days(calendar: Calendar, first: date) -> Iterator[SpecialDay]:
    """The holidays and days of our own within a year from `first` on, in order, and whether it is closed then."""
    for number in range(366):
        day = first + number * DAY
        holiday = holidays_of(calendar.holidays_country, calendar.holidays_subdivision, day.year).get(day)
        if day in calendar.closed_days:
            yield SpecialDay(day, holiday or _("Our own closed day"), True)
        elif holiday is not None:
            yield SpecialDay(day, holiday, day not in calendar.open_days)
