"""Programs, their offers and their terms, for those who manage them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Count, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.access import Can, manager_required, rights_of
from core.components import number_text
from core.listing import (
    ChoiceFilter,
    CodeColumn,
    Column,
    Empty,
    Listing,
    MoneyColumn,
    NumberColumn,
    PersonColumn,
    RelatedFilter,
    StateColumn,
    TimeColumn,
)
from core.models import Event
from core.ui import refusals_as_errors
from programs.forms import OfferForm, ProgramForm, TermsForm
from programs.models import Offer, Program
from programs.queries import several_programs, visible_offers, visible_programs
from programs.services import create_offer, create_program, publish_terms, update_offer, update_program

OFFERS_SHOWN = 12


def program_listing(request: HttpRequest) -> Listing:
    creates = rights_of(request.user).everywhere(Can.MANAGE_PROGRAMS)
    return Listing(
        request,
        _with_offers(visible_programs(request.user)),
        name="programs",
        caption=_("Programs"),
        columns=[
            PersonColumn("name", gettext_lazy("Program"), value=lambda p: p, detail="slug", sort=True),
            StateColumn("status", gettext_lazy("State"), sort=True),
            NumberColumn("active_offers", gettext_lazy("Active offers"), sort=F("active_offers")),
            Column("currency", gettext_lazy("Currency"), sort=True),
            Column("attribution", gettext_lazy("Credit"), value=told_attribution),
            Column("hold_days", gettext_lazy("Hold"), value=told_hold, sort=True, export="hold_days"),
            MoneyColumn("minimum_payout", gettext_lazy("Minimum payout")),
            Column("public", gettext_lazy("Public page"), value=lambda p: _("Shown") if p.public else _("Hidden")),
            TimeColumn("created_at", gettext_lazy("Made"), sort=True),
        ],
        filters=[ChoiceFilter("status", gettext_lazy("State"), choices=Program.Status)],
        search=["name", "slug"],
        search_hint=_("Name"),
        default_sort="name",
        row_url=lambda p: reverse("manage:program_detail", args=[p.slug]),
        empty=Empty(
            _("No programs yet"),
            _("A program says what is sold, in which currency, who is credited and when commissions are paid."),
            reverse("manage:program_create") if creates else "",
            _("Make the first program"),
            icon="building-store",
        ),
    )


def _with_offers(programs: QuerySet[Program]) -> QuerySet[Program]:
    active = Offer.objects.filter(program=OuterRef("pk"), status=Offer.Status.ACTIVE).order_by().values("program")
    return programs.annotate(active_offers=Subquery(active.annotate(n=Count("pk")).values("n")))


def _active_first(field: str) -> Case:
    return Case(When(**{field: "active"}, then=Value(0)), When(**{field: "paused"}, then=Value(1)), default=Value(2))


def told_attribution(program: Program) -> str:
    """ "Last click, 45 days"."""
    return f"{program.get_attribution_model_display()}, {_days(program.attribution_window_days)}"


def told_hold(program: Program) -> str:
    return _days(program.hold_days) if program.hold_days else _("None")


def _days(number: int) -> str:
    return ngettext("%(days)s day", "%(days)s days", number) % {"days": number_text(number)}


@manager_required(Can.SEE)
def program_list(request: HttpRequest) -> HttpResponse:
    creates = rights_of(request.user).everywhere(Can.MANAGE_PROGRAMS)
    return program_listing(request).response("programs/manager/program_list.html", {"creates": creates})


@manager_required(Can.SEE)
def program_detail(request: HttpRequest, slug: str) -> HttpResponse:
    program = get_object_or_404(visible_programs(request.user), slug=slug)
    offers = list(program.offers.order_by(_active_first("status"), "name")[: OFFERS_SHOWN + 1])
    context = {
        "program": program,
        "attribution": told_attribution(program),
        "hold": told_hold(program),
        "manages": rights_of(request.user).has(Can.MANAGE_PROGRAMS, program.pk),
        "offers": offers[:OFFERS_SHOWN],
        "more_offers": len(offers) > OFFERS_SHOWN,
        "terms": list(program.terms.order_by("-number")[:10]),
        "events": Event.objects.about(program).filter(_of_the_program(request, program)),
    }
    return render(request, "programs/manager/program_detail.html", context)


def _of_the_program(request: HttpRequest, program: Program) -> Q:
    """What stands on the program's page: its own settings, and what it pays for those who see money. What happened to affiliates
    in it is told on their pages."""
    told = Q(name__startswith="program.") | Q(name__startswith="offer.") | Q(name__startswith="terms.")
    sees_money = rights_of(request.user).has(Can.SEE_MONEY, program.pk)
    return told | Q(name__startswith="rule.") if sees_money else told


@manager_required(Can.MANAGE_PROGRAMS)
def program_create(request: HttpRequest) -> HttpResponse:
    if not rights_of(request.user).everywhere(Can.MANAGE_PROGRAMS):
        raise PermissionDenied
    form = ProgramForm(request.POST or None)
    if form.is_valid():
        with refusals_as_errors(form):
            program = create_program(by=request.user, **form.cleaned_data)
            messages.success(request, _("%(program)s stands. What it still needs is listed below.") % {"program": program})
            return redirect("manage:program_detail", program.slug)
    return render(request, "programs/manager/program_create.html", {"form": form})


@manager_required(Can.MANAGE_PROGRAMS)
def program_edit(request: HttpRequest, slug: str) -> HttpResponse:
    program = _managed(request, slug)
    form = ProgramForm(request.POST or None, instance=_managed(request, slug))
    if form.is_valid():
        with refusals_as_errors(form):
            program = update_program(program, by=request.user, **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("manage:program_detail", program.slug)
    return render(request, "programs/manager/program_edit.html", {"form": form, "program": program})


@manager_required(Can.SEE)
def offer_list(request: HttpRequest) -> HttpResponse:
    return Listing(
        request,
        visible_offers(request.user).select_related("program"),
        name="offers",
        caption=_("Offers"),
        columns=[
            Column("name", gettext_lazy("Offer"), sort=True),
            Column("program", gettext_lazy("Program"), sort="program__name", shown=several_programs(request.user)),
            StateColumn("status", gettext_lazy("State"), sort=_active_first("status")),
            CodeColumn("slug", gettext_lazy("Short name")),
            Column("landing_url", gettext_lazy("Landing page")),
            TimeColumn("created_at", gettext_lazy("Made"), sort=True),
        ],
        filters=[
            ChoiceFilter("status", gettext_lazy("State"), choices=Offer.Status),
            RelatedFilter("program", gettext_lazy("Program"), rows=lambda: visible_programs(request.user), param="slug"),
        ],
        search=["name", "slug", "landing_url"],
        default_sort="name",
        row_url=_offer_url(request),
        empty=Empty(
            _("No offers yet"), _("Open a program to add one."), reverse("manage:program_list"), _("Programs"), icon="tag"
        ),
    ).response("programs/manager/offer_list.html")


def _offer_url(request: HttpRequest) -> Callable[[Offer], str]:
    """To the form for those who manage the offer's program, to the program for everybody else."""
    rights = rights_of(request.user)

    def url(offer: Offer) -> str:
        if rights.has(Can.MANAGE_PROGRAMS, offer.program_id):
            return reverse("manage:offer_edit", args=[offer.public_id])
        return reverse("manage:program_detail", args=[offer.program.slug])

    return url


@manager_required(Can.MANAGE_PROGRAMS)
def offer_create(request: HttpRequest, slug: str) -> HttpResponse:
    program = _managed(request, slug)
    form = OfferForm(request.POST or None)
    if form.is_valid():
        with refusals_as_errors(form):
            offer = create_offer(program, by=request.user, **form.cleaned_data | {"slug": form.cleaned_data["slug"] or None})
            messages.success(request, _("The offer “%(offer)s” can be promoted now.") % {"offer": offer})
            return redirect("manage:program_detail", program.slug)
    return render(request, "programs/manager/offer_create.html", {"form": form, "program": program})


@manager_required(Can.MANAGE_PROGRAMS)
def offer_edit(request: HttpRequest, public_id: str) -> HttpResponse:
    offers = visible_offers(request.user, Can.MANAGE_PROGRAMS).select_related("program")
    offer = get_object_or_404(offers, pk=Offer.pk_from(public_id))
    form = OfferForm(request.POST or None, instance=offers.get(pk=offer.pk))
    if form.is_valid():
        with refusals_as_errors(form):
            update_offer(offer, by=request.user, **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("manage:program_detail", offer.program.slug)
    context = {"form": form, "offer": offer, "program": offer.program, "events": Event.objects.about(offer)}
    return render(request, "programs/manager/offer_edit.html", context)


@manager_required(Can.MANAGE_PROGRAMS)
def terms_publish(request: HttpRequest, slug: str) -> HttpResponse:
    program = _managed(request, slug)
    last = program.terms.order_by("-number").first()
    form = TermsForm(request.POST or None, initial={"text": last.text if last else ""})
    if form.is_valid():
        with refusals_as_errors(form):
            terms = publish_terms(program, form.cleaned_data["text"], by=request.user)
            messages.success(request, _("Version %(number)d of the terms is in force.") % {"number": terms.number})
            return redirect("manage:program_detail", program.slug)
    return render(request, "programs/manager/terms_publish.html", {"form": form, "program": program, "last": last})


@manager_required(Can.SEE)
def terms_detail(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    program = get_object_or_404(visible_programs(request.user), slug=slug)
    context: dict[str, Any] = {"program": program, "terms": get_object_or_404(program.terms, number=number)}
    return render(request, "programs/manager/terms_detail.html", context)


def _managed(request: HttpRequest, slug: str) -> Program:
    return get_object_or_404(visible_programs(request.user, Can.MANAGE_PROGRAMS), slug=slug)
