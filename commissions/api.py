"""Commissions and their rules over the API."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.urls import path
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

from affiliates.api import find_affiliate
from commissions.models import Commission, CommissionRule, ReasonCode, RuleType
from commissions.queries import STATES, explain_commission, in_states, with_state
from commissions.services import approve_commissions, archive_rule, create_rule, reject_commissions, revise_rule
from core.access import Can, programs_of
from core.api.answers import Answer, Id, MoneyText, Number, Time, Word
from core.api.fields import (
    FILTER,
    OPTIONAL,
    Amount,
    Between,
    Choice,
    Described,
    Flag,
    Input,
    Many,
    Moment,
    Reference,
    Text,
    Whole,
    between,
)
from core.api.operations import address, operation
from core.api.references import find, found
from core.api.views import nothing_here
from programs.api import find_offer, find_program
from tracking.api import event_name

NOT_YET_TYPES = {"per_item"}
NOT_YET_FIELDS = {"segment", "conditions", "tiers", "max_payments", "max_months", "cap"}
LARGEST_DECISION = 1000


def find_rule(user: Any, text: str) -> CommissionRule | None:
    return find(_visible_rules(user), text)


def _visible_rules(user: Any) -> QuerySet[CommissionRule]:
    programs = programs_of(user, Can.SEE_MONEY)
    rules = CommissionRule.objects.prefetch_related("versions")
    return rules if programs is None else rules.filter(program__in=programs)


# Commissions


class CommissionShown(Answer):
    """A commission as it stands in its conversion's answer. Needs `state` (with_state) and the rule."""

    id = Id("com")
    affiliate = Id("aff")
    amount = MoneyText()
    currency = Word()
    status = Word(source="state", choices=STATES)
    rule = Id("rul", source="rule_version.rule_id")
    reason = Word(source="reason_code", allow_null=True, help_text="Why it was rejected or put on hold.")
    explanation = serializers.SerializerMethodField(help_text="The sentence behind the amount.")

    def get_explanation(self, commission: Commission) -> str:
        return explain_commission(commission)


class CommissionAnswer(CommissionShown):
    program = Id("prg", source="conversion.program_id")
    conversion = Id("cnv")
    reversed = MoneyText(help_text="What refunds took back of it.")
    note = Word(allow_null=True)
    occurred_at = Time()
    decided_at = Time(allow_null=True)
    payable_at = Time(allow_null=True)
    created_at = Time()


class CommissionFilters(Between):
    program = Reference(find_program, **FILTER)
    affiliate = Reference(find_affiliate, **FILTER)
    status = Choice(choices=list(STATES), **FILTER)


class ApprovalBody(Input):
    ids = Many(child=Text(max_length=60), min_length=1, max_length=LARGEST_DECISION)


class RejectionBody(ApprovalBody):
    reason_code = Choice(choices=ReasonCode.values)
    note = Text(max_length=2000, allow_blank=True, **OPTIONAL)


class ApprovedAnswer(Answer):
    approved = Number()


class RejectedAnswer(Answer):
    rejected = Number()


@operation(Can.SEE_MONEY, CommissionAnswer, filters=CommissionFilters, newest_by="occurred_at")
def commission_list(request: Request, filters: dict[str, Any]) -> QuerySet[Commission]:
    """List commissions

    `from` and `to` are about when their conversions occurred.
    """
    program = filters.pop("program", None)
    rows: QuerySet[Commission] = Commission.objects.visible_to(request.user).filter(
        **between(filters, "occurred_at", program.zone if program else UTC)
    )
    if program is not None:
        rows = rows.filter(conversion__program=program)
    if "affiliate" in filters:
        rows = rows.filter(affiliate=filters["affiliate"])
    if "status" in filters:
        rows = in_states(rows, [filters["status"]])
    return _with_details(rows)


def _with_details(rows: QuerySet[Commission]) -> QuerySet[Commission]:
    return with_state(rows.select_related("conversion", "rule_version__rule"))


@operation(Can.SEE_MONEY, CommissionAnswer)
def commission_get(request: Request, id: str) -> Commission:
    """Show a commission"""
    return found(find(_with_details(Commission.objects.visible_to(request.user)), id))


@operation(Can.DECIDE_COMMISSIONS, ApprovedAnswer, takes=ApprovalBody)
def commission_approve(request: Request, data: dict[str, Any]) -> dict[str, int]:
    """Approve commissions

    All of them or none: 409 where somebody has decided about one in the meantime.
    """
    return {"approved": approve_commissions(_named(request.user, data["ids"]), by=request.user)}


@operation(Can.DECIDE_COMMISSIONS, RejectedAnswer, takes=RejectionBody)
def commission_reject(request: Request, data: dict[str, Any]) -> dict[str, int]:
    """Reject commissions

    For good, with a reason; all of them or none.
    """
    ids = _named(request.user, data["ids"])
    return {"rejected": reject_commissions(ids, by=request.user, reason_code=data["reason_code"], note=data.get("note", ""))}


def _named(user: Any, ids: list[str]) -> Collection[int]:
    """The rows that the ids name; 400 naming those that name none."""
    numbers = [Commission.pk_from(text) for text in ids]
    visible = set(
        Commission.objects.visible_to(user).filter(pk__in={n for n in numbers if n is not None}).values_list("pk", flat=True)
    )
    message = _("There is no such commission, or this key cannot see it.")
    errors: Any = {
        place: [ErrorDetail(f"{ids[place]}: {message}", code="not_found")]
        for place, number in enumerate(numbers)
        if number not in visible
    }
    if errors:
        raise ValidationError({"ids": errors})
    return visible


# Rules


class Rate(Amount):
    """Percent, or an amount in the program's currency; up to four decimals."""

    def to_internal_value(self, data: Any) -> Decimal:
        value = Decimal(super().to_internal_value(data))
        if not re.fullmatch(r"[0-9]+(\.[0-9]{1,4})?", str(data), re.ASCII):
            raise serializers.ValidationError(_("At most four decimals."), code="decimals")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^[0-9]{1,12}(\.[0-9]{1,4})?$", "examples": ["10"], "description": self.__doc__}


class RuleKind(Described, serializers.Field[Any, Any, Any, Any]):
    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, str) and data in NOT_YET_TYPES:
            raise serializers.ValidationError(_not_yet(f"“{data}”"), code="not_offered")
        if not isinstance(data, str) or data not in RuleType.values:
            raise serializers.ValidationError(_("Give percentage or flat."), code="choice")
        return data

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(RuleType.values)}


class RuleBody(Input):
    program = Reference(find_program)
    name = Text(max_length=120)
    event = Text(max_length=40, validators=[event_name])
    type = RuleKind()
    value = Rate()
    offer = Reference(find_offer, help_text="Only conversions that came through this offer.", **OPTIONAL)
    affiliate = Reference(find_affiliate, help_text="Only this affiliate's conversions.", **OPTIONAL)
    priority = Whole(min_value=-32_768, max_value=32_767, help_text="The highest wins; 0 unless given.", **OPTIONAL)
    starts_at = Moment(help_text="Conversions that occurred from then on; all unless given.", **OPTIONAL)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict):
            early = sorted(name for name in NOT_YET_FIELDS & data.keys() if data[name] is not None)
            if early:
                raise ValidationError({name: [ErrorDetail(_not_yet(name), code="not_offered")] for name in early})
            data = {name: value for name, value in data.items() if name not in NOT_YET_FIELDS}
        return super().to_internal_value(data)


def _not_yet(what: str) -> str:
    return _("%(what)s is not offered yet: a rule is a percentage or a flat amount.") % {"what": what}


class RuleChange(Input):
    type = RuleKind(**OPTIONAL)
    value = Rate(**OPTIONAL)
    starts_at = Moment(**OPTIONAL)
    archived = Flag(help_text="true: from now on the rule wins nothing new, for good.", **OPTIONAL)


class VersionAnswer(Answer):
    number = Number()
    type = Word(choices=RuleType.values)
    value = Word()
    starts_at = Time()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return super().to_representation(instance) | {"value": _rate(instance.value)}


def _rate(value: Decimal) -> str:
    return f"{value.normalize():f}"


class RuleAnswer(Answer):
    """`type`, `value` and `starts_at` are the last version's; `versions` are all of them, the newest first."""

    id = Id("rul")
    program = Id("prg")
    name = Word()
    event = Word()
    type = Word(choices=RuleType.values)
    value = Word()
    starts_at = Time()
    offer = Id("off", allow_null=True)
    affiliate = Id("aff", allow_null=True)
    priority = Number()
    archived_at = Time(allow_null=True)
    versions = VersionAnswer(many=True, read_only=True)
    created_at = Time()

    def to_representation(self, instance: CommissionRule) -> dict[str, Any]:
        last = max(instance.versions.all(), key=lambda version: version.number)
        instance.type, instance.value, instance.starts_at = last.type, last.value, last.starts_at  # type: ignore[attr-defined]
        return super().to_representation(instance) | {"value": _rate(last.value)}


class RuleFilters(Input):
    program = Reference(find_program, **FILTER)


@operation(Can.SEE_MONEY, RuleAnswer, filters=RuleFilters, newest_by="created_at")
def commission_rule_list(request: Request, filters: dict[str, Any]) -> QuerySet[CommissionRule]:
    """List commission rules"""
    return _visible_rules(request.user).filter(**filters)


@operation(Can.SET_RULES, RuleAnswer, takes=RuleBody, status=201)
def commission_rule_create(request: Request, data: dict[str, Any]) -> CommissionRule:
    """Create a commission rule

    Of the rules that match a conversion one wins: the highest priority, then the one for the affiliate, then the one for the
    offer, then the version that began last.
    """
    return create_rule(data.pop("program"), by=request.user, **data)


@operation(Can.SEE_MONEY, RuleAnswer)
def commission_rule_get(request: Request, id: str) -> CommissionRule:
    """Show a commission rule"""
    return found(find_rule(request.user, id))


@operation(Can.SET_RULES, RuleAnswer, takes=RuleChange)
def commission_rule_update(request: Request, id: str, data: dict[str, Any]) -> CommissionRule:
    """Revise a commission rule

    A new type, value or start is a new version; what was earned under the old one stays. `archived` ends the rule.
    """
    rule = found(find_rule(request.user, id))
    last = max(rule.versions.all(), key=lambda version: version.number)
    type, value = data.get("type") or last.type, data.get("value")
    value = last.value if value is None else value
    if (type, value) != (last.type, last.value) or data.get("starts_at"):
        revise_rule(rule, by=request.user, type=type, value=value, starts_at=data.get("starts_at"))
    if data.get("archived"):
        archive_rule(rule, by=request.user)
    return _visible_rules(request.user).get(pk=rule.pk)


api = [
    path("commissions", address(get=commission_list), name="commission_list"),
    path("commissions/approve", address(post=commission_approve), name="commission_approve"),
    path("commissions/reject", address(post=commission_reject), name="commission_reject"),
    path("commissions/<str:id>", address(get=commission_get), name="commission_detail"),
    path("commission-rules", address(get=commission_rule_list, post=commission_rule_create), name="commission_rule_list"),
    path(
        "commission-rules/simulate", nothing_here, name="commission_rule_simulate"
    ),  # its place, and no rule's id: not offered yet
    path(
        "commission-rules/<str:id>", address(get=commission_rule_get, patch=commission_rule_update), name="commission_rule_detail"
    ),
]
