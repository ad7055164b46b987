"""Questions to somebody who knows more, what they have in common, and how hard they were."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from core.access import Can, programs_of
from core.ids import PublicId
from core.models import TimestampedModel
from programs.models import Program
from support.models.messages import Message
from support.models.tickets import Level, Ticket


class CauseQuerySet(models.QuerySet["Cause"]):
    def visible_to(self, user: Any, can: Can = Can.SEE_TICKETS) -> CauseQuerySet:
        programs = programs_of(user, can)
        return self if programs is None else self.filter(program__in=programs)

    def unmended(self) -> CauseQuerySet:
        return self.filter(mended_at__isnull=True)


class Cause(PublicId, TimestampedModel):
    """What several problems of one program come from: counted, so that it is mended once instead of answered each time.

    Once mended it is history: where it is named again, that is a new one, counted anew.
    """

    prefix = "cau"

    program = models.ForeignKey(Program, models.PROTECT, related_name="+", verbose_name=_("program"))
    name = models.CharField(_("cause"), max_length=160)
    mended_at = models.DateTimeField(null=True, blank=True)
    tickets = models.ManyToManyField(Ticket, related_name="causes")

    objects = CauseQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("program", Lower("name"), condition=Q(mended_at__isnull=True), name="cause_once_in_a_program")
        ]

    def __str__(self) -> str:
        return self.name


class EscalationQuerySet(models.QuerySet["Escalation"]):
    def open(self) -> EscalationQuerySet:
        return self.filter(status__in=[Escalation.Status.ASKED, Escalation.Status.ACCEPTED])

    def visible_to(self, user: Any) -> EscalationQuerySet:
        return self.filter(ticket__in=Ticket.objects.visible_to(user))


class Escalation(PublicId, TimestampedModel):
    """One precise question to one level. The ticket keeps its owner and its clocks meanwhile; the answer comes back to both.

    A further hand-over is a new row that names the one before it, with a reason, and is counted.
    """

    prefix = "esc"

    class Status(models.TextChoices):
        ASKED = "asked", _("Waits to be taken")
        ACCEPTED = "accepted", _("Being worked on")
        ANSWERED = "answered", _("Answered")
        PASSED_ON = "passed_on", _("Handed on")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="escalations")
    number = models.PositiveSmallIntegerField(default=1)  # of the ticket's hand-overs
    previous = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="next")
    level = models.CharField(_("level"), max_length=10, choices=Level)
    question = models.TextField(_("question"))
    reason = models.TextField(_("why it is handed on"), blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    holder = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="escalations")
    # A company expert outside the team: no account, one link that opens this question alone.
    expert_name = models.CharField(_("name"), max_length=120, blank=True)
    expert_email = models.EmailField(_("e-mail"), blank=True)
    link_until = models.DateTimeField(null=True, blank=True)
    shown = models.ManyToManyField(Message, related_name="+")  # what of the ticket the expert may read
    status = models.CharField(max_length=10, choices=Status, default=Status.ASKED)
    accept_due = models.DateTimeField()
    accept_missed_at = models.DateTimeField(null=True, blank=True)  # when the sweep told of it
    accepted_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(_("answer"), blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    kept_as = models.CharField(max_length=40, blank=True)  # the macro or article made of the answer: "macro:12"

    objects = EscalationQuerySet.as_manager()

    class Meta:
        ordering = ["ticket", "number"]
        constraints = [
            models.UniqueConstraint(fields=["ticket", "number"], name="escalation_number_once"),
            models.UniqueConstraint(
                fields=["ticket"], condition=Q(status__in=["asked", "accepted"]), name="escalation_one_open_a_ticket"
            ),
            models.CheckConstraint(condition=~Q(question=""), name="escalation_asks_something"),
            models.CheckConstraint(condition=~Q(level="support"), name="escalation_goes_up"),
            models.CheckConstraint(condition=Q(number=1) | ~Q(reason=""), name="escalation_again_for_a_reason"),
            models.CheckConstraint(
                condition=Q(status__in=["asked", "accepted"]) ^ Q(closed_at__isnull=False), name="escalation_closed_at_some_time"
            ),
            models.CheckConstraint(condition=~Q(status="answered") | ~Q(answer=""), name="escalation_answered_with_words"),
            models.CheckConstraint(
                condition=~Q(status="accepted") | Q(accepted_at__isnull=False), name="escalation_accepted_at_some_time"
            ),
        ]
        indexes = [
            models.Index(
                fields=["accept_due"], condition=Q(status="asked", accept_missed_at__isnull=True), name="escalation_to_accept"
            ),
            models.Index(fields=["holder"], condition=Q(status__in=["asked", "accepted"]), name="escalation_held"),
        ]

    def __str__(self) -> str:
        return self.question[:80]

    @property
    def held_by(self) -> str:
        """Who has it now: a person, an expert, or nobody yet."""
        return str(self.holder or self.expert_name or "")

    @property
    def held_since(self) -> datetime:
        return self.accepted_at or self.created_at


class Difficulty(TimestampedModel):
    """How hard a problem was, 1 to 5: one proposes, a second person confirms."""

    ticket = models.OneToOneField(Ticket, models.PROTECT, related_name="difficulty")
    value = models.PositiveSmallIntegerField(_("difficulty"), validators=[MinValueValidator(1), MaxValueValidator(5)])
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(value__gte=1, value__lte=5), name="difficulty_from_one_to_five"),
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("proposed_by")), name="difficulty_by_a_second_person"
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True) ^ Q(confirmed_at__isnull=False), name="difficulty_confirmed_at_some_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.value}/5"
