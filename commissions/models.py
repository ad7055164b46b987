"""Rules and their versions; commissions and their reversals."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from affiliates.models import Affiliate
from core.access import Can, programs_of
from core.ids import PublicId
from core.models import TimestampedModel
from core.money import CurrencyField, MoneyField
from programs.models import Offer, Program
from tracking.models import Conversion, Refund


class RuleType(models.TextChoices):
    PERCENTAGE = "percentage", _("Percentage of the amount")
    FLAT = "flat", _("Flat amount")


@pghistory.track()
class CommissionRule(PublicId, TimestampedModel):
    """What is paid for an event of a program; what exactly, its versions say. Of those that match a conversion one wins:
    the highest priority, then the one for the affiliate, then the one for the offer, then the version begun last."""

    prefix = "rul"

    program = models.ForeignKey(Program, models.PROTECT, related_name="rules")
    name = models.CharField(_("name"), max_length=120)
    event = models.CharField(_("event"), max_length=40, default="sale")
    offer = models.ForeignKey(Offer, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("offer"))
    affiliate = models.ForeignKey(Affiliate, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("affiliate"))
    priority = models.SmallIntegerField(_("priority"), default=0)
    archived_at = models.DateTimeField(null=True, blank=True)  # from then on it wins nothing new

    class Meta:
        ordering = ["program", "-priority", "pk"]

    def __str__(self) -> str:
        return self.name


BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)  # a first version that names no start is in force from here


class RuleVersion(TimestampedModel):
    """The rule's value from `starts_at` until the next version starts, or before `ends_at`, where it is given for a time. Never
    edited: commissions point at it."""

    rule = models.ForeignKey(CommissionRule, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    type = models.CharField(_("type"), max_length=12, choices=RuleType)
    value = models.DecimalField(_("value"), max_digits=19, decimal_places=4)  # percent, or an amount in the program's currency
    starts_at = models.DateTimeField(_("from"), default=timezone.now)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)  # the first moment at which it counts no more
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["rule", "-number"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")), name="rule_version_ends_after_its_start"
            ),
            models.UniqueConstraint(fields=["rule", "number"], name="rule_version_once"),
            models.CheckConstraint(condition=Q(value__gte=0), name="rule_value_not_negative"),
            models.CheckConstraint(condition=Q(value__lt=10**15), name="rule_value_a_number"),  # NaN is above every number
            models.CheckConstraint(condition=~Q(type="percentage") | Q(value__lte=100), name="rule_percentage_at_most_100"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.number}"

    @property
    def last_day(self) -> date | None:
        """The last day on which it counts, in the program's zone; None: no end is set."""
        return (self.ends_at - timedelta(microseconds=1)).astimezone(self.rule.program.zone).date() if self.ends_at else None

    @property
    def from_the_beginning(self) -> bool:
        return self.starts_at <= BEGINNING


class Decision(models.TextChoices):
    PENDING = "pending", _("Pending")
    ON_HOLD = "on_hold", _("On hold")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")


class ReasonCode(models.TextChoices):
    """Why a commission was rejected or put on hold."""

    CANCELLED_ORDER = "cancelled_order", _("The order was cancelled")
    TEST_ORDER = "test_order", _("A test order")
    DUPLICATE = "duplicate", _("Paid elsewhere or twice")
    SELF_REFERRAL = "self_referral", _("The affiliate's own purchase")
    TERMS_VIOLATION = "terms_violation", _("Against the program's terms")
    FRAUD_CHECK = "fraud_check", _("The traffic is being checked")
    OTHER = "other", _("Another reason, see the note")


class CommissionQuerySet(models.QuerySet["Commission"]):
    """States are derived: decision, hold, reversals and payout lines tell them (`with_state`)."""

    def visible_to(self, user: Any) -> CommissionQuerySet:
        programs = programs_of(user, Can.SEE_MONEY)
        # By its rule's program, which is its conversion's: a few rules are joined instead of every conversion.
        return self if programs is None else self.filter(rule_version__rule__program__in=programs)

    def pending(self) -> CommissionQuerySet:
        return self.filter(decision=Decision.PENDING)

    def undecided(self) -> CommissionQuerySet:
        return self.filter(decision__in=[Decision.PENDING, Decision.ON_HOLD])

    def approved(self) -> CommissionQuerySet:
        return self.filter(decision=Decision.APPROVED)


class Commission(PublicId, TimestampedModel):
    """What one affiliate earns from one conversion. Never edited once decided: a refund adds a Reversal."""

    prefix = "com"

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="commissions", db_index=False)
    conversion = models.ForeignKey(Conversion, models.PROTECT, related_name="commissions", db_index=False)
    rule_version = models.ForeignKey(RuleVersion, models.PROTECT, related_name="commissions")
    occurred_at = models.DateTimeField(_("earned"))  # when the conversion occurred: lists and reports sort by it
    amount = MoneyField(_("amount"))
    currency = CurrencyField(_("currency"))
    decision = models.CharField(_("decision"), max_length=10, choices=Decision, default=Decision.PENDING)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    payable_at = models.DateTimeField(_("payable from"), null=True, blank=True)  # set at approval: when the hold is over
    reason_code = models.CharField(_("reason"), max_length=20, choices=ReasonCode, blank=True)
    note = models.TextField(_("note"), blank=True)
    # Kept beside the reversals and the payout lines that they sum up and name, so that lists filter by state without joining
    # three tables; `ledger_verify` proves them.
    reversed = MoneyField(default=0)
    corrects = models.ForeignKey(  # what a decision corrected by this one, which earns beside it or in its place
        "self", models.PROTECT, null=True, blank=True, related_name="corrections", db_index=False
    )

    objects = CommissionQuerySet.as_manager()

    class Meta:
        ordering = ["-occurred_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["conversion", "affiliate", "rule_version"], name="commission_once"),
            models.UniqueConstraint(fields=["corrects"], condition=Q(corrects__isnull=False), name="commission_corrected_once"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="commission_amount_not_negative"),
            models.CheckConstraint(
                condition=Q(reversed__gte=0, reversed__lte=F("amount")), name="commission_reversed_at_most_all"
            ),
            models.CheckConstraint(
                condition=Q(decision__in=["pending", "on_hold"]) ^ Q(decided_at__isnull=False),
                name="commission_decided_unless_pending",
            ),
            models.CheckConstraint(
                condition=Q(decision="approved") ^ Q(payable_at__isnull=True), name="commission_payable_once_approved"
            ),
            models.CheckConstraint(
                condition=~Q(decision__in=["on_hold", "rejected"]) | ~Q(reason_code=""), name="commission_refused_with_a_reason"
            ),
        ]
        indexes = [
            models.Index(fields=["affiliate", "-occurred_at", "-id"], name="commission_of_affiliate"),
            models.Index(fields=["-occurred_at", "-id"], name="commission_newest"),
            models.Index(fields=["decision", "payable_at"], name="commission_decision"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def net(self) -> Decimal:
        return self.amount - self.reversed


class Reversal(PublicId, TimestampedModel):
    """What a refund takes back from a commission: its own row, never an edit."""

    prefix = "rev"

    commission = models.ForeignKey(Commission, models.PROTECT, related_name="reversals", db_index=False)
    refund = models.ForeignKey(Refund, models.PROTECT, related_name="reversals")
    amount = MoneyField(_("amount"))
    currency = CurrencyField(_("currency"))

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["commission", "refund"], name="reversal_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="reversal_amount_positive"),
        ]

    def __str__(self) -> str:
        return self.public_id
