"""Payouts on their way through the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils import timezone

from ledger.models import TransferKind
from ledger.services import Posting, post_transfers
from payouts.models import Payout, PayoutBatch


def post_payouts(payouts: Iterable[Payout], batch: PayoutBatch, kind: TransferKind, pots: Any, at: datetime) -> None:
    """One transfer for each payout; its key holds that the step is posted once."""
    post_transfers(
        [
            Posting(
                f"payout:{p.pk}:{kind.value}",
                kind,
                **pots(batch.program_id, p.affiliate_id),
                amount=p.amount,
                currency=p.currency,
                at=at,
            )
            for p in payouts
        ],
        now=timezone.now(),
    )
