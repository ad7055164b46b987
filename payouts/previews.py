"""What a batch would hold, before anybody makes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from payouts.models import PayoutException
from payouts.payable import BATCH_SHARES, select_judged
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


def preview_batch(program: Program, currency: str, cutoff: datetime, *, now: datetime | None = None) -> Preview:
    """The outcome that `compute_batch` would come to now: one statement, nothing is written or locked."""
    rows = select_judged(
        "SELECT coalesce(exceptions[1], ''), count(*), sum(amount) FROM judged GROUP BY 1 ORDER BY 1",
        BATCH_SHARES,
        at=cutoff,
        now=now or timezone.now(),
        program=program.pk,
        currency=currency,
    )
    outcomes = [Outcome(*row) for row in rows]
    ready = next((outcome for outcome in outcomes if not outcome.exception), Outcome("", 0, Decimal(0)))
    return Preview(ready, [outcome for outcome in outcomes if outcome.exception])
