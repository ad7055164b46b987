"""Who plans, and for whom."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.models import RoleAssignment, User
from accounts.queries import people_who
from core.access import AccessError, Can, rights_of
from team.errors import TeamError


def plans_for(by: User, person: User) -> bool:
    """Whether `by` plans this person's time: everywhere, or in each program that the person works in."""
    rights = rights_of(by)
    if rights.everywhere(Can.PLAN_TEAM):
        return True
    programs = RoleAssignment.objects.current().filter(user=person).values_list("program_id", flat=True)
    return bool(programs) and all(program is not None and rights.has(Can.PLAN_TEAM, program) for program in programs)


def check_plans_for(by: User, person: User) -> None:
    if not plans_for(by, person):
        raise AccessError(_("Only those who plan this person's time may decide this."), code="forbidden")


def another_plans(by: User) -> bool:
    """Whether somebody else could decide what `by` asks for themselves."""
    return people_who(Can.PLAN_TEAM).exclude(pk=by.pk).exists()


def check_works_here(person: User, field: str) -> None:
    works: bool = RoleAssignment.objects.current().filter(user=person).exists()
    if not works or not person.is_active or person.is_service:
        raise TeamError(_("%(person)s does not work here.") % {"person": person}, code="not_here", field=field)
