"""What affiliates ask the program to become."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.access import Can, programs_of
from core.ids import PublicId
from core.models import TimestampedModel
from programs.models import Program
from support.models.tickets import Ticket


class ImprovementQuerySet(models.QuerySet["Improvement"]):
    def visible_to(self, user: Any, can: Can = Can.SEE_TICKETS) -> ImprovementQuerySet:
        programs = programs_of(user, can)
        return self if programs is None else self.filter(program__in=programs)


class Improvement(PublicId, TimestampedModel):
    """An improvement to a program that tickets ask for. It is decided once; everybody who raised it hears the decision."""

    prefix = "imp"

    class Status(models.TextChoices):
        OPEN = "open", _("To decide")
        ACCEPTED = "accepted", _("Accepted")
        DECLINED = "declined", _("Declined")

    program = models.ForeignKey(Program, models.PROTECT, related_name="improvements")
    title = models.CharField(_("what would be better"), max_length=160)
    text = models.TextField(_("why, and how"), blank=True)
    status = models.CharField(_("state"), max_length=10, choices=Status, default=Status.OPEN)
    reason = models.TextField(_("what those who raised it are told"), blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = ImprovementQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(status="open") ^ Q(decided_at__isnull=False), name="improvement_decided_at"),
            models.CheckConstraint(condition=Q(status="open") | ~Q(reason=""), name="improvement_decided_for_a_reason"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def standing_voices(self) -> models.QuerySet[ImprovementVoice]:
        """Its voices; of two requests that both raised it and went into one, the one that stands."""
        return self.voices.filter(ticket__merged_into=None)


class ImprovementVoice(TimestampedModel):
    """A ticket that raises an improvement."""

    improvement = models.ForeignKey(Improvement, models.PROTECT, related_name="voices")
    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="voices")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["improvement", "ticket"], name="improvement_voice_once")]

    def __str__(self) -> str:
        return f"{self.ticket_id} → {self.improvement_id}"
