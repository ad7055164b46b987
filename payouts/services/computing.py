"""The computation of a batch, by workers that may be killed, doubled and called again."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from affiliates.models import Enrollment
from core.events import record
from core.rows import in_chunks, insert_rows
from ledger.models import TransferKind
from ledger.services import reserved
from payouts import events
from payouts.models import BatchStatus, Payout, PayoutBatch, PayoutStatus
from payouts.payable import BATCH_SHARES, select_judged
from payouts.services.posting import post_payouts

CHUNK = 100  # affiliates in one transaction: what a killed worker has to do again


def compute_batch(batch_id: int) -> PayoutBatch:
    """Compute a batch a hundred affiliates at a time, each hundred in a transaction of its own.

    Who they are is read once, then each hundred's own rows: twice as many affiliates take twice as long. Run again after a
    kill it goes on where it stopped; run twice at once the second waits for the first's locks and finds the work done.
    Another batch that computes at the same time finds only what this one has not taken.
    """
    batch = PayoutBatch.objects.get(pk=batch_id)
    if batch.status == BatchStatus.COMPUTING:
        left = _whose_turn(batch)
        total = batch.affiliates_done + len(left)
        for chunk in in_chunks(left, CHUNK):
            if not _compute_some(batch_id, chunk, total):
                break
        else:
            _finish(batch_id)
            with connection.cursor() as cursor:  # pages read all lines at once from now on: the database must know how many
                cursor.execute("ANALYZE payouts_payoutline")
        batch.refresh_from_db()
    return batch


def _whose_turn(batch: PayoutBatch) -> list[int]:
    """The affiliates to whom something is payable, less those who have their payout in this batch already."""
    rows = select_judged(
        """SELECT affiliate_id FROM share
           WHERE NOT EXISTS (SELECT FROM payouts_payout p WHERE p.batch_id = %(batch)s AND p.affiliate_id = share.affiliate_id)
           ORDER BY 1""",
        BATCH_SHARES,
        **_bounds(batch),
        batch=batch.pk,
    )
    return [affiliate for (affiliate,) in rows]


def _bounds(batch: PayoutBatch) -> dict[str, Any]:
    return {"program": batch.program_id, "currency": batch.currency, "at": batch.cutoff, "now": timezone.now()}


@transaction.atomic
def _compute_some(batch_id: int, affiliates: list[int], total: int) -> bool:
    """The payouts of these affiliates; returns whether the batch is still to be computed."""
    batch = PayoutBatch.objects.select_for_update(of=("self",)).get(pk=batch_id)
    if batch.status != BatchStatus.COMPUTING:
        return False
    # Two batches of one program take turns on an affiliate.
    list(
        Enrollment.objects.filter(program=batch.program_id, affiliate__in=affiliates)
        .order_by("pk")
        .select_for_update()
        .values_list("pk")
    )
    done = set(batch.payouts.filter(affiliate__in=affiliates).values_list("affiliate_id", flat=True))  # by another worker
    batch.affiliates_done += _write_payouts(
        batch, _judge(batch, [affiliate for affiliate in affiliates if affiliate not in done])
    )
    batch.affiliates_total = max(total, batch.affiliates_done)
    batch.progress_at = timezone.now()
    batch.save()
    return True


@transaction.atomic
def _finish(batch_id: int) -> None:
    batch = PayoutBatch.objects.select_for_update(of=("self",)).select_related("program").get(pk=batch_id)
    if batch.status == BatchStatus.COMPUTING:
        batch.status, batch.affiliates_total, batch.progress_at = BatchStatus.DRAFT, batch.affiliates_done, timezone.now()
        batch.save()
        record(events.BATCH_COMPUTED, batch, batch.program, data={"affiliates": batch.affiliates_done})


@dataclass(frozen=True, slots=True)
class _Judged:
    """What is payable to one affiliate, of which commissions, reversals and adjustments, and why it would be left for later."""

    affiliate: int
    amount: Decimal
    method: int | None
    exceptions: list[str]
    commissions: list[int | None]  # the lines, column by column
    reversals: list[int | None]
    adjustments: list[int | None]
    amounts: list[Decimal]


def _judge(batch: PayoutBatch, affiliates: list[int]) -> list[_Judged]:
    """Of these affiliates, those to whom something is payable still."""
    rows = select_judged(
        "SELECT affiliate_id, amount, method_id, exceptions, commissions, reversals, adjustments, amounts FROM judged ORDER BY 1",
        """SELECT program_id, affiliate_id, currency, sum(amount) AS amount,
                  array_agg(commission_id ORDER BY commission_id, reversal_id, adjustment_id) AS commissions,
                  array_agg(reversal_id ORDER BY commission_id, reversal_id, adjustment_id) AS reversals,
                  array_agg(adjustment_id ORDER BY commission_id, reversal_id, adjustment_id) AS adjustments,
                  array_agg(amount ORDER BY commission_id, reversal_id, adjustment_id) AS amounts
           FROM open
           WHERE program_id = %(program)s AND currency = %(currency)s AND payable AND affiliate_id = ANY(%(affiliates)s)
           GROUP BY 1, 2, 3""",
        **_bounds(batch),
        affiliates=affiliates,
    )
    return [_Judged(*row) for row in rows]


def _write_payouts(batch: PayoutBatch, shares: list[_Judged]) -> int:
    payouts = [
        Payout(
            batch=batch,
            affiliate_id=share.affiliate,
            amount=share.amount,
            currency=batch.currency,
            status=PayoutStatus.SKIPPED if share.exceptions else PayoutStatus.READY,
            exceptions=share.exceptions,
            method_id=share.method,
            created_at=batch.created_at,
        )
        for share in shares
    ]
    Payout.objects.bulk_create(payouts)
    ready = [(payout, share) for payout, share in zip(payouts, shares, strict=True) if payout.status == PayoutStatus.READY]
    insert_rows(
        "payouts_payoutline",
        ["payout_id", "commission_id", "reversal_id", "adjustment_id", "amount"],
        [
            (payout.pk, *line)
            for payout, share in ready
            for line in zip(share.commissions, share.reversals, share.adjustments, share.amounts, strict=True)
        ],
    )
    post_payouts([payout for payout, _share in ready], batch, TransferKind.RESERVED, reserved, batch.created_at)
    return len(payouts)
