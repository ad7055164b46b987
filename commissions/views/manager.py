"""Commissions as the team sees and decides them: one, many, or all that a filter matches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from affiliates.models import Affiliate
from commissions.filters import AmountFilter
from commissions.forms import HoldForm, ReasonForm, RejectForm
from commissions.models import Commission, CommissionRule, Decision
from commissions.queries import STATES, explain_commission, in_states, with_state
from commissions.services import CommissionError, approve_commissions, hold_commissions, reject_commissions, release_commissions
from core.access import Can, manager_required, rights_of
from core.components import money_text, number_text
from core.listing import (
    BulkAction,
    ChoiceFilter,
    Column,
    DateFilter,
    DayColumn,
    Empty,
    Filter,
    Listing,
    MoneyColumn,
    PersonColumn,
    RelatedFilter,
    StateColumn,
    TimeColumn,
    WhyColumn,
)
from core.models import Event
from core.ui import redirect_back, refusals_as_messages
from ledger.models import Transfer
from programs.queries import several_programs, visible_programs

UNDECIDED = (Decision.PENDING, Decision.ON_HOLD)
SHOWN = [
    "amount", "reversed", "currency", "decision", "occurred_at", "payable_at", "reason_code", "note", "affiliate__name",
    "conversion__external_id", "conversion__amount", "conversion__currency", "rule_version__number", "rule_version__type",
    "rule_version__value", "rule_version__starts_at", "rule_version__rule__name", "rule_version__rule__program__name",
]  # fmt: skip


def commission_listing(request: HttpRequest) -> Listing:
    return Listing(
        request,
        with_state(
            Commission.objects.visible_to(request.user)
            .select_related("affiliate", "conversion", "rule_version__rule__program")
            .only(*SHOWN)
        ),
        name="commissions",
        caption=_("Commissions"),
        columns=[
            PersonColumn("affiliate", _("Affiliate"), sort="affiliate__name"),
            MoneyColumn("amount", _("Commission"), sort=True),
            Column("order", _("Order"), value="conversion.external_id", url=_conversion_url),
            MoneyColumn("reversed", _("Taken back"), value=lambda c: -c.reversed if c.reversed else None),
            StateColumn("state", _("State")),
            Column(
                "program",
                _("Program"),
                value="rule_version.rule.program.name",
                shown=several_programs(request.user, Can.SEE_MONEY),
            ),
            TimeColumn("occurred_at", _("Earned"), sort=["occurred_at"]),
            DayColumn("payable_at", _("Payable from"), sort=True),
            WhyColumn("why", _("Explanation"), value=explain_commission, more=_why_refused),
        ],
        filters=_filters(request),
        tabs="state",
        search=["affiliate__name", "conversion__external_id__exact", _by_public_id],
        search_hint=_("Affiliate or whole order number"),
        default_sort="-occurred_at",
        row_url=lambda c: reverse("manage:commission_detail", args=[c.public_id]),
        row_name=lambda c: f"{c.affiliate}, {money_text(c.amount, c.currency)}",
        bulk=_bulk_actions() if rights_of(request.user).has(Can.DECIDE_COMMISSIONS) else [],
        empty=Empty(
            _("No commissions yet"),
            _("A commission appears with the first sale that a rule pays for, for example 8% of an order that came by a link."),
            reverse("manage:conversion_list"),
            _("See the conversions"),
            icon="receipt-2",
        ),
    )


def _why_refused(commission: Commission) -> str:
    return ": ".join(filter(None, [commission.get_reason_code_display(), commission.note])) if commission.reason_code else ""


def _filters(request: HttpRequest) -> list[Filter]:
    return [
        ChoiceFilter("state", _("State"), choices=list(STATES.items()), apply=lambda rows, state: in_states(rows, [state])),
        RelatedFilter(
            "program",
            _("Program"),
            field="rule_version__rule__program",
            rows=lambda: visible_programs(request.user, Can.SEE_MONEY),
            param="slug",
        ),
        RelatedFilter("affiliate", _("Affiliate"), rows=lambda: Affiliate.objects.visible_to(request.user)),
        RelatedFilter("rule", _("Rule"), field="rule_version__rule", rows=lambda: _rules(request)),
        DateFilter("occurred_at", _("Earned")),
        AmountFilter("amount", _("Amount")),
    ]


def _rules(request: HttpRequest) -> Any:
    return CommissionRule.objects.filter(program__in=visible_programs(request.user, Can.SEE_MONEY)).order_by("name", "pk")


def _conversion_url(commission: Commission) -> str:
    return reverse("manage:conversion_detail", args=[commission.conversion.public_id])


def _by_public_id(word: str) -> Q | None:
    number = Commission.pk_from(word)
    return Q(pk=number) if number is not None else None


def _bulk_actions() -> list[BulkAction]:
    return [
        BulkAction(
            _("Approve"),
            reverse("manage:commission_approve"),
            confirm=lambda number: ngettext(
                "Approve {count} commission? It is owed to its affiliate from then on, and paid once its hold is over.",
                "Approve {count} commissions? Each is owed to its affiliate from then on, and paid once its hold is over.",
                number,
            ),
            icon="circle-check",
            tone="primary",
            states=UNDECIDED,
        ),
        BulkAction(_("Hold"), reverse("manage:commission_hold"), icon="hand-stop", form=HoldForm(), states=[Decision.PENDING]),
        BulkAction(_("Release"), reverse("manage:commission_release"), icon="player-play", states=[Decision.ON_HOLD]),
        BulkAction(
            _("Reject"),
            reverse("manage:commission_reject"),
            confirm=lambda number: ngettext(
                "Reject {count} commission for good? Its affiliate is not paid for it and sees the reason.",
                "Reject {count} commissions for good? Their affiliates are not paid for them and see the reason.",
                number,
            ),
            icon="x",
            tone="danger",
            form=RejectForm(),
            states=UNDECIDED,
        ),
    ]


@manager_required(Can.SEE_MONEY)
def commission_list(request: HttpRequest) -> HttpResponse:
    return commission_listing(request).response("commissions/manager/commission_list.html")


@manager_required(Can.SEE_MONEY)
def commission_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    visible = Commission.objects.visible_to(request.user).select_related(
        "affiliate", "conversion__program", "conversion__customer", "rule_version__rule", "decided_by"
    )
    commission = get_object_or_404(with_state(visible), pk=Commission.pk_from(public_id))
    reversals = list(commission.reversals.select_related("refund"))
    keys = [f"commission:{commission.pk}", *(f"reversal:{reversal.pk}" for reversal in reversals)]
    context = {
        "commission": commission,
        "conversion": commission.conversion,
        "explanation": explain_commission(commission),
        "reversals": reversals,
        "held_days": (commission.payable_at - commission.occurred_at).days if commission.payable_at else 0,
        "transfers": Transfer.objects.filter(key__in=keys)
        .select_related("debit__affiliate", "debit__program", "credit__affiliate", "credit__program")
        .order_by("pk"),
        "events": Event.objects.about(commission),
        "may_decide": rights_of(request.user).has(Can.DECIDE_COMMISSIONS, commission.conversion.program_id)
        and commission.decision in UNDECIDED,
        "hold_form": HoldForm(),
        "reject_form": RejectForm(),
    }
    return render(request, "commissions/manager/commission_detail.html", context)


@manager_required(Can.DECIDE_COMMISSIONS)
@require_POST
def commission_approve(request: HttpRequest) -> HttpResponse:
    with refusals_as_messages(request):
        ids, left = _chosen(request, UNDECIDED)
        done = approve_commissions(ids, by=request.user)
        _tell(request, ngettext("%(count)s commission approved.", "%(count)s commissions approved.", done), done, left)
    return redirect_back(request, "manage:commission_list")


@manager_required(Can.DECIDE_COMMISSIONS)
@require_POST
def commission_reject(request: HttpRequest) -> HttpResponse:
    def told(done: int) -> str:
        return ngettext("%(count)s commission rejected.", "%(count)s commissions rejected.", done)

    return _refuse(request, RejectForm(request.POST), reject_commissions, UNDECIDED, told)


@manager_required(Can.DECIDE_COMMISSIONS)
@require_POST
def commission_hold(request: HttpRequest) -> HttpResponse:
    def told(done: int) -> str:
        return ngettext("%(count)s commission is on hold.", "%(count)s commissions are on hold.", done)

    return _refuse(request, HoldForm(request.POST), hold_commissions, (Decision.PENDING,), told)


@manager_required(Can.DECIDE_COMMISSIONS)
@require_POST
def commission_release(request: HttpRequest) -> HttpResponse:
    with refusals_as_messages(request):
        ids, left = _chosen(request, (Decision.ON_HOLD,))
        done = release_commissions(ids, by=request.user)
        told = ngettext("%(count)s commission is pending again.", "%(count)s commissions are pending again.", done)
        _tell(request, told, done, left)
    return redirect_back(request, "manage:commission_list")


def _refuse(
    request: HttpRequest,
    form: ReasonForm,
    service: Callable[..., int],
    decisions: tuple[Decision, ...],
    told: Callable[[int], str],
) -> HttpResponse:
    with refusals_as_messages(request):
        if not form.is_valid():
            raise CommissionError(" ".join(str(error) for errors in form.errors.values() for error in errors))
        ids, left = _chosen(request, decisions)
        done = service(ids, by=request.user, **form.cleaned_data)
        _tell(request, told(done), done, left)
    return redirect_back(request, "manage:commission_list")


def _chosen(request: HttpRequest, decisions: tuple[Decision, ...]) -> tuple[list[int], int]:
    """The chosen commissions that can take this step, and how many of the chosen ones cannot."""
    chosen = commission_listing(request).selected().order_by()
    rows = list(chosen.values_list("pk", "decision"))
    ids = [pk for pk, decision in rows if decision in decisions]
    if not ids:
        raise CommissionError(
            _("None of the chosen commissions can take this step: they are decided already, or wait otherwise.")
        )
    return ids, len(rows) - len(ids)


def _tell(request: HttpRequest, told: str, done: int, left: int) -> None:
    text = told % {"count": number_text(done)}
    if left:
        text += " " + ngettext(
            "%(count)s that was chosen too stays as it is.", "%(count)s that were chosen too stay as they are.", left
        ) % {"count": number_text(left)}
    messages.success(request, text)
