"""Programs, the offers beneath them, and the versions of their terms."""

from __future__ import annotations

import zoneinfo

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator, URLValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.ids import PublicId
from core.models import TimestampedModel
from core.money import CurrencyField, MoneyField, known_currencies
from programs.domains import allowed_url


def check_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(_("Choose a time zone by its IANA name, such as Europe/Berlin."))


def check_currency_code(code: str) -> None:
    if code not in known_currencies():
        raise ValidationError(_("Give the currency as an ISO 4217 code in capitals, such as USD."))


http_url = URLValidator(schemes=["http", "https"])


class AttributionModel(models.TextChoices):
    LAST_CLICK = "last_click", _("Last click")
    FIRST_CLICK = "first_click", _("First click")


@pghistory.track()
class Program(PublicId, TimestampedModel):
    """One affiliate program of the company: its currency, its clocks and its minimum stand here."""

    prefix = "prg"

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")
        CLOSED = "closed", _("Closed")

    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("short name in addresses"), max_length=60, unique=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.ACTIVE)
    currency = CurrencyField(_("currency"), validators=[check_currency_code])
    time_zone = models.CharField(_("time zone"), max_length=60, default="UTC", validators=[check_zone])
    attribution_model = models.CharField(
        _("attribution"), max_length=12, choices=AttributionModel, default=AttributionModel.LAST_CLICK
    )
    attribution_window_days = models.PositiveSmallIntegerField(
        _("attribution window (days)"), default=45, validators=[MinValueValidator(1), MaxValueValidator(3650)]
    )
    hold_days = models.PositiveSmallIntegerField(
        _("hold (days after the sale)"), default=30, validators=[MaxValueValidator(3650)]
    )
    minimum_payout = MoneyField(_("minimum payout"), default=0, validators=[MinValueValidator(0)])
    shows_support = models.BooleanField(_("show how soon affiliates are answered"), default=False)
    fallback_url = models.URLField(
        _("fallback address"),
        max_length=2000,
        blank=True,
        validators=[http_url],
        help_text=_("Where visitors of paused links, suspended affiliates and closed offers are sent."),
    )
    summary = models.CharField(_("summary"), max_length=300, blank=True)
    description = models.TextField(_("description"), blank=True)
    accent_color = models.CharField(
        _("accent colour"),
        max_length=7,
        default="#0b5cad",
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", _("Give a colour such as #0b5cad."))],
    )
    logo = models.FileField(_("logo"), upload_to="logos/", blank=True)
    public = models.BooleanField(_("shown on the public page"), default=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(minimum_payout__gte=0), name="program_minimum_not_negative"),
            models.CheckConstraint(condition=Q(attribution_window_days__gte=1), name="program_window_a_day_at_least"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="program_currency_code"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def accent_ink(self) -> str:
        """Black or white: whichever reads better on the accent colour (WCAG 2.2, relative luminance)."""
        red, green, blue = (int(self.accent_color[at : at + 2], 16) / 255 for at in (1, 3, 5))
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
        luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#000000"


@pghistory.track()
class Offer(PublicId, TimestampedModel):
    """What affiliates promote: a landing page beneath a program. Its slug is unique across programs, as the API takes it alone."""

    prefix = "off"

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")
        CLOSED = "closed", _("Closed")

    program = models.ForeignKey(Program, models.PROTECT, related_name="offers", verbose_name=_("program"))
    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("short name in addresses"), max_length=80, unique=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.ACTIVE)
    landing_url = models.URLField(_("landing page"), max_length=2000, validators=[http_url])
    allowed_domains = ArrayField(
        models.CharField(max_length=253),
        verbose_name=_("allowed domains"),
        default=list,
        blank=True,
        help_text=_("Domains that affiliates may link to deeply, besides the landing page's own. Subdomains are included."),
    )
    description = models.TextField(_("description"), blank=True)

    class Meta:
        ordering = ["program__name", "name"]

    def __str__(self) -> str:
        return self.name

    def allows(self, url: str) -> bool:
        """Whether a link may lead there: http(s), on the landing page's host or an allowed domain, or beneath one."""
        return allowed_url(url, self.landing_url, self.allowed_domains) is not None


@pghistory.track()
class TermsVersion(TimestampedModel):
    """One text of a program's terms; a new text is a new version, and what was accepted stays readable."""

    program = models.ForeignKey(Program, models.PROTECT, related_name="terms")
    number = models.PositiveIntegerField(_("version"))
    text = models.TextField(_("text"))
    published_at = models.DateTimeField(_("published"))

    class Meta:
        ordering = ["program", "-number"]
        constraints = [models.UniqueConstraint(fields=["program", "number"], name="terms_version_once")]

    def __str__(self) -> str:
        return f"{self.program} {self.number}"


def zone_choices() -> list[tuple[str, str]]:
    """By place; the old names of offsets and countries stay out, as each has its place."""
    areas = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific", "UTC")
    return [(name, name) for name in sorted(zoneinfo.available_timezones()) if name.partition("/")[0] in areas]
