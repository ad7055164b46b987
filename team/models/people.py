"""Those who work here: when they are away, and what they can carry."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from core.ids import PublicId
from core.models import TimestampedModel
from programs.models import Program

ACCOUNTS = 30  # affiliates that one manager looks after well, where nobody said otherwise
OPEN_TICKETS = 25


class Absence(PublicId, TimestampedModel):
    """Days on which somebody is not there: asked for, then approved by who plans; sickness is told, not asked for.

    Both days are included, and are the person's own (their time zone).
    """

    prefix = "abs"

    class Kind(models.TextChoices):
        VACATION = "vacation", _("Vacation")
        SICK = "sick", _("Sick leave")
        OTHER = "other", _("Other")

    class State(models.TextChoices):
        ASKED = "asked", _("Asked")
        APPROVED = "approved", _("Approved")
        REFUSED = "refused", _("Refused")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="absences", verbose_name=_("person"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.VACATION)
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    deputy = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("deputy"),
        help_text=_("Takes all accounts. Empty: they are spread over colleagues."),
    )
    note = models.CharField(_("note"), max_length=300, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ASKED)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["first_day", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="absence_ends_after_it_begins"),
            models.CheckConstraint(condition=Q(deputy__isnull=True) | ~Q(deputy=F("person")), name="absence_another_deputises"),
            ExclusionConstraint(
                name="absence_one_at_a_time",
                expressions=[
                    ("person", "="),
                    (Func(F("first_day"), F("last_day"), Value("[]"), function="daterange"), "&&"),
                ],
                condition=Q(state__in=["asked", "approved"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.get_kind_display()}"


class Capacity(TimestampedModel):
    """What one person can carry and in what. Who has no row carries the defaults, speaks the language that their pages are in,
    and knows every program that their roles give them."""

    person = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="capacity")
    accounts = models.PositiveSmallIntegerField(_("accounts"), default=ACCOUNTS)
    open_tickets = models.PositiveSmallIntegerField(_("open tickets at once"), default=OPEN_TICKETS)
    languages = ArrayField(models.CharField(max_length=10), verbose_name=_("languages"), default=list, blank=True)
    programs = models.ManyToManyField(
        Program, related_name="+", blank=True, verbose_name=_("knows"), help_text=_("None chosen: every program of their roles.")
    )

    def __str__(self) -> str:
        return str(self.person)
