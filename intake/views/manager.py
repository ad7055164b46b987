"""Refunds by hand: the same door as the API's, with what it does to whom shown before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from commissions.queries import taken_back_by, with_state
from core.access import Can, manager_required, rights_of
from core.components import money_text
from core.ui import refusals_as_errors
from intake.forms import RefundForm
from intake.services import record_refund
from tracking.models import Conversion

# What becomes of an amount that is taken back from a commission in this state.
CONSEQUENCES = {
    "pending": gettext_lazy("Not approved yet: that much less is approved."),
    "on_hold": gettext_lazy("On hold: that much less is approved."),
    "approved": gettext_lazy("Approved, and its hold runs: that much less becomes payable."),
    "payable": gettext_lazy("Payable: the next payout takes that much less."),
    "in_payout": gettext_lazy("In a payout that is not paid yet: it comes off the payout after it."),
    "paid": gettext_lazy("Paid already: it comes off the next payout."),
}


@manager_required(Can.RECORD_CONVERSIONS)
def refund_create(request: HttpRequest, public_id: str) -> HttpResponse:
    """Choose by GET and see what it would do; POST what was seen. htmx asks for the page anew while it is filled in."""
    visible = Conversion.objects.visible_to(request.user).select_related("program", "customer", "affiliate")
    conversion = get_object_or_404(visible, pk=Conversion.pk_from(public_id))
    rights = rights_of(request.user)
    if not rights.has(Can.RECORD_CONVERSIONS, conversion.program_id):
        raise PermissionDenied
    posted = request.method == "POST"
    if conversion.amount is None or not (conversion.left_to_refund or posted):  # posted: the last refund may come twice
        messages.info(request, _("Nothing of this order is left to refund."))
        return redirect("manage:conversion_detail", conversion.public_id)
    form = RefundForm(request.POST if posted else RefundForm.first(conversion) | request.GET.dict(), conversion=conversion)
    if form.is_valid() and posted and _unchanged(request, form):
        with refusals_as_errors(form):
            _record(request, form)
            return redirect("manage:conversion_detail", conversion.public_id)
    context: dict[str, Any] = {"conversion": conversion, "form": form, "asked": {}}
    if form.is_valid():
        context["asked"] = form.cleaned_data
        if rights.has(Can.SEE_MONEY, conversion.program_id):
            context["consequences"] = _consequences(conversion, form.cleaned_data["amount"])
    return render(request, "intake/manager/refund_create.html", context)


def _unchanged(request: HttpRequest, form: RefundForm) -> bool:
    """Whether what was shown is what would happen now: a refund that came in between changes what is taken back."""
    if form.known or request.POST.get("refunded") == str(form.conversion.refunded):
        return True
    form.add_error(None, _("Another refund of this order came in the meantime. Look again at what this one does."))
    return False


def _record(request: HttpRequest, form: RefundForm) -> None:
    asked = form.cleaned_data
    refund, created = record_refund(
        form.conversion,
        external_id=form.external_id,
        amount=asked["amount"],
        occurred_at=form.occurred_at,
        reason=asked["reason"],
        by=request.user,
    )
    if created:
        told = money_text(refund.amount, form.conversion.currency)
        messages.success(request, _("Refund of %(amount)s recorded.") % {"amount": told})
    else:
        messages.info(request, _("This refund was recorded before: nothing was done twice."))


@dataclass(frozen=True, slots=True)
class Consequence:
    """What one commission gives back, of how much, and what becomes of it."""

    commission: Any  # with its state
    amount: Decimal

    @property
    def share(self) -> str:
        return _("of %(whole)s") % {"whole": money_text(self.commission.net, self.commission.currency)}

    @property
    def told(self) -> str:
        return str(CONSEQUENCES.get(self.commission.state, ""))


def _consequences(conversion: Conversion, amount: Decimal) -> list[Consequence]:
    commissions = with_state(conversion.commissions.select_related("affiliate")).order_by("pk")
    return [Consequence(*found) for found in taken_back_by(conversion, conversion.refunded + amount, commissions)]
