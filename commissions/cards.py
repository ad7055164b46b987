"""What commissions show on the pages of lower apps."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from commissions.queries import explain_commission, explain_unpriced, with_state
from core.access import Can, rights_of
from tracking.models import Conversion


def conversion_card(request: HttpRequest, conversion: Conversion) -> dict[str, Any] | None:
    """What the conversion earned whom, or why nothing; for those who see the program's money."""
    if not rights_of(request.user).has(Can.SEE_MONEY, conversion.program_id):
        return None
    commissions = with_state(conversion.commissions.select_related("affiliate", "conversion", "rule_version__rule")).order_by(
        "pk"
    )
    told = [(commission, explain_commission(commission)) for commission in commissions]
    return {"commissions": told, "reason": "" if told else _reason(conversion)}


def _reason(conversion: Conversion) -> str:
    if conversion.affiliate_id is None:
        return _("No commission: nobody is credited with this conversion.")
    if conversion.unpriced:
        return explain_unpriced(conversion)
    if conversion.amount == 0:
        return _("No commission: the amount is nothing, and no rule pays a flat amount for it.")
    return _("No commission: no rule was in force for this event when it occurred.")
