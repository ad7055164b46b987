"""What is done to a payout batch: approved, computed again, started, cancelled, left out of, paid; and its payment file."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from core.access import Can, manager_required, rights_of
from core.components import number_text
from core.exports import stream_csv
from core.ui import redirect_back, refusals_as_messages
from payouts.forms import CancelForm, LeaveOutForm, PaidForm
from payouts.models import PayoutStatus
from payouts.services import (
    PayoutError,
    approve_batch,
    cancel_batch,
    fail_payout,
    hand_out_payment_file,
    mark_batch_paid,
    may_be_executed,
    recompute_batch,
    start_payment,
)
from payouts.views.batches import batch_listing, visible_batch


@manager_required(Can.APPROVE_PAYOUTS)
@require_POST
def batch_approve(request: HttpRequest, public_id: str) -> HttpResponse:
    with refusals_as_messages(request):
        approve_batch(visible_batch(request, public_id), by=request.user)
        messages.success(request, _("Approved. Start the payment next; its file is offered then."))
    return redirect_back(request, "manage:batch_detail", public_id)


@manager_required(Can.PREPARE_PAYOUTS)
@require_POST
def batch_cancel(request: HttpRequest, public_id: str) -> HttpResponse:
    batch = visible_batch(request, public_id)
    form = CancelForm(request.POST, executing=may_be_executed(batch))
    with refusals_as_messages(request):
        if not form.is_valid():
            raise PayoutError(form.message)
        cancel_batch(batch, by=request.user, **form.cleaned_data)
        messages.success(request, _("Cancelled. Everything that was in it is payable again."))
    return redirect_back(request, "manage:batch_detail", public_id)


@manager_required(Can.PREPARE_PAYOUTS)
@require_POST
def batch_recompute(request: HttpRequest, public_id: str) -> HttpResponse:
    batch = visible_batch(request, public_id)
    with refusals_as_messages(request):
        again = recompute_batch(batch, by=request.user)
        messages.success(request, _("Cancelled, and computed again in this batch. Another person approves it."))
        return redirect("manage:batch_detail", again.public_id)
    return redirect("manage:batch_detail", public_id)


@manager_required(Can.APPROVE_PAYOUTS)
@require_POST
def batch_start(request: HttpRequest, public_id: str) -> HttpResponse:
    with refusals_as_messages(request):
        start_payment(visible_batch(request, public_id), by=request.user)
        messages.success(
            request, _("Started. Hand the payment file to the bank; mark the batch as paid once the money has left.")
        )
    return redirect_back(request, "manage:batch_detail", public_id)


@manager_required(Can.PREPARE_PAYOUTS)
@require_POST
def batch_leave_out(request: HttpRequest, public_id: str) -> HttpResponse:
    """Leave the chosen payouts out of the batch: all of them, or none where one is refused."""
    batch = visible_batch(request, public_id)
    with refusals_as_messages(request):
        form = LeaveOutForm(request.POST, executing=may_be_executed(batch))
        if not form.is_valid():
            raise PayoutError(form.message)
        with transaction.atomic():
            chosen = list(batch_listing(request, batch).selected().filter(status=PayoutStatus.READY))
            if not chosen:
                raise PayoutError(_("None of the chosen payouts is to be paid with this batch."))
            for payout in chosen:
                fail_payout(payout, by=request.user, **form.cleaned_data)
        told = ngettext("%(count)s payout is left out.", "%(count)s payouts are left out.", len(chosen))
        messages.success(request, told % {"count": number_text(len(chosen))})
    return redirect_back(request, "manage:batch_detail", public_id)


@manager_required(Can.APPROVE_PAYOUTS)
@require_POST
def batch_paid(request: HttpRequest, public_id: str) -> HttpResponse:
    batch = visible_batch(request, public_id)
    form = PaidForm(request.POST, approved_at=batch.approved_at)
    with refusals_as_messages(request):
        if not form.is_valid():
            raise PayoutError(" ".join(str(error) for errors in form.errors.values() for error in errors))
        mark_batch_paid(batch, by=request.user, **form.cleaned_data)
        messages.success(request, _("Marked as paid. Each affiliate gets a mail with a link to the statement."))
    return redirect_back(request, "manage:batch_detail", public_id)


@manager_required(Can.APPROVE_PAYOUTS)
@require_GET
def batch_file(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """The payment file, with bank details in the clear: for those who approve."""
    batch = visible_batch(request, public_id)
    if not rights_of(request.user).has(Can.APPROVE_PAYOUTS, batch.program_id):
        raise PermissionDenied
    with refusals_as_messages(request):
        columns, *rows = hand_out_payment_file(batch, "csv", by=request.user)
        return stream_csv(rows, columns, f"payments-{batch.public_id}")
    return redirect("manage:batch_detail", public_id)
