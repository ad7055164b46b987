"""What affiliates see of the conversions that are credited to them: each with what it earns, and why."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db.models import Exists, OuterRef, Prefetch, QuerySet, Subquery, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from affiliates.models import Affiliate
from commissions.models import Commission, ReasonCode, Reversal
from commissions.queries import explain_commission, in_states, with_state
from core.components import day_text
from core.money import format_money
from tracking.models import Conversion, Source


def credited_conversions(affiliate: Affiliate, now: datetime | None = None) -> QuerySet[Conversion]:
    """The affiliate's conversions, each with `earnings`: its own commissions of them, with their state and `due_back`. Two
    statements."""
    earnings = with_state(Commission.objects.filter(affiliate=affiliate), now).annotate(due_back=_due_back())
    earnings = earnings.select_related("rule_version__rule").order_by("pk")
    return (
        Conversion.objects.filter(affiliate=affiliate)
        .select_related("program", "link", "coupon")
        .prefetch_related(Prefetch("commissions", queryset=earnings, to_attr="earnings"))
    )


def _due_back() -> Subquery:
    """What refunds took back of a commission that no payout has taken off yet; None: nothing."""
    taken = apps.get_model("payouts", "PayoutLine").objects.filter(reversal=OuterRef("pk"), released_at__isnull=True)
    due = Reversal.objects.filter(~Exists(taken), commission=OuterRef("pk")).order_by()
    return Subquery(due.values("commission").annotate(due=Sum("amount")).values("due"))


def in_commission_state(conversions: QuerySet[Conversion], state: str, affiliate: Affiliate) -> QuerySet[Conversion]:
    """Those of which a commission of the affiliate is in this state; "none": those that earned nothing."""
    theirs = Commission.objects.filter(conversion=OuterRef("pk"), affiliate=affiliate)
    if state == "none":
        return conversions.filter(~Exists(theirs))
    return conversions.filter(Exists(in_states(theirs, [state])))


def net_of(conversion: Any) -> Decimal | None:
    """What it earns after refunds; all commissions of a conversion are in its program's currency. None: there is none."""
    if not conversion.earnings:
        return None
    return sum((commission.net for commission in conversion.earnings if commission.state != "rejected"), Decimal(0))


def state_of(conversion: Any) -> str | None:
    """The state that a row shows: of its (first) commission, "unpriced", or None where it earns nothing."""
    if conversion.earnings:
        return str(conversion.earnings[0].state)
    return "unpriced" if conversion.unpriced else None


def tell_credit(conversion: Conversion) -> str:
    """Why the conversion is theirs, to the affiliate."""
    sub = conversion.subs[0] if conversion.subs else ""
    if conversion.source == Source.CLICK and conversion.link:
        told = _("The customer came through your link “%(code)s”.") % {"code": conversion.link.code}
        return f"{told} " + _("Its sub1 was “%(sub)s”.") % {"sub": sub} if sub else told
    if conversion.source == Source.COUPON and conversion.coupon:
        return _("The customer used your coupon “%(code)s”.") % {"code": conversion.coupon.code}
    return {
        Source.CLICK.value: _("The customer came through your link."),
        Source.COUPON.value: _("The customer used your coupon."),
        Source.CUSTOMER.value: _("You brought this customer before: what they buy later counts as yours, too."),
        Source.CLAIM.value: _("You claimed it, and the program decided that it is yours."),
        Source.PARENT.value: _("An affiliate whom you recruited brought this customer."),
    }.get(conversion.source, _("The program credited this order to you by name."))


def tell_earning(conversion: Any) -> list[str]:
    """What the conversion earns and what happens next, in sentences. Needs `earnings` and the program."""
    if not conversion.earnings:
        return [_no_commission(conversion)]
    sentences = []
    for commission in conversion.earnings:
        sentences += [explain_commission(commission), _next_step(commission)]
    return sentences


def _no_commission(conversion: Conversion) -> str:
    if conversion.unpriced:
        return _("It came in %(currency)s, while the program counts in %(own)s. It is kept, and earns once there is a rate.") % {
            "currency": conversion.currency,
            "own": conversion.program.currency,
        }
    return _("It earned nothing: no rule of the program pays for it.")


REASONS = {  # as they are told to the affiliate; notes of the program's people stay with them
    ReasonCode.CANCELLED_ORDER: gettext_lazy("the order was cancelled"),
    ReasonCode.TEST_ORDER: gettext_lazy("it was a test order"),
    ReasonCode.DUPLICATE: gettext_lazy("it was paid elsewhere, or came twice"),
    ReasonCode.SELF_REFERRAL: gettext_lazy("it was a purchase of your own"),
    ReasonCode.TERMS_VIOLATION: gettext_lazy("it went against the program’s terms"),
    ReasonCode.FRAUD_CHECK: gettext_lazy("the traffic is being checked"),
}


def _next_step(commission: Any) -> str:
    """The state in a sentence."""
    reason = REASONS.get(commission.reason_code, _("ask your manager for the reason"))
    payable = day_text(timezone.localtime(commission.payable_at).date()) if commission.payable_at else ""
    return {
        "pending": _("The program has yet to check it."),
        "on_hold": _("It is on hold: %(reason)s.") % {"reason": reason},
        "rejected": _("It was rejected: %(reason)s.") % {"reason": reason},
        "approved": _("It is approved, and becomes payable on %(day)s, when the time for returns is over.") % {"day": payable},
        "payable": _("The next payout takes it."),
        "in_payout": _("It is part of a payout that is being prepared."),
        "paid": _paid(commission),
        "reversed": _("Refunds took all of it back."),
    }[commission.state]


def _paid(commission: Any) -> str:
    if not commission.due_back:
        return _("It has been paid.")
    back = format_money(commission.due_back, commission.currency)
    return _("It had been paid before the refund: %(amount)s comes off your next payout.") % {"amount": back}


def earned_text(conversion: Any) -> str:
    """Every sentence about the conversion, for files."""
    return " ".join([tell_credit(conversion), *tell_earning(conversion)])
