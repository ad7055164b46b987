"""What a batch would hold, before anybody makes it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from payouts.models import BatchStatus, PayoutException
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


@dataclass(frozen=True, slots=True)
class Due:
    """What a batch of this program and currency would pay out now; `waiting` more could be paid if they had a way to be."""

    program: int
    currency: str
    affiliates: int
    amount: Decimal
    waiting: int


OPEN = [BatchStatus.COMPUTING, BatchStatus.DRAFT, BatchStatus.APPROVED, BatchStatus.EXECUTING]


def due_without_batch(programs: Collection[int] | None, *, now: datetime | None = None) -> list[Due]:
    """What could be paid while no batch of the program and currency is under way, in these programs (None: in all)."""
    within = "" if programs is None else "AND program_id = ANY(%(programs)s)"
    rows = select_judged(
        """SELECT program_id, currency, count(*) FILTER (WHERE exceptions = '{}'),
                  coalesce(sum(amount) FILTER (WHERE exceptions = '{}'), 0), count(*) FILTER (WHERE exceptions = %(methodless)s)
           FROM judged GROUP BY 1, 2 ORDER BY 1, 2""",
        f"""SELECT program_id, affiliate_id, currency, sum(amount) AS amount
            FROM open WHERE payable {within} AND NOT EXISTS (
                SELECT FROM payouts_payoutbatch b
                WHERE b.program_id = open.program_id AND b.currency = open.currency AND b.status = ANY(%(under_way)s)
            ) GROUP BY 1, 2, 3""",
        now=now or timezone.now(),
        at_once=True,
        programs=list(programs or ()),
        under_way=[status.value for status in OPEN],
        methodless=[PayoutException.NO_METHOD.value],
    )
    return [due for due in (Due(*row) for row in rows) if due.affiliates]
