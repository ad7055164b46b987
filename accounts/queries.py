"""Who works here, read for pages."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db.models import Exists, Max, OuterRef, Prefetch, Q, QuerySet, Subquery

from accounts.models import RoleAssignment, User
from core.access import Can, roles_with
from core.events import ref
from core.models import Event

SECOND_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def team() -> QuerySet[User]:
    """Everybody who holds or held a role, services left out, with `current_roles` (a list), `last_seen` and `second_factor`."""
    of_user = {"user": OuterRef("pk")}
    seen = UserSession.objects.filter(**of_user).order_by().values("user").annotate(last=Max("last_seen_at")).values("last")
    current = RoleAssignment.objects.current().select_related("program").order_by("role", "program__name")
    return (
        User.objects.filter(Exists(RoleAssignment.objects.filter(**of_user)), is_service=False)
        .annotate(
            last_seen=Subquery(seen),
            second_factor=Exists(Authenticator.objects.filter(**of_user, type__in=SECOND_FACTORS)),
            works_here=Exists(RoleAssignment.objects.current().filter(**of_user)),
        )
        .prefetch_related(Prefetch("assignments", queryset=current, to_attr="current_roles"))
    )


def people_who(can: Can, program: int | None = None) -> QuerySet[User]:
    """Those of the team who can now, in this program; without one, in any. By name, services left out."""
    held = RoleAssignment.objects.current().filter(role__in=roles_with(can))
    if program is not None:
        held = held.filter(Q(program__isnull=True) | Q(program=program))
    return User.objects.filter(pk__in=held.values("user"), is_active=True, is_service=False).order_by("name", "email")


def has_second_factor(user: User) -> bool:
    found: bool = Authenticator.objects.filter(user=user, type__in=SECOND_FACTORS).exists()
    return found


def history_of(user: User) -> QuerySet[Event]:
    """What was decided about this person: roles, keys, the account itself. Newest first."""
    return Event.objects.filter(about__contains=[ref(user)], name__regex=r"^(role|person|api_key)\.").order_by("-at", "-pk")


def programs_by_person(can: Can) -> dict[int, frozenset[int] | None]:
    """In which programs each person can (None: in every one), in one query; whoever can in none is not in it."""
    held = RoleAssignment.objects.current().filter(role__in=roles_with(can), user__is_active=True, user__is_service=False)
    found: dict[int, frozenset[int] | None] = {}
    for person, program in held.values_list("user_id", "program_id"):
        known = found.get(person, frozenset())
        found[person] = None if program is None or known is None else known | {program}
    return found
