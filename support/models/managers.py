"""Personal managers: a rule proposes whom an affiliate of the support pool should have one, a person grants it."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from affiliates.models import Affiliate
from core.ids import PublicId
from core.models import TimestampedModel
from core.money import MoneyField
from programs.models import Program


class ManagerRule(TimestampedModel):
    """Who of the pool should have a personal manager: whoever meets all of what the rule asks, within its days."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    program = models.ForeignKey(Program, models.PROTECT, related_name="+", verbose_name=_("program"))
    tag = models.CharField(_("has the tag"), max_length=40, blank=True)
    revenue = MoneyField(_("sales worth at least"), null=True, blank=True, validators=[MinValueValidator(0)])
    conversions = models.PositiveIntegerField(_("conversions, at least"), null=True, blank=True)
    days = models.PositiveSmallIntegerField(_("within the last days"), default=30, validators=[MinValueValidator(1)])
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(tag="") | Q(revenue__isnull=False) | Q(conversions__isnull=False), name="manager_rule_asks_something"
            )
        ]

    def __str__(self) -> str:
        return self.name


class ManagerProposal(PublicId, TimestampedModel):
    """One affiliate that a rule proposes. Decided once; what was declined is proposed again after three months at the soonest."""

    prefix = "mpr"

    class State(models.TextChoices):
        PROPOSED = "proposed", _("Proposed")
        GRANTED = "granted", _("Granted")
        DECLINED = "declined", _("Declined")

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="manager_proposals")
    rule = models.ForeignKey(ManagerRule, models.PROTECT, related_name="proposals")
    evidence = models.JSONField(default=dict)  # revenue, currency, conversions, tag: as they were
    state = models.CharField(max_length=10, choices=State, default=State.PROPOSED)
    manager = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["affiliate"], condition=Q(state="proposed"), name="manager_proposal_open_once"),
            models.CheckConstraint(
                condition=Q(state="proposed") ^ Q(decided_by__isnull=False), name="manager_proposal_decided_by_someone"
            ),
            models.CheckConstraint(
                condition=~Q(state="granted") | Q(manager__isnull=False), name="manager_proposal_grants_a_manager"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.affiliate}: {self.rule}"
