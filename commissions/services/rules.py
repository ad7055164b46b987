"""Rules and their versions: what is earned from when on."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from affiliates.models import Affiliate
from commissions import events
from commissions.errors import CommissionError, NotNow
from commissions.models import BEGINNING, CommissionRule, RuleType, RuleVersion
from core.access import Can, check
from core.events import record
from core.money import round_money
from programs.models import Offer, Program


@transaction.atomic
def create_rule(
    program: Program,
    *,
    by: Any,
    name: str,
    event: str,
    type: str,
    value: Decimal,
    offer: Offer | None = None,
    affiliate: Affiliate | None = None,
    priority: int = 0,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> CommissionRule:
    """A rule with its first version. `value` is percent, or an amount in the program's currency.

    Without `starts_at` it is in force from the beginning: orders of the past are priced too. What occurred at `ends_at` or later
    is priced by what else matches.
    """
    check(by, Can.SET_RULES, program.pk)
    if offer is not None and offer.program_id != program.pk:
        raise CommissionError(_("The offer belongs to another program."), code="invalid", field="offer")
    if ends_at is not None and ends_at <= (starts_at or BEGINNING):
        raise CommissionError(_("It ends after it begins."), code="invalid", field="ends_at")
    _check_value(program, type, value)
    rule = CommissionRule.objects.create(
        program=program, name=name, event=event, offer=offer, affiliate=affiliate, priority=priority
    )
    version = RuleVersion.objects.create(
        rule=rule, number=1, type=type, value=value, starts_at=starts_at or BEGINNING, ends_at=ends_at, created_by=by
    )
    record(events.RULE_CREATED, rule, program, affiliate, by=by, data=_told(rule, version))
    return rule


@transaction.atomic
def revise_rule(rule: CommissionRule, *, by: Any, type: str, value: Decimal, starts_at: datetime | None = None) -> RuleVersion:
    """A new version, in force from `starts_at` (now). What was earned under the old one stays as it was."""
    rule = CommissionRule.objects.select_for_update(of=("self",)).select_related("program").get(pk=rule.pk)
    check(by, Can.SET_RULES, rule.program_id)
    _check_value(rule.program, type, value)
    last = rule.versions.order_by("-number").first()
    assert last is not None  # a rule is made with its first version
    starts_at = starts_at or timezone.now()
    if rule.archived_at is not None:
        raise NotNow(_("This rule is archived. Make a new one."), code="archived")
    if starts_at <= last.starts_at:
        raise CommissionError(_("The new version must start after the last one."), code="invalid", field="starts_at")
    version = RuleVersion.objects.create(
        rule=rule, number=last.number + 1, type=type, value=value, starts_at=starts_at, created_by=by
    )
    record(events.RULE_REVISED, rule, rule.program, by=by, data=_told(rule, version))
    return version


@transaction.atomic
def archive_rule(rule: CommissionRule, *, by: Any, at: datetime | None = None) -> None:
    """From now on (`at`) it wins nothing new. `by` is None where the time for which it was granted is over."""
    rule = CommissionRule.objects.select_for_update(of=("self",)).select_related("program").get(pk=rule.pk)
    if by is not None:
        check(by, Can.SET_RULES, rule.program_id)
    if rule.archived_at is None:
        rule.archived_at = at or timezone.now()
        rule.save(update_fields=["archived_at"])
        record(events.RULE_ARCHIVED, rule, rule.program, by=by, data={"name": rule.name})


def _check_value(program: Program, type: str, value: Decimal) -> None:
    if type not in RuleType.values:
        raise CommissionError(_("Choose percentage or flat."), code="invalid_choice", field="type")
    if not value.is_finite() or value < 0 or value >= 10**12:
        raise CommissionError(_("The value is a number from 0 up."), code="invalid", field="value")
    if type == RuleType.PERCENTAGE and value > 100:
        raise CommissionError(_("A percentage is at most 100."), code="invalid", field="value")
    if type == RuleType.PERCENTAGE and value != value.quantize(Decimal("0.0001")):
        raise CommissionError(_("A percentage has at most four decimals."), code="decimals", field="value")
    if type == RuleType.FLAT and value != round_money(value, program.currency):
        raise CommissionError(_("The amount has more decimals than the currency."), code="decimals", field="value")


def _told(rule: CommissionRule, version: RuleVersion) -> dict[str, Any]:
    return {
        "name": rule.name,
        "version": version.number,
        "type": version.type,
        "value": f"{version.value.normalize():f}",
        "currency": rule.program.currency,
    }
