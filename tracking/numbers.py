"""What links and coupons brought: clicks, conversions and what they earned, for the affiliate who owns them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum

from tracking.models import Click, ClickOutcome, Conversion
from tracking.partitions import first_id_at


@dataclass(slots=True)
class Numbers:
    """Repeated clicks count, robots do not; `earned` is before refunds and without what was rejected, in the program's currency."""

    clicks: int = 0
    conversions: int = 0
    earned: Decimal = Decimal(0)


def link_numbers(affiliate: int, start: datetime, end: datetime, link: int | None = None) -> dict[int, Numbers]:
    """By link, over the instants from `start` to before `end`: two statements, however many links there are."""
    found: dict[int, Numbers] = {}
    clicks = Click.objects.filter(
        affiliate_id=affiliate, outcome=ClickOutcome.CREDITED, bot=False, id__gte=first_id_at(start), id__lt=first_id_at(end)
    )
    if link is not None:
        clicks = clicks.filter(link_id=link)
    for key, count in clicks.values_list("link_id").annotate(count=Count("*")):
        found[key] = Numbers(clicks=count)
    for key, count, earned in _converted(affiliate, "link", start, end, link):
        numbers = found.setdefault(key, Numbers())
        numbers.conversions, numbers.earned = count, earned or Decimal(0)
    return found


def coupon_numbers(affiliate: int, start: datetime, end: datetime) -> dict[int, Numbers]:
    """By coupon. A coupon has no clicks."""
    return {
        key: Numbers(conversions=count, earned=earned or Decimal(0))
        for key, count, earned in _converted(affiliate, "coupon", start, end)
    }


def _converted(affiliate: int, by: str, start: datetime, end: datetime, key: int | None = None) -> Any:
    conversions = Conversion.objects.filter(affiliate=affiliate, occurred_at__gte=start, occurred_at__lt=end)
    conversions = conversions.filter(**{f"{by}__isnull": False} if key is None else {by: key})
    # Commissions stand a floor above; they are reached by their relation, as a link is judged by what it earns.
    theirs = Q(commissions__affiliate=affiliate) & ~Q(commissions__decision="rejected")
    return (
        conversions.order_by()
        .values_list(f"{by}_id")
        .annotate(count=Count("pk", distinct=True), earned=Sum("commissions__amount", filter=theirs))
    )
