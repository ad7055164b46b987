"""States of commissions, and the sentences that explain them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from commissions.models import Commission, Decision, RuleType
from commissions.pricing import reversed_after
from core.components import day_text, percent_text
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


def is_open(held: Q, of: str = "") -> Q:
    """Approved, and in no payout that stands: what programs owe. `held`: a payout holds it. `of` leads to the commission."""
    return Q(**{f"{of}decision": Decision.APPROVED}) & ~held


def is_hold_over(at: datetime, of: str = "") -> Q:
    """What is open becomes payable once its hold is over."""
    return Q(**{f"{of}payable_at__lte": at})


def live_lines(**of: Any) -> QuerySet[Any]:
    """The lines of payouts that stand: neither cancelled nor failed."""
    return apps.get_model("payouts", "PayoutLine").objects.filter(released_at__isnull=True, **of)


def state_conditions(now: datetime, held: Q, paid: Q) -> dict[str, Q]:
    """Each state's condition; they exclude one another and leave nothing out. `held`: a payout holds it; `paid`: that payout
    is paid.

    Whole reversal wins over everything but rejection; an approved one is in a payout or paid where a payout holds it, else
    payable once its hold is over.
    """
    whole = Q(reversed=F("amount"))
    held_one = Q(decision=Decision.APPROVED) & ~whole & held
    open_one = is_open(held) & ~whole
    return {
        "rejected": Q(decision=Decision.REJECTED),
        "reversed": ~Q(decision=Decision.REJECTED) & whole,
        "pending": Q(decision=Decision.PENDING) & ~whole,
        "on_hold": Q(decision=Decision.ON_HOLD) & ~whole,
        "paid": held_one & paid,
        "in_payout": held_one & ~paid,
        "payable": open_one & is_hold_over(now),
        "approved": open_one & ~is_hold_over(now),
    }


def with_state(commissions: QuerySet[Commission], now: datetime | None = None) -> QuerySet[Commission]:
    """Annotate `state`: one of STATES, as of `now`.

    The payout is looked up row by row: EXISTS in a list of columns is hashed, so that a page of 50 rows read every line.
    """
    lines = live_lines(commission=OuterRef("pk")).order_by()
    held = commissions.alias(payout_status=Subquery(lines.values("payout__status")[:1]))
    conditions = state_conditions(now or timezone.now(), Q(payout_status__isnull=False), Q(payout_status="paid"))
    return held.annotate(state=Case(*(When(q, then=Value(name)) for name, q in conditions.items()), output_field=CharField()))


def in_states(commissions: QuerySet[Commission], states: Collection[str], now: datetime | None = None) -> QuerySet[Commission]:
    lines = live_lines(commission=OuterRef("pk"))
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
            "rate": percent_text(version.value / 100, 4),
            "amount": format_money(conversion.amount or 0, conversion.currency or commission.currency),
        }
        text = _(
            "%(rate)s of %(amount)s (order %(order)s) is %(earned)s, by rule “%(rule)s”, version %(version)d, in force since %(since)s."
        )
    else:
        text = _("%(earned)s flat for order %(order)s, by rule “%(rule)s”, version %(version)d, in force since %(since)s.")
    sentence = text % told
    if commission.reversed:
        sentence += " " + _("%(reversed)s of it were taken back after refunds.") % {
            "reversed": format_money(commission.reversed, commission.currency)
        }
    return sentence


def taken_back_by(
    conversion: Conversion, refunded: Decimal, commissions: QuerySet[Commission]
) -> Iterator[tuple[Commission, Decimal]]:
    """What each of the conversion's commissions still gives back once `refunded` of it went back to the customer. Rejected ones
    earned nothing."""
    assert conversion.amount  # a conversion without an amount has nothing to refund
    for commission in commissions.exclude(decision=Decision.REJECTED):
        amount = reversed_after(commission.amount, refunded, conversion.amount, commission.currency) - commission.reversed
        if amount > 0:
            yield commission, amount


def explain_unpriced(conversion: Conversion) -> str:
    """Why a conversion in another currency than the program's earns nothing yet. Needs its program."""
    return _("Not priced: it came in %(currency)s, the program counts in %(own)s, and there is no rate between them yet.") % {
        "currency": conversion.currency,
        "own": conversion.program.currency,
    }
