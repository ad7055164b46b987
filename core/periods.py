"""The span of days that numbers are about, and the span before that they are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_interval
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from core.languages import locale

PRESETS = {
    "7": gettext_lazy("Last 7 days"),
    "30": gettext_lazy("Last 30 days"),
    "90": gettext_lazy("Last 90 days"),
    "month": gettext_lazy("This month"),
    "last_month": gettext_lazy("Last month"),
}
CUSTOM = pgettext_lazy("period", "Custom")
LONGEST = timedelta(days=3660)


@dataclass(frozen=True)
class Period:
    """Days from `start` to `end`, both included, as the reader counts days; `key` is a preset's or "custom"."""

    key: str
    start: date
    end: date
    compare: bool = True

    @classmethod
    def from_request(cls, request: HttpRequest, zone: Any = None, default: str = "30") -> Period:
        """The period in the address (`?period=30`, or `?from=…&to=…`, `&compare=no`); what cannot be read is the default."""
        today = timezone.localdate(timezone=ZoneInfo(zone) if isinstance(zone, str) else zone)
        compare = request.GET.get("compare") != "no"
        start, end = read_day(request.GET.get("from")), read_day(request.GET.get("to"))
        if request.GET.get("period") in (None, "", "custom") and start and end:
            start, end = min(start, end), max(start, end)
            return cls("custom", max(start, end - LONGEST), end, compare)
        key = request.GET.get("period", default)
        return cls.preset(key if key in PRESETS else default, today, compare)

    @classmethod
    def preset(cls, key: str, today: date, compare: bool = True) -> Period:
        first = today.replace(day=1)
        if key == "month":
            return cls(key, first, today, compare)
        if key == "last_month":
            end = first - timedelta(days=1)
            return cls(key, end.replace(day=1), end, compare)
        return cls(key, today - timedelta(days=int(key) - 1), today, compare)

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    @property
    def previous(self) -> Period:
        """What this one is compared with: as many days before it; for months, the same days of the month before."""
        end = self.start - timedelta(days=1)
        if self.key == "last_month":
            return Period("custom", end.replace(day=1), end, self.compare)
        if self.key == "month":
            return Period("custom", end.replace(day=1), end.replace(day=min(self.end.day, end.day)), self.compare)
        return Period("custom", self.start - timedelta(days=self.days), end, self.compare)

    @property
    def label(self) -> str:
        return str(PRESETS.get(self.key) or self.span)

    @property
    def span(self) -> str:
        """The days themselves, in the reader's format, a year only where it is not this one: "Oct 25 – Nov 23"."""
        skeleton = "MMMd" if self.start.year == self.end.year == timezone.localdate().year else "yMMMd"
        return format_interval(self.start, self.end, skeleton, locale=locale())

    @property
    def against(self) -> str:
        """What deltas say after their number."""
        return _("in %(span)s") % {"span": self.previous.span}

    def bounds(self, zone: Any = None) -> tuple[datetime, datetime]:
        """The first instant of the first day, and the first instant after the last day, in the zone (else the reader's)."""
        zone = ZoneInfo(zone) if isinstance(zone, str) else zone or timezone.get_current_timezone()
        after = self.end + timedelta(days=1)
        return datetime.combine(self.start, time(), zone), datetime.combine(after, time(), zone)

    def each_day(self) -> list[date]:
        return [self.start + timedelta(days=n) for n in range(self.days)]

    @property
    def query(self) -> dict[str, str]:
        """The period as parameters of an address."""
        span = {"from": self.start.isoformat(), "to": self.end.isoformat()} if self.key == "custom" else {"period": self.key}
        return span if self.compare else {**span, "compare": "no"}


def read_day(text: str | None) -> date | None:
    """A day as addresses carry it (2026-11-23), or None. Years at the ends of the calendar are none: one reckons with days around."""
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return day if 1900 <= day.year <= 9000 else None
