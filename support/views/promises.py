"""Promises: what a text would promise, those that are open, and what became of them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.queries import people_who
from core.access import Can, manager_required
from core.listing import BooleanFilter, ChoiceFilter, Column, Empty, Listing, PersonColumn, StateColumn, TimeColumn
from core.ui import redirect_back, refusals_as_messages
from support.forms_promises import MOMENT, SettleForm
from support.models import Commitment
from support.promises import suggest_promise
from support.queries.promises import state_label, state_of
from support.services.promises import LONGEST_READ, give_commitment, settle_commitment


@manager_required(Can.SEE_TICKETS)
def promise_list(request: HttpRequest) -> HttpResponse:
    rows = Commitment.objects.visible_to(request.user).select_related(
        "ticket__affiliate", "ticket__contact", "owner", "settled_by"
    )
    listing = Listing(
        request,
        rows,
        name="promises",
        caption=_("Promises"),
        columns=[
            Column("text", gettext_lazy("Promise")),
            PersonColumn("to", gettext_lazy("To"), value=lambda c: c.ticket.affiliate or c.ticket.contact),
            PersonColumn("owner", gettext_lazy("Owner"), sort="owner__name"),
            TimeColumn("due_at", gettext_lazy("For"), sort=True),
            StateColumn("status", gettext_lazy("State"), value=state_of, text=state_label, sort="status"),
            TimeColumn("settled_at", gettext_lazy("Settled"), sort=True),
            Column("reason", gettext_lazy("Reason"), shown=False),
        ],
        filters=[
            ChoiceFilter("status", gettext_lazy("State"), choices=Commitment.Status),
            BooleanFilter(
                "mine",
                gettext_lazy("Mine"),
                apply=lambda found, value: found.filter(owner=request.user) if value else found.exclude(owner=request.user),
            ),
        ],
        tabs="status",
        search=["text"],
        default_sort="due_at",
        row_url=lambda c: reverse("manage:ticket_detail", args=[c.ticket.public_id]),
        empty=Empty(
            _("No promises yet"),
            _("A reply that promises something with a time, such as “by Friday”, becomes one."),
            icon="heart-handshake",
        ),
    )
    return listing.response("support/manager/promise_list.html")


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def promise_suggest(request: HttpRequest) -> HttpResponse:
    """What the text being typed promises: a box that is ticked, or unticked where that is doubtful, with what and
    when to change. What the writer said of these words stays said. Nothing where it names no time."""
    suggestion = None
    if request.POST.get("mode", "reply") != "note":
        suggestion = suggest_promise(request.POST.get("body", "")[:LONGEST_READ], timezone.localtime())
    due = timezone.localtime(suggestion.due_at).strftime(MOMENT) if suggestion else ""
    said = request.POST.get("promise_offered", "")
    same = bool(said and suggestion and (said.startswith(suggestion.words) or suggestion.words.startswith(said)))
    ticked = request.POST.get("promise") == "on" if same else bool(suggestion and not suggestion.doubtful)
    context = {"suggestion": suggestion, "due": due, "confirmed": ticked}
    return render(request, "support/manager/_promise.html", context)


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def promise_settle(request: HttpRequest, public_id: str) -> HttpResponse:
    rows = Commitment.objects.visible_to(request.user).select_related("ticket")
    commitment = get_object_or_404(rows, pk=Commitment.pk_from(public_id))
    form = SettleForm(request.POST)
    if form.is_valid():
        with refusals_as_messages(request):
            settled = settle_commitment(
                commitment, form.cleaned_data["status"], by=request.user, reason=form.cleaned_data["reason"]
            )
            messages.success(request, f"{settled.get_status_display()}: {settled.text}")
    else:
        messages.error(request, _("There is no such choice."))
    return redirect_back(request, "manage:promise_list")


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def promise_give(request: HttpRequest, public_id: str) -> HttpResponse:
    """Another one keeps it from now on."""
    rows = Commitment.objects.visible_to(request.user).select_related("ticket")
    commitment = get_object_or_404(rows, pk=Commitment.pk_from(public_id))
    people = people_who(Can.ANSWER_TICKETS, commitment.ticket.program_id)
    person = people.filter(pk=User.pk_from(request.POST.get("person", "")) or 0).first()
    if person is None:
        messages.error(request, _("Choose who keeps it."))
    else:
        with refusals_as_messages(request):
            given = give_commitment(commitment, person, by=request.user)
            messages.success(request, _("%(person)s keeps it from now on: %(text)s") % {"person": person, "text": given.text})
    return redirect_back(request, "manage:promise_list")
