"""Opening hours: what clocks count by."""

from __future__ import annotations

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.ids import PublicId
from core.models import TimestampedModel
from programs.models import check_zone


@pghistory.track()
class Calendar(PublicId, TimestampedModel):
    """When somebody is there: the hours of a week in a time zone, without holidays and own closed days.

    `weekly_hours`: seven lists, Monday first, each of [from, to] in minutes of the local day (0 to 1440), in order, apart.
    Where a calendar is asked for and none is set, it is around the clock.
    """

    prefix = "cal"

    name = models.CharField(_("name"), max_length=120, unique=True)
    time_zone = models.CharField(_("time zone"), max_length=60, default="UTC", validators=[check_zone])
    weekly_hours = models.JSONField(_("hours"), default=list)
    holidays_country = models.CharField(_("holidays of"), max_length=2, blank=True)  # ISO 3166, as the package `holidays` knows
    holidays_subdivision = models.CharField(_("region"), max_length=10, blank=True)
    closed_days = ArrayField(models.DateField(), verbose_name=_("own closed days"), default=list, blank=True)
    open_days = ArrayField(  # a holiday of the country on which we work after all
        models.DateField(), verbose_name=_("holidays on which we work"), default=list, blank=True
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
