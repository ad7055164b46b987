"""What went from one ticket to another, kept so that it can go back."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.ids import PublicId
from core.models import TimestampedModel
from support.models.tickets import Ticket


class Move(PublicId, TimestampedModel):
    """One merge (all of `source` went into `target`) or split (some of `source` became `target`).

    `moved`: the rows that changed tickets, by their related name; of escalations their number and reason there. `before` and
    `after`: fields of both tickets that it changed, as {"source": {field: value}, "target": …}, moments in ISO 8601. `changes`:
    the StatusChange rows that it made of each.
    """

    prefix = "mov"

    class Kind(models.TextChoices):
        MERGE = "merge", _("Merged")
        SPLIT = "split", _("Split off")

    kind = models.CharField(max_length=5, choices=Kind)
    source = models.ForeignKey(Ticket, models.PROTECT, related_name="moves_out")
    target = models.ForeignKey(Ticket, models.PROTECT, related_name="moves_in")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    moved = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    changes = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(source=F("target")), name="move_to_another"),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True) ^ Q(undone_by__isnull=False), name="move_undone_by_somebody"
            ),
            models.UniqueConstraint(
                fields=["source"], condition=Q(kind="merge", undone_at__isnull=True), name="move_merged_into_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} → {self.target_id}"
