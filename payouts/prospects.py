"""The next payout of an affiliate, program by program: how much, what is still missing, and when more becomes payable."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from payouts.models import PayoutException, PayoutMethod
from payouts.payable import select_judged
from programs.models import Program


@dataclass(frozen=True, slots=True)
class Prospect:
    """What one program owes in one currency.

    payable: the next payout takes it (negative where refunds came after payment) · on_its_way: approved, in its hold ·
    next_at: when the next hold ends · preparing: in payouts that are not paid yet · paid_at: when the last payout was paid ·
    exceptions: why a batch of now would leave it for later · minimum: what must come together before it pays.
    """

    program: Program
    currency: str
    payable: Decimal
    on_its_way: Decimal
    next_at: datetime | None
    preparing: Decimal
    paid_at: datetime | None
    method: PayoutMethod | None
    minimum: Decimal
    exceptions: list[str] = field(default_factory=list)

    @property
    def barred(self) -> bool:
        """The program pays the affiliate nothing for now, as it is suspended."""
        return PayoutException.NOT_APPROVED in self.exceptions

    @property
    def short(self) -> Decimal:
        """How much is missing to a payout."""
        return max(self.minimum - self.payable, Decimal(0))

    @property
    def due(self) -> bool:
        """Whether the program's next payout takes it, once there is a method to pay by."""
        return not set(self.exceptions) - {PayoutException.NO_METHOD, PayoutException.METHOD_COOLING_OFF}

    @property
    def shown(self) -> Decimal:
        """For a progress bar: from nothing to the minimum."""
        return min(max(self.payable, Decimal(0)), self.minimum)


_SHARES = """
    SELECT program_id, %(affiliate)s::bigint AS affiliate_id, currency, coalesce(sum(payable), 0) AS amount,
           coalesce(sum(on_its_way), 0) AS on_its_way, min(next_at) AS next_at, coalesce(sum(preparing), 0) AS preparing,
           max(paid_at) AS paid_at
    FROM (
        SELECT id AS program_id, currency, 0 AS payable, 0 AS on_its_way, NULL::timestamptz AS next_at, 0 AS preparing,
               NULL::timestamptz AS paid_at
        FROM programs_program
      UNION ALL
        SELECT program_id, currency, sum(amount) FILTER (WHERE payable), sum(amount) FILTER (WHERE NOT payable),
               min(payable_at) FILTER (WHERE NOT payable AND counts), 0, NULL
        FROM open WHERE affiliate_id = %(affiliate)s GROUP BY 1, 2
      UNION ALL
        SELECT b.program_id, p.currency, 0, 0, NULL, sum(p.amount) FILTER (WHERE p.status = 'ready'), max(p.paid_at)
        FROM payouts_payout p JOIN payouts_payoutbatch b ON b.id = p.batch_id
        WHERE p.affiliate_id = %(affiliate)s AND p.status IN ('ready', 'paid') GROUP BY 1, 2
    ) AS states WHERE program_id = ANY(%(programs)s) GROUP BY program_id, currency
"""


def prospects(
    affiliate: int, programs: Collection[Program], methods: Collection[PayoutMethod], now: datetime | None = None
) -> list[Prospect]:
    """In these programs (those that the affiliate is or was in), by name: one statement. A program that owes nothing yet
    stands with nothing in its own currency. `methods` are the affiliate's current ones."""
    by_currency = {method.currency: method for method in methods}
    by_pk = {program.pk: program for program in programs}
    rows = select_judged(
        "SELECT program_id, currency, amount, on_its_way, next_at, preparing, paid_at, minimum, exceptions FROM judged",
        _SHARES,
        now=now or timezone.now(),
        affiliate=affiliate,
        programs=list(by_pk),
    )
    found = [
        Prospect(
            program=by_pk[program],
            currency=currency,
            payable=Decimal(payable),
            on_its_way=Decimal(on_its_way),
            next_at=next_at,
            preparing=Decimal(preparing),
            paid_at=paid_at,
            method=by_currency.get(currency),
            minimum=Decimal(minimum),
            exceptions=exceptions,
        )
        for program, currency, payable, on_its_way, next_at, preparing, paid_at, minimum, exceptions in rows
    ]
    return sorted(found, key=lambda prospect: (prospect.program.name, prospect.currency))
