"""Payout batches: prepared by one person, computed by a worker, approved by another person, paid, never twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from affiliates.models import Enrollment
from core.access import AccessError, Can, check
from core.errors import Conflict, Refusal
from core.events import Fact, record, record_many
from core.mail import write_mail
from core.money import check_currency, format_money, plain_amount
from core.rows import insert_rows, select_rows
from core.tasks import send_soon
from ledger.models import TransferKind
from ledger.services import Posting, paid_out, post_transfers, released, reserved
from payouts import events
from payouts.models import (
    PAID_ENROLLMENTS,
    BatchStatus,
    Payout,
    PayoutBatch,
    PayoutException,
    PayoutLine,
    PayoutMethod,
    PayoutStatus,
)
from payouts.services.methods import money_addresses
from programs.models import Program

CHUNK = 100  # affiliates in one transaction: what a killed worker has to do again


class PayoutError(Refusal):
    """A batch or a payout that cannot be taken that step."""


class NotNow(PayoutError, Conflict):
    """Nothing is wrong with what was asked, but the batch's state stands against it (409 over the API)."""


@transaction.atomic
def prepare_batch(program: Program, currency: str, cutoff: datetime, *, by: Any, now: datetime | None = None) -> PayoutBatch:
    """A batch of what is payable in the program and currency by `cutoff`; a worker computes it."""
    check(by, Can.PREPARE_PAYOUTS, program.pk)
    check_currency(currency)
    now = now or timezone.now()
    batch = PayoutBatch.objects.create(program=program, currency=currency, cutoff=cutoff, created_by=by, created_at=now)
    record(events.BATCH_CREATED, batch, program, by=by, data={"currency": currency, "cutoff": cutoff.isoformat()}, at=now)
    from payouts.tasks import compute

    transaction.on_commit(lambda: send_soon(compute, batch.pk), robust=True)
    return batch


# What no live line holds yet: commissions whose hold is over by the cutoff, and the reversals of such.
PAYABLE = """
WITH payable AS (
    SELECT c.affiliate_id, c.id AS commission_id, NULL::bigint AS reversal_id, c.amount
    FROM commissions_commission c JOIN tracking_conversion v ON v.id = c.conversion_id
    WHERE v.program_id = %(program)s AND c.currency = %(currency)s AND c.decision = 'approved' AND c.payable_at <= %(cutoff)s
      AND NOT EXISTS (SELECT FROM payouts_payoutline l WHERE l.commission_id = c.id AND l.released_at IS NULL)
  UNION ALL
    SELECT c.affiliate_id, NULL, r.id, -r.amount
    FROM commissions_reversal r JOIN commissions_commission c ON c.id = r.commission_id JOIN tracking_conversion v ON v.id = c.conversion_id
    WHERE v.program_id = %(program)s AND c.currency = %(currency)s AND c.decision = 'approved' AND c.payable_at <= %(cutoff)s
      AND NOT EXISTS (SELECT FROM payouts_payoutline l WHERE l.reversal_id = r.id AND l.released_at IS NULL)
)
"""


@dataclass(slots=True)
class _Share:
    """What is payable to one affiliate."""

    lines: list[tuple[int | None, int | None, Decimal]] = field(default_factory=list)  # commission, reversal, amount

    @property
    def amount(self) -> Decimal:
        return sum((amount for _c, _r, amount in self.lines), Decimal(0))


def compute_batch(batch_id: int) -> PayoutBatch:
    """Compute a batch a hundred affiliates at a time, each hundred in a transaction of its own.

    Run again after a kill it goes on where it stopped; run twice at once the second waits for the first's locks and finds
    the work done. Another batch that computes at the same time finds only what this one has not taken.
    """
    while _compute_some(batch_id):
        pass
    return PayoutBatch.objects.get(pk=batch_id)


@transaction.atomic
def _compute_some(batch_id: int) -> bool:
    """One chunk; returns whether there may be more."""
    batch = PayoutBatch.objects.select_for_update(of=("self",)).select_related("program").get(pk=batch_id)
    if batch.status != BatchStatus.COMPUTING:
        return False
    now = timezone.now()
    bounds = {
        "program": batch.program_id,
        "currency": batch.currency,
        "cutoff": min(batch.cutoff, now),
        "batch": batch.pk,
        "chunk": CHUNK,
    }
    waiting = [
        affiliate
        for (affiliate,) in select_rows(
            PAYABLE
            + """SELECT DISTINCT affiliate_id FROM payable
                 WHERE NOT EXISTS (SELECT FROM payouts_payout p WHERE p.batch_id = %(batch)s AND p.affiliate_id = payable.affiliate_id)
                 ORDER BY affiliate_id""",
            bounds,
        )
    ]
    chunk = waiting[:CHUNK]
    if chunk:
        # Two batches of one program take turns on an affiliate.
        list(
            Enrollment.objects.filter(program=batch.program, affiliate__in=chunk)
            .order_by("pk")
            .select_for_update()
            .values_list("pk")
        )
        _write_payouts(batch, _shares(chunk, bounds), now)
    batch.affiliates_done += len(chunk)
    batch.affiliates_total = batch.affiliates_done + len(waiting) - len(chunk)
    batch.progress_at = now
    if len(waiting) <= CHUNK:
        batch.status = BatchStatus.DRAFT
        record(events.BATCH_COMPUTED, batch, batch.program, data={"affiliates": batch.affiliates_done})
    batch.save()
    return batch.status == BatchStatus.COMPUTING


def _shares(affiliates: list[int], bounds: dict[str, Any]) -> dict[int, _Share]:
    shares: dict[int, _Share] = defaultdict(_Share)
    rows = select_rows(
        PAYABLE
        + "SELECT affiliate_id, commission_id, reversal_id, amount FROM payable WHERE affiliate_id = ANY(%(affiliates)s) ORDER BY 1, 2, 3",
        bounds | {"affiliates": affiliates},
    )
    for affiliate, commission, reversal, amount in rows:
        shares[affiliate].lines.append((commission, reversal, amount))
    return shares


def _write_payouts(batch: PayoutBatch, shares: dict[int, _Share], now: datetime) -> None:
    methods = {m.affiliate_id: m for m in PayoutMethod.objects.current().filter(affiliate__in=shares, currency=batch.currency)}
    enrolled = set(_enrollments(batch).filter(affiliate__in=shares).values_list("affiliate_id", flat=True))
    payouts = []
    for affiliate, share in shares.items():
        method = methods.get(affiliate)
        exceptions = _exceptions(share.amount, affiliate in enrolled, method, batch, now)
        payouts.append(
            Payout(
                batch=batch,
                affiliate_id=affiliate,
                amount=share.amount,
                currency=batch.currency,
                status=PayoutStatus.SKIPPED if exceptions else PayoutStatus.READY,
                exceptions=exceptions,
                method=method,
                created_at=batch.created_at,
            )
        )
    Payout.objects.bulk_create(payouts)
    ready = [payout for payout in payouts if payout.status == PayoutStatus.READY]
    insert_rows(
        "payouts_payoutline",
        ["payout_id", "commission_id", "reversal_id", "amount"],
        [(payout.pk, *line) for payout in ready for line in shares[payout.affiliate_id].lines],
    )
    _post(ready, batch, TransferKind.RESERVED, reserved, batch.created_at)


def _enrollments(batch: PayoutBatch) -> Any:
    """Of those whom the batch's program pays."""
    return Enrollment.objects.filter(program=batch.program_id, status__in=PAID_ENROLLMENTS)


def _exceptions(amount: Decimal, enrolled: bool, method: PayoutMethod | None, batch: PayoutBatch, now: datetime) -> list[str]:
    found = []
    if not enrolled:
        found.append(PayoutException.NOT_APPROVED)
    if amount <= 0:
        found.append(PayoutException.NOT_POSITIVE)
    elif amount < batch.program.minimum_payout and batch.currency == batch.program.currency:
        found.append(PayoutException.BELOW_MINIMUM)
    if method is None:
        found.append(PayoutException.NO_METHOD)
    elif method.usable_from > now:
        found.append(PayoutException.METHOD_COOLING_OFF)
    return [exception.value for exception in found]


def _post(payouts: Iterable[Payout], batch: PayoutBatch, kind: TransferKind, pots: Any, at: datetime) -> None:
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


@transaction.atomic
def approve_batch(batch: PayoutBatch, *, by: Any, at: datetime | None = None) -> PayoutBatch:
    """A second person approves a computed batch."""
    batch = lock_batch(batch, Can.APPROVE_PAYOUTS, by)
    if batch.created_by_id == by.pk:
        raise AccessError(_("A second person approves: you made this batch yourself."), code="second_person")
    check_status(batch, BatchStatus.DRAFT)
    ready = batch.payouts.filter(status=PayoutStatus.READY)
    changed = list(ready.filter(method__replaced_at__isnull=False).values_list("affiliate__name", flat=True))
    if changed:
        raise NotNow(
            _(
                "The payout method was changed since this batch was computed: %(names)s. Leave these payouts for the next batch, then approve."
            )
            % {"names": ", ".join(changed)},
            code="method_changed",
        )
    barred = ready.exclude(affiliate__in=_enrollments(batch).values("affiliate")).values_list("affiliate__name", flat=True)
    if barred:
        raise PayoutError(
            _("Suspended or not approved in the program any more: %(names)s. Leave these payouts out, then approve.")
            % {"names": ", ".join(barred)},
            code="not_approved",
        )
    if not ready.exists():
        raise NotNow(_("There is nothing to pay in this batch. Cancel it."), code="empty")
    batch.status, batch.approved_by, batch.approved_at = BatchStatus.APPROVED, by, at or timezone.now()
    batch.save()
    record(events.BATCH_APPROVED, batch, batch.program, by=by, at=batch.approved_at)
    return batch


@transaction.atomic
def cancel_batch(batch: PayoutBatch, *, by: Any, not_executed: bool = False) -> PayoutBatch:
    """Cancel a batch that is not paid: everything in it is payable again. Once its payment file is out, only on the word that
    the bank has not executed it."""
    batch = lock_batch(batch, Can.PREPARE_PAYOUTS, by)
    check_status(batch, BatchStatus.COMPUTING, BatchStatus.DRAFT, BatchStatus.APPROVED, BatchStatus.EXECUTING)
    _check_undoing(batch, by, not_executed)
    _release(batch, batch.payouts.filter(status=PayoutStatus.READY), PayoutStatus.CANCELLED, "")
    batch.status, batch.approved_by, batch.approved_at = BatchStatus.CANCELLED, None, None
    batch.save()
    record(events.BATCH_CANCELLED, batch, batch.program, by=by)
    return batch


@transaction.atomic
def fail_payout(payout: Payout, *, by: Any, reason: str, not_executed: bool = False) -> Payout:
    """Take one payout out of a batch that is not paid yet: what it held is payable again, in the next batch. Once the payment
    file is out, only on the word that the bank has not executed this payment."""
    batch = lock_batch(payout.batch, Can.PREPARE_PAYOUTS, by)
    check_status(batch, BatchStatus.DRAFT, BatchStatus.APPROVED, BatchStatus.EXECUTING)
    _check_undoing(batch, by, not_executed)
    if not reason.strip():
        raise PayoutError(_("Say why it is left out: the affiliate will ask."), code="required", field="reason")
    payouts = batch.payouts.filter(pk=payout.pk, status=PayoutStatus.READY)
    if not _release(batch, payouts, PayoutStatus.FAILED, reason.strip()[:300]):
        raise Conflict(_("This payout is not open any more."), code="state")
    told = {"affiliate": payout.affiliate.name}
    record(events.PAYOUT_FAILED, payout, batch, payout.affiliate, by=by, reason=reason, data=told)
    payout.refresh_from_db()
    return payout


def _check_undoing(batch: PayoutBatch, by: Any, not_executed: bool) -> None:
    """What is approved is undone by who approves; what the bank may have in hand, only on somebody's word: else it is paid twice."""
    if batch.status in (BatchStatus.APPROVED, BatchStatus.EXECUTING):
        check(by, Can.APPROVE_PAYOUTS, batch.program_id)
    if batch.status == BatchStatus.EXECUTING and not not_executed:
        raise Conflict(
            _(
                "The payment file has been downloaded, so the bank may have paid. Ask it, and state that it has not executed this."
            ),
            code="may_be_executed",
            field="not_executed",
        )


def _release(batch: PayoutBatch, payouts: Any, status: PayoutStatus, reason: str) -> list[Payout]:
    now = timezone.now()
    released_payouts = list(payouts.select_for_update())
    PayoutLine.objects.filter(payout__in=released_payouts, released_at__isnull=True).update(released_at=now)
    Payout.objects.filter(pk__in=[p.pk for p in released_payouts]).update(status=status, reason=reason)
    _post(released_payouts, batch, TransferKind.RELEASED, released, now)
    return released_payouts


@transaction.atomic
def mark_batch_paid(
    batch: PayoutBatch, *, by: Any, paid_at: datetime | None = None, reference: str = "", now: datetime | None = None
) -> PayoutBatch:
    """The money has left: every open payout of an approved batch is paid, and each affiliate is told."""
    batch = lock_batch(batch, Can.APPROVE_PAYOUTS, by)
    check_status(batch, BatchStatus.APPROVED, BatchStatus.EXECUTING)
    now = now or timezone.now()
    paid_at = paid_at or now
    if paid_at > now:
        raise PayoutError(_("A payment cannot have been made in the future."), code="future", field="paid_at")
    paid_at = _after_approval(paid_at, batch)
    payouts = list(
        batch.payouts.filter(status=PayoutStatus.READY).select_related("affiliate", "method").select_for_update(of=("self",))
    )
    Payout.objects.filter(pk__in=[p.pk for p in payouts]).update(status=PayoutStatus.PAID, paid_at=paid_at)
    _post(payouts, batch, TransferKind.PAID, paid_out, paid_at)
    batch.status, batch.paid_at, batch.reference = BatchStatus.DONE, paid_at, reference
    batch.save()
    record(events.BATCH_PAID, batch, batch.program, by=by, data={"reference": reference}, at=paid_at)
    record_many(
        [
            Fact(
                events.PAYOUT_PAID,
                [p, batch, p.affiliate],
                {"amount": plain_amount(p.amount, p.currency), "currency": p.currency},
                at=paid_at,
            )
            for p in payouts
        ],
        by=by,
    )
    return batch


def _after_approval(paid_at: datetime, batch: PayoutBatch) -> datetime:
    """Money leaves once it is approved. A day, given as its midnight in the program's zone, means that day after the approval."""
    assert batch.approved_at is not None  # the database holds that what is approved says when
    if paid_at >= batch.approved_at:
        return paid_at
    if paid_at == batch.approved_at.astimezone(batch.program.zone).replace(hour=0, minute=0, second=0, microsecond=0):
        return batch.approved_at
    raise PayoutError(_("A payment cannot have been made before the batch was approved."), code="too_early", field="paid_at")


def tell_payout(payout: Payout) -> None:
    """The mail about one paid payout, to everyone who sees to the affiliate's money."""
    for address in money_addresses(payout.affiliate):
        context = {
            "payout": payout,
            "affiliate": payout.affiliate,
            "program": payout.batch.program,
            "amount_text": format_money(payout.amount, payout.currency),
        }
        write_mail(address, "payouts/mails/payout_paid", context, about=[payout])


def lock_batch(batch: PayoutBatch, can: Can, by: Any) -> PayoutBatch:
    """The batch as it is now, held until the transaction ends, for who has the right to it."""
    locked = PayoutBatch.objects.select_for_update(of=("self",)).select_related("program").get(pk=batch.pk)
    check(by, can, locked.program_id)
    return locked


def check_status(batch: PayoutBatch, *allowed: BatchStatus) -> None:
    """Raises Conflict where the batch is in another state: somebody was faster."""
    if batch.status not in allowed:
        raise Conflict(
            _("This batch is %(status)s: somebody was here before. Reload and look again.")
            % {"status": batch.get_status_display().lower()},
            code="state",
        )
