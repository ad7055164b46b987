"""Improvements that tickets raise: filing one, the list, the decision."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from core.access import Can, manager_required, rights_of
from core.listing import ChoiceFilter, Column, Empty, Listing, NumberColumn, PersonColumn, StateColumn, TimeColumn
from core.models import Event
from core.ui import refusals_as_messages
from programs.models import Program
from programs.queries import several_programs
from support.models import Improvement, Ticket
from support.services.improvements import decide_improvement, raise_improvement
from support.views.asking import ask
from support.views.tickets import back_to, visible_ticket


class RaiseForm(forms.Form):
    """One that others have raised before, or a new one."""

    improvement = forms.ModelChoiceField(
        label=gettext_lazy("One that was raised before"),
        queryset=Improvement.objects.none(),
        empty_label=gettext_lazy("A new one"),
        required=False,
    )
    title = forms.CharField(label=gettext_lazy("What would be better"), required=False, max_length=160)
    text = forms.CharField(
        label=gettext_lazy("Why, and how"), required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, ticket: Ticket, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["improvement"].queryset = open_improvements(ticket.program)  # type: ignore[attr-defined]


def open_improvements(program: Program) -> Any:
    return Improvement.objects.filter(program=program, status=Improvement.Status.OPEN)


@manager_required(Can.SEE_TICKETS)
def improvement_list(request: HttpRequest) -> HttpResponse:
    rows = Improvement.objects.visible_to(request.user).select_related("program", "created_by")
    rows = rows.annotate(raised=Count("voices", filter=Q(voices__ticket__merged_into=None)))
    listing = Listing(
        request,
        rows,
        name="improvements",
        caption=_("Improvements"),
        columns=[
            Column("title", gettext_lazy("What would be better")),
            StateColumn(
                "status", gettext_lazy("State"), value=lambda i: f"improvement_{i.status}", text=lambda i: i.get_status_display()
            ),
            NumberColumn("raised", gettext_lazy("Raised by"), sort=True),
            Column("program", gettext_lazy("Program"), sort="program__name", shown=several_programs(request.user)),
            PersonColumn("created_by", gettext_lazy("Filed by")),
            TimeColumn("created_at", gettext_lazy("Filed"), sort=True),
            TimeColumn("decided_at", gettext_lazy("Decided"), sort=True),
        ],
        filters=[ChoiceFilter("status", gettext_lazy("State"), choices=Improvement.Status)],
        tabs="status",
        search=["title", "text"],
        default_sort="-created_at",
        row_url=lambda i: reverse("manage:improvement_detail", args=[i.public_id]),
        empty=Empty(
            _("No improvements yet"),
            _("What affiliates ask the program to become: file a ticket as one, from its card."),
            icon="bulb",
        ),
    )
    return listing.response("support/manager/improvement_list.html")


@manager_required(Can.SEE_TICKETS)
def improvement_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    improvement = _visible(request, public_id)
    voices = improvement.standing_voices.select_related("ticket__affiliate", "ticket__contact", "by").order_by("created_at")
    context = {
        "improvement": improvement,
        "voices": voices,
        "decides": improvement.status == Improvement.Status.OPEN
        and rights_of(request.user).has(Can.MANAGE_PROGRAMS, improvement.program_id),
        "events": Event.objects.about(improvement),
    }
    return render(request, "support/manager/improvement_detail.html", context)


@manager_required(Can.MANAGE_PROGRAMS)
@require_POST
def improvement_decide(request: HttpRequest, public_id: str) -> HttpResponse:
    improvement = _visible(request, public_id, Can.MANAGE_PROGRAMS)
    accept = request.POST.get("decision") == "accept"
    with refusals_as_messages(request):
        decide_improvement(improvement, accept, by=request.user, reason=request.POST.get("reason", "")[:2000])
        messages.success(request, _("Decided. Those who raised it are told."))
    return redirect("manage:improvement_detail", improvement.public_id)


@manager_required(Can.ANSWER_TICKETS)
def improvement_raise(request: HttpRequest, public_id: str) -> HttpResponse:
    ticket = visible_ticket(request, public_id, Can.ANSWER_TICKETS)
    if request.method != "POST":
        return ask(request, ticket, _("File as an improvement"), RaiseForm(ticket=ticket), _("File"))
    form = RaiseForm(request.POST, ticket=ticket)
    if form.is_valid():
        with refusals_as_messages(request):
            improvement = raise_improvement(ticket, by=request.user, **form.cleaned_data)
            messages.success(request, _("Filed as an improvement: %(title)s") % {"title": improvement.title})
    else:
        messages.error(request, _("There is no such choice."))
    return back_to(request, ticket)


def _visible(request: HttpRequest, public_id: str, can: Can = Can.SEE_TICKETS) -> Improvement:
    rows = Improvement.objects.visible_to(request.user, can).select_related("program", "created_by", "decided_by")
    found: Improvement = get_object_or_404(rows, pk=Improvement.pk_from(public_id))
    return found
