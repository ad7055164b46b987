"""Payout batches as the team finds, prepares and reads them; what is done to one is in `steps`."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, DecimalField, F, Func, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.access import Can, manager_required, rights_of
from core.components import money_text, number_text
from core.listing import (
    BulkAction,
    ChoiceFilter,
    Column,
    DateFilter,
    DayColumn,
    Empty,
    Listing,
    MoneyColumn,
    NumberColumn,
    PersonColumn,
    RelatedFilter,
    StateColumn,
    TimeColumn,
)
from core.models import Event
from core.ui import refusals_as_errors
from payouts import events
from payouts.changes import changes_since
from payouts.forms import BatchForm, CancelForm, LeaveOutForm, PaidForm, next_minute
from payouts.models import BatchStatus, Payout, PayoutBatch, PayoutException, PayoutLine, PayoutStatus
from payouts.previews import preview_batch
from payouts.services import may_be_executed, prepare_batch
from payouts.views.payouts import why_left
from programs.queries import several_programs, visible_programs

SHOWN_CHANGES = 20
GOING = [PayoutStatus.READY, PayoutStatus.PAID]
HAS_FILE = (BatchStatus.EXECUTING, BatchStatus.DONE)


@manager_required(Can.SEE_MONEY)
def payout_list(request: HttpRequest) -> HttpResponse:
    may_prepare = rights_of(request.user).has(Can.PREPARE_PAYOUTS)
    listing = Listing(
        request,
        _with_totals(PayoutBatch.objects.visible_to(request.user)).select_related("program", "created_by", "approved_by"),
        name="payouts",
        caption=_("Payout batches"),
        columns=[
            DayColumn("cutoff", _("Payable until"), sort=True),
            MoneyColumn("total", _("Total"), sort=True),
            StateColumn(
                "status", _("State"), value=lambda batch: batch.shown_state(batch.affiliates), sort="status", export="status"
            ),
            Column(
                "program",
                _("Program"),
                value="program.name",
                sort="program__name",
                shown=several_programs(request.user, Can.SEE_MONEY),
            ),
            NumberColumn("affiliates", _("Affiliates"), sort=True),
            Column("created_by", _("Made by"), value=lambda batch: str(batch.created_by)),
            Column("approved_by", _("Approved by"), value=lambda batch: str(batch.approved_by or "")),
            TimeColumn("paid_at", _("Paid"), sort=True),
            Column("reference", _("Reference")),
        ],
        filters=[
            ChoiceFilter("status", _("State"), choices=BatchStatus),
            RelatedFilter("program", _("Program"), rows=lambda: visible_programs(request.user, Can.SEE_MONEY), param="slug"),
            DateFilter("cutoff", _("Payable until")),
        ],
        tabs="status",
        default_sort="-created_at",
        row_url=lambda batch: reverse("manage:batch_detail", args=[batch.public_id]),
        empty=Empty(
            _("No payouts yet"),
            _("A batch gathers what is payable in a program, for example at the start of a month. A second person approves it."),
            reverse("manage:batch_create") if may_prepare else "",
            _("Prepare a payout"),
            icon="cash-banknote",
        ),
    )
    return listing.response("payouts/manager/payout_list.html", {"may_prepare": may_prepare})


def _with_totals(batches: Any) -> Any:
    """What each batch pays out and to how many, by subqueries: a join would be counted with the page."""
    payouts = Payout.objects.filter(batch=OuterRef("pk"), status__in=GOING).order_by().values("batch")
    return batches.annotate(
        total=Coalesce(Subquery(payouts.annotate(total=Sum("amount")).values("total")), 0, output_field=DecimalField()),
        affiliates=Coalesce(Subquery(payouts.annotate(number=Count("pk")).values("number")), 0),
    )


@manager_required(Can.PREPARE_PAYOUTS)
def batch_create(request: HttpRequest) -> HttpResponse:
    """Choose by GET and see what would be paid; POST what was seen. htmx asks for the page anew while it is filled in."""
    programs = visible_programs(request.user, Can.PREPARE_PAYOUTS)
    if request.method == "POST" or request.GET.get("program"):
        form = BatchForm(request.POST or {"cutoff": next_minute(), **request.GET.dict()}, programs=programs)
    else:
        first = programs.filter(status="active").first() or programs.first()
        form = BatchForm({"program": first.slug, "cutoff": next_minute()} if first else None, programs=programs)
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        if request.method == "POST":
            with refusals_as_errors(form):
                return redirect("manage:batch_detail", prepare_batch(**form.cleaned_data, by=request.user).public_id)
        context |= form.cleaned_data | {"preview": preview_batch(**form.cleaned_data)}
    return render(request, "payouts/manager/batch_create.html", context)


def visible_batch(request: HttpRequest, public_id: str) -> PayoutBatch:
    visible = PayoutBatch.objects.visible_to(request.user).select_related("program", "created_by", "approved_by")
    return get_object_or_404(visible, pk=PayoutBatch.pk_from(public_id))


def batch_listing(request: HttpRequest, batch: PayoutBatch) -> Listing:
    """A batch's payouts; the rows that can still be left out may be chosen."""
    open_states = (BatchStatus.DRAFT, BatchStatus.APPROVED, BatchStatus.EXECUTING)
    may_leave_out = batch.status in open_states and _may_change(request, batch)
    return Listing(
        request,
        batch.payouts.select_related("affiliate", "method").annotate(line_count=_line_count()),
        name=f"payout-{batch.public_id}",
        caption=_("Payouts"),
        columns=[
            PersonColumn("affiliate", _("Affiliate"), sort="affiliate__name"),
            MoneyColumn("amount", _("Amount"), sort=True),
            StateColumn("status", _("State"), text="told_status", sort=True),
            Column(
                "exceptions",
                _("Why left out"),
                value=lambda payout: why_left(payout, batch),
                template="payouts/manager/_why_left.html",
            ),
            Column("method", _("Paid to"), value=_method_text),
            NumberColumn("line_count", _("Lines")),
        ],
        filters=[
            ChoiceFilter("status", _("State"), choices=_statuses(batch)),
            ChoiceFilter("exception", _("Reason"), choices=PayoutException, apply=_with_exception),
        ],
        tabs="status",
        search=["affiliate__name", "affiliate__email"],
        search_hint=_("Affiliate"),
        default_sort="-amount",
        row_url=lambda payout: reverse("manage:payout_detail", args=[payout.public_id]),
        row_name=lambda payout: f"{payout.affiliate}, {money_text(payout.amount, payout.currency)}",
        bulk=[
            BulkAction(
                _("Leave out"),
                reverse("manage:batch_leave_out", args=[batch.public_id]),
                confirm=lambda number: ngettext(
                    "Leave {count} payout out of this batch? What it holds is payable again, in the next one.",
                    "Leave {count} payouts out of this batch? What they hold is payable again, in the next one.",
                    number,
                ),
                icon="user-minus",
                form=LeaveOutForm(executing=may_be_executed(batch)),
                states=[PayoutStatus.READY],
            )
        ]
        if may_leave_out
        else [],
        empty=Empty(
            _("Nothing was payable"), _("No hold was over by then, or everything is in another batch."), icon="cash-banknote"
        ),
    )


def _line_count() -> Any:
    lines = PayoutLine.objects.filter(payout=OuterRef("pk")).order_by().values("payout")
    return Coalesce(Subquery(lines.annotate(number=Count("pk")).values("number")), 0)


def _statuses(batch: PayoutBatch) -> list[tuple[str, str]]:
    """The states that this batch's payouts can be in by now."""
    went = {BatchStatus.DONE: PayoutStatus.PAID, BatchStatus.CANCELLED: PayoutStatus.CANCELLED}
    first = went.get(BatchStatus(batch.status), PayoutStatus.READY)
    return [(status.value, status.told) for status in (first, PayoutStatus.SKIPPED, PayoutStatus.FAILED)]


def _with_exception(payouts: Any, exception: str) -> Any:
    return payouts.filter(exceptions__contains=[exception])


def _method_text(payout: Payout) -> str:
    return str(payout.method) if payout.method else ""


@manager_required(Can.SEE_MONEY)
def batch_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    batch = visible_batch(request, public_id)
    rights = rights_of(request.user)
    may_approve = rights.has(Can.APPROVE_PAYOUTS, batch.program_id)
    totals = _totals(batch)
    context = {
        "batch": batch,
        "totals": totals,
        "state": batch.shown_state(totals["going"]["number"]),
        **_words(batch, totals["going"]),
        "events": Event.objects.about(batch).exclude(name=events.PAYOUT_PAID),  # one for each payout: they are the rows
        "own": batch.created_by_id == request.user.pk,
        **_changes(batch),
        "may_recompute": _may_change(request, batch) and batch.status == BatchStatus.DRAFT,
        "may_approve": may_approve,
        "may_cancel": _may_change(request, batch) and batch.status not in (BatchStatus.DONE, BatchStatus.CANCELLED),
        "cancel_form": CancelForm(executing=may_be_executed(batch)),
        "may_start": may_approve and batch.status == BatchStatus.APPROVED,
        "has_file": may_approve and batch.status in HAS_FILE,
        "may_pay": may_approve and batch.status in (BatchStatus.APPROVED, BatchStatus.EXECUTING),
        "paid_form": PaidForm(),
        "stalled": batch.status == BatchStatus.COMPUTING and (timezone.now() - batch.progress_at).total_seconds() > 30,
    }
    return batch_listing(request, batch).response("payouts/manager/batch_detail.html", context)


def _changes(batch: PayoutBatch) -> dict[str, Any]:
    """What has come in since a draft was computed; the first of it, which weighs most."""
    changes = changes_since(batch) if batch.status == BatchStatus.DRAFT else []
    return {
        "changes": changes[:SHOWN_CHANGES],
        "more_changes": max(len(changes) - SHOWN_CHANGES, 0),
        "held_up": any(change.holds_up for change in changes),
        "lost_by_hand": bool(changes) and batch.payouts.filter(status=PayoutStatus.FAILED).exists(),
    }


def _words(batch: PayoutBatch, going: dict[str, Any]) -> dict[str, str]:
    """What is asked before a step that cannot be undone: what happens to whom."""
    told = {
        "number": number_text(going["number"]),
        "sum": money_text(going["sum"], batch.currency),
        "program": batch.program.name,
    }
    return {
        "approve_words": ngettext(
            "Approve %(sum)s to %(number)s affiliate of %(program)s? The payment can be started from then on.",
            "Approve %(sum)s to %(number)s affiliates of %(program)s? The payment can be started from then on.",
            going["number"],
        )
        % told,
        "start_words": ngettext(
            "Start the payment of %(sum)s to %(number)s affiliate? From then on the bank may have it, and nothing is undone before it was asked.",
            "Start the payment of %(sum)s to %(number)s affiliates? From then on the bank may have it, and nothing is undone before it was asked.",
            going["number"],
        )
        % told,
        "paid_words": ngettext(
            "Mark %(sum)s to %(number)s affiliate as paid? The affiliate is told by mail.",
            "Mark %(sum)s to %(number)s affiliates as paid? Each of them is told by mail.",
            going["number"],
        )
        % told,
        "recompute_words": _(
            "Compute this payout of %(program)s again? This batch is cancelled and another one takes its place, with what has come in since."
            " You are its maker, so another person approves it."
        )
        % told,
        "cancel_words": _("Cancel this batch of %(program)s? Nobody is paid with it, and everything in it is payable again.")
        % told,
    }


def _may_change(request: HttpRequest, batch: PayoutBatch) -> bool:
    """Cancel it, or leave payouts out: who prepares payouts; once it is approved, who approves them."""
    rights = rights_of(request.user)
    if not rights.has(Can.PREPARE_PAYOUTS, batch.program_id):
        return False
    return batch.status not in (BatchStatus.APPROVED, BatchStatus.EXECUTING) or rights.has(Can.APPROVE_PAYOUTS, batch.program_id)


def _totals(batch: PayoutBatch) -> dict[str, Any]:
    """Sums by status, and what is left for later by its first reason."""
    first_reason = Func(F("exceptions"), template="(%(expressions)s)[1]")
    rows = batch.payouts.order_by().values("status", reason_=first_reason).annotate(number=Count("pk"), sum=Sum("amount"))
    by_status: dict[str, dict[str, Any]] = {}
    left = []
    for row in rows:
        found = by_status.setdefault(row["status"], {"number": 0, "sum": 0})
        found["number"] += row["number"]
        found["sum"] += row["sum"]
        if row["status"] == PayoutStatus.SKIPPED:
            left.append({"label": PayoutException(row["reason_"]).label, "number": row["number"], "sum": row["sum"]})
    nothing = {"number": 0, "sum": 0}
    going = by_status.get(PayoutStatus.PAID if batch.status == BatchStatus.DONE else PayoutStatus.READY, nothing)
    return {
        "going": going,
        "skipped": by_status.get(PayoutStatus.SKIPPED, nothing),
        "left": sorted(left, key=lambda reason: str(reason["label"])),
        "failed": by_status.get(PayoutStatus.FAILED, nothing),
        "cancelled": by_status.get(PayoutStatus.CANCELLED, nothing),
    }
