"""Claims and disputes, requests for better terms: raised in the portal, decided beside the ticket, reported to the company."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.queries import programs_by_person
from affiliates.access import affiliate_required
from affiliates.models import Affiliate
from commissions.models import Commission
from commissions.performance import totals
from commissions.rates import rates_of
from core.access import Can, manager_required, rights_of
from core.components import duration_text, money_text
from core.exports import stream_csv
from core.listing import ChoiceFilter, Column, DateFilter, Empty, Listing, MoneyColumn, PersonColumn, RelatedFilter, TimeColumn
from core.ui import refusals_as_errors, refusals_as_messages
from payouts.models import Payout
from programs.models import Offer, Program
from programs.queries import several_programs, visible_programs
from support.forms_claims import (
    ClaimForm,
    DecisionForm,
    GrantForm,
    LimitForm,
    MissingDecisionForm,
    MissingSaleForm,
    TermsAskForm,
)
from support.models import ClaimDecision, MissingSale, TermsLimit, TermsRequest, Ticket, TicketType
from support.portal import sees_money
from support.queries.disputes import disputes_by_program, heading, outcome_labels, rows_of
from support.services.claims import decide_claim, raise_claim
from support.services.missing_sales import claimed_sale, raise_missing_sale, say_what_it_is_about
from support.services.terms import (
    ask_for_terms,
    grant_terms,
    limit_of,
    may_exceed,
    open_terms_request,
    pass_up_terms,
    refuse_terms,
    set_terms_limit,
)
from support.views.tickets import visible_ticket

MONEY_TYPES = (TicketType.CLAIM, TicketType.DISPUTE)


@affiliate_required()
def claim_create(request: HttpRequest) -> HttpResponse:
    """`?commission=` or `?payout=`: what it is about. It is a message in their chat from then on."""
    affiliate: Affiliate = request.affiliate  # type: ignore[attr-defined]
    commission, payout = _about(request, affiliate)
    form = ClaimForm(request.POST or None)
    if form.is_valid():
        with refusals_as_errors(form):
            ticket = raise_claim(affiliate, by=request.user, text=form.cleaned_data["text"], commission=commission, payout=payout)
            messages.success(request, _("It is with a person now. The answer comes into your chat."))
            return redirect("portal:help_chat", slug=ticket.program.slug)
    return render(request, "support/portal/claim_create.html", {"form": form, "commission": commission, "payout": payout})


@affiliate_required()
def missing_sale_create(request: HttpRequest) -> HttpResponse:
    """A sale that the affiliate knows of, and that never came in."""
    affiliate: Affiliate = request.affiliate  # type: ignore[attr-defined]
    form = MissingSaleForm(request.POST or None, affiliate=affiliate)
    if form.is_valid():
        with refusals_as_errors(form):
            program, text = form.cleaned_data["program"], form.cleaned_data["text"]
            raise_missing_sale(affiliate, program, form.sale, by=request.user, text=text)
            messages.success(request, _("It is with a person now. The answer comes into your chat."))
            return redirect("portal:help_chat", slug=program.slug)
    return render(request, "support/portal/missing_sale_create.html", {"form": form})


def _about(request: HttpRequest, affiliate: Affiliate) -> tuple[Commission | None, Payout | None]:
    """Theirs; of a sale with several commissions, the first."""
    if number := request.GET.get("commission"):
        rows = affiliate.commissions.select_related("conversion__program")
        return get_object_or_404(rows, pk=Commission.pk_from(number)), None
    number = request.GET.get("payout", "")
    if not number or not sees_money(request):
        raise Http404
    return None, get_object_or_404(affiliate.payouts.select_related("batch__program"), pk=Payout.pk_from(number))


@affiliate_required()
def terms_ask(request: HttpRequest) -> HttpResponse:
    """`?program=`: the slug of the one that is asked."""
    affiliate: Affiliate = request.affiliate  # type: ignore[attr-defined]
    form = TermsAskForm(request.POST or None, affiliate=affiliate, program=request.GET.get("program", ""))
    if form.is_valid():
        with refusals_as_errors(form):
            ticket = ask_for_terms(affiliate, by=request.user, **form.cleaned_data)
            messages.success(request, _("Asked. The answer comes into your chat."))
            return redirect("portal:help_chat", slug=ticket.program.slug)
    return render(request, "support/portal/terms_ask.html", {"form": form})


def claim_card(request: HttpRequest, ticket: Ticket) -> dict[str, Any] | None:
    """Beside a claim, dispute or request for terms: what it is about, and what was decided."""
    if ticket.type not in (*MONEY_TYPES, TicketType.TERMS) or not rights_of(request.user).has(Can.SEE_MONEY, ticket.program_id):
        return None
    return {
        "ticket": ticket,
        "terms": TermsRequest.objects.filter(ticket=ticket).select_related("rule", "ticket__program").first(),
        "missing": MissingSale.objects.filter(ticket=ticket).first(),
        "decision": ClaimDecision.objects.filter(ticket=ticket).select_related("decided_by").first(),
    }


@manager_required(Can.SEE_MONEY)
def claim_decide(request: HttpRequest, public_id: str) -> HttpResponse:
    ticket = visible_ticket(request, public_id, Can.ANSWER_TICKETS)
    if not rights_of(request.user).has(Can.SEE_MONEY, ticket.program_id) or ticket.type not in MONEY_TYPES:
        raise Http404
    sale = claimed_sale(ticket) if not ticket.about_commission_id and not ticket.about_payout_id else None
    form: Any = (
        MissingDecisionForm(request.POST or None, sale=sale) if sale else DecisionForm(request.POST or None, ticket=ticket)
    )
    if form.is_valid():
        with refusals_as_errors(form):
            decide_claim(ticket, by=request.user, **form.decision)
            messages.success(request, _("Decided. The affiliate was told, and the report holds it."))
            return redirect("manage:ticket_detail", ticket.public_id)
    decision = ClaimDecision.objects.filter(ticket=ticket).select_related("decided_by").first()
    return render(
        request, "support/manager/claim_decide.html", {"form": form, "ticket": ticket, "decision": decision, "sale": sale}
    )


@manager_required(Can.SEE_MONEY)
@require_POST
def claim_about(request: HttpRequest, public_id: str) -> HttpResponse:
    """What a claim that came in a message is about."""
    ticket = visible_ticket(request, public_id, Can.ANSWER_TICKETS)
    with refusals_as_messages(request):
        say_what_it_is_about(ticket, request.POST.get("about", ""), by=request.user)
    return redirect("manage:claim_decide", ticket.public_id)


@manager_required(Can.SEE_MONEY)
def claim_list(request: HttpRequest) -> HttpResponseBase:
    """The dispute report for the company: what was claimed, what was decided, why, and what it came to."""
    tickets = Ticket.objects.visible_to(request.user, Can.SEE_MONEY).filter(type__in=MONEY_TYPES, merged_into=None)
    listing = Listing(
        request,
        tickets.select_related(
            "affiliate",
            "program",
            "about_commission__conversion",
            "about_payout",
            "decision__decided_by",
            "missing_sale",
            "assignee",
        ),
        name="disputes",
        caption=_("Claims and disputes"),
        columns=[
            Column("subject", _("What"), sort=True),
            PersonColumn("affiliate", _("Affiliate"), value=lambda t: t.affiliate, sort="affiliate__name"),
            TimeColumn("created_at", _("Raised"), sort=True),
            MoneyColumn(
                "worth",
                _("Worth"),
                value=lambda t: _about_money(t, "amount", None),
                currency=lambda t: _about_money(t, "currency", ""),
            ),
            Column("about", _("About"), value=_told_about, shown=False),
            Column("about_id", _("Id"), value=lambda t: _about_money(t, "public_id", ""), shown=False),
            Column("decision", _("Decision"), value=_outcome),
            MoneyColumn(
                "amount", _("Gets"), value=lambda t: _decision(t, "amount", None), currency=lambda t: _decision(t, "currency", "")
            ),
            Column(
                "reason", _("Reason"), value=lambda t: _decision(t, "reason", ""), template="support/manager/_reason_cell.html"
            ),
            PersonColumn("decided_by", _("Decided by"), value=lambda t: _decision(t, "decided_by", None)),
            Column("took", _("Time to decision"), value=_took, shown=False),
            TimeColumn("decided_at", _("Decided"), value=lambda t: _decision(t, "created_at", None)),
            PersonColumn("assignee", _("Owner"), shown=False),
            Column("program", _("Program"), value="program.name", sort="program__name", shown=several_programs(request.user)),
        ],
        filters=[
            ChoiceFilter("type", _("Type"), choices=[(t.value, t.label) for t in MONEY_TYPES]),
            ChoiceFilter(
                "decision",
                _("Decision"),
                choices=[("open", _("To decide")), *ClaimDecision.Kind.choices],
                apply=lambda rows, value: (
                    rows.filter(decision__isnull=True) if value == "open" else rows.filter(decision__kind=value)
                ),
            ),
            DateFilter("date", _("Raised"), field="created_at"),
            RelatedFilter("program", _("Program"), rows=lambda: visible_programs(request.user).order_by("name"), param="slug"),
        ],
        search=["subject", "affiliate__name"],
        default_sort="-created_at",
        row_url=lambda t: reverse("manage:ticket_detail", args=[t.public_id]),
        empty=Empty(
            _("No claims and no disputes"),
            _("Affiliates raise them beside a commission or payout of theirs; each decision stands here with its reason."),
            icon="scale",
        ),
    )
    if request.GET.get("export") == "summary":
        return stream_csv(rows_of(disputes_by_program(listing.matching)), heading(), "disputes-by-program")
    by_itself = getattr(request, "htmx", False) and request.htmx.target == "listing"  # type: ignore[attr-defined]
    context = {} if by_itself else _summary(listing)
    return listing.response("support/manager/claim_list.html", context)


def _summary(listing: Listing) -> dict[str, Any]:
    """In figures, of exactly what the list shows."""
    lines = disputes_by_program(listing.matching)
    return {"lines": lines, "labels": outcome_labels(), "summary_url": listing.address(export="summary")}


def _outcome(ticket: Ticket) -> str:
    outcome = _decision(ticket, "outcome", None)
    return str(outcome.label) if outcome else _("To decide")


def _decision(ticket: Ticket, name: str, otherwise: Any) -> Any:
    decision = getattr(ticket, "decision", None)
    if decision is None:
        return otherwise
    value = getattr(decision, name)
    return value() if callable(value) else value


def _took(ticket: Ticket) -> str:
    decided = _decision(ticket, "created_at", None)
    return duration_text(decided - ticket.created_at) if decided else ""


def _about_money(ticket: Ticket, name: str, otherwise: Any) -> Any:
    return getattr(ticket.about_commission or ticket.about_payout, name, otherwise)


def _told_about(ticket: Ticket) -> str:
    if (sold := ticket.about_commission) is not None:
        told = {"order": sold.conversion.external_id, "amount": money_text(sold.amount, sold.currency)}
        return _("%(amount)s for order %(order)s") % told
    if (payout := ticket.about_payout) is not None:
        return _("a payout of %(amount)s") % {"amount": money_text(payout.amount, payout.currency)}
    missing = getattr(ticket, "missing_sale", None)
    return _("order %(order)s, which never came in") % {"order": missing.order} if missing else ""


def _terms(request: HttpRequest, public_id: str) -> TermsRequest:
    ticket = visible_ticket(request, public_id, Can.ANSWER_TICKETS)
    rows = TermsRequest.objects.select_related("ticket__program", "ticket__affiliate", "offer", "rule", "decided_by")
    terms = get_object_or_404(rows, ticket=ticket)
    if not rights_of(request.user).has(Can.SET_RULES, ticket.program_id):
        raise Http404
    return terms


@manager_required(Can.SET_RULES)
def terms_decide(request: HttpRequest, public_id: str) -> HttpResponse:
    """The affiliate's numbers beside the request, the manager's limit, and what is granted until when."""
    terms = _terms(request, public_id)
    program, affiliate = terms.ticket.program, terms.ticket.affiliate
    form = GrantForm(request.POST if "grant" in request.POST else None)
    if form.is_valid():
        with refusals_as_errors(form):
            grant_terms(terms, by=request.user, **form.cleaned_data)
            messages.success(request, _("Granted. The rule is in force, and ends by itself."))
            return redirect("manage:ticket_detail", terms.ticket.public_id)
    today = timezone.localdate(timezone=program.zone)
    assert affiliate is not None
    offers = list(Offer.objects.filter(program=program).select_related("program"))
    rates = rates_of(affiliate.pk, offers, timezone.now())
    context = {
        "terms": terms,
        "ticket": terms.ticket,
        "form": form,
        "numbers": [
            (days, totals(program, today - timedelta(days=days), today, affiliates=[affiliate.pk])) for days in (30, 90, 365)
        ],
        "rates": [(offer, rates.get(offer.pk, [])) for offer in offers],
        "limit": limit_of(program),
        "may_exceed": may_exceed(request.user, program),
        "decided": terms.status in (TermsRequest.Status.GRANTED, TermsRequest.Status.REFUSED),
    }
    return render(request, "support/manager/terms_decide.html", context)


@manager_required(Can.SET_RULES)
@require_POST
def terms_settle(request: HttpRequest, public_id: str) -> HttpResponse:
    """Refused with a reason, or passed up to the head."""
    terms = _terms(request, public_id)
    step = pass_up_terms if "pass_up" in request.POST else refuse_terms
    with refusals_as_messages(request):
        step(terms, by=request.user, reason=request.POST.get("reason", ""))
        return redirect("manage:ticket_detail", terms.ticket.public_id)
    return redirect("manage:terms_decide", terms.ticket.public_id)


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def terms_open(request: HttpRequest, public_id: str) -> HttpResponse:
    """What was asked for in a message is decided like a request of the portal."""
    ticket = visible_ticket(request, public_id, Can.ANSWER_TICKETS)
    with refusals_as_messages(request):
        open_terms_request(ticket, by=request.user, wanted=request.POST.get("wanted", ""))
    return redirect("manage:ticket_detail", ticket.public_id)


@manager_required(Can.SET_RULES)
def terms_limit_list(request: HttpRequest) -> HttpResponse:
    """Up to where the managers of each program grant better terms by themselves; above it, its head."""
    programs = list(visible_programs(request.user, Can.SET_RULES).order_by("name"))
    limits = {limit.program_id: limit for limit in TermsLimit.objects.filter(program__in=programs)}
    heads = programs_by_person(Can.EXCEED_TERMS_LIMIT)
    people = list(User.objects.filter(pk__in=heads).order_by("name", "email"))
    rows = [
        {
            "program": program,
            "limit": limits.get(program.pk),
            "heads": [str(person) for person in people if (held := heads[person.pk]) is None or program.pk in held],
            "may_set": may_exceed(request.user, program),
        }
        for program in programs
    ]
    return render(request, "support/manager/terms_limit_list.html", {"rows": rows})


@manager_required(Can.EXCEED_TERMS_LIMIT)
def terms_limit(request: HttpRequest, slug: str) -> HttpResponse:
    """Up to where a program's managers grant better terms by themselves."""
    program = get_object_or_404(Program, slug=slug)
    if not may_exceed(request.user, program):
        raise Http404
    limit = limit_of(program)
    initial = {name: getattr(limit, name) for name in ("percentage", "flat", "days")} if limit else {"days": 90}
    form = LimitForm(request.POST or None, initial=initial)
    if form.is_valid():
        with refusals_as_errors(form):
            set_terms_limit(program, by=request.user, **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("manage:program_detail", slug=program.slug)
    return render(request, "support/manager/terms_limit.html", {"form": form, "program": program})
