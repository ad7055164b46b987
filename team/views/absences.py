"""Days off: one's own, those to decide, and who has had no full leave."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.access import Can, manager_required, rights_of
from core.ui import redirect_back, refusals_as_errors, refusals_as_messages
from team.forms import AbsenceForm, LastDayForm
from team.models import Absence
from team.queries import without_full_leave
from team.services import ask_absence, decide_absence, end_absence

S = Absence.State
SHOWN_FOR = timedelta(days=60)


@manager_required(Can.SEE)
def absence_list(request: HttpRequest) -> HttpResponse:
    plans, today = rights_of(request.user).has(Can.PLAN_TEAM), timezone.localdate()
    form = AbsenceForm(request.POST or None, by=request.user, plans=plans, initial={"first_day": today, "last_day": today})
    if form.is_valid():
        asked = dict(form.cleaned_data)
        with refusals_as_errors(form):
            absence = ask_absence(asked.pop("person", request.user), by=request.user, **asked)
            told = {"person": absence.person}
            if absence.state == S.APPROVED:
                messages.success(request, _("Get well soon. Nothing is given to %(person)s in these days.") % told)
            else:
                messages.success(request, _("Asked. Whoever plans decides."))
            return redirect("manage:absence_list")
    mine = Q(person=request.user)
    recent = Absence.objects.filter(last_day__gte=today - SHOWN_FOR).select_related("person", "deputy", "decided_by")
    seen = rights_of(request.user).has(Can.SEE_TEAM)
    away = recent.filter(state=S.APPROVED, last_day__gte=today).order_by("first_day", "pk") if seen else recent.none()
    context = {
        "form": form,
        "plans": plans,
        "mine": list(recent.filter(mine).order_by("-first_day")),
        "asked": list(recent.filter(state=S.ASKED)) if plans else [],
        "away": [absence for absence in away if absence.person_id != request.user.pk],
        "tired": without_full_leave() if plans else [found for found in without_full_leave() if found.person == request.user],
        "today": today,
    }
    return render(request, "team/manager/absence_list.html", context)


@manager_required(Can.PLAN_TEAM)
@require_POST
def absence_decide(request: HttpRequest, public_id: str) -> HttpResponse:
    absence = get_object_or_404(Absence, pk=Absence.pk_from(public_id))
    with refusals_as_messages(request):
        approves = request.POST.get("word") == "approve"
        decide_absence(absence, approves, by=request.user, reason=request.POST.get("reason", "")[:300])
        if approves:
            messages.success(request, _("Approved. See to the accounts below."))
            return redirect("manage:absence_detail", absence.public_id)
    return redirect("manage:absence_list")


@manager_required(Can.SEE)
@require_POST
def absence_end(request: HttpRequest, public_id: str) -> HttpResponse:
    absence = get_object_or_404(Absence, pk=Absence.pk_from(public_id))
    form = LastDayForm(request.POST)
    if form.is_valid():
        with refusals_as_messages(request):
            end_absence(absence, form.cleaned_data["last_day"], by=request.user)
            messages.success(request, _("Changed. What was handed over comes back within a minute."))
    else:
        messages.error(request, _("Say which day is the last one."))
    return redirect_back(request, "manage:absence_list")
