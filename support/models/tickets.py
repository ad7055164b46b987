"""Tickets: the work items that whatever affiliates write becomes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from affiliates.models import Affiliate
from channels.models import Channel, Chat, Contact
from commissions.models import Commission
from core.access import Can, programs_of
from core.ids import PublicId
from core.models import TimestampedModel
from payouts.models import Payout
from programs.models import Program


class TicketStatus(models.TextChoices):
    NEW = "new", _("New")  # nobody of the team has written yet
    OPEN = "open", _("Open")
    PENDING = "pending", _("Waiting for the affiliate")
    ON_HOLD = "on_hold", _("On hold")
    RESOLVED = "resolved", _("Resolved")


OPEN = (TicketStatus.NEW, TicketStatus.OPEN)  # it is our turn: clocks run
PAUSING = (TicketStatus.PENDING, TicketStatus.ON_HOLD)
UNRESOLVED = (*OPEN, *PAUSING)


def shown_state(status: str) -> str:
    """The state chip: what is open for a program is not what is open for a ticket."""
    return {"open": "our_turn", "pending": "their_turn"}.get(status, status)


class TicketType(models.TextChoices):
    QUESTION = "question", _("Question")
    TECHNICAL = "technical", _("Technical problem")
    TRAFFIC = "traffic", _("Traffic")
    CLAIM = "claim", _("Claim: a sale or commission is missing or wrong")
    DISPUTE = "dispute", _("Payment dispute")
    TERMS = "terms", _("Request for better terms")
    OTHER = "other", _("Other")


TO_DECIDE = (TicketType.CLAIM, TicketType.DISPUTE, TicketType.TERMS)  # they end by a decision, and by nothing else


class Level(models.TextChoices):
    """Who works on it; the affiliate's owner in front stays the same."""

    SUPPORT = "support", _("Support manager")
    ENGINEER = "engineer", _("Technical engineer")
    TRAFFIC = "traffic", _("Traffic expert")
    EXPERT = "expert", _("Company expert")


class Priority(models.TextChoices):
    LOW = "low", _("Low")
    NORMAL = "normal", _("Normal")
    HIGH = "high", _("High")
    URGENT = "urgent", _("Urgent")


class TicketQuerySet(models.QuerySet["Ticket"]):
    def visible_to(self, user: Any, can: Can = Can.SEE_TICKETS) -> TicketQuerySet:
        programs = programs_of(user, can)
        return self if programs is None else self.filter(program__in=programs)

    def unresolved(self) -> TicketQuerySet:
        return self.filter(status__in=UNRESOLVED)  # an index knows what is in a state, not what is in none

    def undecided(self) -> TicketQuerySet:
        """What ends by a decision that has not come yet, whatever state it is in."""
        waiting = self.filter(type__in=TO_DECIDE, decision__isnull=True, merged_into__isnull=True)
        return waiting.exclude(terms_request__status__in=["granted", "refused"])

    def our_turn(self) -> TicketQuerySet:
        """What somebody of the team has to do something about now, snoozed ones included."""
        return self.filter(status__in=OPEN)


class Ticket(PublicId, TimestampedModel):
    """One request of one affiliate (or of someone not known yet), with an owner and a clock.

    Due times are stored, so that the queue can be sorted by them: `support.services.clocks` computes them anew from the
    whole history whenever it grows. A due time is null where its clock is paused, met, or not asked for.
    """

    prefix = "tkt"

    program = models.ForeignKey(Program, models.PROTECT, related_name="tickets", verbose_name=_("program"), db_index=False)
    affiliate = models.ForeignKey(
        Affiliate, models.PROTECT, null=True, blank=True, related_name="tickets", verbose_name=_("affiliate")
    )
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, blank=True, related_name="tickets", verbose_name=_("contact"))
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="tickets", verbose_name=_("channel"))  # where we answer
    chat = models.ForeignKey(Chat, models.PROTECT, null=True, blank=True, related_name="tickets")
    subject = models.CharField(_("subject"), max_length=500)
    type = models.CharField(_("type"), max_length=10, choices=TicketType, default=TicketType.QUESTION)
    status = models.CharField(_("status"), max_length=10, choices=TicketStatus, default=TicketStatus.NEW)
    status_until = models.DateTimeField(_("until"), null=True, blank=True)  # pending or on hold: then it is open again
    snoozed_until = models.DateTimeField(_("snoozed until"), null=True, blank=True)  # out of the queue; clocks run on
    snoozed_reason = models.CharField(max_length=300, blank=True, db_default="")  # of that snooze, or of the last one
    priority = models.CharField(_("priority"), max_length=6, choices=Priority, default=Priority.NORMAL)
    level = models.CharField(_("level"), max_length=10, choices=Level, default=Level.SUPPORT)
    opened_because = models.CharField(
        max_length=300, blank=True, db_default=""
    )  # why it is a request of its own, where it could be none
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="tickets", verbose_name=_("owner")
    )
    assigned_at = models.DateTimeField(null=True, blank=True)
    assigned_reason = models.TextField(blank=True)  # the "why?" of its owner
    tags = ArrayField(models.CharField(max_length=40), verbose_name=_("tags"), default=list, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)

    policy = models.ForeignKey("support.SlaPolicy", models.PROTECT, null=True, blank=True, related_name="+")
    first_reply_due = models.DateTimeField(null=True, blank=True)
    answer_due = models.DateTimeField(null=True, blank=True)
    next_reply_due = models.DateTimeField(null=True, blank=True)
    resolution_due = models.DateTimeField(null=True, blank=True)
    next_due = models.DateTimeField(null=True, blank=True)  # the earliest of them: the queue's order
    warn_at = models.DateTimeField(null=True, blank=True)  # when the owner is to be warned of it
    breach_at = models.DateTimeField(null=True, blank=True)  # when the next due time passes that was not escalated yet
    # The due times, of clocks that run, of which the owner was warned, and whose passing was escalated: once each.
    warned_of = ArrayField(models.DateTimeField(), default=list, blank=True)
    breached_of = ArrayField(models.DateTimeField(), default=list, blank=True)
    first_replied_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    reopened = models.PositiveSmallIntegerField(default=0)

    last_at = models.DateTimeField(default=timezone.now)  # the last message of whatever kind
    last_in_at = models.DateTimeField(null=True, blank=True)
    last_out_at = models.DateTimeField(null=True, blank=True)
    told_until = models.DateTimeField(null=True, blank=True)  # the end of the time without anybody that they were told of
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="merged")
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="split_off")
    # What a claim or dispute is about, where the affiliate or a person said so.
    about_commission = models.ForeignKey(Commission, models.PROTECT, null=True, blank=True, related_name="tickets")
    about_payout = models.ForeignKey(Payout, models.PROTECT, null=True, blank=True, related_name="tickets")

    objects = TicketQuerySet.as_manager()

    class Meta:
        ordering = ["-last_at"]
        constraints = [
            models.CheckConstraint(condition=Q(affiliate__isnull=False) | Q(contact__isnull=False), name="ticket_is_somebodys"),
            models.CheckConstraint(
                condition=Q(status="resolved") ^ Q(resolved_at__isnull=True), name="ticket_resolved_at_some_time"
            ),
            models.CheckConstraint(condition=~Q(merged_into=models.F("pk")), name="ticket_not_merged_into_itself"),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | Q(status="resolved"), name="ticket_merged_is_resolved"
            ),
        ]
        indexes = [
            models.Index(
                fields=["program", "next_due", "id"],
                condition=Q(status__in=["new", "open"]),
                name="ticket_queue",
            ),
            models.Index(fields=["assignee", "next_due", "id"], condition=Q(status__in=["new", "open"]), name="ticket_queue_own"),
            models.Index(fields=["warn_at"], condition=Q(status__in=["new", "open"]), name="ticket_warn"),
            models.Index(fields=["next_due"], condition=Q(status__in=["new", "open"]), name="ticket_due"),
            models.Index(fields=["breach_at"], condition=Q(status__in=["new", "open"]), name="ticket_breach"),
            models.Index(fields=["status_until"], condition=Q(status_until__isnull=False), name="ticket_until"),
            models.Index(fields=["snoozed_until"], condition=Q(snoozed_until__isnull=False), name="ticket_snoozed"),
            models.Index(fields=["affiliate", "-last_at"], name="ticket_affiliate"),
            models.Index(fields=["contact", "-last_at"], name="ticket_contact"),
            models.Index(fields=["chat", "-last_at"], name="ticket_chat"),
            models.Index(fields=["program", "status", "-last_at"], name="ticket_program_status"),
            models.Index(fields=["program", "id"], name="ticket_program"),
            models.Index(fields=["status", "-last_at"], name="ticket_status"),
            models.Index(fields=["-last_at"], name="ticket_newest"),
            models.Index(fields=["created_at"], name="ticket_created"),
            models.Index(fields=["created_at"], condition=Q(type__in=["claim", "dispute", "terms"]), name="ticket_to_decide"),
            models.Index(fields=["resolved_at"], condition=Q(resolved_at__isnull=False), name="ticket_resolved"),
            GinIndex(fields=["tags"], name="ticket_tags"),
            GinIndex(OpClass(Upper("subject"), name="gin_trgm_ops"), name="ticket_subject_search"),
        ]

    def __str__(self) -> str:
        return self.subject

    def is_due_soon(self, now: datetime) -> bool:
        """Whether its owner has been warned of the next due time, or is about to be."""
        if self.next_due is None or self.next_due <= now:
            return False
        return self.next_due in self.warned_of or (self.warn_at is not None and self.warn_at <= now)

    @property
    def party(self) -> Affiliate | Contact:
        """Whom it is with, as far as that is known."""
        known = self.affiliate or self.contact
        assert known is not None  # ticket_is_somebodys
        return known

    @property
    def shown_state(self) -> str:
        return shown_state(self.status)


class StatusChange(models.Model):
    """A ticket's status from this moment on. Never edited: the clocks are computed from these, but for those that a merge or split
    made which was undone (`void`)."""

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="status_changes")
    status = models.CharField(max_length=10, choices=TicketStatus)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=300, blank=True)
    void = models.BooleanField(default=False, db_default=False)

    class Meta:
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["ticket", "at"], name="status_change_ticket")]

    def __str__(self) -> str:
        return self.status


class Task(PublicId, TimestampedModel):
    """Something to do that a message asks for. One message can ask for several; none is done with the others."""

    prefix = "tsk"

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="tasks")
    message = models.ForeignKey("support.Message", models.PROTECT, null=True, blank=True, related_name="tasks")
    title = models.CharField(_("what"), max_length=300)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="tasks", verbose_name=_("owner"))
    due_at = models.DateTimeField(_("due"))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    due_told_at = models.DateTimeField(null=True, blank=True)  # when its owner was told that its time has come
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["due_at", "pk"]
        indexes = [
            models.Index(fields=["owner", "due_at"], condition=Q(done_at__isnull=True), name="task_to_do"),
            models.Index(fields=["due_at"], condition=Q(done_at__isnull=True, due_told_at__isnull=True), name="task_to_tell"),
        ]

    def __str__(self) -> str:
        return self.title


class TicketLink(TimestampedModel):
    """Two tickets that belong together, and why."""

    class Kind(models.TextChoices):
        RELATED = "related", _("Related")
        OTHER_SENDER = "other_sender", _("Someone else answered in this thread")
        SPLIT = "split", _("Split off")

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="links")
    other = models.ForeignKey(Ticket, models.PROTECT, related_name="linked_from")
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.RELATED)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ticket", "other"], name="ticket_link_once"),
            models.CheckConstraint(condition=~Q(ticket=models.F("other")), name="ticket_link_to_another"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} – {self.other_id}"
