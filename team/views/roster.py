"""The roster: a week of everybody, shifts planned and ended, and where nobody is in the next two weeks."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.access import Can, manager_required, rights_of
from core.middleware import zone_of
from core.ui import refusals_as_errors, refusals_as_messages
from programs.models import Program
from programs.queries import visible_programs
from team.forms import CoverageForm, LastDayForm, ShiftForm
from team.models import Coverage, Door, Duty, Shift
from team.queries import HORIZON, Lane, duty_officers, gaps, load_roster, members
from team.roster import hours_of
from team.roster_week import days_from, hours_of_day, monday_of, span_of_days, week_lines
from team.services import ask_coverage, cancel_turn, drop_coverage, end_shift, plan_shift
from team.services.shifts import turn_of
from team.shifts import weekdays_of

MOST_OFFICERS = 6  # programs whose duty officer the roster's page names


@manager_required(Can.SEE_TEAM)
def roster(request: HttpRequest) -> HttpResponse:
    zone, now = zone_of(request.user), timezone.now()
    first = monday_of(_day(request.GET.get("week")) or timezone.localdate())
    start, end = span_of_days(first, 7, zone)
    near = start <= now < end
    ahead = load_roster(min(start, now) if near else now, now + HORIZON)
    shown = ahead if near else load_roster(start, end)
    people, programs = list(members()), _active(request)
    officers = duty_officers(now, programs[:MOST_OFFICERS], ahead)
    on_duty = set(ahead.on_duty(now))
    scheduled = {turn.person for turn in ahead.turns}
    context = {
        "planned": ahead.planned,
        "plans": rights_of(request.user).has(Can.PLAN_TEAM),
        "days": days_from(first, 7),
        "today": timezone.localdate(),
        "before": first - timedelta(days=7),
        "after": first + timedelta(days=7),
        "lines": week_lines(shown, people, {p.pk: p.name for p in programs}, first, zone) if ahead.planned else [],
        "without_shift": [person for person in people if person.pk in ahead.answering and person.pk not in scheduled],
        "zone": zone.key,
        "on_duty": [person for person in people if person.pk in on_duty],
        "officers": [(program, officers[program.pk]) for program in programs[:MOST_OFFICERS]],
        "missing": _missing(gaps(now, programs=[p.pk for p in programs], roster=ahead)) if ahead.planned else 0,
    }
    return render(request, "team/manager/roster.html", context)


def _active(request: HttpRequest) -> list[Program]:
    """The active programs of whose team the reader sees."""
    return list(visible_programs(request.user, Can.SEE_TEAM).filter(status=Program.Status.ACTIVE))


def _missing(lanes: list[Lane]) -> int:
    """Hours of the next two weeks that have no one for something."""
    return round(sum((gap.end - gap.start).total_seconds() for lane in lanes for gap in lane.gaps) / 3600)


def _day(text: str | None) -> date | None:
    try:
        return parse_date(text or "")
    except ValueError:
        return None


@manager_required(Can.SEE_TEAM)
def roster_gaps(request: HttpRequest) -> HttpResponse:
    zone, now = zone_of(request.user), timezone.now()
    form = CoverageForm(request.POST or None) if rights_of(request.user).has(Can.PLAN_TEAM) else None
    if form is not None and form.is_valid():
        with refusals_as_errors(form):
            ask_coverage(by=request.user, **form.cleaned_data)
            return redirect("manage:roster_gaps")
    programs, ahead = _active(request), load_roster(now, now + HORIZON)
    names = {program.pk: program.name for program in programs}
    found = gaps(now, programs=names, roster=ahead)
    context = {
        "planned": ahead.planned,
        "lanes": [_drawn(lane, now, zone, names) for lane in found],
        "asked": list(Coverage.objects.select_related("program", "calendar")),
        "form": form,
        "zone": zone.key,
        "until": now + HORIZON,
    }
    return render(request, "team/manager/roster_gaps.html", context)


def _drawn(lane: Lane, now: datetime, zone: Any, names: dict[int, str]) -> dict[str, Any]:
    days = []
    for day in days_from(now.astimezone(zone).date(), 15):
        hours = list(hours_of_day(day, zone))
        states = list(hours_of(lane.gaps, lane.ask.spans, hours))
        if any(states):
            days.append((day, [(start.astimezone(zone), state) for (start, _end), state in zip(hours, states, strict=True)]))
    told = [
        {
            "start": gap.start,
            "end": gap.end,
            "local": gap.start.astimezone(zone),
            "one_day": gap.start.astimezone(zone).date() == gap.end.astimezone(zone).date(),
            "hours": (gap.end - gap.start).total_seconds() / 3600,
            "programs": "" if gap.programs == set(lane.ask.programs) else ", ".join(sorted(names[p] for p in gap.programs)),
            "doors": "" if gap.doors == set(lane.ask.doors) else ", ".join(str(Door(d).label) for d in sorted(gap.doors) if d),
        }
        for gap in lane.gaps
    ]
    return {
        "duty": Duty(lane.duty),
        "door": Door(lane.channel).label if lane.channel else "",
        "days": days,
        "gaps": told,
        "hours": sum(gap["hours"] for gap in told),
    }


@manager_required(Can.PLAN_TEAM)
@require_POST
def coverage_drop(request: HttpRequest, number: int) -> HttpResponse:
    with refusals_as_messages(request):
        drop_coverage(get_object_or_404(Coverage, pk=number), by=request.user)
    return redirect("manage:roster_gaps")


@manager_required(Can.PLAN_TEAM)
def shift_create(request: HttpRequest) -> HttpResponse:
    form = ShiftForm(request.POST or None, by=request.user, initial={"first_day": timezone.localdate(), **_given(request)})
    if form.is_valid():
        with refusals_as_errors(form):
            person, duty = form.cleaned_data["person"], form.cleaned_data["duty"]
            shift = plan_shift(person, duty, by=request.user, **form.plan())
            messages.success(request, _("%(person)s is planned.") % {"person": shift.person})
            return redirect(f"{_roster_url()}?week={monday_of(shift.first_day).isoformat()}")
    return render(request, "team/manager/shift_create.html", {"form": form})


def _given(request: HttpRequest) -> dict[str, Any]:
    """What a gap's link fills in."""
    given = {name: request.GET[name] for name in ("duty", "start_time", "end_time", "channel_kind") if name in request.GET}
    if day := _day(request.GET.get("first_day")):
        given["first_day"] = day  # type: ignore[assignment]
    return given


def _roster_url() -> str:
    from django.urls import reverse

    return reverse("manage:roster")


def _repeats(rule: str) -> str:
    """A shift's rule in words; one that only a calendar's language says stands as it is."""
    if not rule:
        return _("Once")
    if rule == "FREQ=DAILY":
        return _("Every day")
    found = weekdays_of(rule)
    if found is None:
        return rule
    days, every = ", ".join(str(WEEKDAYS_ABBR[day]) for day in found[0]), found[1]
    return days if every == 1 else _("%(days)s, every %(number)d weeks") % {"days": days, "number": every}


@manager_required(Can.SEE_TEAM)
def shift_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    shift = _shift(public_id)
    day = _day(request.GET.get("day"))
    plans = rights_of(request.user).has(Can.PLAN_TEAM)
    context = {"shift": shift, "repeats": _repeats(shift.rule), "plans": plans, "day": day, "ends": LastDayForm()}
    if day is not None:
        with refusals_as_messages(request):
            context["turn"] = turn_of(shift, day)
    return render(request, "team/manager/shift_detail.html", context)


@manager_required(Can.PLAN_TEAM)
@require_POST
def shift_end(request: HttpRequest, public_id: str) -> HttpResponse:
    shift = _shift(public_id)
    form = LastDayForm(request.POST)
    if not form.is_valid():
        return render(
            request,
            "team/manager/shift_detail.html",
            {"shift": shift, "repeats": _repeats(shift.rule), "plans": True, "ends": form},
        )
    with refusals_as_messages(request):
        end_shift(shift, form.cleaned_data["last_day"], by=request.user)
        messages.success(request, _("The shift ends then; what has been stays."))
    return redirect("manage:roster")


@manager_required(Can.PLAN_TEAM)
@require_POST
def turn_cancel(request: HttpRequest, public_id: str) -> HttpResponse:
    shift, day = _shift(public_id), _day(request.POST.get("day"))
    if day is None:
        messages.error(request, _("Say which day."))
        return redirect("manage:shift_detail", shift.public_id)
    with refusals_as_messages(request):
        cancel_turn(shift, day, by=request.user, note=request.POST.get("note", "")[:300])
        messages.success(request, _("It does not take place on that day."))
    return redirect("manage:roster")


def _shift(public_id: str) -> Shift:
    number = Shift.pk_from(public_id)
    return get_object_or_404(Shift.objects.select_related("person", "program"), pk=number)
