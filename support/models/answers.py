"""Answers that were given by themselves, and whether they were enough."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from affiliates.models import Affiliate
from channels.models import Channel
from core.ids import PublicId
from core.models import TimestampedModel
from programs.models import Program
from support.answers.shapes import Question


class AutoAnswer(PublicId, TimestampedModel):
    """One question that answered itself. What was shown is not kept: it is the data of its moment."""

    prefix = "ans"

    class Outcome(models.TextChoices):
        HELPED = "helped", _("That answered it")
        PERSON = "person", _("A person was wanted")

    question = models.CharField(max_length=10, choices=Question)
    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="auto_answers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    program = models.ForeignKey(Program, models.PROTECT, null=True, blank=True, related_name="+")
    channel_kind = models.CharField(max_length=10, choices=Channel.Kind)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(outcome="") ^ Q(settled_at__isnull=False), name="auto_answer_settled_at_some_time")
        ]
        indexes = [models.Index(fields=["question", "created_at"], name="auto_answer_question")]

    def __str__(self) -> str:
        return self.get_question_display()
