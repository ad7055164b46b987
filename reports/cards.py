"""Numbers on the pages of programs and affiliates: what came in, beside the days before."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from affiliates.models import Affiliate, Enrollment, EnrollmentStatus
from commissions.performance import Performance, performance
from core.access import Can, rights_of
from core.ui import Chart, Period, Series
from programs.models import Program

AFFILIATE_DAYS = 90
PROGRAMS = 2  # charts on an affiliate's page
PAST = [EnrollmentStatus.APPROVED, EnrollmentStatus.SUSPENDED, EnrollmentStatus.TERMINATED]


def program_card(request: HttpRequest, program: Program) -> dict[str, Any] | None:
    """The last 30 days of the program against the 30 before."""
    rights = rights_of(request.user)
    if not rights.has(Can.SEE_TRACKING, program.pk):
        return None
    period = Period.from_request(request, program.zone)
    rows = performance(program, "day", period.previous.start, period.end)
    if not rows:
        return None
    now = _sum(rows, period.start, period.end, program.currency)
    before = _sum(rows, period.previous.start, period.previous.end, program.currency)
    return {
        "program": program,
        "period": period,
        "now": now,
        "before": before,
        "money": rights.has(Can.SEE_MONEY, program.pk),
    }


def affiliate_card(request: HttpRequest, affiliate: Affiliate) -> dict[str, Any] | None:
    """90 days of the affiliate, a chart for each of its programs (the first two)."""
    rights = rights_of(request.user)
    enrollments = Enrollment.objects.filter(affiliate=affiliate, status__in=PAST).select_related("program")
    programs = [e.program for e in enrollments.order_by("status_at") if rights.has(Can.SEE_TRACKING, e.program_id)]
    shown = [_of_affiliate(affiliate, program, rights.has(Can.SEE_MONEY, program.pk)) for program in programs[:PROGRAMS]]
    shown = [numbers for numbers in shown if numbers is not None]
    return {"shown": shown, "several": len(programs) > 1, "days": AFFILIATE_DAYS} if shown else None


def _of_affiliate(affiliate: Affiliate, program: Program, money: bool) -> dict[str, Any] | None:
    end = timezone.localdate(timezone=program.zone)
    period = Period("custom", end - timedelta(days=AFFILIATE_DAYS - 1), end)
    rows = performance(program, "day", period.start, period.end, affiliates=[affiliate.pk])
    if not rows:
        return None
    days = period.each_day()
    by_day = {row.key: row for row in rows}
    nothing = Decimal(0)
    if money:
        title = _("Commission a day: %(program)s") % {"program": program}
        series = Series(_("Commission, before refunds"), [_measure(by_day, day, "commission", nothing) for day in days])
    else:
        title = _("Conversions a day: %(program)s") % {"program": program}
        series = Series(_("Conversions"), [_measure(by_day, day, "conversions", 0) for day in days])
    return {
        "program": program,
        "chart": Chart(title, days, [series], kind="bar", currency=program.currency if money else ""),
        "total": _sum(rows, period.start, period.end, program.currency),
        "money": money,
    }


def _measure(by_day: dict[str, Performance], day: date, name: str, nothing: Any) -> Any:
    row = by_day.get(day.isoformat())
    return getattr(row, name) if row else nothing


def _sum(rows: list[Performance], start: date, end: date, currency: str) -> Performance:
    """These days in one. Visitors who came on several days count on each."""
    kept = [row for row in rows if start.isoformat() <= row.key <= end.isoformat()]
    nothing = Decimal(0)
    return Performance(
        "",
        sum(row.clicks for row in kept),
        sum(row.unique_clicks for row in kept),
        sum(row.conversions for row in kept),
        sum(row.clicked for row in kept),
        sum((row.amount for row in kept), nothing),
        sum((row.refunded for row in kept), nothing),
        sum((row.commission for row in kept), nothing),
        currency,
    )
