"""Links and coupons, for those who see to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import BigIntegerField, Count, Model, OuterRef, Q, QuerySet, Subquery, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from affiliates.models import Affiliate
from core.access import Can, manager_required, rights_of
from core.components import number_text
from core.listing import (
    BulkAction,
    ChoiceFilter,
    CodeColumn,
    Column,
    Empty,
    Filter,
    Listing,
    MoneyColumn,
    NumberColumn,
    PersonColumn,
    RelatedFilter,
    StateColumn,
    TimeColumn,
)
from core.models import Event
from core.money import MoneyField
from core.ui import Period, redirect_back, refusals_as_errors, refusals_as_messages
from programs.queries import several_programs, visible_programs
from tracking.columns import LinkColumn, link_url
from tracking.forms import CouponForm, LinkForm
from tracking.models import Click, ClickOutcome, Conversion, Coupon, Link, Status
from tracking.numbers import Numbers, link_numbers
from tracking.partitions import first_id_at
from tracking.qr import TYPES, qr_code
from tracking.services import create_coupon, create_link, set_coupon_status, set_link_status


def link_listing(request: HttpRequest, period: Period) -> Listing:
    rights = rights_of(request.user)
    money = rights.has(Can.SEE_MONEY)
    manages = rights.has(Can.MANAGE_TRACKING)
    return Listing(
        request,
        _with_numbers(Link.objects.visible_to(request.user), "link", period).select_related("affiliate", "offer__program"),
        name="links",
        caption=_("Links"),
        columns=[
            LinkColumn("code", gettext_lazy("Link"), sort=True, url=link_url),
            PersonColumn("affiliate", gettext_lazy("Affiliate"), sort="affiliate__name", url=_affiliate_url),
            Column("offer", gettext_lazy("Offer"), value=lambda link: link.offer.name, sort="offer__name"),
            NumberColumn("clicks", gettext_lazy("Clicks"), value=lambda link: link.clicks or 0),
            NumberColumn("conversions_in", gettext_lazy("Conversions"), value=lambda link: link.conversions_in or 0),
            *([MoneyColumn("earned", gettext_lazy("Earned"), currency="offer.program.currency", value=_earned)] if money else []),
            StateColumn("status", gettext_lazy("State"), sort=True),
            TimeColumn("created_at", gettext_lazy("Made"), sort=True),
            Column("url", gettext_lazy("Address"), shown=False),
            Column("destination_url", gettext_lazy("Destination"), shown=False),
        ],
        filters=_filters(request, "offer__program"),
        tabs="status",
        search=["code", "affiliate__name", "affiliate__email", "offer__name", "destination_url"],
        search_hint=_("Code, affiliate or offer"),
        default_sort="-created_at",
        row_url=link_url,
        bulk=_bulk("link", _pause_links) if manages else [],
        empty=Empty(
            _("No links yet"),
            _("A link brings visitors to an offer and remembers whose they are. Affiliates make their own, or you do."),
            reverse("manage:link_create") if manages else "",
            _("Make a link"),
            icon="link",
        ),
    )


def _pause_links(number: int) -> str:
    return ngettext(
        "Pause {count} link? Within a second its visitors go to the fallback address and are credited to nobody.",
        "Pause {count} links? Within a second their visitors go to the fallback address and are credited to nobody.",
        number,
    )


def _pause_coupons(number: int) -> str:
    return ngettext(
        "Pause {count} coupon? Sales with it are credited to nobody until it is resumed.",
        "Pause {count} coupons? Sales with them are credited to nobody until they are resumed.",
        number,
    )


def _bulk(noun: str, confirm: Callable[[int], str]) -> list[BulkAction]:
    return [
        BulkAction(gettext_lazy("Resume"), reverse(f"manage:{noun}_resume"), icon="player-play", states=[Status.PAUSED]),
        BulkAction(
            gettext_lazy("Pause"),
            reverse(f"manage:{noun}_pause"),
            confirm=confirm,
            icon="player-pause",
            tone="danger",
            states=[Status.ACTIVE],
        ),
    ]


def _filters(request: HttpRequest, program: str) -> list[Filter]:
    return [
        ChoiceFilter("status", gettext_lazy("State"), choices=Status),
        RelatedFilter(
            "program",
            gettext_lazy("Program"),
            field=program,
            rows=lambda: visible_programs(request.user, Can.SEE_TRACKING).order_by("name"),
            param="slug",
        ),
        RelatedFilter(
            "affiliate", gettext_lazy("Affiliate"), rows=lambda: Affiliate.objects.visible_to(request.user).order_by("name")
        ),
    ]


def _with_numbers(rows: QuerySet[Any], by: str, period: Period) -> QuerySet[Any]:
    """What each link or coupon brought in the period: read for the rows that are shown, by indexes of the affiliate's."""
    start, end = period.bounds()
    conversions = (
        Conversion.objects.filter(
            **{by: OuterRef("pk")}, affiliate=OuterRef("affiliate"), occurred_at__gte=start, occurred_at__lt=end
        )
        .order_by()
        .values(by)
    )
    # Commissions stand a floor above; they are reached by their relation, as a link is judged by what it earns.
    earned = Sum("commissions__amount", filter=~Q(commissions__decision="rejected"))
    clicks = (
        Click.objects.filter(
            link_id=OuterRef("pk"),
            affiliate_id=OuterRef("affiliate_id"),
            outcome=ClickOutcome.CREDITED,
            bot=False,
            id__gte=first_id_at(start),
            id__lt=first_id_at(end),
        )
        .order_by()
        .values("link_id")
    )
    numbers: dict[str, Any] = {
        "conversions_in": Subquery(conversions.annotate(n=Count("pk")).values("n"), output_field=BigIntegerField()),
        "earned": Subquery(conversions.annotate(n=earned).values("n"), output_field=MoneyField()),
    }
    if by == "link":
        numbers["clicks"] = Subquery(clicks.annotate(n=Count("*")).values("n"), output_field=BigIntegerField())
    return rows.annotate(**numbers)


def _earned(row: Any) -> Any:
    return row.earned or 0


def _affiliate_url(row: Link | Coupon) -> str:
    return reverse("manage:affiliate_detail", args=[row.affiliate.public_id])


@manager_required(Can.SEE_TRACKING)
def link_list(request: HttpRequest) -> HttpResponse:
    period = Period.from_request(request)
    context = {"period": period, "manages": rights_of(request.user).has(Can.MANAGE_TRACKING)}
    return link_listing(request, period).response("tracking/manager/link_list.html", context)


@manager_required(Can.SEE_TRACKING)
def link_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    link = _visible_link(request, public_id)
    program, period = link.offer.program, Period.from_request(request)
    rights = rights_of(request.user)
    context = {
        "link": link,
        "program": program,
        "destination": link.destination_url or link.offer.landing_url,
        "period": period,
        "numbers": link_numbers(link.affiliate_id, *period.bounds(), link=link.pk).get(link.pk, Numbers()),
        "money": rights.has(Can.SEE_MONEY, program.pk),
        "manages": rights.has(Can.MANAGE_TRACKING, program.pk),
        "events": Event.objects.about(link),
    }
    return render(request, "tracking/manager/link_detail.html", context)


@manager_required(Can.SEE_TRACKING)
def link_qr(request: HttpRequest, public_id: str, kind: str) -> HttpResponse:
    """The link's QR code, to show or, with ?download=1, to keep."""
    link = _visible_link(request, public_id)
    if kind not in TYPES:
        raise Http404
    response = HttpResponse(qr_code(link.url, kind), content_type=TYPES[kind])
    response["Cache-Control"] = "private, max-age=3600"
    if request.GET.get("download"):
        response["Content-Disposition"] = f'attachment; filename="{link.code}-qr.{kind}"'
    return response


def _visible_link(request: HttpRequest, public_id: str) -> Link:
    links = Link.objects.visible_to(request.user).select_related("affiliate", "offer__program")
    return get_object_or_404(links, pk=Link.pk_from(public_id))


@manager_required(Can.MANAGE_TRACKING)
def link_create(request: HttpRequest) -> HttpResponse:
    form = LinkForm(request.POST or None, by=request.user, initial=_given_affiliate(request))
    if form.is_valid():
        asked = form.cleaned_data
        with refusals_as_errors(form):
            link = create_link(
                asked["affiliate"],
                asked["offer"],
                by=request.user,
                code=asked["code"] or None,
                destination_url=asked["destination_url"].strip(),
            )
            messages.success(request, _("The link %(code)s works now.") % {"code": link.code})
            return redirect("manage:link_detail", link.public_id)
    return render(request, "tracking/manager/link_create.html", {"form": form})


@manager_required(Can.MANAGE_TRACKING)
@require_POST
def link_pause(request: HttpRequest) -> HttpResponse:
    return _set_links(request, Status.PAUSED)


@manager_required(Can.MANAGE_TRACKING)
@require_POST
def link_resume(request: HttpRequest) -> HttpResponse:
    return _set_links(request, Status.ACTIVE)


def _set_links(request: HttpRequest, status: Status) -> HttpResponse:
    rows = link_listing(request, Period.from_request(request))
    count = _set_all(request, rows, lambda link: set_link_status(link, status, by=request.user))
    if count and status == Status.PAUSED:
        messages.success(
            request, ngettext("%(count)s link is paused.", "%(count)s links are paused.", count) % {"count": number_text(count)}
        )
    elif count:
        messages.success(
            request, ngettext("%(count)s link is active.", "%(count)s links are active.", count) % {"count": number_text(count)}
        )
    return redirect_back(request, "manage:link_list")


def _set_all(request: HttpRequest, listing: Listing, change: Callable[[Any], Model]) -> int:
    """Change all the chosen rows or none; returns how many."""
    count = 0
    with refusals_as_messages(request), transaction.atomic():
        rows = list(listing.selected())
        for row in rows:
            change(row)
        count = len(rows)
    return count


def coupon_listing(request: HttpRequest, period: Period) -> Listing:
    rights = rights_of(request.user)
    money = rights.has(Can.SEE_MONEY)
    manages = rights.has(Can.MANAGE_TRACKING)
    return Listing(
        request,
        _with_numbers(Coupon.objects.visible_to(request.user), "coupon", period).select_related("affiliate", "program", "offer"),
        name="coupons",
        caption=_("Coupons"),
        columns=[
            CodeColumn("code", gettext_lazy("Coupon"), sort=True),
            PersonColumn("affiliate", gettext_lazy("Affiliate"), sort="affiliate__name", url=_affiliate_url),
            Column(
                "program",
                gettext_lazy("Program"),
                sort="program__name",
                shown=several_programs(request.user, Can.SEE_TRACKING),
            ),
            Column("offer", gettext_lazy("Offer"), sort="offer__name"),
            NumberColumn("conversions_in", gettext_lazy("Conversions"), value=lambda coupon: coupon.conversions_in or 0),
            *([MoneyColumn("earned", gettext_lazy("Earned"), currency="program.currency", value=_earned)] if money else []),
            StateColumn("status", gettext_lazy("State"), sort=True),
            TimeColumn("created_at", gettext_lazy("Made"), sort=True),
        ],
        filters=_filters(request, "program"),
        tabs="status",
        search=["code", "affiliate__name", "affiliate__email"],
        search_hint=_("Code or affiliate"),
        default_sort="-created_at",
        bulk=_bulk("coupon", _pause_coupons) if manages else [],
        empty=Empty(
            _("No coupons yet"),
            _("A coupon credits its affiliate without a click, for example ANA10 typed at the checkout."),
            reverse("manage:coupon_create") if manages else "",
            _("Add a coupon"),
            icon="ticket",
        ),
    )


@manager_required(Can.SEE_TRACKING)
def coupon_list(request: HttpRequest) -> HttpResponse:
    period = Period.from_request(request)
    context = {"period": period, "manages": rights_of(request.user).has(Can.MANAGE_TRACKING)}
    return coupon_listing(request, period).response("tracking/manager/coupon_list.html", context)


@manager_required(Can.MANAGE_TRACKING)
def coupon_create(request: HttpRequest) -> HttpResponse:
    form = CouponForm(request.POST or None, by=request.user, initial=_given_affiliate(request))
    if form.is_valid():
        asked = form.cleaned_data
        with refusals_as_errors(form):
            coupon = create_coupon(asked["affiliate"], asked["program"], asked["code"], by=request.user, offer=asked["offer"])
            messages.success(
                request,
                _("Sales with the coupon %(code)s are %(affiliate)s's now.")
                % {"code": coupon.code, "affiliate": asked["affiliate"]},
            )
            return redirect_back(request, "manage:coupon_list") if "next" in request.POST else redirect("manage:coupon_list")
    return render(request, "tracking/manager/coupon_create.html", {"form": form})


@manager_required(Can.MANAGE_TRACKING)
@require_POST
def coupon_pause(request: HttpRequest) -> HttpResponse:
    return _set_coupons(request, Status.PAUSED)


@manager_required(Can.MANAGE_TRACKING)
@require_POST
def coupon_resume(request: HttpRequest) -> HttpResponse:
    return _set_coupons(request, Status.ACTIVE)


def _set_coupons(request: HttpRequest, status: Status) -> HttpResponse:
    rows = coupon_listing(request, Period.from_request(request))
    count = _set_all(request, rows, lambda coupon: set_coupon_status(coupon, status, by=request.user))
    if count and status == Status.PAUSED:
        messages.success(
            request,
            ngettext("%(count)s coupon is paused.", "%(count)s coupons are paused.", count) % {"count": number_text(count)},
        )
    elif count:
        messages.success(
            request,
            ngettext("%(count)s coupon is active.", "%(count)s coupons are active.", count) % {"count": number_text(count)},
        )
    return redirect_back(request, "manage:coupon_list")


def _given_affiliate(request: HttpRequest) -> dict[str, Any]:
    """The affiliate that the address names, where the reader sees it."""
    pk = Affiliate.pk_from(request.GET.get("affiliate", ""))
    affiliate = Affiliate.objects.visible_to(request.user).filter(pk=pk).first() if pk else None
    return {"affiliate": affiliate} if affiliate else {}
