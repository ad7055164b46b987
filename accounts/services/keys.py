"""API keys: 256 random bits, of which only a hash is kept; never stronger than the user they belong to."""

from __future__ import annotations

import hashlib
import secrets

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts import events
from accounts.errors import PeopleError
from accounts.models import ApiKey, Role, RoleAssignment, User
from core.access import Can, Rights, check, rights_of
from core.events import record
from programs.models import Program

PREFIX = "trb_"


@transaction.atomic
def create_key(user: User, *, name: str, role: str, program: Program | None = None, by: User | None) -> tuple[ApiKey, str]:
    """A key for this user and, once, its text. Refused where it would hold more than its user does.

    `by` None: the person at the server's command line.
    """
    if by is not None:
        check(by, Can.ADMINISTER)
    if not name.strip():
        raise PeopleError(_("Give the key a name that tells where it is used."), code="required", field="name")
    if not user.is_active:
        raise PeopleError(_("%(person)s is deactivated.") % {"person": user}, code="inactive", field="user")
    if not rights_of(user).covers(Role(role), program.pk if program else None):
        raise PeopleError(
            _("A key holds no more than its user: %(person)s is not %(role)s for %(program)s.")
            % {"person": user, "role": Role(role).label, "program": program or _("all programs")},
            code="too_much",
            field="role",
        )
    text = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        user=user, name=name.strip(), role=role, program=program, start=text[:12], hash=_hash(text), created_by=by
    )
    record(events.API_KEY_CREATED, key, user, program, by=by, data=_told(key))
    return key, text


@transaction.atomic
def create_service(*, name: str, role: str, program: Program | None = None, by: User | None) -> User:
    """A user who is no person: it holds one role and signs in nowhere; its key acts for it."""
    if by is not None:
        check(by, Can.ADMINISTER)
    email = f"{slugify(name)[:40] or 'service'}-{secrets.token_hex(4)}@service.invalid"  # RFC 2606: reaches nobody
    service = User.objects.create_user(email, None, name=name.strip(), is_service=True)
    assignment = RoleAssignment.objects.create(user=service, role=role, program=program, granted_by=by)
    data = {
        "person": str(service),
        "role": str(Role(role).label),
        "program": program.name if program else str(_("all programs")),
        "until": "",
    }
    record(events.ROLE_GRANTED, assignment.user, program, by=by, data=data)
    return service


@transaction.atomic
def revoke_key(key: ApiKey, *, by: User) -> None:
    """The key opens nothing from the next request on."""
    check(by, Can.ADMINISTER)
    key = ApiKey.objects.select_for_update(of=("self",)).select_related("user", "program").get(pk=key.pk)
    if key.revoked_at is not None:
        return
    key.revoked_at = timezone.now()
    key.save(update_fields=["revoked_at"])
    record(events.API_KEY_REVOKED, key, key.user, key.program, by=by, data=_told(key))


def find_key(text: str) -> ApiKey | None:
    """The key that this text is, if it opens anything; its user (`key.user`) carries the rights that the key leaves."""
    if not text.startswith(PREFIX):
        return None
    key = ApiKey.objects.active().select_related("user").filter(hash=_hash(text)).first()
    if key is not None:
        key.user._rights = rights_of(key.user).limited_to(key.role, key.program_id)  # type: ignore[attr-defined]
    return key


def opens_anything(key: ApiKey) -> bool:
    """Whether the roles that its user has today (`ApiKey.objects.with_roles`) leave the key anything."""
    held = Rights.of((role.role, role.program_id) for role in key.user.current_roles)  # type: ignore[attr-defined]
    return held.limited_to(key.role, key.program_id).holds_anything


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _told(key: ApiKey) -> dict[str, str]:
    return {
        "name": key.name,
        "role": str(Role(key.role).label),
        "program": key.program.name if key.program else str(_("all programs")),
    }
