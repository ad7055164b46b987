"""What payouts show about an affiliate (on its page, and in files of the list of affiliates) and on a commission's page."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from affiliates.fields import Fields
from affiliates.models import Affiliate
from commissions.models import Commission
from core.access import Can, programs_of, rights_of
from core.listing import MoneyColumn
from payouts.models import Payout, PayoutLine
from payouts.queries import balances, balances_of
from programs.queries import visible_programs

SHOWN = 6


def balances_card(request: HttpRequest, affiliate: Affiliate) -> dict[str, Any] | None:
    """The affiliate's money by state, a row a currency."""
    if not rights_of(request.user).has(Can.SEE_MONEY):
        return None
    programs = programs_of(request.user, Can.SEE_MONEY)
    found = balances(affiliate.pk, programs=programs)
    return {"balances": found, "affiliate": affiliate} if found else None


def payouts_card(request: HttpRequest, affiliate: Affiliate) -> dict[str, Any] | None:
    """The latest payouts; those left for later stay in their batch."""
    if not rights_of(request.user).has(Can.SEE_MONEY):
        return None
    programs = programs_of(request.user, Can.SEE_MONEY)
    payouts = Payout.objects.filter(affiliate=affiliate).exclude(status="skipped").select_related("batch__program", "method")
    if programs is not None:
        payouts = payouts.filter(batch__program__in=programs)
    found = list(payouts.order_by("-pk")[:SHOWN])
    return {"payouts": found} if found else None


def methods_card(request: HttpRequest, affiliate: Affiliate) -> dict[str, Any] | None:
    """Where the affiliate is paid, masked."""
    known = Affiliate.objects.known_to(request.user, Can.SEE_MONEY)
    if not rights_of(request.user).has(Can.SEE_MONEY) or not known.filter(pk=affiliate.pk).exists():
        return None
    now = timezone.now()
    methods = affiliate.payout_methods.current().order_by("currency")
    return {"methods": [(method, "active" if method.usable_from <= now else "cooling_off") for method in methods]}


def payable_fields(request: HttpRequest) -> Fields | None:
    """What the next payout would take, in files alone: on every page it would cost more than all of the rest."""
    if not rights_of(request.user).has(Can.SEE_MONEY) or not request.GET.get("export"):
        return None
    programs = programs_of(request.user, Can.SEE_MONEY)
    visible = Affiliate.objects.visible_to(request.user)
    payable: Any = SimpleLazyObject(
        lambda: {
            (affiliate, balance.currency): balance.payable
            for affiliate, found in balances_of(list(visible.values_list("pk", flat=True)), programs=programs).items()
            for balance in found
        }
    )
    currencies = visible_programs(request.user, Can.SEE_MONEY).order_by("currency").values_list("currency", flat=True).distinct()
    return Fields({}, [_payable_column(payable, currency) for currency in currencies])


def _payable_column(payable: Any, currency: str) -> MoneyColumn:
    return MoneyColumn(
        f"payable_{currency.lower()}",
        format_lazy(_("Payable, {currency}"), currency=currency),
        value=lambda affiliate: payable.get((affiliate.pk, currency), Decimal(0)),
        currency=lambda _affiliate: currency,
        shown=False,
    )


def commission_card(request: HttpRequest, commission: Commission) -> dict[str, Any] | None:
    """The payouts that a commission, or a reversal of it, was or is in; the page's guard has let the reader see money."""
    own, reversals = Q(commission=commission), Q(reversal__commission=commission)
    lines = list(PayoutLine.objects.filter(own | reversals).select_related("payout__batch", "reversal__refund").order_by("pk"))
    return {"lines": lines} if lines else None
