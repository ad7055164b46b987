"""What was promised to an affiliate, by whom, for when, and whether it was kept."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.access import Can, programs_of
from core.ids import PublicId
from core.models import TimestampedModel
from support.models.messages import Message
from support.models.tickets import Ticket


class CommitmentQuerySet(models.QuerySet["Commitment"]):
    def visible_to(self, user: Any) -> CommitmentQuerySet:
        programs = programs_of(user, Can.SEE_TICKETS)
        return self if programs is None else self.filter(ticket__program__in=programs)

    def open(self) -> CommitmentQuerySet:
        return self.filter(status=Commitment.Status.OPEN)


class Commitment(PublicId, TimestampedModel):
    """A reply that promised something with a time. Settled once: kept (in time), late (done after its time), broken (never
    done), or withdrawn (the affiliate no longer wants it)."""

    prefix = "cmt"

    class Status(models.TextChoices):
        OPEN = "open", _("Promised")
        KEPT = "kept", _("Kept")
        LATE = "late", _("Kept late")
        BROKEN = "broken", _("Broken")
        WITHDRAWN = "withdrawn", _("No longer wanted")

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="commitments")
    message = models.ForeignKey(Message, models.PROTECT, null=True, blank=True, related_name="commitments")  # that promised it
    text = models.CharField(_("what"), max_length=200)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="commitments", verbose_name=_("owner"))
    due_at = models.DateTimeField(_("due"))
    status = models.CharField(_("state"), max_length=10, choices=Status, default=Status.OPEN)
    overdue_told_at = models.DateTimeField(null=True, blank=True)  # when its owner was told that its time is over
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    settled_message = models.ForeignKey(Message, models.PROTECT, null=True, blank=True, related_name="+")  # that kept it
    reason = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    objects = CommitmentQuerySet.as_manager()

    class Meta:
        ordering = ["due_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(status="open") ^ Q(settled_at__isnull=False), name="commitment_settled_at"),
            models.CheckConstraint(
                condition=~Q(status="kept") | Q(settled_at__lte=models.F("due_at")), name="commitment_kept_in_time"
            ),
            models.CheckConstraint(
                condition=~Q(status="late") | Q(settled_at__gt=models.F("due_at")), name="commitment_kept_late"
            ),
            models.CheckConstraint(condition=~Q(text=""), name="commitment_says_what"),
        ]
        indexes = [
            models.Index(fields=["owner", "due_at"], condition=Q(status="open"), name="commitment_to_keep"),
            models.Index(fields=["due_at"], condition=Q(status="open", overdue_told_at__isnull=True), name="commitment_to_tell"),
        ]

    def __str__(self) -> str:
        return self.text
