"""When a message begins a request of its own although one is open."""

from __future__ import annotations

from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _text
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from channels.models import Channel
from core.components import number_text
from core.ids import PublicId
from core.models import TimestampedModel
from programs.models import Program


class StartRuleQuerySet(models.QuerySet["StartRule"]):
    def applying(self, channel: Channel) -> StartRuleQuerySet:
        return self.filter(
            Q(program=None) | Q(program=channel.program_id), Q(channel=None) | Q(channel=channel.pk), is_active=True
        )


class StartRule(PublicId, TimestampedModel):
    """What the team has stated. Any that fits starts a request; what answers a message goes where that message is, but for one that was
    resolved too long ago."""

    prefix = "srl"

    class Kind(models.TextChoices):
        QUIET = "quiet", _("Nothing was written for some hours")
        RESOLVED = "resolved", _("It answers what was resolved some hours ago")
        BEGINS = "begins", _("The message begins with certain words")
        CONTAINS = "contains", _("The message contains certain words")
        TOPIC = "topic", _("It is written in another topic of a Telegram group")
        NUMBER = "number", _("It names another order or payout")

    kind = models.CharField(_("when"), max_length=10, choices=Kind)
    hours = models.PositiveIntegerField(_("hours"), null=True, blank=True, validators=[MinValueValidator(1)])
    words = models.CharField(_("words"), max_length=300, blank=True)  # separated by commas
    program = models.ForeignKey(Program, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("program"))
    channel = models.ForeignKey(Channel, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("channel"))
    is_active = models.BooleanField(_("active"), default=True)

    objects = StartRuleQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["quiet", "resolved"]) ^ Q(hours__isnull=True), name="start_rule_hours"),
            models.CheckConstraint(condition=Q(kind__in=["begins", "contains"]) ^ Q(words=""), name="start_rule_words"),
        ]

    def __str__(self) -> str:
        return self.sentence

    def word_list(self) -> list[str]:
        return [word for word in (" ".join(part.split()) for part in self.words.split(",")) if word]

    @property
    def hours_told(self) -> str:
        return ngettext("%(hours)s hour", "%(hours)s hours", self.hours or 0) % {"hours": number_text(self.hours or 0)}

    @property
    def sentence(self) -> str:
        """When a request of its own begins, in one sentence."""
        told: dict[str, Any] = {"hours": self.hours_told, "words": ", ".join(f"“{word}”" for word in self.word_list())}
        sentences = {
            self.Kind.QUIET: _text("When nothing has been written in the open request for %(hours)s"),
            self.Kind.RESOLVED: _text("When it answers a request that was resolved %(hours)s ago or longer"),
            self.Kind.BEGINS: _text("When the message begins with %(words)s"),
            self.Kind.CONTAINS: _text("When the message contains %(words)s"),
            self.Kind.TOPIC: _text("When it is written in another topic of the Telegram group"),
            self.Kind.NUMBER: _text("When it names another order or payout of theirs than the open request"),
        }
        return sentences[self.Kind(self.kind)] % told
