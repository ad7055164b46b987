"""What affiliates are owed, by state; and the lines of a batch and a statement."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from core.rows import select_rows
from payouts.payable import open_rows


@dataclass(frozen=True, slots=True)
class Balance:
    """One affiliate's money in one currency, by state; net of what refunds took back.

    pending: not decided yet (on hold included) · approved: in its hold · payable: the next payout takes it (negative where
    refunds came after payment) · in_payout · paid · reversed: all that refunds took back.
    """

    currency: str
    pending: Decimal = Decimal(0)
    approved: Decimal = Decimal(0)
    payable: Decimal = Decimal(0)
    in_payout: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    reversed: Decimal = Decimal(0)

    @property
    def earned(self) -> Decimal:
        """Everything that is or will be paid: approved, payable, in payout and paid."""
        return self.approved + self.payable + self.in_payout + self.paid


_BALANCES = """
SELECT affiliate_id, currency, sum(pending), sum(approved), sum(payable), sum(in_payout), sum(paid), sum(reversed) FROM (
    SELECT c.affiliate_id, c.currency,
           sum(c.amount - c.reversed) FILTER (WHERE c.decision <> 'approved') AS pending, 0 AS approved, 0 AS payable,
           0 AS in_payout, 0 AS paid, sum(c.reversed) AS reversed
    FROM commissions_commission c
    JOIN commissions_ruleversion v ON v.id = c.rule_version_id JOIN commissions_commissionrule r ON r.id = v.rule_id
    WHERE c.affiliate_id = ANY(%(affiliates)s) AND c.decision <> 'rejected'
      AND (%(programs)s::bigint[] IS NULL OR r.program_id = ANY(%(programs)s))
    GROUP BY 1, 2
  UNION ALL
    SELECT affiliate_id, currency, 0, sum(amount) FILTER (WHERE NOT payable), sum(amount) FILTER (WHERE payable), 0, 0, 0
    FROM open
    WHERE affiliate_id = ANY(%(affiliates)s) AND (%(programs)s::bigint[] IS NULL OR program_id = ANY(%(programs)s))
    GROUP BY 1, 2
  UNION ALL
    SELECT p.affiliate_id, p.currency, 0, 0, 0, sum(p.amount) FILTER (WHERE p.status = 'ready'), sum(p.amount) FILTER (WHERE p.status = 'paid'), 0
    FROM payouts_payout p JOIN payouts_payoutbatch b ON b.id = p.batch_id
    WHERE p.affiliate_id = ANY(%(affiliates)s) AND (%(programs)s::bigint[] IS NULL OR b.program_id = ANY(%(programs)s))
      AND p.status IN ('ready', 'paid')
    GROUP BY 1, 2
) AS states GROUP BY 1, 2 ORDER BY 1, 2
"""


def balances_of(
    affiliates: Collection[int], *, programs: Collection[int] | None = None, now: datetime | None = None
) -> dict[int, list[Balance]]:
    """The balances of many affiliates at once, by affiliate: one Balance a currency. `programs` limits what is counted."""
    rows = select_rows(
        f"WITH {open_rows(now or timezone.now())} {_BALANCES}",
        {"affiliates": list(affiliates), "programs": None if programs is None else list(programs)},
    )
    found: dict[int, list[Balance]] = {affiliate: [] for affiliate in affiliates}
    for affiliate, currency, *amounts in rows:
        found[affiliate].append(Balance(currency, *(Decimal(amount or 0) for amount in amounts)))
    return found


def balances(affiliate: int, *, programs: Collection[int] | None = None, now: datetime | None = None) -> list[Balance]:
    return balances_of([affiliate], programs=programs, now=now)[affiliate]
