"""What an affiliate may promote and what that pays; what its customers bought and what that earned. Everybody in the account
sees both: whoever makes links must know what sells, whoever sees to the money must know why it is what it is."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from affiliates.access import affiliate_required, has_function
from affiliates.models import Affiliate, EnrollmentStatus, Function
from commissions.credited import (
    credited_conversions,
    earned_text,
    in_commission_state,
    net_of,
    state_of,
    tell_credit,
    tell_earning,
)
from commissions.queries import STATES
from commissions.rates import rates_of
from core.listing import (
    ChoiceFilter,
    CodeColumn,
    Column,
    DateFilter,
    Empty,
    Listing,
    MoneyColumn,
    RelatedFilter,
    StateColumn,
    TextFilter,
    TimeColumn,
    WhyColumn,
)
from core.ui import url_if_any
from programs.models import Program, TermsVersion
from tracking.conversion_events import event_label
from tracking.forms_portal import linkable_sites, promoted_offers


@affiliate_required()
def offer_list(request: HttpRequest) -> HttpResponse:
    """Programs by state of the enrollment; the offers of those that approved the affiliate."""
    affiliate = request.affiliate  # type: ignore[attr-defined]
    offers = list(promoted_offers(affiliate))
    rates = rates_of(affiliate.pk, offers, timezone.now())
    enrollments = list(affiliate.enrollments.select_related("program", "terms").order_by("program__name"))
    versions = TermsVersion.objects.filter(program__in=[e.program_id for e in enrollments])
    newest = {terms.program_id: terms for terms in versions.order_by("program_id", "-number").distinct("program_id")}
    context = {
        "groups": [
            (
                enrollment,
                newest.get(enrollment.program_id),
                [
                    (offer, rates[offer.pk], linkable_sites(offer))
                    for offer in offers
                    if offer.program_id == enrollment.program_id
                ],
            )
            for enrollment in enrollments
            if enrollment.status == EnrollmentStatus.APPROVED
        ],
        "others": [enrollment for enrollment in enrollments if enrollment.status != EnrollmentStatus.APPROVED],
        "may_make": has_function(request, Function.MARKETING, Function.LEADER),
    }
    return render(request, "commissions/portal/offer_list.html", context)


def conversion_listing(request: HttpRequest) -> Listing:
    affiliate: Affiliate = request.affiliate  # type: ignore[attr-defined]
    programs = list(Program.objects.filter(enrollments__affiliate=affiliate).order_by("name"))
    several = len(programs) > 1  # one program's name in every row would say nothing
    named = [(program.slug, program.name) for program in programs]
    states = [*STATES.items(), ("none", _("Earned nothing"))]
    return Listing(
        request,
        credited_conversions(affiliate),
        name="conversions",
        caption=_("Your conversions"),
        columns=[
            TimeColumn("occurred_at", _("Date"), sort=True),
            CodeColumn("external_id", _("Order"), sort=True),
            MoneyColumn("earned", _("Earned"), value=net_of, currency="program.currency"),
            StateColumn("state", _("State"), value=state_of),
            WhyColumn("why", _("Why"), value=_sentences, export=earned_text),
            Column("claim", _("Something wrong?"), value=_claim_told, url=_claim_url),
            MoneyColumn("amount", _("Amount"), sort=True),
            MoneyColumn("refunded", _("Refunded"), value=lambda c: c.refunded or None),
            Column("through", _("Came through"), value=_through, url=_through_url),
            Column("sub1", _("sub1"), value=lambda c: c.subs[0] if c.subs else ""),
            Column("event", _("Event"), value=lambda c: event_label(c.event), sort=True),
            *([Column("program", _("Program"), value="program.name", sort="program__name")] if several else []),
        ],
        filters=[
            ChoiceFilter(
                "state", _("State"), choices=states, apply=lambda rows, state: in_commission_state(rows, state, affiliate)
            ),
            DateFilter("date", _("Date"), field="occurred_at"),
            *([ChoiceFilter("program", _("Program"), field="program__slug", choices=named)] if several else []),
            RelatedFilter("link", _("Link"), param="code", rows=lambda: affiliate.links.order_by("code")),
            TextFilter("sub1", _("sub1"), field="subs__0__exact"),
        ],
        tabs="state",
        search=["external_id"],
        search_hint=_("Search orders"),
        default_sort="-occurred_at",
        per_page=25,
        empty=Empty(
            _("No conversions yet"),
            _("What a visitor of your link buys stands here within a second, with what it earns and why."),
            reverse("portal:link_list"),
            _("See your links"),
            icon="shopping-cart",
        ),
    )


@affiliate_required()
def conversion_list(request: HttpRequest) -> HttpResponse:
    return conversion_listing(request).response("commissions/portal/conversion_list.html")


def _claim_told(conversion: Any) -> str:
    return _("Tell us") if _claim_url(conversion) else ""


def _claim_url(conversion: Any) -> str:
    """Where a commission is disputed, in installations that have such a page."""
    page, earnings = url_if_any("portal:claim_create"), conversion.earnings
    return f"{page}?commission={earnings[0].public_id}" if page and earnings else ""


def _through(conversion: Any) -> str:
    thing = conversion.link or conversion.coupon
    return thing.code if thing else conversion.source_label


def _through_url(conversion: Any) -> str:
    return reverse("portal:link_detail", args=[conversion.link.public_id]) if conversion.link else ""


def _sentences(conversion: Any) -> list[str]:
    return [tell_credit(conversion), *tell_earning(conversion)]
