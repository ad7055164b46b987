"""Links, coupons, clicks, customers, conversions and refunds."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from affiliates.models import Affiliate
from core.access import Can, programs_of
from core.ids import PublicId
from core.models import TimestampedModel
from core.money import CurrencyField, MoneyField
from programs.models import Offer, Program
from tracking.codes import PATTERN


class Status(models.TextChoices):
    ACTIVE = "active", _("Active")
    PAUSED = "paused", _("Paused")


class LinkQuerySet(models.QuerySet["Link"]):
    def visible_to(self, user: Any) -> LinkQuerySet:
        programs = programs_of(user, Can.SEE_TRACKING)
        return self if programs is None else self.filter(offer__program__in=programs)


class Link(PublicId, TimestampedModel):
    """An affiliate's address for one offer: `<click server>/r/<code>`."""

    prefix = "lnk"

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="links")
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="links")
    code = models.CharField(_("code"), max_length=60, unique=True)
    destination_url = models.URLField(_("destination"), max_length=2000, blank=True)  # empty: the offer's landing page
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.ACTIVE)

    objects = LinkQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.CheckConstraint(condition=Q(code__regex=f"^{PATTERN}$"), name="link_code_fits_an_address")]

    def __str__(self) -> str:
        return self.code

    @property
    def url(self) -> str:
        return f"{settings.CLICK_BASE_URL}/r/{self.code}"


class CouponQuerySet(models.QuerySet["Coupon"]):
    def visible_to(self, user: Any) -> CouponQuerySet:
        programs = programs_of(user, Can.SEE_TRACKING)
        return self if programs is None else self.filter(program__in=programs)


class Coupon(PublicId, TimestampedModel):
    """A code that customers type at the checkout; whoever's it is earns. Case does not matter."""

    prefix = "cpn"

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="coupons")
    program = models.ForeignKey(Program, models.PROTECT, related_name="coupons")
    offer = models.ForeignKey(Offer, models.PROTECT, null=True, blank=True, related_name="coupons")
    code = models.CharField(_("code"), max_length=60)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.ACTIVE)

    objects = CouponQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(F("program"), Upper("code"), name="coupon_once_in_a_program"),
            models.CheckConstraint(condition=~Q(code=""), name="coupon_has_a_code"),
        ]

    def __str__(self) -> str:
        return self.code


class ClickOutcome(models.IntegerChoices):
    """Why a click is credited or not. Numbers, as the click server writes millions of them."""

    CREDITED = 0, _("Credited")
    LINK_PAUSED = 1, _("Link paused")
    NOT_ENROLLED = 2, _("Affiliate not approved in the program")
    OFFER_CLOSED = 3, _("Offer or program not active")


class Click(models.Model):
    """One visit through a link, written by the click server alone.

    The table is partitioned by range of its UUIDv7 key, a day each (tracking/partitions.py), so Django neither makes it nor
    points at it: a conversion keeps the click's id and copies what it needs.
    """

    id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    link_id = models.BigIntegerField()
    affiliate_id = models.BigIntegerField()
    offer_id = models.BigIntegerField()
    program_id = models.BigIntegerField()
    outcome = models.SmallIntegerField(choices=ClickOutcome)
    bot = models.BooleanField()
    visitor = models.BigIntegerField()  # 63 bits of a keyed hash of address and browser: counts unique visitors, names nobody
    ip = models.TextField()
    user_agent = models.TextField()
    referrer = models.TextField()
    url = models.TextField()  # where the visitor was sent, without the click id
    subs = ArrayField(models.TextField(), null=True)  # sub1 … sub12; trailing empty ones are left out; null: none
    previous = models.UUIDField(null=True)  # the click that the visitor's cookie told, as it told it: it may be anything

    class Meta:
        managed = False
        db_table = "tracking_click"

    def __str__(self) -> str:
        return str(self.id)

    @property
    def sub1(self) -> str:
        return self.subs[0] if self.subs else ""


def click_time(click_id: uuid.UUID) -> datetime:
    """The moment that a UUIDv7 tells (RFC 9562, 5.7): its first 48 bits are milliseconds since 1970."""
    return datetime.fromtimestamp((click_id.int >> 80) / 1000, UTC)


class Customer(TimestampedModel):
    """A buyer as the shop names them. The first credited conversion ties them to its affiliate."""

    program = models.ForeignKey(Program, models.PROTECT, related_name="+")
    external_id = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    affiliate = models.ForeignKey(Affiliate, models.PROTECT, null=True, blank=True, related_name="customers")
    link = models.ForeignKey(Link, models.PROTECT, null=True, blank=True, related_name="+")
    coupon = models.ForeignKey(Coupon, models.PROTECT, null=True, blank=True, related_name="+")
    offer = models.ForeignKey(Offer, models.PROTECT, null=True, blank=True, related_name="+")
    tied_at = models.DateTimeField(null=True, blank=True)  # when the conversion that tied them occurred

    class Meta:
        constraints = [models.UniqueConstraint(fields=["program", "external_id"], name="customer_once")]

    def __str__(self) -> str:
        return self.external_id


class Source(models.TextChoices):
    CLICK = "click", _("Click")
    COUPON = "coupon", _("Coupon")
    CUSTOMER = "customer", _("Returning customer")
    PARENT = "parent", _("Parent affiliate")
    NAMED = "named", _("Named by the import")
    CLAIM = "claim", _("Decided after a claim")


UNPRICED = ~Q(currency="") & ~Q(currency=F("program__currency"))  # as Conversion.unpriced tells it


class ConversionQuerySet(models.QuerySet["Conversion"]):
    def visible_to(self, user: Any) -> ConversionQuerySet:
        programs = programs_of(user, Can.SEE_TRACKING)
        return self if programs is None else self.filter(program__in=programs)

    def unpriced(self, programs: Iterable[Program] | None = None) -> ConversionQuerySet:
        """Those whose `status` is unpriced: in another currency than the program's, and not refunded whole. In these programs
        (None: in all)."""
        currencies = defaultdict(list)
        for program in Program.objects.only("currency") if programs is None else programs:
            currencies[program.currency].append(program.pk)
        # Ranges beside each known currency, which an index finds: by UNPRICED every conversion would be read.
        foreign = Q(pk__in=())
        for own, keys in currencies.items():
            foreign |= Q(program__in=keys, currency__gt="", currency__lt=own) | Q(program__in=keys, currency__gt=own)
        return self.filter(Q(refunded=0) | Q(refunded__lt=F("amount"))).filter(foreign)


class Conversion(PublicId, TimestampedModel):
    """Something that a customer did: a sale, a lead. What came in is never edited; refunds add rows (and are summed here)."""

    prefix = "cnv"

    program = models.ForeignKey(Program, models.PROTECT, related_name="conversions", db_index=False)
    event = models.CharField(_("event"), max_length=40)
    external_id = models.CharField(_("order"), max_length=200)
    occurred_at = models.DateTimeField(_("occurred"))
    amount = MoneyField(_("amount"), null=True, blank=True)
    currency = CurrencyField(_("currency"), blank=True)
    quantity = models.PositiveIntegerField(_("quantity"), null=True, blank=True)
    refunded = MoneyField(_("refunded"), default=0)
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, blank=True, related_name="conversions")
    affiliate = models.ForeignKey(Affiliate, models.PROTECT, null=True, blank=True, related_name="conversions", db_index=False)
    source = models.CharField(_("credited by"), max_length=10, choices=Source, blank=True)
    reason = models.CharField(max_length=40)  # code of tracking.attribution.REASONS: why it was credited so, or not
    click_id = models.UUIDField(
        null=True, blank=True
    )  # of the click it is credited to; no foreign key: clicks live in partitions
    awaited_click_id = models.UUIDField(null=True, blank=True)  # credited to nobody, and the click it names may still be spooled
    link = models.ForeignKey(Link, models.PROTECT, null=True, blank=True, related_name="conversions")
    coupon = models.ForeignKey(Coupon, models.PROTECT, null=True, blank=True, related_name="conversions")
    offer = models.ForeignKey(Offer, models.PROTECT, null=True, blank=True, related_name="conversions", db_index=False)
    subs = ArrayField(models.TextField(), null=True, blank=True)  # of the click
    given = models.JSONField(default=dict)  # click_id, coupon, customer, items, metadata as they came
    fingerprint = models.CharField(max_length=64)  # of what a replay must repeat

    objects = ConversionQuerySet.as_manager()

    class Meta:
        ordering = ["-occurred_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["program", "external_id", "event"], name="conversion_once"),
            models.CheckConstraint(condition=Q(amount__isnull=True) | Q(amount__gte=0), name="conversion_amount_not_negative"),
            models.CheckConstraint(condition=Q(amount__isnull=True) | ~Q(currency=""), name="conversion_amount_has_currency"),
            models.CheckConstraint(
                condition=Q(refunded=0) | Q(refunded__gt=0, refunded__lte=F("amount"), amount__isnull=False),
                name="conversion_refunded_at_most_all",
            ),
            models.CheckConstraint(condition=Q(affiliate__isnull=False) ^ Q(source=""), name="conversion_source_says_who"),
            models.CheckConstraint(
                condition=Q(awaited_click_id=None) | Q(affiliate=None), name="conversion_awaits_only_uncredited"
            ),
        ]
        indexes = [
            models.Index(fields=["program", "-occurred_at", "-id"], name="conversion_newest"),
            models.Index(fields=["-occurred_at", "-id"], name="conversion_newest_anywhere"),
            models.Index(fields=["affiliate", "-occurred_at", "-id"], name="conversion_of_affiliate"),
            models.Index(fields=["program", "currency"], name="conversion_currency"),
            models.Index(fields=["click_id"], name="conversion_click", condition=Q(click_id__isnull=False)),
            models.Index(
                fields=["program", "created_at"], name="conversion_awaits_click", condition=Q(awaited_click_id__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.external_id

    @property
    def source_label(self) -> str:
        """By what it is credited; empty where to nobody. Django's own display gathers all choices anew for every row of a file."""
        return str(Source(self.source).label) if self.source else ""

    @property
    def left_to_refund(self) -> Decimal:
        return (self.amount or Decimal(0)) - self.refunded

    @property
    def unpriced(self) -> bool:
        """In another currency than the program's: kept and shown, and priced once there is a rate."""
        return bool(self.currency) and self.currency != self.program.currency

    @property
    def status(self) -> str:
        """unattributed, unpriced, refunded, partially_refunded or recorded."""
        if self.amount and self.refunded == self.amount:
            return "refunded"
        if self.unpriced:  # what is left of it still waits for a price
            return "unpriced"
        if self.refunded:
            return "partially_refunded"
        return "recorded" if self.affiliate_id else "unattributed"


class Refund(PublicId, TimestampedModel):
    """Money that went back to a customer: part of a conversion's amount or all of it."""

    prefix = "ref"

    conversion = models.ForeignKey(Conversion, models.PROTECT, related_name="refunds", db_index=False)
    external_id = models.CharField(_("refund"), max_length=200)
    amount = MoneyField(_("amount"))
    refunded_after = MoneyField()  # the conversion's refunded sum with this refund: what reversals are computed from
    occurred_at = models.DateTimeField(_("occurred"), default=timezone.now)
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["conversion", "external_id"], name="refund_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_positive"),
        ]

    def __str__(self) -> str:
        return self.external_id
