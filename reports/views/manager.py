"""The team's home: what needs me now, and how a program is doing against the last period."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from affiliates.models import Enrollment, EnrollmentStatus
from commissions.models import CommissionRule
from commissions.performance import Performance, performance
from core.access import Can, manager_required, rights_of
from core.ui import Chart, Period, Series
from programs.models import Offer, Program
from programs.queries import visible_programs
from reports.needs import mails_note, needs_of


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of the period, with the one before; its address shows it in the chart."""

    key: str
    label: str | Promise
    now: Any
    before: Any
    currency: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Kind:
    label: Promise
    of: Callable[[Performance], Any]
    money: bool = False


KINDS = {
    "clicks": Kind(gettext_lazy("Clicks"), lambda row: row.clicks),
    "conversions": Kind(gettext_lazy("Conversions"), lambda row: row.conversions),
    "amount": Kind(gettext_lazy("Sales"), lambda row: row.amount, money=True),
    "commission": Kind(gettext_lazy("Commission"), lambda row: row.commission, money=True),
}


@manager_required(Can.SEE)
def home(request: HttpRequest) -> HttpResponse:
    programs = list(_programs(request))
    context: dict[str, Any] = {
        "needs": needs_of(request.user, programs),
        "mails_note": mails_note(request.user),
        "programs": [program for program in programs if rights_of(request.user).has(Can.SEE_TRACKING, program.pk)],
        "no_program": not programs,
        "answers": rights_of(request.user).has(Can.ANSWER_TICKETS),
        "may_create": rights_of(request.user).everywhere(Can.MANAGE_PROGRAMS),
    }
    if program := _chosen(request, context["programs"]):
        context |= _course(request, program)
    return render(request, "reports/manager/home.html", context)


def _programs(request: HttpRequest) -> Any:
    """Those that the reader sees, with what a new one lacks."""
    approved = Enrollment.objects.filter(program=OuterRef("pk"), status=EnrollmentStatus.APPROVED)
    return visible_programs(request.user).annotate(
        has_offer=Exists(Offer.objects.filter(program=OuterRef("pk"))),
        has_rule=Exists(CommissionRule.objects.filter(program=OuterRef("pk"), archived_at__isnull=True)),
        has_affiliate=Exists(approved),
    )


def _chosen(request: HttpRequest, programs: list[Program]) -> Program | None:
    """The program that the address names, else the first one that runs."""
    asked = request.GET.get("program")
    running = [program for program in programs if program.status == Program.Status.ACTIVE]
    return next((program for program in programs if program.slug == asked), next(iter(running or programs), None))


def _course(request: HttpRequest, program: Program) -> dict[str, Any]:
    """The program's days, in its own zone and currency, beside the period before."""
    period = Period.from_request(request, program.zone)
    shown = period.previous
    days = performance(program, "day", shown.start if period.compare else period.start, period.end)
    now = {row.key: row for row in days if period.start.isoformat() <= row.key <= period.end.isoformat()}
    before = {row.key: row for row in days if shown.start.isoformat() <= row.key <= shown.end.isoformat()}
    money = rights_of(request.user).has(Can.SEE_MONEY, program.pk)
    kinds = {key: kind for key, kind in KINDS.items() if money or not kind.money}
    chosen = request.GET.get("show", "")
    if chosen not in kinds:
        chosen = "amount" if money else "conversions"
    address = {"program": program.slug, **period.query}
    measures = [
        Measure(
            key,
            kind.label,
            _sum(kind, now),
            _sum(kind, before) if period.compare else None,
            program.currency if kind.money else "",
            f"?{urlencode({**address, 'show': key})}",
            key == chosen,
        )
        for key, kind in kinds.items()
    ]
    return {
        "program": program,
        "period": period,
        "measures": measures,
        "chart": _chart(program, period, chosen, now, before),
        "quiet": not any(row.clicks or row.conversions for row in now.values()),
    }


def _sum(kind: Kind, days: dict[str, Performance]) -> Any:
    return sum((kind.of(row) for row in days.values()), Decimal(0) if kind.money else 0)


def _chart(program: Program, period: Period, chosen: str, now: dict[str, Performance], before: dict[str, Performance]) -> Chart:
    """The chosen measure by day, with the period before it; sales come with what of them is commission."""

    def values(kind: Kind, days: list[Any], rows: dict[str, Performance]) -> list[Any]:
        nothing = Decimal(0) if kind.money else 0
        return [kind.of(rows[day.isoformat()]) if day.isoformat() in rows else nothing for day in days]

    kind = KINDS[chosen]
    labels = period.each_day()
    series = [Series(str(kind.label), values(kind, labels, now))]
    if chosen == "amount":
        series.append(Series(str(KINDS["commission"].label), values(KINDS["commission"], labels, now)))
    if period.compare:
        earlier = values(kind, period.previous.each_day(), before)[: len(labels)]
        earlier += [None] * (len(labels) - len(earlier))
        label = _("%(what)s before") % {"what": kind.label}
        series.append(Series(label, earlier, compared=True))
    title = _("%(what)s of %(program)s by day") % {"what": kind.label, "program": program.name}
    return Chart(title, labels, series, currency=program.currency if kind.money else "")
