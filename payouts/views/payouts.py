"""One payout as the team sees it: its lines, what became of it, and why."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from core.access import Can, manager_required, rights_of
from core.components import money_text
from core.events import ref
from core.listing import ChoiceFilter, Column, Empty, Listing, MoneyColumn, TimeColumn
from core.models import Event
from core.ui import redirect_back, refusals_as_messages
from payouts.forms import LeaveOutForm
from payouts.models import Adjustment, BatchStatus, Payout, PayoutBatch, PayoutException, PayoutLine, PayoutStatus
from payouts.services import PayoutError, fail_payout, may_be_executed

KINDS = {"commission": gettext_lazy("Commissions"), "refund": gettext_lazy("Refunds"), "adjustment": gettext_lazy("Adjustments")}


def _payout(request: HttpRequest, public_id: str) -> Payout:
    visible = Payout.objects.filter(batch__in=PayoutBatch.objects.visible_to(request.user)).select_related(
        "affiliate", "batch__program", "method"
    )
    return get_object_or_404(visible, pk=Payout.pk_from(public_id))


@manager_required(Can.SEE_MONEY)
def payout_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    payout = _payout(request, public_id)
    rights = rights_of(request.user)
    needed = {
        BatchStatus.DRAFT: Can.PREPARE_PAYOUTS,
        BatchStatus.APPROVED: Can.APPROVE_PAYOUTS,
        BatchStatus.EXECUTING: Can.APPROVE_PAYOUTS,
    }.get(BatchStatus(payout.batch.status))
    context = {
        "payout": payout,
        "batch": payout.batch,
        "batch_state": payout.batch.shown_state(payout.batch.payouts.filter(status=PayoutStatus.READY).exists()),
        "why_left": why_left(payout, payout.batch),
        "events": Event.objects.about(payout, payout.batch).filter(
            Q(name__startswith="batch.") | Q(about__contains=[ref(payout)])
        ),
        "adjustment": Adjustment.objects.filter(payout=payout).select_related("created_by").first(),
        "may_leave_out": payout.status == PayoutStatus.READY
        and needed is not None
        and rights.has(Can.PREPARE_PAYOUTS, payout.batch.program_id)
        and rights.has(needed, payout.batch.program_id),
        "leave_out_form": LeaveOutForm(executing=may_be_executed(payout.batch)),
    }
    return _lines(request, payout).response("payouts/manager/payout_detail.html", context)


def _lines(request: HttpRequest, payout: Payout) -> Listing:
    return Listing(
        request,
        payout.lines.select_related(
            "commission__conversion",
            "commission__rule_version__rule",
            "reversal__refund",
            "reversal__commission__conversion",
            "reversal__commission__rule_version__rule",
            "adjustment__payout",
        ),
        name=f"statement-{payout.public_id}",
        caption=_("Lines"),
        columns=[
            Column("order", _("Order"), value=_order),
            Column("what", _("What"), value=_what),
            MoneyColumn("amount", _("Amount"), sort=True, currency=lambda line: payout.currency),
            TimeColumn(
                "at",
                _("When"),
                value=_at,
            ),
            MoneyColumn("of", _("Of"), value=_of, currency=_of_currency),
            Column("rule", _("Rule"), value=_by_what),
        ],
        filters=[ChoiceFilter("kind", _("What"), choices=list(KINDS.items()), apply=_of_kind)],
        tabs="kind",
        search=["commission__conversion__external_id", "reversal__commission__conversion__external_id"],
        search_hint=_("Order"),
        default_sort="pk",
        row_url=_page,
        empty=Empty(
            _("No lines"),
            _("A payout that is left for later holds nothing: everything stays payable."),
            icon="list",
        ),
    )


def _commission(line: PayoutLine) -> Any:
    return line.reversal.commission if line.reversal else line.commission


def _order(line: PayoutLine) -> str:
    return line.adjustment.payout.public_id if line.adjustment else _commission(line).conversion.external_id


def _at(line: PayoutLine) -> Any:
    if line.adjustment:
        return line.adjustment.created_at
    return line.reversal.refund.occurred_at if line.reversal else _commission(line).occurred_at


def _by_what(line: PayoutLine) -> str:
    return line.adjustment.reason if line.adjustment else str(_commission(line).rule_version.rule.name)


def _page(line: PayoutLine) -> str:
    """Of an adjustment, the payout that was disputed."""
    if line.adjustment:
        return reverse("manage:payout_detail", args=[line.adjustment.payout.public_id])
    return reverse("manage:commission_detail", args=[_commission(line).public_id])


def _what(line: PayoutLine) -> str:
    if line.adjustment:
        return _("Adjustment")
    if line.reversal is None:
        return _("Commission")
    return _("Refund %(number)s") % {"number": line.reversal.refund.external_id}


def _of(line: PayoutLine) -> Any:
    """The sale, or what of it went back to the customer; of an adjustment, the payout that was disputed."""
    if line.adjustment:
        return line.adjustment.payout.amount
    return -line.reversal.refund.amount if line.reversal else _commission(line).conversion.amount


def _of_currency(line: PayoutLine) -> str:
    return line.adjustment.currency if line.adjustment else str(_commission(line).conversion.currency)


def _of_kind(lines: Any, kind: str) -> Any:
    return lines.filter(**{f"{'reversal' if kind == 'refund' else kind}__isnull": False})


def why_left(payout: Payout, batch: PayoutBatch) -> list[str]:
    """Why a payout is not paid with its batch, in words."""
    told = []
    for exception in payout.exceptions:
        text = str(PayoutException(exception).label)
        if exception == PayoutException.BELOW_MINIMUM:
            text = _("%(amount)s of at least %(minimum)s") % {
                "amount": money_text(payout.amount, payout.currency),
                "minimum": money_text(batch.program.minimum_payout, batch.program.currency),
            }
        told.append(text)
    if payout.reason:
        told.append(payout.reason)
    if payout.status == PayoutStatus.READY and payout.method and payout.method.replaced_at:
        told.append(_("The payout method was changed since: leave it out, the next batch pays to the new one."))
    return told


@manager_required(Can.PREPARE_PAYOUTS)
@require_POST
def payout_leave_out(request: HttpRequest, public_id: str) -> HttpResponse:
    payout = _payout(request, public_id)
    with refusals_as_messages(request):
        form = LeaveOutForm(request.POST, executing=may_be_executed(payout.batch))
        if not form.is_valid():
            raise PayoutError(form.message)
        fail_payout(payout, by=request.user, **form.cleaned_data)
        messages.success(request, _("Left out of the batch. What it held is payable again."))
    return redirect_back(request, "manage:payout_detail", public_id)
