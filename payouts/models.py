"""Payout methods, batches, payouts and their lines."""

from __future__ import annotations

from typing import Any

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from affiliates.models import Affiliate
from commissions.models import Commission, Reversal
from core.access import Can, programs_of
from core.ids import PublicId
from core.models import TimestampedModel
from core.money import CurrencyField, MoneyField
from programs.models import Program


class MethodType(models.TextChoices):
    BANK_TRANSFER = "bank_transfer", _("Bank transfer")
    PAYPAL = "paypal", _("PayPal")
    MANUAL = "manual", _("By arrangement")


class PayoutMethodQuerySet(models.QuerySet["PayoutMethod"]):
    def current(self) -> PayoutMethodQuerySet:
        return self.filter(replaced_at__isnull=True)

    def visible_to(self, user: Any) -> PayoutMethodQuerySet:
        """Masked, those of affiliates who work in a program whose money this member of the team sees."""
        return self.filter(affiliate__in=Affiliate.objects.known_to(user, Can.SEE_MONEY))


@pghistory.track(exclude=["details"])
class PayoutMethod(PublicId, TimestampedModel):
    """Where an affiliate is paid in one currency. A change is a new row; the details are encrypted from the first one."""

    prefix = "mtd"

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="payout_methods")
    type = models.CharField(_("type"), max_length=16, choices=MethodType)
    currency = CurrencyField(_("currency"))
    details = models.BinaryField()  # JSON, encrypted (core.secrets)
    hint = models.CharField(max_length=60)  # what people recognise it by: "DE•• •••• 3000"
    usable_from = models.DateTimeField()  # after a change there is a cooling-off
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    replaced_at = models.DateTimeField(null=True, blank=True)

    objects = PayoutMethodQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["affiliate", "currency"], condition=Q(replaced_at__isnull=True), name="payout_method_one_per_currency"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()} {self.hint}"


class BatchStatus(models.TextChoices):
    COMPUTING = "computing", _("Computing")
    DRAFT = "draft", _("Draft")
    APPROVED = "approved", _("Approved")
    EXECUTING = "executing", _("Executing")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Cancelled")


class PayoutBatchQuerySet(models.QuerySet["PayoutBatch"]):
    def visible_to(self, user: Any) -> PayoutBatchQuerySet:
        programs = programs_of(user, Can.SEE_MONEY)
        return self if programs is None else self.filter(program__in=programs)


class PayoutBatch(PublicId, TimestampedModel):
    """Everything payable in one program and currency up to a cutoff. One person makes it, another approves it."""

    prefix = "bat"

    program = models.ForeignKey(Program, models.PROTECT, related_name="batches")
    currency = CurrencyField(_("currency"))
    cutoff = models.DateTimeField(_("cutoff"))
    status = models.CharField(_("status"), max_length=10, choices=BatchStatus, default=BatchStatus.COMPUTING)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    affiliates_total = models.PositiveIntegerField(null=True)  # progress of the computation
    affiliates_done = models.PositiveIntegerField(default=0)
    progress_at = models.DateTimeField(default=timezone.now)
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    reference = models.CharField(_("reference"), max_length=120, blank=True)

    objects = PayoutBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("payout batch")
        verbose_name_plural = _("payout batches")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=~Q(approved_by=F("created_by")), name="batch_approved_by_a_second_person"),
            models.CheckConstraint(
                condition=Q(status__in=["approved", "executing", "done"], approved_by__isnull=False, approved_at__isnull=False)
                | Q(status__in=["computing", "draft", "cancelled"]),
                name="batch_approved_by_someone",
            ),
            models.CheckConstraint(condition=Q(status="done") ^ Q(paid_at__isnull=True), name="batch_done_once_paid"),
        ]

    def __str__(self) -> str:
        return self.public_id

    def shown_state(self, pays: Any) -> str:
        """A draft that pays somebody waits for its approval; one that pays nobody waits for nothing."""
        return "to_approve" if self.status == BatchStatus.DRAFT and pays else self.status


class PayoutStatus(models.TextChoices):
    READY = "ready", _("Ready")
    SKIPPED = "skipped", _("Left for later")
    PAID = "paid", _("Paid")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")

    @property
    def told(self) -> Any:
        """In the team's words: who is left out of a batch by hand has failed at nothing."""
        return {"ready": _("To be paid"), "failed": _("Left out")}.get(self.value, self.label)


class PayoutException(models.TextChoices):
    """Why a payout is left for later, or what to look at."""

    NOT_APPROVED = "not_approved", _("The affiliate is suspended or not approved in this program")
    BELOW_MINIMUM = "below_minimum", _("Below the program's minimum")
    NOT_POSITIVE = "not_positive", _("Refunds took back more than was earned")
    NO_METHOD = "no_method", _("No payout method in this currency")
    METHOD_COOLING_OFF = "method_cooling_off", _("The payout method was changed a short time ago")


class PayoutQuerySet(models.QuerySet["Payout"]):
    def visible_to(self, user: Any) -> PayoutQuerySet:
        programs = programs_of(user, Can.SEE_MONEY)
        return self if programs is None else self.filter(batch__program__in=programs)


class Payout(PublicId, TimestampedModel):
    """One affiliate's share of a batch. `skipped` ones hold no lines: what they name stays payable."""

    prefix = "pay"

    batch = models.ForeignKey(PayoutBatch, models.PROTECT, related_name="payouts")
    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="payouts")
    amount = MoneyField(_("amount"))
    currency = CurrencyField(_("currency"))
    status = models.CharField(_("status"), max_length=10, choices=PayoutStatus)
    exceptions = ArrayField(models.CharField(max_length=20, choices=PayoutException), default=list)
    method = models.ForeignKey(PayoutMethod, models.PROTECT, null=True, blank=True, related_name="+")
    paid_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)  # of a failure

    objects = PayoutQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "affiliate"], name="payout_once_in_a_batch"),
            models.CheckConstraint(
                condition=Q(status="skipped") | Q(amount__gt=0, method__isnull=False), name="payout_has_amount_and_method"
            ),
            models.CheckConstraint(condition=Q(status="paid") ^ Q(paid_at__isnull=True), name="payout_paid_has_a_time"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def told_status(self) -> Any:
        return PayoutStatus(self.status).told


class Adjustment(PublicId, TimestampedModel):
    """What somebody decided that is owed beside a payout, once: payable from then on, with the next batch. Never edited.

    It stands on no sale, so that no later refund takes any of it back.
    """

    prefix = "adj"

    payout = models.OneToOneField(Payout, models.PROTECT, related_name="adjustment")  # the one that was disputed
    amount = MoneyField(_("amount"))
    currency = CurrencyField(_("currency"))  # the payout's
    reason = models.TextField(_("reason"))  # as the affiliate reads it
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="adjustment_amount_positive"),
            models.CheckConstraint(condition=~Q(reason=""), name="adjustment_for_a_reason"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.public_id


class PayoutLine(models.Model):
    """One commission, reversal or adjustment within a payout: a row that is in a live line cannot be in another one."""

    payout = models.ForeignKey(Payout, models.PROTECT, related_name="lines")
    commission = models.ForeignKey(Commission, models.PROTECT, null=True, blank=True, related_name="payout_lines")
    reversal = models.ForeignKey(Reversal, models.PROTECT, null=True, blank=True, related_name="payout_lines")
    adjustment = models.ForeignKey(Adjustment, models.PROTECT, null=True, blank=True, related_name="payout_lines")
    amount = MoneyField()  # negative for a reversal
    released_at = models.DateTimeField(null=True, blank=True)  # the payout was cancelled or failed: what it held is payable again

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["commission"], condition=Q(released_at__isnull=True), name="commission_in_one_payout"
            ),
            models.UniqueConstraint(fields=["reversal"], condition=Q(released_at__isnull=True), name="reversal_in_one_payout"),
            models.UniqueConstraint(
                fields=["adjustment"], condition=Q(released_at__isnull=True), name="adjustment_in_one_payout"
            ),
            models.CheckConstraint(
                condition=Q(commission__isnull=False, reversal__isnull=True, adjustment__isnull=True, amount__gte=0)
                | Q(commission__isnull=True, reversal__isnull=False, adjustment__isnull=True, amount__lt=0)
                | Q(commission__isnull=True, reversal__isnull=True, adjustment__isnull=False, amount__gt=0),
                name="payout_line_is_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.payout_id}: {self.amount}"
