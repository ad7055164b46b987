"""The demo's sums, computed from the orders file alone: no table of ours is asked. What was loaded must match to the cent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from django.db.models import Count, Sum

from commissions.models import Commission
from demo.orders import (
    ANA_FROM,
    FIRST_DAY,
    LAST_DAY,
    RISEN_FROM,
    UNDECIDED,
    Order,
    is_bad,
    offer_of,
    read_orders,
    refund_of,
    way_of,
)
from tracking.models import Conversion


@dataclass(frozen=True)
class Totals:
    orders: int
    amount: Decimal
    credited: int
    credited_amount: Decimal
    refunds: int
    refunded: Decimal
    commissions: int
    earned: Decimal
    taken_back: Decimal  # from commissions that were not rejected


def totals_of_file(yesterday: date, customers: int | None = None) -> Totals:
    """What the file and the rule say."""
    orders = list(read_orders(yesterday, customers))
    credited = [order for order in orders if way_of(order.customer)]
    first_day = yesterday - (LAST_DAY - FIRST_DAY)
    refunds = [refund[1] for order in orders if (refund := refund_of(order)) and refund[0] <= yesterday]
    cents = Decimal("0.01")
    commissions = earned = taken_back = Decimal(0)
    for order in credited:
        commission = (order.amount * rate_of(order, first_day) / 100).quantize(cents, ROUND_HALF_EVEN)
        if not commission:
            continue
        commissions, earned = commissions + 1, earned + commission
        refund = refund_of(order)
        if refund and refund[0] <= yesterday and not (is_bad(order.id) and order.day <= yesterday - UNDECIDED):
            taken_back += (commission * refund[1] / order.amount).quantize(cents, ROUND_HALF_EVEN)
    return Totals(
        len(orders),
        sum((order.amount for order in orders), Decimal(0)),
        len(credited),
        sum((order.amount for order in credited), Decimal(0)),
        len(refunds),
        sum(refunds, Decimal(0)),
        int(commissions),
        earned,
        taken_back,
    )


def rate_of(order: Order, first_day: date) -> Decimal:
    """The percentage that the story's rules give this order: Ana's own from the tenth month, Classical's through its links,
    else the standard, which rose after half a year."""
    way = way_of(order.customer)
    assert way is not None
    if way.profile.name == "Ana" and order.day >= first_day + ANA_FROM:
        return Decimal("12.5")
    if not way.by_coupon and offer_of(order.customer) == 2:
        return Decimal(12)
    return Decimal(10) if order.day >= first_day + RISEN_FROM else Decimal(8)


def totals_of_tables(program: int) -> Totals:
    """What was loaded."""
    conversions = Conversion.objects.filter(program=program)
    whole = conversions.aggregate(n=Count("pk"), amount=Sum("amount"), refunded=Sum("refunded"))
    credited = conversions.filter(affiliate__isnull=False).aggregate(n=Count("pk"), amount=Sum("amount"))
    zero = Decimal(0)
    commissions = Commission.objects.filter(conversion__program=program)
    money = commissions.aggregate(n=Count("pk"), earned=Sum("amount"))
    taken_back = commissions.exclude(decision="rejected").aggregate(sum=Sum("reversed"))["sum"]
    refunds = conversions.filter(refunded__gt=0).count()
    return Totals(
        whole["n"],
        whole["amount"] or zero,
        credited["n"],
        credited["amount"] or zero,
        refunds,
        whole["refunded"] or zero,
        money["n"],
        money["earned"] or zero,
        taken_back or zero,
    )
