"""The affiliate's side of the chat: what they have read; and calls, which leave no words of their own."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from affiliates.models import Affiliate
from channels.models import Contact
from core.ids import PublicId
from core.models import TimestampedModel
from programs.models import Program
from support.models.messages import Message
from support.models.tickets import Task, Ticket


class ChatRead(models.Model):
    """How far one person of an affiliate has read the chat with one program."""

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="+")
    program = models.ForeignKey(Program, models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    read_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["affiliate", "program", "user"], name="chat_read_once")]

    def __str__(self) -> str:
        return f"{self.affiliate_id}: {self.read_at}"


class PhoneCall(PublicId, TimestampedModel):
    """A call, as whoever was on the phone wrote it down: its words are messages of the ticket."""

    prefix = "cal"

    class Kind(models.TextChoices):
        INCOMING = "incoming", _("They called")
        OUTGOING = "outgoing", _("We called")
        MISSED = "missed", _("They called and nobody answered")

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="calls")
    kind = models.CharField(_("which way"), max_length=8, choices=Kind)
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, blank=True, related_name="calls")
    number = models.CharField(_("number"), max_length=20, blank=True)  # E.164
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    started_at = models.DateTimeField(_("when"))
    minutes = models.PositiveSmallIntegerField(_("minutes"), default=0)
    said = models.OneToOneField(Message, models.PROTECT, null=True, blank=True, related_name="call")  # by them
    answered = models.OneToOneField(Message, models.PROTECT, null=True, blank=True, related_name="answered_call")  # by us
    task = models.ForeignKey(Task, models.PROTECT, null=True, blank=True, related_name="+")  # the follow-up

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(said__isnull=False) | Q(answered__isnull=False) | Q(kind="missed"), name="phone_call_says_something"
            ),
            models.CheckConstraint(condition=~Q(kind="missed") | Q(minutes=0), name="phone_call_missed_took_no_time"),
        ]
        indexes = [models.Index(fields=["-started_at"], name="phone_call_newest")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number}".strip()
