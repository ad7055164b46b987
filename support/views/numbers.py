"""The team's board, and how soon affiliates are answered."""

from __future__ import annotations

from hashlib import sha256
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from core.access import Can, manager_required, programs_of
from core.ui import Chart, Period, Series
from programs.models import Program
from support import live
from support.queries.board import read_board
from support.queries.numbers import BY, FRESH, Day, Figures, by_day, figures
from support.queries.results import results


@manager_required(Can.SEE_TICKETS)
def support_board(request: HttpRequest) -> HttpResponse:
    seats = read_board(request.user)
    totals = {
        name: sum(getattr(seat, name) for seat in seats) for name in ("ours", "overdue", "soon", "waiting", "promises_overdue")
    }
    context = {
        "seats": seats,
        "totals": totals,
        "there": sum(seat.is_there for seat in seats),
        "overloaded": [seat for seat in seats if seat.is_overloaded],
        "now": timezone.now(),
    }
    return render(request, "support/manager/support_board.html", context)


@manager_required(Can.SEE_TICKETS)
def support_numbers(request: HttpRequest) -> HttpResponse:
    held = programs_of(request.user, Can.SEE_TICKETS)
    visible = Program.objects.all() if held is None else Program.objects.filter(pk__in=held)
    choices = list(visible.order_by("name"))
    chosen = next((program for program in choices if program.slug == request.GET.get("program")), None)
    programs = [chosen.pk] if chosen else None if held is None else [program.pk for program in choices]
    by = request.GET.get("by", "person")
    by = by if by in BY else "person"
    period = Period.from_request(request)
    start, end = period.bounds()
    zone = timezone.get_current_timezone_name()
    asked = (by, *period.bounds(), *period.previous.bounds(), period.compare, programs, zone, get_language())
    key = sha256(repr(asked).encode()).hexdigest()
    at, (total, lines, before, course) = live.measured(key, FRESH, lambda: _measure(period, by, programs, zone))
    address = {**period.query, **({"program": chosen.slug} if chosen else {})}
    context = {
        "period": period,
        "at": at,
        "total": total,
        "before": before,
        "lines": lines,
        "ways": [(label, f"?{urlencode({**address, 'by': key})}", key == by) for key, label in BY.items()],
        "by_label": BY[by],
        "charts": _charts(period, by, lines, course),
        "programs": choices,
        "program": chosen,
        "by": by,
        "results": results(start, end, programs=programs, money=_with_money(request, programs)) if by == "person" else [],
    }
    return render(request, "support/manager/support_numbers.html", context)


def _with_money(request: HttpRequest, programs: list[int] | None) -> list[int] | None:
    """Those of the programs in which the reader sees money."""
    held = programs_of(request.user, Can.SEE_MONEY)
    if programs is None:
        return None if held is None else sorted(held)
    return programs if held is None else [pk for pk in programs if pk in held]


def _measure(
    period: Period, by: str, programs: list[int] | None, zone: str
) -> tuple[Figures, list[Figures], Figures | None, list[Day]]:
    """The total, the lines, the total of the time before, and the days: what takes long."""
    total, lines = figures(by, *period.bounds(), programs=programs, zone=zone)
    before = figures(by, *period.previous.bounds(), programs=programs, zone=zone)[0] if period.compare else None
    return total, lines, before, by_day(period.each_day(), *period.bounds(), programs=programs, zone=zone)


def _charts(period: Period, by: str, lines: list[Figures], course: list[Day]) -> list[Chart]:
    days = period.each_day()
    charts = [
        Chart(
            _("Tickets by day"),
            days,
            [
                Series(_("Opened"), [day.opened for day in course]),
                Series(_("Resolved"), [day.resolved for day in course]),
                Series(_("Backlog at the day's end"), [day.backlog for day in course], compared=True),
            ],
        )
    ]
    shown = [(line.label, line.first_reply.median) for line in lines if line.first_reply.median is not None]
    if shown:
        minutes = [round(median.total_seconds() / 60, 1) for _label, median in shown]
        title = _("First reply by %(what)s, median in minutes") % {"what": str(BY[by]).lower()}
        charts.append(Chart(title, [label for label, _median in shown], [Series(_("Minutes"), minutes)], kind="bar"))
    return charts
