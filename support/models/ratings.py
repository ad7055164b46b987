"""How content those were who asked (CSAT)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels.models import Channel
from core.ids import PublicId
from core.models import TimestampedModel
from programs.models import Program
from support.models.tickets import Ticket

OPEN_FOR = timedelta(days=14)


def _closes() -> datetime:
    return timezone.now() + OPEN_FOR


class RatingQuerySet(models.QuerySet["Rating"]):
    def awaited(self, now: datetime) -> RatingQuerySet:
        return self.filter(rated_at__isnull=True, closes_at__gt=now)

    def visible_to(self, user: Any) -> RatingQuerySet:
        return self.filter(ticket__in=Ticket.objects.visible_to(user))


class Rating(PublicId, TimestampedModel):
    """One asking after a ticket was resolved, and its answer. CSAT is the share of 4 and 5 among those given.

    A score may be changed, and given a reason, until `closes_at`; the last one counts.
    """

    prefix = "rat"

    class Score(models.IntegerChoices):
        AWFUL = 1, _("Very bad")
        BAD = 2, _("Bad")
        FAIR = 3, _("Fair")
        GOOD = 4, _("Good")
        GREAT = 5, _("Very good")

    class Via(models.TextChoices):
        PORTAL = "portal", _("Portal")
        LINK = "link", _("Link in a mail")
        TELEGRAM = "telegram", _("Telegram")

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="ratings")
    program = models.ForeignKey(Program, models.PROTECT, related_name="+")
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="+")
    person = models.ForeignKey(  # of the team: who owned the ticket when it was resolved
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="ratings"
    )
    sent_to = models.EmailField(blank=True)  # whom a mail with the links went to
    asked_at = models.DateTimeField(default=timezone.now)
    closes_at = models.DateTimeField(default=_closes)
    score = models.PositiveSmallIntegerField(_("score"), choices=Score, null=True, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    via = models.CharField(max_length=8, choices=Via, blank=True)
    rated_at = models.DateTimeField(null=True, blank=True)
    reopened_at = models.DateTimeField(null=True, blank=True)  # "this is not solved"

    objects = RatingQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(score__isnull=True) ^ Q(rated_at__isnull=False), name="rating_scored_at_some_time"
            ),
            models.CheckConstraint(
                condition=Q(score__isnull=True) | Q(score__gte=1, score__lte=5), name="rating_from_one_to_five"
            ),
            models.UniqueConstraint(fields=["ticket"], condition=Q(rated_at__isnull=True), name="rating_asked_once_at_a_time"),
        ]
        indexes = [
            models.Index(fields=["person", "rated_at"], name="rating_person"),
            models.Index(fields=["program", "rated_at"], name="rating_program"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id}: {self.score or '—'}"
