"""Affiliates, their people, and their enrollments in programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Upper
from django.utils.translation import gettext_lazy as _

from core.access import Can, programs_of, rights_of
from core.ids import PublicId
from core.models import TimestampedModel
from core.money import CurrencyField
from programs.models import Program, TermsVersion
from team.models import Absence


class AffiliateQuerySet(models.QuerySet["Affiliate"]):
    def visible_to(self, user: Any) -> AffiliateQuerySet:
        """Whoever is enrolled in a program that this member of the team may see; all of them where that is every program.

        One that is in no program yet is seen by everybody who manages affiliates, so that they can enroll it.
        """
        programs = programs_of(user)
        if programs is None:
            return self
        enrollments = Enrollment.objects.filter(affiliate=models.OuterRef("pk"))
        visible = Q(models.Exists(enrollments.filter(program__in=programs)))
        if rights_of(user).has(Can.MANAGE_AFFILIATES):
            visible |= Q(~models.Exists(enrollments))
        return self.filter(visible)

    def known_to(self, user: Any, can: Can = Can.SEE) -> AffiliateQuerySet:
        """Those visible ones of whom the user may know more than the bare record and an application: who works in a program
        in which the user can, and who works in none at all. An application alone opens nothing: anyone can hand one in."""
        programs = programs_of(user, can)
        if programs is None:
            return self
        working = _enrollments().working()
        known = Q(models.Exists(working.filter(program__in=programs))) | Q(~models.Exists(working))
        return self.visible_to(user).filter(known) if programs else self.none()

    def looked_after_by(self, user: Any) -> AffiliateQuerySet:
        """Those whose record the user keeps up: who works in a program in which they manage affiliates, and those entrusted."""
        programs = programs_of(user, Can.MANAGE_AFFILIATES)
        if programs is None:
            return self
        return self.filter(
            Q(models.Exists(_enrollments().working().filter(program__in=programs))) | _entrusted(programs, Can.MANAGE_AFFILIATES)
        )

    def entrusted_to(self, user: Any, can: Can = Can.MANAGE_AFFILIATES) -> AffiliateQuerySet:
        """Those whose account this member of the team may change for all: its addresses, its people, where it is paid.

        These belong to every program that the affiliate works in, so the right is needed in each of them. Of one that works
        in none, it is needed in a program that it applied to or was invited to; one in no program yet is everybody's who
        manages affiliates.
        """
        programs = programs_of(user, can)
        return self if programs is None else self.filter(_entrusted(programs, can))


def _enrollments() -> EnrollmentQuerySet:
    """Those of the affiliate in the query around."""
    return Enrollment.objects.filter(affiliate=models.OuterRef("pk"))


def _entrusted(programs: frozenset[int], can: Can) -> Q:
    if not programs:
        return Q(pk__in=[])
    theirs = Q(models.Exists(_enrollments().filter(program__in=programs)))
    if can == Can.MANAGE_AFFILIATES:
        theirs |= Q(~models.Exists(_enrollments()))
    return theirs & Q(~models.Exists(_enrollments().working().exclude(program__in=programs)))


class Affiliate(PublicId, TimestampedModel):
    """A partner who sends customers: a person or a firm. Sign-ins belong to its members."""

    prefix = "aff"

    class Kind(models.TextChoices):
        BLOG = "blog", _("Blog")
        VIDEO = "video", _("Video")
        COUPON = "coupon", _("Coupon site")
        PAID = "paid", _("Paid traffic")
        NEWSLETTER = "newsletter", _("Newsletter")
        COMPARISON = "comparison", _("Comparison site")
        COMMUNITY = "community", _("Community")
        OTHER = "other", _("Other")

    name = models.CharField(_("name"), max_length=160)
    email = models.EmailField(_("e-mail"))
    kind = models.CharField(_("type"), max_length=12, choices=Kind, default=Kind.OTHER)
    country = models.CharField(
        _("country"),
        max_length=2,
        blank=True,
        validators=[RegexValidator(r"^[A-Z]{2}$", _("Give the country as two capitals (ISO 3166), such as DE."))],
    )
    currency = CurrencyField(_("preferred currency"), blank=True)
    website = models.URLField(_("website"), max_length=500, blank=True)
    external_id = models.CharField(_("external id"), max_length=120, null=True, blank=True, unique=True)
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="managed_affiliates",
        verbose_name=_("personal manager"),
    )
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("recruited by")
    )
    note = models.TextField(_("note"), blank=True)
    tags = ArrayField(models.CharField(max_length=40), verbose_name=_("tags"), default=list, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)

    objects = AffiliateQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="affiliate_email_once"),
            models.CheckConstraint(condition=~Q(parent=models.F("pk")), name="affiliate_not_its_own_parent"),
        ]
        indexes = [
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="affiliate_name_search"),
            GinIndex(OpClass(Upper("email"), name="gin_trgm_ops"), name="affiliate_email_search"),
            GinIndex(fields=["tags"], name="affiliate_tags"),
        ]

    def __str__(self) -> str:
        return self.name


class Function(models.TextChoices):
    """What a person does within an affiliate's account."""

    OWNER = "owner", _("Owner")
    MARKETING = "marketing", _("Marketing")
    FINANCE = "finance", _("Finance")
    LEADER = "leader", _("Leader")


def told_functions(functions: list[str]) -> str:
    return ", ".join(str(Function(value).label) for value in functions)


class AffiliateMember(TimestampedModel):
    """A person who signs in for an affiliate. Taken out, never deleted."""

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="memberships")
    functions = ArrayField(models.CharField(max_length=10, choices=Function), verbose_name=_("functions"))
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["affiliate", "user"], condition=Q(removed_at__isnull=True), name="member_once"),
            models.CheckConstraint(condition=Q(functions__len__gte=1), name="member_has_a_function"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.affiliate})"

    @property
    def functions_told(self) -> str:
        return told_functions(self.functions)


class Invitation(TimestampedModel):
    """A way into an affiliate's account for one e-mail address, once. Only the token's hash is kept."""

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="invitations")
    email = models.EmailField(_("e-mail"))
    functions = ArrayField(models.CharField(max_length=10, choices=Function), verbose_name=_("functions"))
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.email

    @property
    def functions_told(self) -> str:
        return told_functions(self.functions)


class EnrollmentStatus(models.TextChoices):
    PENDING = "pending", _("Pending")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    INVITED = "invited", _("Invited")
    SUSPENDED = "suspended", _("Suspended")
    TERMINATED = "terminated", _("Terminated")


WORKING = (EnrollmentStatus.APPROVED, EnrollmentStatus.SUSPENDED, EnrollmentStatus.TERMINATED)


class EnrollmentQuerySet(models.QuerySet["Enrollment"]):
    def working(self) -> EnrollmentQuerySet:
        """Approved now or once. No such enrollment becomes another's application again, so all that an affiliate ever earned
        is in the programs of these."""
        return self.filter(status__in=WORKING)

    def visible_to(self, user: Any) -> EnrollmentQuerySet:
        programs = programs_of(user)
        return self if programs is None else self.filter(program__in=programs)


class Enrollment(PublicId, TimestampedModel):
    """An affiliate in a program. Only an approved one earns."""

    prefix = "enr"

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="enrollments")
    program = models.ForeignKey(Program, models.PROTECT, related_name="enrollments")
    status = models.CharField(_("status"), max_length=10, choices=EnrollmentStatus, default=EnrollmentStatus.PENDING)
    status_at = models.DateTimeField(_("since"))
    reason = models.TextField(_("reason"), blank=True)
    pitch = models.TextField(_("how they will promote"), blank=True)
    terms = models.ForeignKey(
        TermsVersion, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("terms agreed to")
    )
    terms_at = models.DateTimeField(_("agreed to the terms on"), null=True, blank=True)

    objects = EnrollmentQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["affiliate", "program"], name="enrollment_once"),
            models.CheckConstraint(
                condition=Q(terms__isnull=True) ^ Q(terms_at__isnull=False), name="enrollment_terms_agreed_at_some_time"
            ),
        ]
        indexes = [models.Index(fields=["program", "status"], name="enrollment_program_status")]

    def __str__(self) -> str:
        return f"{self.affiliate} · {self.program}"


class CoverQuerySet(models.QuerySet["Cover"]):
    def current(self, at: datetime) -> CoverQuerySet:
        return self.filter(starts_at__lte=at, ends_at__gt=at)


class Cover(TimestampedModel):
    """An account that a colleague looks after while its manager is away. Its manager stays its manager; whoever covers it
    answers for it, has the rights for that time, and what happens in it counts for them."""

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="covers")
    absence = models.ForeignKey(Absence, models.PROTECT, related_name="covers")
    from_person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    to_person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="covers")
    starts_at = models.DateTimeField()  # the absent person's midnights
    ends_at = models.DateTimeField()  # as planned; moved here when it is given back sooner
    started_at = models.DateTimeField(null=True, blank=True)  # when the account was handed over
    ended_at = models.DateTimeField(null=True, blank=True)  # when it was given back
    reason = models.TextField(blank=True)  # why this colleague
    planned_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")  # in whose name roles are lent
    roles = models.ManyToManyField("accounts.RoleAssignment", related_name="+")  # given for this time

    objects = CoverQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(from_person=models.F("to_person")), name="cover_by_a_colleague"),
            models.CheckConstraint(condition=Q(ends_at__gte=models.F("starts_at")), name="cover_ends_after_it_begins"),
            ExclusionConstraint(
                name="cover_by_one_at_a_time",
                expressions=[
                    ("affiliate", "="),
                    (models.Func("starts_at", "ends_at", function="tstzrange"), "&&"),
                ],
            ),
        ]
        indexes = [
            models.Index(fields=["to_person", "ends_at"], name="cover_to_person"),
            models.Index(fields=["ends_at"], condition=Q(ended_at__isnull=True), name="cover_due"),
        ]

    def __str__(self) -> str:
        return f"{self.affiliate}: {self.to_person}"
