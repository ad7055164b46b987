"""Ready words: what is said often, in the variants that it is said in, and how it fared."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from channels.models import StoredFile
from core.access import Can, programs_of
from core.ids import PublicId
from core.models import TimestampedModel
from knowledge.languages import CHOICES
from programs.models import Program
from support.models.messages import Message
from support.models.tickets import Level, Priority, TicketStatus, TicketType


class MacroQuerySet(models.QuerySet["Macro"]):
    def visible_to(self, user: Any) -> MacroQuerySet:
        """Those of every program, and of those in which the user answers."""
        programs = programs_of(user, Can.ANSWER_TICKETS)
        if programs is None:
            return self
        return self.filter(Q(program__isnull=True) | Q(program__in=programs)) if programs else self.none()

    def written_by(self, user: Any) -> MacroQuerySet:
        """Those that the user may change: what is for every program is changed by those who answer in every one."""
        programs = programs_of(user, Can.ANSWER_TICKETS)
        return self if programs is None else self.filter(program__in=programs)

    def usable_in(self, program: int) -> MacroQuerySet:
        return self.filter(Q(program__isnull=True) | Q(program=program), is_active=True)


class Macro(PublicId, TimestampedModel):
    """Something that is said often, and what is done with the ticket once it is said."""

    prefix = "mac"

    name = models.CharField(_("name"), max_length=120)
    program = models.ForeignKey(Program, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("program"))
    is_active = models.BooleanField(_("in use"), default=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    set_status = models.CharField(
        _("then the ticket is"),
        max_length=10,
        choices=[(s.value, s.label) for s in TicketStatus if s != TicketStatus.NEW],
        blank=True,
    )
    set_type = models.CharField(_("type"), max_length=10, choices=TicketType, blank=True)
    set_level = models.CharField(_("level"), max_length=10, choices=Level, blank=True)
    set_priority = models.CharField(_("priority"), max_length=6, choices=Priority, blank=True)
    add_tags = ArrayField(models.CharField(max_length=40), verbose_name=_("add tags"), default=list, blank=True)

    objects = MacroQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["program", "name"], nulls_distinct=False, name="macro_named_once_in_a_program"),
            models.CheckConstraint(condition=~Q(name=""), name="macro_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class MacroVariant(models.Model):
    """The words for affiliates of one segment (a tag) in one language; both may be open."""

    macro = models.ForeignKey(Macro, models.CASCADE, related_name="variants")
    segment = models.CharField(_("segment"), max_length=40, blank=True)
    language = models.CharField(_("language"), max_length=2, choices=CHOICES, blank=True)
    text = models.TextField(_("text"), max_length=20_000)

    class Meta:
        ordering = ["segment", "language", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["macro", "segment", "language"], name="macro_variant_once"),
            models.CheckConstraint(condition=~Q(text=""), name="macro_variant_says_something"),
        ]

    def __str__(self) -> str:
        return " · ".join(filter(None, [self.segment, self.get_language_display() if self.language else ""])) or str(
            _("Everybody")
        )


class MacroFile(models.Model):
    """A file that goes along."""

    macro = models.ForeignKey(Macro, models.CASCADE, related_name="files")
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class MacroUse(models.Model):
    """One message that began as a macro, and how far it was changed before it was sent."""

    macro = models.ForeignKey(Macro, models.CASCADE, related_name="uses")
    variant = models.ForeignKey(MacroVariant, models.SET_NULL, null=True, related_name="uses")
    message = models.OneToOneField(Message, models.PROTECT, related_name="macro_use")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    distance = models.FloatField()  # Levenshtein's, of the longer text's length: 0 sent as it was, 1 nothing of it left
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(distance__gte=0) & Q(distance__lte=1), name="macro_use_distance_a_share")
        ]
        indexes = [models.Index(fields=["macro", "created_at"], name="macro_use_macro")]

    def __str__(self) -> str:
        return f"{self.macro} ({self.distance:.2f})"
