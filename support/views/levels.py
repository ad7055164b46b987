"""Levels: asking somebody who knows more, taking such a question, answering it; what problems come from and how hard they were."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from core.access import Can, manager_required, public_page
from core.errors import Refusal
from core.listing import (
    BooleanFilter,
    BulkAction,
    ChoiceFilter,
    Column,
    Empty,
    Listing,
    NumberColumn,
    PersonColumn,
    StateColumn,
    TimeColumn,
)
from core.ui import redirect_back, refusals_as_errors, refusals_as_messages
from programs.queries import several_programs
from support.display import shown_text
from support.forms_levels import EscalationForm
from support.models import Cause, Difficulty, Escalation, Level, Ticket
from support.queries.ticket import Around
from support.services.escalations import (
    accept_escalation,
    answer_escalation,
    escalate,
    escalation_of,
    may_withdraw,
    mend_causes,
    name_causes,
    propose_difficulty,
    withdraw_escalation,
)
from support.views.tickets import back_to, visible_ticket

SHOWN = {  # the colour of each state
    "asked": "waiting",
    "accepted": "in_review",
    "answered": "done",
    "passed_on": "inactive",
    "withdrawn": "cancelled",
}


def levels_card(request: HttpRequest, ticket: Ticket) -> dict[str, Any]:
    """Beside a ticket: where it is and since when, what was asked before, how hard it was, what it came from."""
    around: Around = ticket.around  # type: ignore[attr-defined]
    rows = ticket.escalations.select_related("holder", "asked_by", "answered_by").order_by("-number")
    escalations = list(rows) if around.asked else []
    for escalation in escalations:
        escalation.tone = SHOWN[escalation.status]  # type: ignore[attr-defined]
    open_one = next((e for e in escalations if e.status in ("asked", "accepted")), None)
    return {
        "ticket": ticket,
        "open": open_one,
        "may_withdraw": open_one is not None and may_withdraw(open_one, request.user),
        "past": [e for e in escalations if e is not open_one],
        "difficulty": Difficulty.objects.select_related("proposed_by", "confirmed_by").get(ticket=ticket)
        if around.graded
        else None,
        "values": range(1, 6),
        "causes": ticket.causes.annotate(number=Count("tickets")).order_by("name") if around.causes else [],
    }


@manager_required(Can.ANSWER_TICKETS)
def escalation_create(request: HttpRequest, public_id: str) -> HttpResponse:
    ticket = visible_ticket(request, public_id, Can.ANSWER_TICKETS)
    form = EscalationForm(request.POST or None, ticket=ticket)
    if form.is_valid():
        with refusals_as_errors(form):
            escalate(ticket, by=request.user, **form.cleaned_data)
            messages.success(request, _("Asked. You stay its owner; the answer comes back as a note."))
            return redirect("manage:ticket_detail", ticket.public_id)
    return render(request, "support/manager/escalation_create.html", {"form": form, "ticket": ticket})


def _visible(request: HttpRequest, public_id: str) -> Escalation:
    tickets = Ticket.objects.visible_to(request.user, Can.ANSWER_TICKETS)
    rows = Escalation.objects.filter(ticket__in=tickets).select_related("ticket")
    return get_object_or_404(rows, pk=Escalation.pk_from(public_id))


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def escalation_accept(request: HttpRequest, public_id: str) -> HttpResponse:
    escalation = _visible(request, public_id)
    with refusals_as_messages(request):
        accept_escalation(escalation, by=request.user)
    return back_to(request, escalation.ticket)


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def escalation_reply(request: HttpRequest, public_id: str) -> HttpResponse:
    escalation = _visible(request, public_id)
    with refusals_as_messages(request):
        answer_escalation(escalation, request.POST.get("answer", ""), by=request.user)
    return back_to(request, escalation.ticket)


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def escalation_withdraw(request: HttpRequest, public_id: str) -> HttpResponse:
    escalation = _visible(request, public_id)
    with refusals_as_messages(request):
        withdraw_escalation(escalation, by=request.user, reason=request.POST.get("reason", ""))
    return back_to(request, escalation.ticket)


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def ticket_difficulty(request: HttpRequest, public_id: str) -> HttpResponse:
    ticket = visible_ticket(request, public_id, Can.ANSWER_TICKETS)
    value = request.POST.get("difficulty", "")
    with refusals_as_messages(request):
        propose_difficulty(ticket, int(value) if value in set("12345") else 0, by=request.user)
    return back_to(request, ticket)


@manager_required(Can.ANSWER_TICKETS)
def ticket_causes(request: HttpRequest, public_id: str) -> HttpResponse:
    """Those that are known, for the field's suggestions; or what this ticket came from."""
    ticket = visible_ticket(request, public_id, Can.ANSWER_TICKETS)
    if request.method != "POST":
        known = Cause.objects.filter(program=ticket.program_id).unmended().order_by("name").values_list("name", flat=True)
        return HttpResponse(format_html_join("", '<option value="{}"></option>', ((name,) for name in known[:200])))
    with refusals_as_messages(request):
        name_causes(ticket, request.POST.get("causes", "").split(","), by=request.user)
    return back_to(request, ticket)


@manager_required(Can.SEE_TICKETS)
def escalation_list(request: HttpRequest) -> HttpResponse:
    """What was asked of whom, where it is, since when, and how often it went further."""
    listing = Listing(
        request,
        Escalation.objects.visible_to(request.user).select_related("ticket", "holder", "asked_by"),
        name="escalations",
        caption=_("Questions to others"),
        columns=[
            Column("question", _("Question"), value=lambda e: e.question[:120]),
            StateColumn("status", _("State"), value=lambda e: SHOWN[e.status], text=lambda e: e.get_status_display()),
            Column("level", _("Level"), value=lambda e: e.get_level_display(), sort="level"),
            Column("held_by", _("With"), value="held_by"),
            TimeColumn("held_since", _("Since"), value="held_since"),
            TimeColumn(
                "accept_due", _("To be taken by"), value=lambda e: e.accept_due if e.status == "asked" else None, sort=True
            ),
            NumberColumn("number", _("Step"), sort=True),
            PersonColumn("asked_by", _("Asked by")),
        ],
        filters=[
            ChoiceFilter("status", _("State"), choices=Escalation.Status.choices),
            ChoiceFilter("level", _("Level"), choices=Level.choices),
            BooleanFilter(
                "mine",
                _("Asked of"),
                yes=_("Me"),
                no=_("Others"),
                apply=lambda rows, mine: rows.filter(holder=request.user) if mine else rows.exclude(holder=request.user),
            ),
        ],
        tabs="status",
        default_sort="accept_due",
        row_url=lambda e: reverse("manage:ticket_detail", args=[e.ticket.public_id]),
        empty=Empty(_("Nothing was asked yet"), _("What support cannot answer alone is asked of others from beside the ticket.")),
    )
    return listing.response("support/manager/escalation_list.html")


def cause_listing(request: HttpRequest) -> Listing:
    causes = Cause.objects.visible_to(request.user).select_related("program").annotate(number=Count("tickets"))
    return Listing(
        request,
        causes.filter(number__gt=0),
        name="causes",
        caption=_("Causes"),
        columns=[
            Column("name", _("Cause"), sort=True),
            Column("program", _("Program"), sort="program__name", shown=several_programs(request.user)),
            NumberColumn("number", _("Tickets"), sort=True),
            TimeColumn("mended_at", _("Mended"), sort=True),
        ],
        search=["name"],
        default_sort="-number",
        bulk=[BulkAction(_("Mended"), reverse("manage:cause_mend"), icon="tool")],
        empty=Empty(_("No causes yet"), _("Name beside a ticket what its problem came from; repeats are counted here.")),
    )


@manager_required(Can.SEE_TICKETS)
def cause_list(request: HttpRequest) -> HttpResponse:
    """What problems come from, the most frequent first: what is mended once is not answered a hundred times."""
    return cause_listing(request).response("support/manager/cause_list.html")


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def cause_mend(request: HttpRequest) -> HttpResponse:
    with refusals_as_messages(request):
        number = mend_causes(cause_listing(request).selected(), by=request.user)
        messages.success(request, _("Mended: %(number)s. Where it happens again, it is counted anew.") % {"number": number})
    return redirect_back(request, "manage:cause_list")


@public_page
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def escalation_answer(request: HttpRequest, token: str) -> HttpResponseBase:
    """A company expert answers one question from a signed link: they see it, and what the asker chose to show, nothing else."""
    try:
        escalation = escalation_of(token)
        written = request.POST.get("answer", "")
        if "take" in request.POST:
            if escalation.status == Escalation.Status.ASKED:
                accept_escalation(escalation, by=None)
                escalation.refresh_from_db()
        elif written.strip():
            answer_escalation(escalation, written, by=None)
            return render(request, "support/public/escalation.html", {"thanks": True})
    except Refusal as refusal:
        status = 410 if refusal.code in ("expired", "closed") else 404
        return render(request, "support/public/escalation.html", {"refused": refusal.message}, status=status)
    shown = [
        (message.direction == "in", message.created_at, shown_text(message.body_text))
        for message in escalation.shown.order_by("created_at", "pk")
    ]
    context = {
        "escalation": escalation,
        "shown": shown,
        "question": shown_text(escalation.question),
        "token": token,
        "written": written,
    }
    return render(request, "support/public/escalation.html", context)
