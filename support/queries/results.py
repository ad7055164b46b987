"""What came of the accounts in each person's care: sales and promises, for whoever looked after them when they happened."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q

from accounts.models import User
from core.rows import select_rows
from support.models import Commitment


@dataclass(frozen=True)
class Sales:
    """In one currency, refunds taken off."""

    conversions: int
    amount: Decimal
    currency: str


@dataclass
class Results:
    label: str
    sales: list[Sales] = field(default_factory=list)
    kept: int = 0
    late: int = 0
    broken: int = 0


def results(start: datetime, end: datetime, *, programs: Collection[int] | None, money: Collection[int] | None) -> list[Results]:
    """Of what happened within [start, end), by person: the sales of these programs (`money`; None: all) go to whoever covered the
    account at the sale's instant, else to its manager (`affiliates.queries.manager_at`, read in one statement); promises of
    `programs` that were settled go to whoever had to keep them."""
    found: dict[int, Results] = {}
    values = {"start": start, "end": end, "programs": sorted(money) if money is not None else None}
    for person, currency, conversions, amount in select_rows(
        """
        SELECT coalesce(c.to_person_id, a.manager_id) AS person, v.currency, count(*), sum(v.amount - v.refunded)
        FROM tracking_conversion v
        JOIN affiliates_affiliate a ON a.id = v.affiliate_id
        LEFT JOIN affiliates_cover c
          ON c.affiliate_id = a.id AND c.starts_at <= v.occurred_at AND c.ends_at > v.occurred_at
        WHERE v.occurred_at >= %(start)s AND v.occurred_at < %(end)s AND v.amount IS NOT NULL
          AND (%(programs)s::bigint[] IS NULL OR v.program_id = ANY(%(programs)s::bigint[]))
        GROUP BY 1, 2 HAVING coalesce(c.to_person_id, a.manager_id) IS NOT NULL ORDER BY 1, 2
        """,
        values,
    ):
        found.setdefault(person, Results("")).sales.append(Sales(conversions, amount, currency))
    settled = Commitment.objects.filter(settled_at__gte=start, settled_at__lt=end)
    if programs is not None:
        settled = settled.filter(ticket__program__in=programs)
    status = Commitment.Status
    counted = {name: Count("pk", filter=Q(status=name)) for name in (status.KEPT, status.LATE, status.BROKEN)}
    rows: Any = settled.exclude(status=status.WITHDRAWN).order_by().values("owner").annotate(**counted)
    for row in rows:
        line = found.setdefault(row["owner"], Results(""))
        line.kept, line.late, line.broken = row["kept"], row["late"], row["broken"]
    for person in User.objects.filter(pk__in=found):
        found[person.pk].label = str(person)
    return sorted(found.values(), key=lambda each: each.label.lower())
