"""Reversals: what refunds take back of commissions."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from commissions import events
from commissions.models import Decision, Reversal
from commissions.queries import taken_back_by
from core.events import Fact, record_many
from core.money import plain_amount
from ledger.models import TransferKind
from ledger.services import Posting, post_transfers, taken_back
from tracking.models import Conversion, Refund


def reverse_for_refund(conversion: Conversion, refund: Refund, *, by: Any, now: datetime) -> list[Reversal]:
    """Take back from the conversion's commissions what the refund asks, in the caller's transaction (conversion locked).

    Rejected ones earned nothing. Before approval the reversal waits for it; afterwards it goes to the ledger at once, and
    where the commission was already paid it is a negative row against the next payout.
    """
    reversals, postings = [], []
    commissions = conversion.commissions.order_by("pk").select_for_update()
    for commission, amount in taken_back_by(conversion, refund.refunded_after, commissions):
        reversal = Reversal.objects.create(
            commission=commission, refund=refund, amount=amount, currency=commission.currency, created_at=now
        )
        commission.reversed += amount
        commission.save(update_fields=["reversed"])
        reversals.append(reversal)
        if commission.decision == Decision.APPROVED:
            postings.append(
                reversal_posting(reversal.pk, conversion.program_id, commission.affiliate_id, commission.currency, amount, now)
            )
    post_transfers(postings, now=timezone.now())
    record_many(
        [
            Fact(
                events.COMMISSION_REVERSED,
                [reversal.commission, conversion, f"affiliate:{reversal.commission.affiliate_id}"],
                amount_told(reversal.amount, reversal.currency),
                at=now,
            )
            for reversal in reversals
        ],
        by=by,
    )
    return reversals


def reversal_posting(reversal: int, program: int, affiliate: int, currency: str, amount: Decimal, at: datetime) -> Posting:
    """What takes the reversal of an approved commission back from the affiliate."""
    return Posting(
        f"reversal:{reversal}", TransferKind.REVERSED, **taken_back(program, affiliate), amount=amount, currency=currency, at=at
    )


def amount_told(amount: Decimal, currency: str) -> dict[str, str]:
    """The data of an event about a commission."""
    return {"amount": plain_amount(amount, currency), "currency": currency}
