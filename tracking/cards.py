"""What tracking shows about an affiliate: its links and coupons, and the quickest way to another one."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import HttpRequest

from affiliates.models import Affiliate
from core.access import Can, rights_of
from core.ui import Period
from programs.models import Offer, Program
from tracking.models import Coupon, Link
from tracking.numbers import Numbers, coupon_numbers, link_numbers
from tracking.services import ENROLLED

SHOWN = 6


def links_card(request: HttpRequest, affiliate: Affiliate) -> dict[str, Any] | None:
    rights = rights_of(request.user)
    if not rights.has(Can.SEE_TRACKING):
        return None
    links = list(
        Link.objects.visible_to(request.user)
        .filter(affiliate=affiliate)
        .select_related("offer__program")
        .order_by("status", "-pk")[: SHOWN + 1]
    )
    coupons = list(
        Coupon.objects.visible_to(request.user)
        .filter(affiliate=affiliate)
        .select_related("program")
        .order_by("status", "-pk")[: SHOWN + 1]
    )
    period = Period.from_request(request).bounds()
    of_links = link_numbers(affiliate.pk, *period) if links else {}
    of_coupons = coupon_numbers(affiliate.pk, *period) if coupons else {}
    manages = rights.has(Can.MANAGE_TRACKING)
    offers = list(_offers(affiliate, request.user)) if manages else []
    return {
        "affiliate": affiliate,
        "links": [(link, of_links.get(link.pk, Numbers())) for link in links[:SHOWN]],
        "more_links": len(links) > SHOWN,
        "coupons": [(coupon, of_coupons.get(coupon.pk, Numbers())) for coupon in coupons[:SHOWN]],
        "more_coupons": len(coupons) > SHOWN,
        "money": rights.has(Can.SEE_MONEY),
        "offers": offers,
        "programs": list({offer.program_id: offer.program for offer in offers}.values()),
    }


def _offers(affiliate: Affiliate, user: Any) -> Any:
    """The open offers of the programs that the affiliate is in and that the reader manages."""
    rights = rights_of(user)
    enrolled = affiliate.enrollments.filter(status__in=ENROLLED).values_list("program_id", flat=True)
    programs = [pk for pk in enrolled if rights.has(Can.MANAGE_TRACKING, pk)]
    open_ones = Q(status=Offer.Status.ACTIVE, program__status=Program.Status.ACTIVE, program__in=programs)
    return Offer.objects.filter(open_ones).select_related("program").order_by("program__name", "name")
