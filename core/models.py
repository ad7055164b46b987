"""Facts with their deliveries, mails, and the views that people save of lists."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.ids import PublicId


class TimestampedModel(models.Model):
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        abstract = True


class EventQuerySet(models.QuerySet["Event"]):
    def about(self, *things: Any) -> EventQuerySet:
        """The timeline of one object (or of several): newest first."""
        from core.events import ref

        return self.filter(about__overlap=[ref(thing) for thing in things]).order_by("-at", "-pk")


class Event(models.Model):
    """A fact, recorded in the transaction that made it true: timeline, outbox and history in one. Never edited."""

    name = models.CharField(max_length=80)  # noun.past_participle
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    about = ArrayField(
        models.CharField(max_length=40)
    )  # "commission:17", "affiliate:4": every object on whose timeline it stands
    data = models.JSONField(default=dict)  # what it takes to tell the fact in a sentence
    reason = models.TextField(blank=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [GinIndex(fields=["about"], name="event_about"), models.Index(fields=["name", "at"], name="event_name_at")]

    def __str__(self) -> str:
        return self.name


class EventDelivery(models.Model):
    """One event on its way to one receiver: written with the event, removed by nobody, done once `delivered_at` is set."""

    event = models.ForeignKey(Event, models.PROTECT, related_name="deliveries")
    receiver = models.CharField(max_length=120)  # dotted name of the function
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    delivered_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        verbose_name = _("event delivery")
        verbose_name_plural = _("event deliveries")
        constraints = [models.UniqueConstraint(fields=["event", "receiver"], name="delivery_once")]
        indexes = [models.Index(fields=["due_at"], condition=Q(delivered_at__isnull=True), name="delivery_due")]

    def __str__(self) -> str:
        return f"{self.event_id} → {self.receiver}"


class Mail(PublicId, models.Model):
    """A mail to one address. Kept and readable where no mail server is set; otherwise a worker sends it once."""

    prefix = "mai"

    class Status(models.TextChoices):
        KEPT = "kept", _("Kept, not sent")
        QUEUED = "queued", _("Queued")
        SENDING = "sending", _("Sending")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        UNKNOWN = "unknown", _("Unknown")

    to = models.CharField(max_length=320)
    sender = models.CharField(max_length=320)
    subject = models.CharField(max_length=500)
    body = models.TextField()
    html = models.TextField(blank=True)
    about = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.KEPT)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=Q(status="queued"), name="mail_due"),
            models.Index(fields=["-created_at"], name="mail_newest"),
            GinIndex(fields=["about"], name="mail_about"),
        ]

    def __str__(self) -> str:
        return self.subject


class SavedView(PublicId, TimestampedModel):
    """What one person asks of one list, under a name of theirs."""

    prefix = "viw"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    page = models.CharField(max_length=100)  # the name of the list's address, such as "manage:commission_list"
    name = models.CharField(_("name"), max_length=60)
    query = models.TextField()  # of the address: search, filters and sort, never the page

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "page", "name"], name="saved_view_once"),
            models.CheckConstraint(condition=~Q(name="") & ~Q(query=""), name="saved_view_asks_something"),
        ]

    def __str__(self) -> str:
        return self.name
