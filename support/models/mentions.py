"""Who was called into a ticket by a note."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.models import TimestampedModel
from support.models.messages import Message
from support.models.tickets import Ticket


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


class TicketRead(models.Model):
    """When one of the team last had a ticket open before them."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="reads")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    read_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ticket", "user"], name="ticket_read_once")]

    def __str__(self) -> str:
        return f"{self.user_id} ← {self.ticket_id}"
