"""What the inbox tells one person by itself."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from support.models.clocks import ClockName
from support.models.tickets import Ticket


class Notice(models.Model):
    """A ticket that needs this person, until they have looked."""

    class Kind(models.TextChoices):
        WARNED = "warned", _("Due soon")
        BREACHED = "breached", _("Overdue")
        PROMISE = "promise", _("A promise is due")
        TASK = "task", _("A task is due")
        DECIDED = "decided", _("An improvement was decided")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices")
    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=10, choices=Kind)
    clock = models.CharField(max_length=12, choices=ClockName, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    text = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="notice_newest"),
            models.Index(fields=["user"], condition=Q(seen_at__isnull=True), name="notice_unseen"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ← {self.kind} {self.ticket_id}"
