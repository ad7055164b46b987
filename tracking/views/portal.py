"""An affiliate's links and coupons. Everybody in the account sees them; marketing people and leaders make and pause links."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from affiliates.access import affiliate_required, has_function
from affiliates.models import Function
from core.listing import (
    ChoiceFilter,
    CodeColumn,
    Column,
    Empty,
    Listing,
    MoneyColumn,
    NumberColumn,
    RelatedFilter,
    StateColumn,
    TimeColumn,
)
from core.ui import Period, redirect_back, refusals_as_errors, refusals_as_messages
from programs.models import Offer
from tracking.forms_portal import LinkForm, SubsForm, linkable_sites, promoted_offers
from tracking.models import Coupon, Link, Status
from tracking.numbers import Numbers, coupon_numbers, link_numbers
from tracking.qr import TYPES, qr_code
from tracking.services import create_link, set_link_status

MAKERS = (Function.MARKETING, Function.LEADER)


@affiliate_required()
def link_list(request: HttpRequest) -> HttpResponse:
    affiliate, period = request.affiliate, Period.from_request(request)  # type: ignore[attr-defined]
    may_make = has_function(request, *MAKERS)
    # Read once, and only where a cell asks: an empty list asks nothing.
    numbers: Any = SimpleLazyObject(lambda: link_numbers(affiliate.pk, *period.bounds()))
    listing = Listing(
        request,
        affiliate.links.select_related("offer__program"),
        name="links",
        caption=_("Your links"),
        columns=[
            Column("code", _("Link"), value="url", sort=True, template="tracking/portal/_link_cell.html", url=_detail_url),
            Column("offer", _("Offer"), value="offer.name", sort="offer__name"),
            Column("destination", _("Leads to"), value=_destination, template="tracking/portal/_destination_cell.html"),
            NumberColumn("clicks", _("Clicks"), value=_of(numbers, "clicks")),
            NumberColumn("conversions", _("Conversions"), value=_of(numbers, "conversions")),
            MoneyColumn("earned", _("Earned"), value=_of(numbers, "earned"), currency="offer.program.currency"),
            StateColumn("status", _("State"), sort=True),
            TimeColumn("created_at", _("Made"), sort=True),
        ],
        filters=[
            ChoiceFilter("status", _("State"), choices=Status),
            RelatedFilter("offer", _("Offer"), param="slug", rows=lambda: _linked_offers(affiliate.links)),
        ],
        search=["code", "offer__name", "destination_url"],
        search_hint=_("Search links"),
        default_sort="-created_at",
        row_url=_detail_url,
        empty=Empty(
            _("No links yet"),
            _("A link tells us that a visitor came from you. Choose an offer, put its link under your review, and it counts."),
            reverse("portal:link_create") if may_make else "",
            _("Make a link"),
            icon="link",
        ),
    )
    return listing.response("tracking/portal/link_list.html", {"period": period, "may_make": may_make})


@affiliate_required()
def coupon_list(request: HttpRequest) -> HttpResponse:
    affiliate, period = request.affiliate, Period.from_request(request)  # type: ignore[attr-defined]
    numbers: Any = SimpleLazyObject(lambda: coupon_numbers(affiliate.pk, *period.bounds()))
    listing = Listing(
        request,
        affiliate.coupons.select_related("program", "offer"),
        name="coupons",
        caption=_("Your coupons"),
        columns=[
            CodeColumn("code", _("Coupon"), sort=True),
            Column("program", _("Program"), value="program.name", sort="program__name"),
            NumberColumn("conversions", _("Conversions"), value=_of(numbers, "conversions")),
            MoneyColumn("earned", _("Earned"), value=_of(numbers, "earned"), currency="program.currency"),
            StateColumn("status", _("State"), sort=True),
            TimeColumn("created_at", _("Since"), sort=True),
        ],
        filters=[ChoiceFilter("status", _("State"), choices=Status)],
        search=["code"],
        search_hint=_("Search coupons"),
        default_sort="-created_at",
        empty=Empty(
            _("No coupons yet"),
            _(
                "A coupon is a code that customers type at the checkout, such as ANA10: the sale is yours even without a click."
                " The program gives coupons: ask your manager for one."
            ),
            icon="ticket",
        ),
    )
    return listing.response("tracking/portal/coupon_list.html", {"period": period})


@affiliate_required(*MAKERS)
def link_create(request: HttpRequest) -> HttpResponse:
    affiliate = request.affiliate  # type: ignore[attr-defined]
    offers = list(promoted_offers(affiliate))
    if request.method == "POST":
        form = LinkForm(request.POST, affiliate=affiliate)
        if form.is_valid():
            data = form.cleaned_data
            with refusals_as_errors(form):
                link = create_link(
                    affiliate,
                    data["offer"],
                    by=request.user,
                    code=data["code"] or None,
                    destination_url=data["destination_url"],
                )
                messages.success(request, _("Your link is ready. Copy it, or print its QR code."))
                return redirect("portal:link_detail", link.public_id)
    else:
        form = LinkForm(initial={"offer": request.GET.get("offer")}, affiliate=affiliate)
    told = _told(form["offer"].value(), form["destination_url"].value(), "", offers)
    return render(request, "tracking/portal/link_create.html", {"form": form, "offers": offers, **told})


@affiliate_required(*MAKERS)
def link_check(request: HttpRequest) -> HttpResponse:
    """While the form is filled in: whether the page may be linked to and the code is free. Changes nothing."""
    asked = request.GET
    told = _told(asked.get("offer"), asked.get("destination_url"), asked.get("code"), promoted_offers(request.affiliate))  # type: ignore[attr-defined]
    return render(request, "tracking/portal/link_create.html#told", told)


def _told(slug: Any, destination: Any, code: Any, offers: Any) -> dict[str, Any]:
    """What the builder tells beside the form."""
    offers = list(offers)
    offer = next((offer for offer in offers if offer.slug == slug), offers[0] if offers else None)
    destination, code = str(destination or "").strip(), str(code or "").strip()
    return {
        "offer": offer,
        "destination": destination,
        "allowed": bool(offer and destination and offer.allows(destination)),
        "code": code,
        "code_taken": bool(code) and Link.objects.filter(code=code).exists(),
        "address": Link(code=code or "…").url,
        "sites": linkable_sites(offer) if offer else [],
    }


@affiliate_required()
def link_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    link = _own_link(request, public_id)
    subs_form = SubsForm(request.GET if any(name.startswith("sub") for name in request.GET) else None)
    subs = subs_form.chosen() if subs_form.is_bound else {}
    period = Period.from_request(request)
    context = {
        "link": link,
        "subs_form": subs_form,
        "subs": subs,
        "subs_query": urlencode(subs),
        "address": _with_subs(link, subs),
        "destination": _destination(link),
        "period": period,
        "numbers": link_numbers(link.affiliate_id, *period.bounds(), link=link.pk).get(link.pk, Numbers()),
        "may_make": has_function(request, *MAKERS),
    }
    return render(request, "tracking/portal/link_detail.html", context)


@affiliate_required()
def link_qr(request: HttpRequest, public_id: str, kind: str) -> HttpResponse:
    """The link's QR code (with the sub ids in the address), to show or, with ?download=1, to keep."""
    link = _own_link(request, public_id)
    if kind not in TYPES:
        raise Http404
    response = HttpResponse(qr_code(_with_subs(link, SubsForm(request.GET).chosen()), kind), content_type=TYPES[kind])
    response["Cache-Control"] = "private, max-age=3600"
    if request.GET.get("download"):
        response["Content-Disposition"] = f'attachment; filename="{link.code}-qr.{kind}"'
    return response


@affiliate_required(*MAKERS)
@require_POST
def link_status(request: HttpRequest, public_id: str) -> HttpResponse:
    link = _own_link(request, public_id)
    status = Status.PAUSED if request.POST.get("status") == Status.PAUSED else Status.ACTIVE
    with refusals_as_messages(request):
        set_link_status(link, status, by=request.user)
        paused = _("The link is paused: visitors who use it now count for nobody.")
        messages.success(request, paused if status == Status.PAUSED else _("The link works again."))
    return redirect_back(request, "portal:link_detail", link.public_id)


def _own_link(request: HttpRequest, public_id: str) -> Link:
    links = request.affiliate.links.select_related("offer__program")  # type: ignore[attr-defined]
    return get_object_or_404(links, pk=Link.pk_from(public_id))


def _detail_url(link: Link) -> str:
    return reverse("portal:link_detail", args=[link.public_id])


def _destination(link: Link) -> str:
    return link.destination_url or link.offer.landing_url


def _with_subs(link: Link, subs: dict[str, str]) -> str:
    return f"{link.url}?{urlencode(subs)}" if subs else link.url


def _linked_offers(links: QuerySet[Link]) -> QuerySet[Offer]:
    return Offer.objects.filter(pk__in=links.order_by().values("offer")).order_by("name")


def _of(numbers: dict[int, Numbers], name: str) -> Callable[[Link | Coupon], Any]:
    nothing = Numbers()
    return lambda row: getattr(numbers.get(row.pk, nothing), name)
