"""One's own shifts, the swaps asked of one, and, for those who plan, the swaps to approve."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.access import Can, manager_required, rights_of
from core.components import day_text
from core.ui import refusals_as_errors, refusals_as_messages
from team.forms import SwapForm
from team.models import Duty, Shift, ShiftChange
from team.queries import HORIZON, load_roster
from team.roster import Roster, Turn
from team.services import answer_swap, decide_swap, propose_swap, withdraw_swap


@manager_required(Can.SEE)
def my_shifts(request: HttpRequest) -> HttpResponse:
    now, user = timezone.now(), request.user
    roster = load_roster(now, now + HORIZON)
    changes = _changes().filter(state__in=ShiftChange.OPEN)
    open_ones = {(change.shift_id, change.day): change for change in changes}
    firsts = [change for change in changes if change.in_return_for_id is None]
    context = {
        "planned": roster.planned,
        "turns": [_told(turn, roster, open_ones) for turn in _own(roster, user.pk)] if roster.planned else [],
        "asked_of_me": [change for change in firsts if change.taken_by_id == user.pk and change.state == "proposed"],
        "to_approve": [change for change in firsts if change.state == "accepted"] if _plans(request) else [],
        "zone": timezone.get_current_timezone_name(),
        "now": now,
    }
    return render(request, "team/manager/my_shifts.html", context)


def _plans(request: HttpRequest) -> bool:
    return rights_of(request.user).has(Can.PLAN_TEAM)


def _own(roster: Roster, person: int) -> list[Turn]:
    return [turn for turn in roster.turns if turn.person == person and not turn.cancelled]


def _told(turn: Turn, roster: Roster, changes: dict[tuple[int, date], ShiftChange]) -> dict[str, Any]:
    return {
        "turn": turn,
        "duty": Duty(turn.duty).label,
        "away": roster.presence(turn) != [(turn.start, turn.end)],
        "change": changes.get((turn.shift, turn.day)),
        "running": turn.start <= timezone.now(),
    }


def _changes() -> QuerySet[ShiftChange]:
    return ShiftChange.objects.select_related(
        "shift__person", "taken_by", "asked_by", "in_return__shift", "in_return__taken_by"
    ).order_by("day", "pk")


@manager_required(Can.SEE)
def swap_propose(request: HttpRequest, public_id: str, day: str) -> HttpResponse:
    shift = get_object_or_404(Shift.objects.select_related("person", "program"), pk=Shift.pk_from(public_id))
    on = _day(day)
    now = timezone.now()
    roster = load_roster(now, now + HORIZON)
    form = SwapForm(request.POST or None, by=request.user, returns=_returns(roster, request.user.pk))
    if form.is_valid():
        asked = form.cleaned_data
        with refusals_as_errors(form):
            in_return = _return_of(asked["in_return"])
            change = propose_swap(shift, on, asked["taker"], by=request.user, in_return=in_return, note=asked["note"])
            messages.success(request, _("%(person)s was asked.") % {"person": change.taken_by})
            return redirect("manage:my_shifts")
    return render(request, "team/manager/swap_propose.html", {"form": form, "shift": shift, "day": on})


def _day(text: str) -> date:
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise Http404
    return day


def _returns(roster: Roster, person: int) -> list[tuple[str, str]]:
    """Colleagues' turns that can be asked for in return."""
    from accounts.models import User

    turns = [turn for turn in roster.turns if turn.shift and turn.person != person and turn.start > roster.start]
    names = User.objects.in_bulk({turn.person for turn in turns})
    return [
        (f"{turn.shift}:{turn.day}", f"{names[turn.person]} · {day_text(turn.day)}, {_clock(turn.start)}–{_clock(turn.end)}")
        for turn in turns
        if not turn.cancelled
    ]


def _clock(at: datetime) -> str:
    return timezone.localtime(at).strftime("%H:%M")


def _return_of(choice: str) -> tuple[Shift, date] | None:
    if not choice:
        return None
    number, _colon, day = choice.partition(":")
    return Shift.objects.get(pk=int(number)), _day(day)


def _said(change: ShiftChange, word: str) -> str:
    """What the answer to a swap comes to."""
    if word == "accept":
        return _("The shift is yours once whoever plans the team has approved it. Until then it is %(person)s’s.") % {
            "person": change.asked_by
        }
    if word == "approve":
        return _("%(person)s takes the shift.") % {"person": change.taken_by}
    return _("The shift stays with %(person)s.") % {"person": change.asked_by}


@manager_required(Can.SEE)
@require_POST
def swap_answer(request: HttpRequest, public_id: str) -> HttpResponse:
    """What somebody says to a swap: the colleague who was asked, whoever plans, or whoever asked."""
    change = get_object_or_404(_changes(), pk=ShiftChange.pk_from(public_id))
    word = request.POST.get("word", "")
    with refusals_as_messages(request):
        if word in ("accept", "refuse"):
            answer_swap(change, word == "accept", by=request.user)
        elif word in ("approve", "decline"):
            decide_swap(change, word == "approve", by=request.user)
        elif word == "withdraw":
            withdraw_swap(change, by=request.user)
        messages.success(request, _said(change, word))
    return redirect("manage:my_shifts")
