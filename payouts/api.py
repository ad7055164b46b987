"""Payout methods, batches and balances over the API."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Prefetch, Q, QuerySet, Sum
from django.http import HttpResponse
from django.urls import path
from django.utils.translation import gettext as _
from rest_framework.request import Request

from affiliates.api import find_affiliate
from affiliates.models import Affiliate
from core.access import Can, programs_of
from core.api.answers import Answer, Id, MoneyText, Number, Time, Truth, Word, Words
from core.api.fields import FILTER, OPTIONAL, Choice, Currency, Day, Flag, FreeObject, Input, Moment, Reference, Text
from core.api.operations import address, operation
from core.api.references import find, found
from core.errors import NotVisible
from core.exports import defuse
from payouts.changes import changes_since
from payouts.files import FORMATS
from payouts.models import BatchStatus, MethodType, Payout, PayoutBatch, PayoutMethod, PayoutStatus
from payouts.queries import Balance, balances
from payouts.services import (
    MethodError,
    approve_batch,
    cancel_batch,
    hand_out_payment_file,
    mark_batch_paid,
    prepare_batch,
    recompute_batch,
    set_payout_method,
    start_payment,
)
from programs.api import find_program
from programs.models import Program


def find_batch(user: Any, text: str) -> PayoutBatch | None:
    return find(PayoutBatch.objects.visible_to(user).select_related("program"), text)


def with_payouts(rows: QuerySet[PayoutBatch]) -> QuerySet[PayoutBatch]:
    return _with_total(rows).prefetch_related(Prefetch("payouts", Payout.objects.order_by("pk")))


def _with_total(rows: QuerySet[PayoutBatch]) -> QuerySet[PayoutBatch]:
    paid = Q(payouts__status__in=[PayoutStatus.READY, PayoutStatus.PAID])
    return rows.annotate(total=Sum("payouts__amount", filter=paid, default=0))


# Methods and balances


class MethodBody(Input):
    type = Choice(choices=MethodType.values)
    currency = Currency()
    details = FreeObject(
        largest=4096,
        help_text="bank_transfer: account_holder, iban; paypal: email; manual: instructions. Encrypted, and not shown again.",
        **OPTIONAL,
    )


class MethodAnswer(Answer):
    id = Id("mtd")
    affiliate = Id("aff")
    type = Word(choices=MethodType.values)
    currency = Word()
    hint = Word(allow_null=True, help_text="What people recognise it by.")
    usable_from = Time(help_text="A change cools off before it is used; the first method does not.")
    created_at = Time()


class BalanceAnswer(Answer):
    """Net of what refunds took back; `payable` is negative where refunds came after payment."""

    currency = Word()
    pending = MoneyText()
    approved = MoneyText()
    payable = MoneyText()
    in_payout = MoneyText()
    paid = MoneyText()
    reversed = MoneyText()


@operation(Can.SEE_MONEY, MethodAnswer, many=True)
def payout_method_list(request: Request, id: str) -> QuerySet[PayoutMethod]:
    """List an affiliate's payout methods

    One for each currency, its details masked.
    """
    methods = PayoutMethod.objects.current().visible_to(request.user)
    return methods.filter(affiliate=_affiliate(request.user, id)).order_by("currency")


@operation(Can.MANAGE_PAYOUT_METHODS, MethodAnswer, takes=MethodBody, status=201)
def payout_method_create(request: Request, id: str, data: dict[str, Any]) -> PayoutMethod:
    """Set an affiliate's payout method

    It replaces the one in the same currency, and then cools off for three days; the affiliate is told.
    """
    affiliate = found(find_affiliate(request.user, id))
    try:
        return set_payout_method(affiliate, by=request.user, **data)
    except MethodError as refusal:
        if refusal.field not in {None, *data}:
            refusal.field = f"details.{refusal.field}"
        raise


@operation(Can.SEE_MONEY, BalanceAnswer, many=True)
def balance_get(request: Request, id: str) -> list[Balance]:
    """Show an affiliate's balance

    One entry for each currency, of the programs that the key sees.
    """
    affiliate = _affiliate(request.user, id)
    return balances(affiliate.pk, programs=programs_of(request.user, Can.SEE_MONEY))


def _affiliate(user: Any, text: str) -> Affiliate:
    """One whose money the caller sees: enrolled in a program of theirs, or in none yet."""
    affiliate = found(find_affiliate(user, text))
    programs = programs_of(user, Can.SEE_MONEY)
    if programs is not None:
        enrolled = set(affiliate.enrollments.values_list("program_id", flat=True))
        if enrolled and not enrolled & programs:
            raise NotVisible(_("There is nothing at this address."), code="not_found")
    return affiliate


# Batches


class Cutoff(Moment):
    """A moment, or a day: the end of that day in the program's zone."""

    def to_internal_value(self, data: Any) -> datetime | date:  # type: ignore[override]
        if isinstance(data, str) and len(data) == 10:
            return Day().to_internal_value(data)
        return super().to_internal_value(data)

    def schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "anyOf": [{"format": "date-time"}, {"format": "date"}],
            "description": "What is payable by then. A day means its end in the program's zone.",
        }


class PayoutBatchBody(Input):
    program = Reference(find_program)
    currency = Currency()
    cutoff = Cutoff()


class CancelBody(Input):
    not_executed = Flag(
        help_text="States that the bank has not executed the payments. Needed once the payment was started, or its file read.",
        **OPTIONAL,
    )


class PaidBody(Input):
    paid_at = Moment(past=True, help_text="When the money left; now unless given.", **OPTIONAL)
    reference = Text(max_length=120, allow_blank=True, **OPTIONAL)


class PayoutAnswer(Answer):
    id = Id("pay")
    affiliate = Id("aff")
    amount = MoneyText()
    currency = Word()
    status = Word(choices=PayoutStatus.values)
    exceptions = Words(help_text="Why it is left for later.")


class PayoutBatchSummary(Answer):
    id = Id("bat")
    program = Id("prg")
    status = Word(choices=BatchStatus.values)
    currency = Word()
    cutoff = Time()
    total = MoneyText(help_text="Of what is ready or paid.")
    affiliates_total = Number(allow_null=True, help_text="How many there are to compute, once that is known.")
    affiliates_done = Number()
    created_by = Id("usr")
    approved_by = Id("usr", allow_null=True)
    approved_at = Time(allow_null=True)
    paid_at = Time(allow_null=True)
    reference = Word(allow_null=True)
    created_at = Time()


class ChangeAnswer(Answer):
    affiliate = Id("aff")
    computed = MoneyText(help_text="What the draft pays.")
    now = MoneyText(help_text="What it would pay if it were computed now.")
    currency = Word()
    exceptions = Words(help_text="Why it would be left for later now.")
    holds_up = Truth(help_text="The batch cannot be approved with it: leave it out, or compute the batch again.")


class PayoutBatchAnswer(PayoutBatchSummary):
    payouts = PayoutAnswer(many=True, read_only=True)
    changes = ChangeAnswer(many=True, read_only=True, help_text="Of a draft: what has come in since it was computed.")


class PayoutBatchFilters(Input):
    program = Reference(find_program, **FILTER)
    status = Choice(choices=BatchStatus.values, **FILTER)


@operation(Can.SEE_MONEY, PayoutBatchSummary, filters=PayoutBatchFilters, newest_by="created_at")
def payout_batch_list(request: Request, filters: dict[str, Any]) -> QuerySet[PayoutBatch]:
    """List payout batches

    Without their payouts.
    """
    return _with_total(PayoutBatch.objects.visible_to(request.user).filter(**filters))


@operation(Can.PREPARE_PAYOUTS, PayoutBatchAnswer, takes=PayoutBatchBody, status=201)
def payout_batch_create(request: Request, data: dict[str, Any]) -> PayoutBatch:
    """Prepare a payout batch

    A worker computes it: ask for it until its status is draft. Another person than its maker approves it.
    """
    program: Program = data["program"]
    cutoff = data["cutoff"]
    if not isinstance(cutoff, datetime):
        cutoff = datetime.combine(cutoff + timedelta(days=1), time(), program.zone)
    return _shown(prepare_batch(program, data["currency"], cutoff, by=request.user))


@operation(Can.SEE_MONEY, PayoutBatchAnswer)
def payout_batch_get(request: Request, id: str) -> PayoutBatch:
    """Show a payout batch"""
    return _shown(found(find_batch(request.user, id)))


@operation(Can.APPROVE_PAYOUTS, PayoutBatchAnswer)
def payout_batch_approve(request: Request, id: str) -> PayoutBatch:
    """Approve a payout batch

    It is paid as it was computed; what has come in since (`changes`) waits for the next one. 409 with the code changed where
    somebody in it would not be paid at all by now, or elsewhere. 403 with the code second_person where its maker tries.
    """
    return _shown(approve_batch(found(find_batch(request.user, id)), by=request.user))


@operation(Can.PREPARE_PAYOUTS, PayoutBatchAnswer, status=201)
def payout_batch_recompute(request: Request, id: str) -> PayoutBatch:
    """Compute a draft again

    The draft is cancelled, and the answer is the batch in its place: of the same program, currency and cutoff, made by you.
    """
    return _shown(recompute_batch(found(find_batch(request.user, id)), by=request.user))


@operation(Can.APPROVE_PAYOUTS, PayoutBatchAnswer)
def payout_batch_start(request: Request, id: str) -> PayoutBatch:
    """Start the payment of an approved batch

    It is executing from then on: the bank may have it. You may also mark an approved batch as paid without.
    """
    return _shown(start_payment(found(find_batch(request.user, id)), by=request.user))


@operation(Can.PREPARE_PAYOUTS, PayoutBatchAnswer, takes=CancelBody)
def payout_batch_cancel(request: Request, id: str, data: dict[str, Any]) -> PayoutBatch:
    """Cancel a payout batch

    One that is not paid: everything in it is payable again. An executing one, and an approved one whose payment file was
    read, only with `not_executed`; else 409 with the code may_be_executed.
    """
    return _shown(cancel_batch(found(find_batch(request.user, id)), by=request.user, **data))


@operation(Can.APPROVE_PAYOUTS, PayoutBatchAnswer, takes=PaidBody)
def payout_batch_paid(request: Request, id: str, data: dict[str, Any]) -> PayoutBatch:
    """Mark a payout batch as paid

    The money has left: each affiliate is told.
    """
    return _shown(mark_batch_paid(found(find_batch(request.user, id)), by=request.user, **data))


@operation(Can.APPROVE_PAYOUTS, media_type="text/csv", conflicts=True)
def payout_batch_file(request: Request, id: str, format: str) -> HttpResponse:
    """Download a payment file

    `csv` for now. A batch has one once it is approved; it holds the payees' details in the clear. Reading it changes no state;
    each download is recorded, and what was read is cancelled only with `not_executed`.
    """
    batch = found(find_batch(request.user, id))
    rows = hand_out_payment_file(batch, format, by=request.user)
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([defuse(cell) for cell in row])
    name = f"{batch.public_id}.{format}"
    return HttpResponse(
        text.getvalue(), content_type=FORMATS[format], headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _shown(batch: PayoutBatch) -> PayoutBatch:
    shown = with_payouts(PayoutBatch.objects.all()).get(pk=batch.pk)
    shown.changes = changes_since(shown) if shown.status == BatchStatus.DRAFT else []  # type: ignore[attr-defined]
    return shown


api = [
    path(
        "affiliates/<str:id>/payout-methods",
        address(get=payout_method_list, post=payout_method_create),
        name="payout_method_list",
    ),
    path("affiliates/<str:id>/balance", address(get=balance_get), name="balance_detail"),
    path("payout-batches", address(get=payout_batch_list, post=payout_batch_create), name="payout_batch_list"),
    path("payout-batches/<str:id>", address(get=payout_batch_get), name="payout_batch_detail"),
    path("payout-batches/<str:id>/approve", address(post=payout_batch_approve), name="payout_batch_approve"),
    path("payout-batches/<str:id>/recompute", address(post=payout_batch_recompute), name="payout_batch_recompute"),
    path("payout-batches/<str:id>/start", address(post=payout_batch_start), name="payout_batch_start"),
    path("payout-batches/<str:id>/cancel", address(post=payout_batch_cancel), name="payout_batch_cancel"),
    path("payout-batches/<str:id>/paid", address(post=payout_batch_paid), name="payout_batch_paid"),
    path("payout-batches/<str:id>/files/<str:format>", address(get=payout_batch_file), name="payout_batch_file"),
]
