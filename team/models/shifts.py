"""Who is planned to be there: shifts that repeat, what changes of one occurrence, and what has to be staffed at all."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.ids import PublicId
from core.models import TimestampedModel
from programs.models import Program, check_zone
from team.models.calendars import Calendar
from team.shifts import Plan, check_rule


class Duty(models.TextChoices):
    """What somebody is there for."""

    SUPPORT = "support", _("Support")
    MANAGER = "manager", _("Affiliate manager")
    ENGINEER = "engineer", _("Engineer")
    TRAFFIC = "traffic", _("Traffic expert")


class Door(models.TextChoices):
    """Through what somebody is reached: the kinds of channels, told apart here because shifts stand below them."""

    PORTAL = "portal", _("Portal")
    EMAIL = "email", _("E-mail")
    TELEGRAM = "telegram", _("Telegram")
    PHONE = "phone", _("Phone")


def check_shift_rule(rule: str) -> None:
    try:
        check_rule(rule)
    except ValueError:
        raise ValidationError(
            _("Give a rule of RFC 5545 that repeats by day, week, month or year, such as FREQ=WEEKLY;BYDAY=MO,TU.")
        ) from None


class Shift(PublicId, TimestampedModel):
    """When one person is on duty: a local time of day, how long, and the days on which it comes again.

    `rule` is an RRULE (RFC 5545, 3.8.5.3) without "RRULE:"; empty: once. Times are the wall clock's in `time_zone`, so that
    a shift that ends at six ends at six in the night when the clocks change.
    """

    prefix = "shf"

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="shifts", verbose_name=_("person"))
    duty = models.CharField(_("duty"), max_length=10, choices=Duty)
    program = models.ForeignKey(
        Program, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("program"), help_text=_("Empty: all.")
    )
    channel_kind = models.CharField(_("channel"), max_length=10, choices=Door, blank=True, help_text=_("Empty: all."))
    time_zone = models.CharField(_("time zone"), max_length=60, validators=[check_zone])
    first_day = models.DateField(_("first day"))
    start_time = models.TimeField(_("from"))
    minutes = models.PositiveSmallIntegerField(_("length in minutes"), validators=[MinValueValidator(1), MaxValueValidator(1440)])
    rule = models.CharField(_("repeats"), max_length=200, blank=True, validators=[check_shift_rule])
    last_day = models.DateField(_("last day"), null=True, blank=True)  # of a start; a shift that was ended keeps its past

    class Meta:
        ordering = ["first_day", "start_time", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(minutes__gte=1, minutes__lte=1440), name="shift_within_a_day"),
        ]
        indexes = [models.Index(fields=["person", "first_day"], name="shift_person")]

    def __str__(self) -> str:
        return f"{self.person}: {self.get_duty_display()}"

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=self.minutes)

    @property
    def plan(self) -> Plan:
        return Plan(self.time_zone, self.first_day, self.start_time, self.minutes, self.rule, self.last_day)


class ShiftChange(PublicId, TimestampedModel):
    """One occurrence of a shift that does not take place, or that a colleague takes.

    An exchange is two of these: the second names the first as what it is in return for, and is decided with it.
    """

    prefix = "shc"

    class State(models.TextChoices):
        PROPOSED = "proposed", _("Asked")
        ACCEPTED = "accepted", _("Accepted, to approve")
        APPROVED = "approved", _("Approved")
        REFUSED = "refused", _("Refused")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        REPLACED = "replaced", _("Replaced")  # by a later change of the same occurrence

    OPEN = (State.PROPOSED, State.ACCEPTED)

    shift = models.ForeignKey(Shift, models.PROTECT, related_name="changes")
    day = models.DateField()  # on which the occurrence starts, in the shift's zone
    taken_by = models.ForeignKey(  # empty: nobody, it does not take place
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=10, choices=State, default=State.PROPOSED)
    in_return_for = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="in_return")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)

    class Meta:
        ordering = ["day", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["shift", "day"], condition=Q(state="approved"), name="shift_change_in_force_once"),
            models.UniqueConstraint(
                fields=["shift", "day"], condition=Q(state__in=["proposed", "accepted"]), name="shift_change_open_once"
            ),
            models.CheckConstraint(
                condition=~Q(state="approved") | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="shift_change_approved_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(taken_by__isnull=False) | ~Q(state__in=["proposed", "accepted"]), name="shift_change_asks_somebody"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shift_id} {self.day}"


class Coverage(PublicId, TimestampedModel):
    """A duty that has to be staffed: for which program, through which door, in which hours. Where there is no row at all,
    support is asked for around the clock."""

    prefix = "cvg"

    duty = models.CharField(_("duty"), max_length=10, choices=Duty)
    program = models.ForeignKey(
        Program,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("program"),
        help_text=_("Empty: each active one."),
    )
    channel_kind = models.CharField(
        _("channel"), max_length=10, choices=Door, blank=True, help_text=_("Empty: whoever is on that duty, through any door.")
    )
    calendar = models.ForeignKey(
        Calendar,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("hours"),
        help_text=_("Empty: around the clock."),
    )

    class Meta:
        ordering = ["duty", "channel_kind", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["duty", "program", "channel_kind"], nulls_distinct=False, name="coverage_asked_for_once"
            )
        ]

    def __str__(self) -> str:
        return str(self.get_duty_display())


class HandoverNote(PublicId, TimestampedModel):
    """What one person leaves to whoever comes after their shift. Tickets and promises are kept by number (they stand above
    this app) and shown as they are now, to those who may see them."""

    prefix = "hnd"

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="handover_notes")
    duty = models.CharField(_("duty"), max_length=10, choices=Duty)
    text = models.TextField(_("what to know"), blank=True)
    tickets = models.JSONField(default=list)
    promises = models.JSONField(default=list)
    written_at = models.DateTimeField(default=timezone.now)
    read_by = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+", blank=True)

    class Meta:
        ordering = ["-written_at"]
        indexes = [models.Index(fields=["-written_at"], name="handover_note_newest")]

    def __str__(self) -> str:
        return self.text[:80]
