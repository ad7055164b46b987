"""Payout batches: prepared by one person, computed by a worker, approved by another person, paid, never twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from commissions.models import Commission
from core.access import AccessError, Can, check
from core.errors import Conflict, Refusal
from core.events import Fact, record, record_many
from core.mail import write_mail
from core.models import Event
from core.money import check_currency, format_money, plain_amount
from core.rows import select_rows
from core.tasks import send_soon
from ledger.models import TransferKind
from ledger.services import paid_out, released
from payouts import events
from payouts.changes import changes_since
from payouts.models import BatchStatus, Payout, PayoutBatch, PayoutLine, PayoutStatus
from payouts.services.methods import money_addresses
from payouts.services.posting import post_payouts
from programs.models import Program


class PayoutError(Refusal):
    """A batch or a payout that cannot be taken that step."""


class NotNow(PayoutError, Conflict):
    """Nothing is wrong with what was asked, but the batch's state stands against it (409 over the API)."""


@transaction.atomic
def prepare_batch(program: Program, currency: str, cutoff: datetime, *, by: Any, now: datetime | None = None) -> PayoutBatch:
    """A batch of what is payable in the program and currency by `cutoff`, or by now where that is still to come (so that
    what the batch and its statements say of themselves is true); a worker computes it."""
    check(by, Can.PREPARE_PAYOUTS, program.pk)
    check_currency(currency)
    if currency != program.currency and not Commission.objects.filter(conversion__program=program, currency=currency).exists():
        told = {"program": program.name, "currency": program.currency}
        raise PayoutError(_("%(program)s earns in %(currency)s alone.") % told, field="currency")
    now = now or timezone.now()
    cutoff = min(cutoff, now)
    batch = PayoutBatch.objects.create(program=program, currency=currency, cutoff=cutoff, created_by=by, created_at=now)
    record(events.BATCH_CREATED, batch, program, by=by, data={"currency": currency, "cutoff": cutoff.isoformat()}, at=now)
    from payouts.tasks import compute

    transaction.on_commit(lambda: send_soon(compute, batch.pk), robust=True)
    return batch


@transaction.atomic
def approve_batch(batch: PayoutBatch, *, by: Any, at: datetime | None = None) -> PayoutBatch:
    """A second person approves a computed batch: it is paid as it was computed. What came in since waits for the next one, but
    who would not be paid at all if it were computed now, or elsewhere, holds it up."""
    batch = lock_batch(batch, Can.APPROVE_PAYOUTS, by)
    if batch.created_by_id == by.pk:
        raise AccessError(_("A second person approves: you made this batch yourself."), code="second_person")
    check_status(batch, BatchStatus.DRAFT)
    ready = batch.payouts.filter(status=PayoutStatus.READY)
    _hold_still(batch, [(payout.method_id, payout.affiliate_id) for payout in ready.only("method_id", "affiliate_id")])
    if barred := [change for change in changes_since(batch) if change.holds_up]:
        raise NotNow(
            _(
                "Computed now, these would not be paid like this: %(names)s. Leave them out, or compute the batch again; then approve."
            )
            % {"names": ", ".join(f"{change.name} ({change.reason})" for change in barred)},
            code="changed",
        )
    if not ready.exists():
        raise NotNow(_("There is nothing to pay in this batch. Cancel it."), code="empty")
    batch.status, batch.approved_by, batch.approved_at = BatchStatus.APPROVED, by, at or timezone.now()
    batch.save()
    record(events.BATCH_APPROVED, batch, batch.program, by=by, at=batch.approved_at)
    return batch


def _hold_still(batch: PayoutBatch, payouts: Sequence[tuple[int | None, int]]) -> None:
    """Keep the payouts' methods and enrollments as they are until the approval has committed; a change that is being made at
    this moment is waited for, and seen."""
    methods, affiliates = [method for method, _a in payouts], [affiliate for _m, affiliate in payouts]
    select_rows("SELECT id FROM payouts_payoutmethod WHERE id = ANY(%s) ORDER BY id FOR SHARE", [methods])
    select_rows(
        "SELECT id FROM affiliates_enrollment WHERE program_id = %s AND affiliate_id = ANY(%s) ORDER BY id FOR SHARE",
        [batch.program_id, affiliates],
    )


@transaction.atomic
def cancel_batch(batch: PayoutBatch, *, by: Any, not_executed: bool = False) -> PayoutBatch:
    """Cancel a batch that is not paid: everything in it is payable again. Once the payment was started, only on the word
    that the bank has not executed it."""
    batch = lock_batch(batch, Can.PREPARE_PAYOUTS, by)
    check_status(batch, BatchStatus.COMPUTING, BatchStatus.DRAFT, BatchStatus.APPROVED, BatchStatus.EXECUTING)
    _check_undoing(batch, by, not_executed)
    _cancel(batch)
    record(events.BATCH_CANCELLED, batch, batch.program, by=by)
    return batch


def _cancel(batch: PayoutBatch) -> None:
    _release(batch, batch.payouts.filter(status=PayoutStatus.READY), PayoutStatus.CANCELLED, "")
    batch.status, batch.approved_by, batch.approved_at = BatchStatus.CANCELLED, None, None
    batch.save()


@transaction.atomic
def recompute_batch(batch: PayoutBatch, *, by: Any) -> PayoutBatch:
    """Another batch in a draft's place, of the same program, currency and cutoff, with what has come in since. Who asks is its
    maker, and so does not approve it: it may hold what the draft's maker never saw."""
    batch = lock_batch(batch, Can.PREPARE_PAYOUTS, by)
    check_status(batch, BatchStatus.DRAFT)
    _cancel(batch)
    again = prepare_batch(batch.program, batch.currency, batch.cutoff, by=by)
    told = {"before": batch.public_id, "again": again.public_id}
    record(events.BATCH_RECOMPUTED, batch, again, batch.program, by=by, data=told)
    return again


@transaction.atomic
def fail_payout(payout: Payout, *, by: Any, reason: str, not_executed: bool = False) -> Payout:
    """Take one payout out of a batch that is not paid yet: what it held is payable again, in the next batch. Once the payment
    was started, only on the word that the bank has not executed this one."""
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
    if may_be_executed(batch) and not not_executed:
        raise Conflict(
            _("The payment was started, so the bank may have paid. Ask it, and state that it has not executed this."),
            code="may_be_executed",
            field="not_executed",
        )


def may_be_executed(batch: PayoutBatch) -> bool:
    """Whether the bank may have the payments in hand: the payment was started, or an approved batch's file was read."""
    if batch.status == BatchStatus.APPROVED:
        return Event.objects.about(batch).filter(name=events.BATCH_FILE_HANDED_OUT).exists()
    return batch.status == BatchStatus.EXECUTING


def _release(batch: PayoutBatch, payouts: Any, status: PayoutStatus, reason: str) -> list[Payout]:
    now = timezone.now()
    released_payouts = list(payouts.select_for_update())
    PayoutLine.objects.filter(payout__in=released_payouts, released_at__isnull=True).update(released_at=now)
    Payout.objects.filter(pk__in=[p.pk for p in released_payouts]).update(status=status, reason=reason)
    post_payouts(released_payouts, batch, TransferKind.RELEASED, released, now)
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
    post_payouts(payouts, batch, TransferKind.PAID, paid_out, paid_at)
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


@transaction.atomic
def start_payment(batch: PayoutBatch, *, by: Any) -> PayoutBatch:
    """The payments are on their way to the bank: from now on nothing in the batch is undone without somebody's word."""
    batch = lock_batch(batch, Can.APPROVE_PAYOUTS, by)
    check_status(batch, BatchStatus.APPROVED)
    batch.status = BatchStatus.EXECUTING
    batch.save()
    record(events.BATCH_STARTED, batch, batch.program, by=by)
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
