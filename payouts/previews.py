"""What a batch would hold, before anybody makes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from core.rows import select_rows
from payouts.models import PAID_ENROLLMENTS, PayoutException
from payouts.services.batches import PAYABLE
from programs.models import Program


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of some affiliates' money; `exception` is empty where it would be paid, else the first reason why not."""

    exception: str
    affiliates: int
    amount: Decimal

    @property
    def label(self) -> str:
        return str(PayoutException(self.exception).label)


@dataclass(frozen=True, slots=True)
class Preview:
    ready: Outcome
    left: list[Outcome]  # for later, by reason

    @property
    def empty(self) -> bool:
        return not self.ready.affiliates and not self.left


_OUTCOMES = """, share AS (
    SELECT affiliate_id, sum(amount) AS amount FROM payable GROUP BY 1
)
SELECT CASE WHEN e.id IS NULL THEN 'not_approved'
            WHEN share.amount <= 0 THEN 'not_positive'
            WHEN %(own_currency)s AND share.amount < %(minimum)s THEN 'below_minimum'
            WHEN m.id IS NULL THEN 'no_method'
            WHEN m.usable_from > %(now)s THEN 'method_cooling_off'
            ELSE '' END AS exception, count(*), sum(share.amount)
FROM share
LEFT JOIN payouts_payoutmethod m ON m.affiliate_id = share.affiliate_id AND m.currency = %(currency)s AND m.replaced_at IS NULL
LEFT JOIN affiliates_enrollment e ON e.affiliate_id = share.affiliate_id AND e.program_id = %(program)s AND e.status = ANY(%(paid)s)
GROUP BY 1 ORDER BY 1
"""


def preview_batch(program: Program, currency: str, cutoff: datetime, *, now: datetime | None = None) -> Preview:
    """The outcome that `compute_batch` would come to now: one statement, nothing is written or locked."""
    now = now or timezone.now()
    rows = select_rows(
        PAYABLE + _OUTCOMES,
        {
            "program": program.pk,
            "currency": currency,
            "cutoff": min(cutoff, now),
            "now": now,
            "own_currency": currency == program.currency,
            "paid": list(PAID_ENROLLMENTS),
            "minimum": program.minimum_payout,
        },
    )
    outcomes = [Outcome(*row) for row in rows]
    ready = next((outcome for outcome in outcomes if not outcome.exception), Outcome("", 0, Decimal(0)))
    return Preview(ready, [outcome for outcome in outcomes if outcome.exception])
