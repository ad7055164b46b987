"""Who works here as what. Admins and heads decide it, never about themselves; only admins decide about admins and heads."""

from __future__ import annotations

from datetime import date

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from allauth.usersessions.models import UserSession
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events
from accounts.errors import PeopleError
from accounts.models import Role, RoleAssignment, User, today
from core.access import AccessError, Can, rights_of
from core.events import record
from core.mail import write_mail
from programs.models import Program

FOR_ADMINS_TO_DECIDE = frozenset({Role.ADMIN, Role.HEAD})


@transaction.atomic
def appoint_person(
    person: User | str, role: str, program: Program | None = None, ends_on: date | None = None, *, by: User, name: str = ""
) -> RoleAssignment:
    """Give a person a role, in one program or (None) in all, for good or up to a day, which is included.

    An e-mail address that nobody here has is invited: a mail brings a link, good once, to choose a password. Whoever holds
    the role already gets the new end in its place.
    """
    role = Role(role)
    _check_may_decide(by, role, program)
    if role == Role.ADMIN and program is not None:
        raise PeopleError(_("An admin sees to everything: leave the program empty."), code="program", field="program")
    if ends_on is not None and ends_on < today():
        raise PeopleError(_("This day is over (in UTC)."), code="past", field="ends_on")
    user = person if isinstance(person, User) else _find_or_invite(person, name, role, by=by)
    if user.pk == by.pk:
        raise PeopleError(_("Nobody appoints themselves. Ask another admin."), code="oneself", field="email")
    if not user.is_active or user.is_service:
        raise PeopleError(_("%(person)s is deactivated.") % {"person": user}, code="inactive", field="email")
    for held in _locked_assignments().filter(user=user, role=role, program=program, revoked_at__isnull=True):
        if held.ends_on == ends_on:
            raise PeopleError(_("%(person)s holds this role already.") % {"person": user}, code="held", field="role")
        if role == Role.ADMIN and ends_on is not None:
            _check_another_admin(user)
        held.revoked_at, held.revoked_by = timezone.now(), by
        held.save()
    assignment = RoleAssignment.objects.create(user=user, role=role, program=program, ends_on=ends_on, granted_by=by)
    record(events.ROLE_GRANTED, user, program, by=by, data=_told(assignment))
    return assignment


@transaction.atomic
def revoke_role(assignment: RoleAssignment, *, by: User) -> None:
    """Take a role back, from the next request on; the person's keys lose it too."""
    assignment = _locked_assignments().select_related("user", "program").get(pk=assignment.pk)
    _check_may_decide(by, Role(assignment.role), assignment.program)
    if assignment.user_id == by.pk:
        raise PeopleError(_("Nobody removes themselves. Ask another admin."), code="oneself")
    if assignment.revoked_at is not None:
        raise PeopleError(_("This role was taken back already."), code="gone")
    if assignment.role == Role.ADMIN:
        _check_another_admin(assignment.user)
    assignment.revoked_at, assignment.revoked_by = timezone.now(), by
    assignment.save()
    record(events.ROLE_REVOKED, assignment.user, assignment.program, by=by, data=_told(assignment))


@transaction.atomic
def deactivate_person(user: User, *, by: User) -> None:
    """Close the person's account: sessions end and keys stop at once; roles stay, for the day they come back."""
    user = _decided_about(user, by)
    if not user.is_active:
        return
    user.is_active = False
    user.save(update_fields=["is_active"])
    for session in UserSession.objects.filter(user=user):
        session.end()
    record(events.PERSON_DEACTIVATED, user, by=by, data={"person": str(user)})


@transaction.atomic
def reactivate_person(user: User, *, by: User) -> None:
    """Open the person's account again, with the roles and keys it had."""
    user = _decided_about(user, by)
    if user.is_active:
        return
    user.is_active = True
    user.save(update_fields=["is_active"])
    record(events.PERSON_REACTIVATED, user, by=by, data={"person": str(user)})


def may_decide_about(by: User, role: str, program: Program | None) -> bool:
    """Whether `by` may give this role or take it back: what the page offers; the services check it again."""
    rights = rights_of(by)
    held = rights.everywhere(Can.MANAGE_PEOPLE) if program is None else rights.has(Can.MANAGE_PEOPLE, program.pk)
    return held and (role not in FOR_ADMINS_TO_DECIDE or rights.everywhere(Can.ADMINISTER))


def _check_may_decide(by: User, role: Role, program: Program | None) -> None:
    if not may_decide_about(by, role, program):
        raise AccessError(_("Only admins appoint or remove admins and heads; heads decide about the others."), code="forbidden")


def _decided_about(user: User, by: User) -> User:
    """The person's locked row, if `by` may open and close this account: whoever could take each of its roles back."""
    assignments = list(_locked_assignments().filter(user=user, revoked_at__isnull=True).select_related("program"))
    user = User.objects.select_for_update().get(pk=user.pk)
    if user.pk == by.pk:
        raise PeopleError(_("Nobody deactivates themselves. Ask another admin."), code="oneself")
    if not rights_of(by).everywhere(Can.MANAGE_PEOPLE):
        raise AccessError(_("Only admins and heads open and close accounts."), code="forbidden")
    for assignment in assignments:
        _check_may_decide(by, Role(assignment.role), assignment.program)
    if user.is_active and any(assignment.role == Role.ADMIN for assignment in assignments):
        _check_another_admin(user)
    return user


def _locked_assignments() -> QuerySet[RoleAssignment]:
    """Rows with every admin's assignment locked first: two admins who remove each other come one after the other."""
    list(RoleAssignment.objects.select_for_update().filter(role=Role.ADMIN, revoked_at__isnull=True).order_by("pk"))
    return RoleAssignment.objects.select_for_update(of=("self",)).order_by("pk")


def _check_another_admin(leaving: User) -> None:
    staying = RoleAssignment.objects.current().filter(
        role=Role.ADMIN, program=None, ends_on=None, user__is_active=True, user__is_service=False
    )
    if not staying.exclude(user=leaving).exists():
        raise PeopleError(_("This is the last admin. Appoint another one first."), code="last_admin")


def _find_or_invite(email: str, name: str, role: Role, *, by: User) -> User:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise PeopleError(_("Enter an e-mail address, such as mara@example.com."), code="invalid", field="email") from None
    user, created = User.objects.get_or_create(email=email, defaults={"name": name.strip(), "password": "!"})
    if created:
        user.set_unusable_password()
        user.save(update_fields=["password"])
        # Verified from the start: without a password nobody signs in but through the mail that goes there.
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
        token = default_token_generator.make_token(user)
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(user), "key": token})
        write_mail(email, "accounts/mails/appointment", {"role": role.label, "by": by, "path": path}, about=[user])
    return user


def _told(assignment: RoleAssignment) -> dict[str, str]:
    return {
        "person": str(assignment.user),
        "role": str(assignment.get_role_display()),
        "program": assignment.program.name if assignment.program else str(_("all programs")),
        "until": assignment.ends_on.isoformat() if assignment.ends_on else "",
    }


@transaction.atomic
def return_role(assignment: RoleAssignment, *, by: User | None = None) -> None:
    """A role that was lent for a while is given back with what it was lent for; nobody decides it anew (`by` may be None)."""
    assignment = RoleAssignment.objects.select_for_update(of=("self",)).select_related("user", "program").get(pk=assignment.pk)
    if assignment.revoked_at is not None or assignment.ends_on is None:
        return
    assignment.revoked_at, assignment.revoked_by = timezone.now(), by if by != assignment.user else None
    assignment.save()
    record(events.ROLE_REVOKED, assignment.user, assignment.program, by=by, data=_told(assignment))
