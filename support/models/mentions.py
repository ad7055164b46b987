"""Who was called into a ticket by a note."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models import TimestampedModel
from support.models.messages import Message


class Mention(TimestampedModel):
    """A colleague's name in an internal note: they are told, once, until they have looked."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="mentions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="mentions")
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["message", "user"], name="mention_once")]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="mention_newest"),
            models.Index(fields=["user"], condition=Q(seen_at__isnull=True), name="mention_unseen"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ← {self.message_id}"
