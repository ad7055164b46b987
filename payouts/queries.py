"""What affiliates are owed, by state; and the lines of a batch and a statement."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from core.rows import select_rows


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
WITH commission AS (
    SELECT c.id, c.affiliate_id, c.currency, c.amount, c.reversed, c.decision, c.payable_at,
           EXISTS (SELECT FROM payouts_payoutline l WHERE l.commission_id = c.id AND l.released_at IS NULL) AS live
    FROM commissions_commission c JOIN tracking_conversion v ON v.id = c.conversion_id
    WHERE c.affiliate_id = ANY(%(affiliates)s) AND c.decision <> 'rejected' AND (%(programs)s::bigint[] IS NULL OR v.program_id = ANY(%(programs)s))
), loose AS (  -- reversals of approved commissions that no payout has taken in
    SELECT r.commission_id, sum(r.amount) AS amount
    FROM commissions_reversal r JOIN commission c ON c.id = r.commission_id
    WHERE c.decision = 'approved' AND NOT EXISTS (SELECT FROM payouts_payoutline l WHERE l.reversal_id = r.id AND l.released_at IS NULL)
    GROUP BY r.commission_id
), open AS (
    SELECT c.affiliate_id, c.currency, c.payable_at,
           (CASE WHEN c.live THEN 0 ELSE c.amount END) - coalesce(l.amount, 0) AS amount
    FROM commission c LEFT JOIN loose l ON l.commission_id = c.id WHERE c.decision = 'approved'
)
SELECT affiliate_id, currency, sum(pending), sum(approved), sum(payable), sum(in_payout), sum(paid), sum(reversed) FROM (
    SELECT affiliate_id, currency,
           sum(amount - reversed) FILTER (WHERE decision <> 'approved') AS pending, 0 AS approved, 0 AS payable, 0 AS in_payout, 0 AS paid,
           sum(reversed) AS reversed
    FROM commission GROUP BY 1, 2
  UNION ALL
    SELECT affiliate_id, currency, 0, sum(amount) FILTER (WHERE payable_at > %(now)s), sum(amount) FILTER (WHERE payable_at <= %(now)s), 0, 0, 0
    FROM open GROUP BY 1, 2
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
        _BALANCES,
        {"affiliates": list(affiliates), "programs": None if programs is None else list(programs), "now": now or timezone.now()},
    )
    found: dict[int, list[Balance]] = {affiliate: [] for affiliate in affiliates}
    for affiliate, currency, *amounts in rows:
        found[affiliate].append(Balance(currency, *(Decimal(amount or 0) for amount in amounts)))
    return found


def balances(affiliate: int, *, programs: Collection[int] | None = None, now: datetime | None = None) -> list[Balance]:
    return balances_of([affiliate], programs=programs, now=now)[affiliate]
