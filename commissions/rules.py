"""Rules as pages tell them: what each pays now and next, in the order in which they win."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, F, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.utils.translation import gettext as _

from commissions.models import BEGINNING, Commission, CommissionRule, Decision, RuleType, RuleVersion
from commissions.rates import rate_text
from core.access import Can, programs_of
from core.money import round_money
from tracking.conversion_events import event_label

SALE_FIRST = Case(When(event="sale", then=Value(0)), default=Value(1))
# Within an event the first one that matches wins, as `commissions.pricing.winning_rule` decides.
PRECEDENCE = [
    SALE_FIRST,
    F("event").asc(),
    F("priority").desc(),
    Case(When(affiliate__isnull=False, then=Value(0)), default=Value(1)),
    Case(When(offer__isnull=False, then=Value(0)), default=Value(1)),
    F("begun").desc(nulls_last=True),
    F("pk").desc(),
]


def visible_rules(user: Any, now: datetime, can: Can = Can.SEE_MONEY) -> QuerySet[CommissionRule]:
    """The rules of the programs in which the user can, with the version in force as `type`, `value`, `number` and `begun`, and
    the first one still to come as `next_type`, `next_value` and `next_begins`."""
    programs = programs_of(user, can)
    rules = CommissionRule.objects.all() if programs is None else CommissionRule.objects.filter(program__in=programs)
    versions = RuleVersion.objects.filter(rule=OuterRef("pk"))
    begun = versions.filter(starts_at__lte=now).order_by("-number")
    to_come = versions.filter(starts_at__gt=now).order_by("number")
    return rules.select_related("program", "offer", "affiliate").annotate(
        type=Subquery(begun.values("type")[:1]),
        value=Subquery(begun.values("value")[:1]),
        number=Subquery(begun.values("number")[:1]),
        begun=Subquery(begun.values("starts_at")[:1]),
        next_type=Subquery(to_come.values("type")[:1]),
        next_value=Subquery(to_come.values("value")[:1]),
        next_begins=Subquery(to_come.values("starts_at")[:1]),
    )


def state_of_rule(rule: Any) -> str:
    """active, scheduled (its first version is still to come) or archived."""
    if rule.archived_at is not None:
        return "archived"
    return "active" if rule.number else "scheduled"


def since(rule: Any) -> datetime | None:
    """When the version in force began; None: with the program."""
    return None if rule.begun is None or rule.begun <= BEGINNING else rule.begun


def told_rate(rule: Any) -> str:
    """What the rule pays now; for one still to come, what it will pay."""
    kind, value = (rule.type, rule.value) if rule.number else (rule.next_type, rule.next_value)
    return rate_text(kind, value, rule.program.currency) if kind else ""


def told_next(rule: Any) -> str:
    """What it pays from `next_begins` on, where that is a change."""
    return rate_text(rule.next_type, rule.next_value, rule.program.currency) if rule.number and rule.next_type else ""


def told_rule(event: str) -> str:
    """ "Every sale": the name of a rule that nobody named. What it pays may change, and stands beside it everywhere."""
    return _("Every %(event)s") % {"event": event_label(event).lower()}


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change would have made of the last days: the conversions that the rule priced, paid as it is and as it would be."""

    days: int
    conversions: int
    now: Decimal
    then: Decimal


def effect_of(rule: CommissionRule, type: str, value: Decimal, now: datetime, days: int = 30) -> Effect | None:
    """What the rule's commissions of the last `days` would have been; None where it priced nothing in them.

    Percentages are of the sum, so that cents may differ from rounding each one.
    """
    priced = Commission.objects.filter(
        rule_version__rule=rule,
        conversion__program=rule.program_id,
        occurred_at__gte=now - timedelta(days=days),
        occurred_at__lte=now,
    ).exclude(decision=Decision.REJECTED)
    sums = priced.aggregate(count=Count("pk"), paid=Sum("amount"), sold=Sum("conversion__amount"))
    if not sums["count"]:
        return None
    sold, currency = sums["sold"] or Decimal(0), rule.program.currency
    then = sold * value / 100 if type == RuleType.PERCENTAGE else value * sums["count"]
    return Effect(days, sums["count"], sums["paid"], round_money(then, currency))


def has_active_rule(program: int) -> bool:
    return CommissionRule.objects.filter(Q(archived_at__isnull=True), program=program).exists()


def rules_of_program(program: int, user: Any, now: datetime, limit: int) -> list[Any]:
    """Those in use; of each event the first that matches a conversion wins. One more than `limit` where there are more."""
    rules = visible_rules(user, now).filter(program=program, archived_at__isnull=True)
    return list(rules.order_by(*PRECEDENCE)[: limit + 1])
