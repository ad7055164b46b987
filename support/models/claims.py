"""What a claim or dispute came to, and requests for better terms with what was granted."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from commissions.models import CommissionRule, RuleType
from core.ids import PublicId
from core.models import TimestampedModel
from core.money import CurrencyField, MoneyField
from programs.models import Offer, Program
from support.models.messages import Message
from support.models.tickets import Ticket


class ClaimDecisionQuerySet(models.QuerySet["ClaimDecision"]):
    def visible_to(self, user: Any) -> ClaimDecisionQuerySet:
        return self.filter(ticket__in=Ticket.objects.visible_to(user))


class ClaimDecision(PublicId, TimestampedModel):
    """What was decided about a claim or dispute, once, with what it did to the money in the same transaction."""

    prefix = "dec"

    class Kind(models.TextChoices):
        UPHOLD = "uphold", _("Upheld")
        CORRECT = "correct", _("Corrected")
        REFUSE = "refuse", _("Refused")

    class Outcome(models.TextChoices):
        """What a decision came to, as the report counts it."""

        GRANTED = "granted", _("The affiliate was right")
        CORRECTED = "corrected", _("Corrected")
        CONFIRMED = "confirmed", _("The payout was right")
        REFUSED = "refused", _("Refused")

    ticket = models.OneToOneField(Ticket, models.PROTECT, related_name="decision")
    kind = models.CharField(_("decision"), max_length=8, choices=Kind)
    reason = models.TextField(_("reason"))  # as the affiliate reads it
    amount = MoneyField(_("amount"), null=True, blank=True)  # what the affiliate gets by it
    currency = CurrencyField(_("currency"), blank=True)
    did = models.CharField(max_length=40, blank=True)  # to what it was done: "commission:12", "payout:7", "adjustment:3"
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    message = models.ForeignKey(Message, models.PROTECT, null=True, blank=True, related_name="+")  # which explained it

    objects = ClaimDecisionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="claim_decided_for_a_reason"),
            models.CheckConstraint(condition=Q(kind="refuse") ^ ~Q(did=""), name="claim_decision_does_something_or_refuses"),
        ]

    def __str__(self) -> str:
        return str(self.outcome.label)

    @property
    def outcome(self) -> Outcome:
        if self.kind == self.Kind.UPHOLD:
            return self.Outcome.CONFIRMED if self.amount is None else self.Outcome.GRANTED
        return self.Outcome.CORRECTED if self.kind == self.Kind.CORRECT else self.Outcome.REFUSED


class MissingSale(TimestampedModel):
    """A sale that an affiliate says never came in, as they tell it. Decided to be theirs, it is recorded through intake."""

    ticket = models.OneToOneField(Ticket, models.CASCADE, related_name="missing_sale")
    order = models.CharField(_("order"), max_length=200)
    event = models.CharField(_("event"), max_length=40, default="sale")
    occurred_at = models.DateTimeField(_("when"))
    amount = MoneyField(_("amount"), null=True, blank=True)
    currency = CurrencyField(_("currency"), blank=True)
    click_id = models.CharField(_("click id"), max_length=200, blank=True)
    coupon = models.CharField(_("coupon"), max_length=200, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(order=""), name="missing_sale_has_an_order")]
        indexes = [models.Index(fields=["order"], name="missing_sale_order")]

    def __str__(self) -> str:
        return self.order


class TermsLimit(TimestampedModel):
    """Up to where managers of a program grant better terms by themselves; above it, the head of affiliates."""

    program = models.OneToOneField(Program, models.PROTECT, related_name="terms_limit")
    percentage = models.DecimalField(_("percent"), max_digits=7, decimal_places=4, null=True, blank=True)
    flat = MoneyField(_("flat amount"), null=True, blank=True)
    days = models.PositiveSmallIntegerField(_("for at most (days)"), default=90)

    def __str__(self) -> str:
        return str(self.program)


class TermsRequest(PublicId, TimestampedModel):
    """A request for better terms: what is asked, and what was granted until when, as a rule of its own."""

    prefix = "trq"

    class Status(models.TextChoices):
        ASKED = "asked", _("To decide")
        PASSED_UP = "passed_up", _("With the head")
        GRANTED = "granted", _("Granted")
        REFUSED = "refused", _("Refused")

    ticket = models.OneToOneField(Ticket, models.PROTECT, related_name="terms_request")
    offer = models.ForeignKey(Offer, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("offer"))
    event = models.CharField(_("event"), max_length=40, default="sale")
    wanted = models.CharField(_("what is asked for"), max_length=300)
    status = models.CharField(max_length=10, choices=Status, default=Status.ASKED)
    type = models.CharField(_("type"), max_length=12, choices=RuleType, blank=True)
    value = models.DecimalField(_("value"), max_digits=19, decimal_places=4, null=True, blank=True)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)  # the first moment at which it counts no more
    rule = models.OneToOneField(CommissionRule, models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.TextField(_("reason"), blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)  # when the rule was archived because its time was over

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(status="granted") ^ Q(rule__isnull=True), name="terms_request_granted_is_a_rule"),
            models.CheckConstraint(
                condition=~Q(status="granted")
                | Q(type__gt="", value__isnull=False, ends_at__isnull=False, decided_by__isnull=False),
                name="terms_request_granted_in_full",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["granted", "refused"]) ^ Q(decided_at__isnull=True), name="terms_request_decided_at"
            ),
        ]
        indexes = [
            models.Index(fields=["ends_at"], condition=Q(status="granted", ended_at__isnull=True), name="terms_request_to_end")
        ]

    def __str__(self) -> str:
        return self.wanted

    @property
    def last_day(self) -> date | None:
        """The last day on which it counts, in the program's zone."""
        return (self.ends_at - timedelta(microseconds=1)).astimezone(self.ticket.program.zone).date() if self.ends_at else None
