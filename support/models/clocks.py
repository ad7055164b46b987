"""Service levels: how soon, by which hours, for whom."""

from __future__ import annotations

import pghistory
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from channels.models import Channel
from core.ids import PublicId
from core.models import TimestampedModel
from programs.models import Program
from support.models.tickets import Priority, Ticket
from team.models import Calendar


class ClockName(models.TextChoices):
    FIRST_REPLY = "first_reply", _("First reply")
    ANSWER = "answer", _("Professional answer")
    NEXT_REPLY = "next_reply", _("Next reply")
    RESOLUTION = "resolution", _("Resolution")


@pghistory.track()
class SlaPolicy(PublicId, TimestampedModel):
    """Targets in minutes of the calendar's open time. The first active policy by `position` whose every condition fits a
    ticket is its own; an empty condition fits all."""

    prefix = "sla"

    name = models.CharField(_("name"), max_length=120, unique=True)
    position = models.PositiveSmallIntegerField(_("order"), default=100)
    is_active = models.BooleanField(_("active"), default=True)
    program = models.ForeignKey(
        Program,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("program"),
        help_text=_("Empty: every program."),
    )
    segment = models.CharField(_("segment"), max_length=40, blank=True, help_text=_("A tag of the affiliate. Empty: everybody."))
    channel_kind = models.CharField(_("channel"), max_length=10, choices=Channel.Kind, blank=True)
    priority = models.CharField(_("priority"), max_length=6, choices=Priority, blank=True)
    calendar = models.ForeignKey(
        Calendar,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("hours"),
        help_text=_("Empty: around the clock."),
    )
    first_reply_minutes = models.PositiveIntegerField(
        _("first human reply"), null=True, blank=True, default=5, validators=[MinValueValidator(1)]
    )
    answer_minutes = models.PositiveIntegerField(
        _("professional answer"), null=True, blank=True, default=30, validators=[MinValueValidator(1)]
    )
    next_reply_minutes = models.PositiveIntegerField(
        _("next reply"), null=True, blank=True, default=30, validators=[MinValueValidator(1)]
    )
    resolution_minutes = models.PositiveIntegerField(
        _("resolution"), null=True, blank=True, default=1440, validators=[MinValueValidator(1)]
    )
    warn_percent = models.PositiveSmallIntegerField(
        _("warn when this much of the time is used (%)"), default=60, validators=[MinValueValidator(1), MaxValueValidator(99)]
    )

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(warn_percent__gte=1) & Q(warn_percent__lte=99), name="sla_policy_warns_before")
        ]

    def __str__(self) -> str:
        return self.name


class ClockResult(models.Model):
    """How one clock of one ticket ended: written down when it is decided (met, or its due time passed), under the target that
    held then. A later change of the policy changes none of it. `used` is open time while it was our turn."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="clock_results")
    clock = models.CharField(max_length=12, choices=ClockName)
    started_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)  # null: missed, and still to be done
    met = models.BooleanField(null=True)  # null: there was no target
    target = models.DurationField(null=True, blank=True)
    used = models.DurationField()
    # Who sent what was asked for; of a resolution, who owned the ticket then; of what is missed and still open, who owns it.
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["started_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["ticket", "clock", "started_at"], name="clock_result_once"),
            models.CheckConstraint(condition=Q(done_at__isnull=False) | Q(met=False), name="clock_result_decided"),
        ]
        indexes = [models.Index(fields=["started_at", "clock"], name="clock_result_started")]

    def __str__(self) -> str:
        return f"{self.ticket_id}: {self.clock}"
