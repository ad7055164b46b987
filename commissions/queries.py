"""States of commissions, and the sentences that explain them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from commissions.models import Commission, Decision, RuleType
from core.components import day_text
from core.money import format_money
from tracking.models import Conversion

STATES = {
    "pending": gettext_lazy("Pending"),
    "on_hold": gettext_lazy("On hold"),
    "approved": gettext_lazy("Approved"),
    "payable": gettext_lazy("Payable"),
    "in_payout": gettext_lazy("In payout"),
    "paid": gettext_lazy("Paid"),
    "rejected": gettext_lazy("Rejected"),
    "reversed": gettext_lazy("Reversed"),
}


def state_conditions(now: datetime, live: Q, paid: Q) -> dict[str, Q]:
    """Each state's condition; they exclude one another and leave nothing out. `live`: a live payout line holds it; `paid`:
    that payout is paid.

    Whole reversal wins over everything but rejection; an approved one is in a payout or paid where a live line holds it,
    else payable once its hold is over.
    """
    whole = Q(reversed=F("amount"))
    approved = Q(decision=Decision.APPROVED) & ~whole
    return {
        "rejected": Q(decision=Decision.REJECTED),
        "reversed": ~Q(decision=Decision.REJECTED) & whole,
        "pending": Q(decision=Decision.PENDING) & ~whole,
        "on_hold": Q(decision=Decision.ON_HOLD) & ~whole,
        "paid": approved & paid,
        "in_payout": approved & live & ~paid,
        "payable": approved & ~live & Q(payable_at__lte=now),
        "approved": approved & ~live & Q(payable_at__gt=now),
    }


def _live_lines() -> QuerySet[Any]:
    return apps.get_model("payouts", "PayoutLine").objects.filter(commission=OuterRef("pk"), released_at__isnull=True)


def with_state(commissions: QuerySet[Commission], now: datetime | None = None) -> QuerySet[Commission]:
    """Annotate `state`: one of STATES, as of `now`.

    The payout is looked up row by row: EXISTS in a list of columns is hashed, so that a page of 50 rows read every line.
    """
    held = commissions.alias(payout_status=Subquery(_live_lines().order_by().values("payout__status")[:1]))
    conditions = state_conditions(now or timezone.now(), Q(payout_status__isnull=False), Q(payout_status="paid"))
    return held.annotate(state=Case(*(When(q, then=Value(name)) for name, q in conditions.items()), output_field=CharField()))


def in_states(commissions: QuerySet[Commission], states: Collection[str], now: datetime | None = None) -> QuerySet[Commission]:
    lines = _live_lines()
    conditions = state_conditions(now or timezone.now(), Q(Exists(lines)), Q(Exists(lines.filter(payout__status="paid"))))
    wanted = Q()
    for state in states:
        wanted |= conditions[state]
    return commissions.filter(wanted) if states else commissions.none()


def explain_commission(commission: Commission) -> str:
    """The sentence behind the amount. Needs `conversion` and `rule_version__rule` (select_related)."""
    version, conversion = commission.rule_version, commission.conversion
    earned = format_money(commission.amount, commission.currency)
    told = {
        "earned": earned,
        "rule": version.rule.name,
        "version": version.number,
        "order": conversion.external_id,
        "since": _("the beginning") if version.from_the_beginning else day_text(timezone.localtime(version.starts_at).date()),
    }
    if version.type == RuleType.PERCENTAGE:
        told |= {
            "value": f"{version.value.normalize():f}",
            "amount": format_money(conversion.amount or 0, conversion.currency or commission.currency),
        }
        text = _(
            "%(value)s %% of %(amount)s (order %(order)s) is %(earned)s, by rule “%(rule)s”, version %(version)d, in force since %(since)s."
        )
    else:
        text = _("%(earned)s flat for order %(order)s, by rule “%(rule)s”, version %(version)d, in force since %(since)s.")
    sentence = text % told
    if commission.reversed:
        sentence += " " + _("%(reversed)s of it were taken back after refunds.") % {
            "reversed": format_money(commission.reversed, commission.currency)
        }
    return sentence


def explain_unpriced(conversion: Conversion) -> str:
    """Why a conversion in another currency than the program's earns nothing yet. Needs its program."""
    return _("Not priced: it came in %(currency)s, the program counts in %(own)s, and there is no rate between them yet.") % {
        "currency": conversion.currency,
        "own": conversion.program.currency,
    }
