"""An affiliate's money: what is owed, what was paid and for what (finance people; leaders read along), and where it is paid
(finance people alone, after confirming who they are). Owners may everything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from affiliates.access import affiliate_required, has_function
from affiliates.models import Affiliate, Function
from core.components import day_text
from core.exports import stream_csv
from core.listing import ChoiceFilter, Column, DayColumn, Empty, Listing, MoneyColumn, StateColumn
from core.ui import refusals_as_errors
from payouts.forms_portal import FIELDS, WAYS, PayoutMethodForm
from payouts.models import BatchStatus, MethodType, Payout, PayoutException, PayoutStatus
from payouts.prospects import prospects
from payouts.queries import balances
from payouts.services import set_payout_method
from payouts.services.methods import COOLING_OFF
from payouts.statements import HEADING, statement_of, statement_rows

SHOWN = {  # a cancelled payout never touched the affiliate's money: it is the program's own affair
    PayoutStatus.READY.value: gettext_lazy("Being prepared"),
    PayoutStatus.PAID.value: gettext_lazy("Paid"),
    PayoutStatus.SKIPPED.value: gettext_lazy("Left for later"),
    PayoutStatus.FAILED.value: gettext_lazy("Failed"),
}


def visible_payouts(affiliate: Affiliate) -> QuerySet[Payout]:
    return (
        Payout.objects.filter(affiliate=affiliate, status__in=SHOWN)
        .exclude(batch__status=BatchStatus.CANCELLED)
        .select_related("batch__program", "method")
    )


@affiliate_required(Function.FINANCE, Function.LEADER)
def money(request: HttpRequest) -> HttpResponse:
    affiliate: Affiliate = request.affiliate  # type: ignore[attr-defined]
    listing = Listing(
        request,
        visible_payouts(affiliate),
        name="payouts",
        caption=_("Your payouts"),
        columns=[
            DayColumn("created_at", _("Date"), value=_day_of, sort="created_at"),
            MoneyColumn("amount", _("Amount"), sort=True),
            StateColumn("status", _("State"), sort=True, text=lambda p: shown_status(p.status)),
            Column("number", _("Statement"), value="public_id", template="payouts/portal/_statement_cell.html"),
            Column("told", _("What it means"), value=tell_payout_state, template="payouts/portal/_told_cell.html"),
            Column("program", _("Program"), value="batch.program.name", sort="batch__program__name"),
        ],
        filters=[ChoiceFilter("status", _("State"), choices=lambda: [(key, shown_status(key)) for key in SHOWN])],
        tabs="status",
        default_sort="-created_at",
        row_url=lambda p: reverse("portal:payout_detail", args=[p.public_id]),
        per_page=25,
        empty=Empty(
            _("No payouts yet"),
            _("Once approved commissions are past their hold and reach the minimum, a payout takes them. Each has a statement."),
            icon="cash",
        ),
    )
    programs = [enrollment.program for enrollment in affiliate.enrollments.select_related("program")]
    methods = list(affiliate.payout_methods.current())
    context = {
        "balances": balances(affiliate.pk),
        "prospects": prospects(affiliate.pk, programs, methods),
        "methods": methods,
        "may_set": has_function(request, Function.FINANCE),
        "now": timezone.now(),
    }
    return listing.response("payouts/portal/money.html", context)


def _day_of(payout: Payout) -> date:
    """In the program's time, as its statement and its mail say it."""
    return (payout.paid_at or payout.created_at).astimezone(payout.batch.program.zone).date()


def shown_status(status: str) -> str:
    return str(SHOWN[status])


def tell_payout_state(payout: Payout) -> str:
    """What became of a payout, to the affiliate."""
    if payout.status == PayoutStatus.READY:
        return _("It is being prepared. Once it has been paid you get a mail, and its statement stands here.")
    if payout.status == PayoutStatus.PAID:
        return _("Paid to %(method)s.") % {"method": payout.method} if payout.method else _("Paid.")
    if payout.status == PayoutStatus.FAILED:
        told = _("It was taken out, and is payable again with the next payout.")
        return f"{told} {_('Reason: %(reason)s') % {'reason': payout.reason}}" if payout.reason else told
    return " ".join(_skipped(exception, payout) for exception in payout.exceptions)


def _skipped(exception: str, payout: Payout) -> str:
    return {
        PayoutException.NOT_APPROVED: _("You were suspended in this program: it is kept, and paid once that is resolved."),
        PayoutException.BELOW_MINIMUM: _("Below the program’s minimum: carried to the next payout."),
        PayoutException.NOT_POSITIVE: _(
            "Refunds took back more than was earned since: it is set off against what you earn next."
        ),
        PayoutException.NO_METHOD: _("There was no payout method in %(currency)s: carried to the next payout. Set one now.")
        % {"currency": payout.currency},
        PayoutException.METHOD_COOLING_OFF: _("The payout method had just been changed: carried to the next payout."),
    }[PayoutException(exception)]


@affiliate_required(Function.FINANCE, Function.LEADER)
def payout_detail(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """The statement of a paid payout; of the others, what became of them and the amount."""
    payout = get_object_or_404(visible_payouts(request.affiliate), pk=Payout.pk_from(public_id))  # type: ignore[attr-defined]
    context: dict[str, Any] = {
        "payout": payout,
        "program": payout.batch.program,
        "told": tell_payout_state(payout),
        "label": shown_status(payout.status),
    }
    if payout.status == PayoutStatus.PAID:
        statement = statement_of(payout)
        if request.GET.get("export") == "csv":
            return stream_csv(statement_rows(statement), HEADING, f"statement-{payout.public_id}")
        context["statement"] = statement
    elif "export" in request.GET:
        raise Http404
    return render(request, "payouts/portal/payout_detail.html", context)


View = Callable[..., HttpResponseBase]


def confirmed(view: View) -> View:
    """Pages behind a password or passkey given within the last five minutes.

    What is posted without it is dropped and asked for again: left to itself, allauth would keep the form in the session until
    then, and payout details never lie anywhere in the clear.
    """
    asking = reauthentication_required(view)

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST" and not did_recently_reauthenticate(request):
            messages.warning(
                request, _("Five minutes have passed. Nothing was changed: confirm that it is you, then enter it again.")
            )
            return redirect(request.path)
        return asking(request, *args, **kwargs)

    return guarded


@affiliate_required(Function.FINANCE)
def payout_method(request: HttpRequest) -> HttpResponse:
    """Where the affiliate is paid, and was before; the details themselves are shown to nobody."""
    affiliate: Affiliate = request.affiliate  # type: ignore[attr-defined]
    people = {member.user_id: member.user for member in affiliate.members.select_related("user")}
    methods = list(affiliate.payout_methods.order_by("-created_at", "-pk"))
    context = {
        "methods": [method for method in methods if method.replaced_at is None],
        "history": [(method, people.get(method.created_by_id)) for method in methods],
        "ways": WAYS,
        "cooling_days": COOLING_OFF.days,
        "now": timezone.now(),
    }
    return render(request, "payouts/portal/payout_method.html", context)


@affiliate_required(Function.FINANCE)
@confirmed
def payout_method_edit(request: HttpRequest, type: str) -> HttpResponse:
    if type not in FIELDS:
        raise Http404
    affiliate: Affiliate = request.affiliate  # type: ignore[attr-defined]
    current = {method.currency: method for method in affiliate.payout_methods.current()}
    currencies = _currencies(affiliate, set(current))
    form = PayoutMethodForm(
        request.POST or None,
        type=type,
        account=affiliate.public_id,
        currencies=currencies,
        initial={"currency": currencies[0]},
    )
    if form.is_valid():
        currency = form.cleaned_data["currency"]
        with refusals_as_errors(form):
            method = set_payout_method(affiliate, by=request.user, type=type, currency=currency, details=form.details())
            messages.success(request, _told_after(method, current.get(currency)))
            return redirect("portal:payout_method")
    context = {
        "form": form,
        "label": MethodType(type).label,
        "current": list(current.values()),
        "usable_from": day_text(timezone.localtime(timezone.now() + COOLING_OFF).date()),
        "cooling_days": COOLING_OFF.days,
        "preparing": affiliate.payouts.filter(status=PayoutStatus.READY).exclude(batch__status=BatchStatus.CANCELLED),
    }
    return render(request, "payouts/portal/payout_method_edit.html", context)


def _currencies(affiliate: Affiliate, used: set[str]) -> list[str]:
    """Those of the affiliate's programs first, then those that a method is set for."""
    programs = affiliate.enrollments.filter(~Q(status="rejected")).order_by("program__name")
    own = list(dict.fromkeys(programs.values_list("program__currency", flat=True)))
    return list(dict.fromkeys([*own, *sorted(used)])) or [affiliate.currency or "USD"]


def _told_after(method: Any, before: Any) -> str:
    if before is not None and before.pk == method.pk:
        return _("That is what it was already: nothing was changed.")
    if before is None:
        return _("Saved. What you earn in %(currency)s is paid there from the next payout on.") % {"currency": method.currency}
    return _(
        "Saved. It is used from %(day)s on; a payout before then waits for the next one."
        " Everybody who sees to your money was told by mail, so that a change that was not yours is noticed."
    ) % {"day": day_text(timezone.localtime(method.usable_from).date())}
