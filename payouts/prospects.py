"""The next payout of an affiliate, program by program: how much, what is still missing, and when more becomes payable."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from core.rows import select_rows
from payouts.models import PAID_ENROLLMENTS, PayoutMethod
from programs.models import Program


@dataclass(frozen=True, slots=True)
class Prospect:
    """What one program owes in one currency.

    payable: the next payout takes it (negative where refunds came after payment) · on_its_way: approved, in its hold ·
    next_at: when the next hold ends · preparing: in payouts that are not paid yet · paid_at: when the last payout was paid ·
    barred: the program pays the affiliate nothing for now, as it is suspended.
    """

    program: Program
    currency: str
    payable: Decimal
    on_its_way: Decimal
    next_at: datetime | None
    preparing: Decimal
    paid_at: datetime | None
    method: PayoutMethod | None
    barred: bool = False

    @property
    def minimum(self) -> Decimal:
        return self.program.minimum_payout if self.currency == self.program.currency else Decimal(0)

    @property
    def short(self) -> Decimal:
        """How much is missing to a payout."""
        return max(self.minimum - self.payable, Decimal(0))

    @property
    def due(self) -> bool:
        """Whether the program's next payout takes it, once there is a method to pay by."""
        return self.payable > 0 and not self.short and not self.barred

    @property
    def shown(self) -> Decimal:
        """For a progress bar: from nothing to the minimum."""
        return min(max(self.payable, Decimal(0)), self.minimum)


_PROSPECTS = """
WITH open AS (  -- what no payout has taken in: approved commissions, less the reversals of approved ones
    SELECT v.program_id, c.currency, c.payable_at, c.amount, c.reversed < c.amount AS counts
    FROM commissions_commission c JOIN tracking_conversion v ON v.id = c.conversion_id
    WHERE c.affiliate_id = %(affiliate)s AND c.decision = 'approved'
      AND NOT EXISTS (SELECT FROM payouts_payoutline l WHERE l.commission_id = c.id AND l.released_at IS NULL)
  UNION ALL
    SELECT v.program_id, c.currency, c.payable_at, -r.amount, false
    FROM commissions_reversal r JOIN commissions_commission c ON c.id = r.commission_id
    JOIN tracking_conversion v ON v.id = c.conversion_id
    WHERE c.affiliate_id = %(affiliate)s AND c.decision = 'approved'
      AND NOT EXISTS (SELECT FROM payouts_payoutline l WHERE l.reversal_id = r.id AND l.released_at IS NULL)
)
SELECT program_id, currency, sum(payable), sum(on_its_way), min(next_at), sum(preparing), max(paid_at),
       NOT EXISTS (SELECT FROM affiliates_enrollment e WHERE e.affiliate_id = %(affiliate)s AND e.program_id = states.program_id
                   AND e.status = ANY(%(paid)s)) AS barred
FROM (
    SELECT program_id, currency, sum(amount) FILTER (WHERE payable_at <= %(now)s) AS payable,
           sum(amount) FILTER (WHERE payable_at > %(now)s) AS on_its_way,
           min(payable_at) FILTER (WHERE payable_at > %(now)s AND counts) AS next_at, 0 AS preparing, NULL::timestamptz AS paid_at
    FROM open GROUP BY 1, 2
  UNION ALL
    SELECT b.program_id, p.currency, 0, 0, NULL, sum(p.amount) FILTER (WHERE p.status = 'ready'), max(p.paid_at)
    FROM payouts_payout p JOIN payouts_payoutbatch b ON b.id = p.batch_id
    WHERE p.affiliate_id = %(affiliate)s AND p.status IN ('ready', 'paid') GROUP BY 1, 2
) AS states GROUP BY 1, 2
"""


def prospects(
    affiliate: int, programs: Collection[Program], methods: Collection[PayoutMethod], now: datetime | None = None
) -> list[Prospect]:
    """In these programs (those that the affiliate is or was in), by name: one statement. A program that owes nothing yet
    stands with nothing in its own currency. `methods` are the affiliate's current ones."""
    by_currency = {method.currency: method for method in methods}
    rows = select_rows(_PROSPECTS, {"affiliate": affiliate, "now": now or timezone.now(), "paid": list(PAID_ENROLLMENTS)})
    owed = {(program, currency): amounts for program, currency, *amounts in rows}
    found = []
    for program in programs:
        currencies = sorted(currency for key, currency in owed if key == program.pk) or [program.currency]
        for currency in currencies:
            payable, on_its_way, next_at, preparing, paid_at, barred = owed.get((program.pk, currency), [None] * 6)
            found.append(
                Prospect(
                    program,
                    currency,
                    payable or Decimal(0),
                    on_its_way or Decimal(0),
                    next_at,
                    preparing or Decimal(0),
                    paid_at,
                    by_currency.get(currency),
                    bool(barred),
                )
            )
    return sorted(found, key=lambda prospect: (prospect.program.name, prospect.currency))
