"""People, their roles, their API keys, and the API's answers kept for replay."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.ids import PublicId
from core.models import TimestampedModel
from programs.models import Program, check_zone


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """For `manage.py createsuperuser`: a person with the role admin, who can sign in at once."""
        from allauth.account.models import EmailAddress

        user = self.create_user(email, password, **fields)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        RoleAssignment.objects.create(user=user, role=Role.ADMIN)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(PublicId, AbstractBaseUser):
    """A person who signs in by e-mail, or a service (no password, no sign-in) that stands behind an API key."""

    prefix = "usr"

    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_service = models.BooleanField(_("service, not a person"), default=False)
    time_zone = models.CharField(_("time zone"), max_length=60, default="UTC", validators=[check_zone])
    language = models.CharField(_("language"), max_length=10, default="en")
    date_joined = models.DateTimeField(_("joined"), default=timezone.now)

    objects = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ["name", "email"]
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once_in_any_case")]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        return (self.name or self.email).split(" ")[0].split("@")[0]

    @property
    def is_staff(self) -> bool:
        """Django's admin asks for it; the admin site itself asks `core.access`."""
        from core.access import is_admin

        return is_admin(self)

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """In Django's admin an admin may do what the page offers; what money rows offer is reading."""
        return self.is_staff

    def has_perms(self, perm_list: Any, obj: Any = None) -> bool:
        return self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_staff


class Role(models.TextChoices):
    """What a member of the team is here for. Affiliates have no role: they are members of an affiliate."""

    ADMIN = "admin", _("Admin")
    HEAD = "head", _("Head of affiliates")
    MANAGER = "manager", _("Affiliate manager")
    FINANCE = "finance", _("Finance")
    SUPPORT = "support", _("Support")
    ENGINEER = "engineer", _("Engineer")
    QUALITY = "quality", _("Quality")
    BUYER = "buyer", _("Media buyer")


def today() -> date:
    """The day by which roles end: UTC's, as whoever appoints and whoever is appointed may live anywhere."""
    return datetime.now(UTC).date()


class RoleAssignmentQuerySet(models.QuerySet["RoleAssignment"]):
    def current(self) -> RoleAssignmentQuerySet:
        return self.filter(Q(ends_on__isnull=True) | Q(ends_on__gte=today()), revoked_at__isnull=True)


class RoleAssignment(TimestampedModel):
    """A role that a person holds: in one program or (program empty) in all, for good or up to a day. Taken back, never deleted."""

    user = models.ForeignKey(User, models.PROTECT, related_name="assignments")
    role = models.CharField(_("role"), max_length=10, choices=Role)
    program = models.ForeignKey(Program, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("program"))
    ends_on = models.DateField(_("until"), null=True, blank=True)
    granted_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    objects = RoleAssignmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role", "program"],
                condition=Q(revoked_at__isnull=True),
                nulls_distinct=False,
                name="role_held_once",
            ),
            models.CheckConstraint(condition=~Q(granted_by=models.F("user")), name="role_not_granted_to_oneself"),
            models.CheckConstraint(condition=~Q(revoked_by=models.F("user")), name="role_not_revoked_from_oneself"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()}"


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def active(self) -> ApiKeyQuerySet:
        return self.filter(revoked_at__isnull=True, user__is_active=True)

    def with_roles(self) -> ApiKeyQuerySet:
        """With `current_roles` of each key's user, in one query for all."""
        current = models.Prefetch("user__assignments", RoleAssignment.objects.current(), to_attr="current_roles")
        return self.select_related("user").prefetch_related(current)


class ApiKey(PublicId, TimestampedModel):
    """A key of one user, no stronger than its role in its program (empty: all programs). Only its hash is kept."""

    prefix = "key"

    user = models.ForeignKey(User, models.PROTECT, related_name="api_keys")
    name = models.CharField(_("name"), max_length=120)
    role = models.CharField(_("role"), max_length=10, choices=Role)
    program = models.ForeignKey(Program, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("program"))
    start = models.CharField(max_length=12)  # what people recognise it by
    hash = models.CharField(max_length=64, unique=True)  # SHA-256: the key itself is 256 random bits
    created_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name


class KeptAnswer(TimestampedModel):
    """The answer to one POST with an Idempotency-Key, written in the transaction of its effect and kept for good."""

    api_key = models.ForeignKey(ApiKey, models.PROTECT, related_name="+")
    key = models.CharField(max_length=255)
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=500)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)  # null only inside the transaction that computes it
    body = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["api_key", "key", "method", "path"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key
