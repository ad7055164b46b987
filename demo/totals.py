"""The demo's sums, computed from the orders file alone: no table of ours is asked. What was loaded must match to the cent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, Sum

from demo.orders import read_orders, refund_of, way_of
from tracking.models import Conversion


@dataclass(frozen=True)
class Totals:
    orders: int
    amount: Decimal
    credited: int
    credited_amount: Decimal
    refunds: int
    refunded: Decimal


def totals_of_file(yesterday: date, customers: int | None = None) -> Totals:
    """What the file and the rule say."""
    orders = list(read_orders(yesterday, customers))
    credited = [order for order in orders if way_of(order.customer)]
    refunds = [refund[1] for order in orders if (refund := refund_of(order)) and refund[0] <= yesterday]
    return Totals(
        len(orders),
        sum((order.amount for order in orders), Decimal(0)),
        len(credited),
        sum((order.amount for order in credited), Decimal(0)),
        len(refunds),
        sum(refunds, Decimal(0)),
    )


def totals_of_tables(program: int) -> Totals:
    """What was loaded."""
    conversions = Conversion.objects.filter(program=program)
    whole = conversions.aggregate(n=Count("pk"), amount=Sum("amount"), refunded=Sum("refunded"))
    credited = conversions.filter(affiliate__isnull=False).aggregate(n=Count("pk"), amount=Sum("amount"))
    zero = Decimal(0)
    refunds = conversions.filter(refunded__gt=0).count()
    return Totals(
        whole["n"], whole["amount"] or zero, credited["n"], credited["amount"] or zero, refunds, whole["refunded"] or zero
    )
