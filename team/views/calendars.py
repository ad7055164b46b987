"""Calendars, for those who set the inbox up."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from core.access import Can, manager_required, rights_of
from core.models import Event
from core.ui import refusals_as_errors
from team.forms_calendars import CalendarForm
from team.models import Calendar
from team.services.calendars import save_calendar, special_days
from team.weeks import write_hours


@manager_required(Can.SET_INBOX)
def calendar_list(request: HttpRequest) -> HttpResponse:
    calendars = [(calendar, [write_hours(day) for day in calendar.weekly_hours]) for calendar in Calendar.objects.all()]
    sets = rights_of(request.user).everywhere(Can.SET_INBOX)
    return render(request, "team/manager/calendar_list.html", {"calendars": calendars, "sets": sets})


@manager_required(Can.SET_INBOX)
def calendar_create(request: HttpRequest) -> HttpResponse:
    return _edit(request, Calendar())


@manager_required(Can.SET_INBOX)
def calendar_edit(request: HttpRequest, public_id: str) -> HttpResponse:
    return _edit(request, get_object_or_404(Calendar, pk=Calendar.pk_from(public_id)))


def _edit(request: HttpRequest, calendar: Calendar) -> HttpResponse:
    form = CalendarForm(request.POST or None, instance=calendar)
    if form.is_valid():
        with refusals_as_errors(form):
            # The form has written what it read into its instance: what is saved starts from the row.
            row = Calendar.objects.get(pk=calendar.pk) if calendar.pk else Calendar()
            saved = save_calendar(row, by=request.user, **form.cleaned_data)
            messages.success(request, _("Saved. Due times of what is open are computed anew."))
            return redirect("manage:calendar_edit", saved.public_id)
    context: dict[str, Any] = {"form": form, "calendar": calendar}
    if calendar.pk:
        context |= {
            "special_days": list(special_days(calendar, timezone.localdate())),
            "events": Event.objects.about(calendar),
        }
    return render(request, "team/manager/calendar_edit.html", context)
