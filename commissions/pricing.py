"""Which rule wins, and what it pays: pure decisions over rules that the caller has loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from commissions.models import RuleType
from core.money import round_money


@dataclass(frozen=True, slots=True)
class Candidate:
    """One version of a rule, with what it is for. `ends_at`: when the next version starts, its time is over, or the rule was archived."""

    version_id: int
    rule_id: int
    event: str
    offer_id: int | None
    affiliate_id: int | None
    priority: int
    type: str
    value: Decimal
    starts_at: datetime
    ends_at: datetime | None


def winning_rule(
    candidates: Iterable[Candidate], *, event: str, offer_id: int | None, affiliate_id: int, occurred_at: datetime
) -> Candidate | None:
    """Of the versions in force when the conversion occurred: the highest priority, then the one for the affiliate, then the
    one for the offer, then the one begun last (then the newest rule, so that there is always one answer)."""
    matching = [
        candidate
        for candidate in candidates
        if candidate.event == event
        and candidate.offer_id in (None, offer_id)
        and candidate.affiliate_id in (None, affiliate_id)
        and candidate.starts_at <= occurred_at
        and (candidate.ends_at is None or occurred_at < candidate.ends_at)
    ]
    return max(
        matching,
        key=lambda c: (c.priority, c.affiliate_id is not None, c.offer_id is not None, c.starts_at, c.rule_id),
        default=None,
    )


def price(candidate: Candidate, amount: Decimal | None, currency: str) -> Decimal:
    """What the rule pays for an amount in the program's currency, rounded half-even to its digits; 0 where there is none."""
    if candidate.type == RuleType.PERCENTAGE:
        return round_money((amount or Decimal(0)) * candidate.value / 100, currency)
    return round_money(candidate.value, currency)


def reversed_after(commission: Decimal, refunded: Decimal, amount: Decimal, currency: str) -> Decimal:
    """The whole sum taken back once `refunded` of `amount` went back to the customer: round(commission × refunded / amount).

    It never falls as `refunded` grows, and is the whole commission at the end, however the refunds were cut.
    """
    return round_money(commission * refunded / amount, currency)
