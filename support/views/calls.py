"""The phone log."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from core.access import Can, manager_required
from core.listing import ChoiceFilter, Column, DateFilter, Empty, Listing, NumberColumn, PersonColumn, TimeColumn
from core.ui import refusals_as_errors
from support.forms_calls import CallForm
from support.models import PhoneCall, Ticket
from support.services.calls import log_call, shown_number


@manager_required(Can.SEE_TICKETS)
def call_list(request: HttpRequest) -> HttpResponse:
    """Who, when, how long, what was said, what follows."""
    calls = PhoneCall.objects.filter(ticket__in=Ticket.objects.visible_to(request.user))
    listing = Listing(
        request,
        calls.select_related("ticket__affiliate", "contact", "by", "said", "answered", "task__owner"),
        name="calls",
        caption=_("Calls"),
        columns=[
            TimeColumn("started_at", _("When"), sort=True),
            Column("who", _("Who"), value=lambda c: str(c.ticket.affiliate or c.contact or "")),
            Column("kind", _("Which way"), value=lambda c: c.get_kind_display(), sort="kind"),
            Column("number", _("Number"), value=lambda c: shown_number(c.number) if c.number else ""),
            NumberColumn("minutes", _("Minutes"), sort=True),
            Column("said", _("What was said"), value=_said),
            Column("task", _("What follows"), value=lambda c: c.task.title if c.task else ""),
            PersonColumn("by", _("Written down by")),
        ],
        filters=[
            ChoiceFilter("kind", _("Which way"), choices=PhoneCall.Kind.choices),
            DateFilter("date", _("When"), field="started_at"),
        ],
        search=["number", "said__body_text", "answered__body_text", "ticket__affiliate__name"],
        default_sort="-started_at",
        row_url=lambda c: reverse("manage:ticket_detail", args=[c.ticket.public_id]),
        empty=Empty(
            _("No calls yet"),
            _("Write down who called, and what was said: it joins their request, and what follows becomes a task."),
            reverse("manage:call_create"),
            _("Write down a call"),
            icon="phone",
        ),
    )
    return listing.response("support/manager/call_list.html")


def _said(call: PhoneCall) -> str:
    return " — ".join(message.body_text[:120] for message in (call.said, call.answered) if message is not None)


@manager_required(Can.ANSWER_TICKETS)
def call_create(request: HttpRequest) -> HttpResponse:
    """`?affiliate=`, `?number=`, `?program=` (slug), `?kind=`, `?ticket=`: what it was about, from where one called."""
    initial = {name: request.GET[name] for name in ("affiliate", "number", "program", "kind", "ticket") if name in request.GET}
    form = CallForm(request.POST or None, user=request.user, initial=initial)
    if form.is_valid():
        with refusals_as_errors(form):
            call = log_call(by=request.user, **form.cleaned_data)
            messages.success(request, _("Written down."))
            return redirect("manage:ticket_detail", call.ticket.public_id)
    return render(request, "support/manager/call_create.html", {"form": form})
