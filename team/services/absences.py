"""Days off: asked for, decided by somebody who plans, taken back. Sickness is told and holds at once."""

from __future__ import annotations

from datetime import date

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from core.access import AccessError
from core.errors import Conflict
from core.events import record
from programs.models import Program
from team import events
from team.errors import TeamError
from team.models import Absence, Capacity
from team.services.planning import another_plans, check_plans_for, check_works_here, plans_for

S = Absence.State


@transaction.atomic
def ask_absence(
    person: User,
    kind: str,
    first_day: date,
    last_day: date,
    *,
    by: User,
    deputy: User | None = None,
    note: str = "",
) -> Absence:
    """Ask for days off, for oneself or (who plans) for somebody. Sick leave holds from the moment it is told.

    Conflict where the person is away or has asked for some of these days already.
    """
    if by.pk != person.pk:
        check_plans_for(by, person)
    check_works_here(person, "person")
    if last_day < first_day:
        raise TeamError(_("The last day comes before the first."), code="invalid", field="last_day")
    if deputy is not None:
        check_works_here(deputy, "deputy")
        if deputy.pk == person.pk:
            raise TeamError(_("Somebody else has to be the deputy."), code="oneself", field="deputy")
    absence = Absence(person=person, kind=kind, first_day=first_day, last_day=last_day, deputy=deputy, note=note, asked_by=by)
    if kind == Absence.Kind.SICK:
        absence.state, absence.decided_at = S.APPROVED, timezone.now()
    try:
        with transaction.atomic():
            absence.save()
    except IntegrityError as error:
        if "absence_one_at_a_time" not in str(error):
            raise
        raise Conflict(_("Some of these days are asked for or taken already."), code="overlap", field="first_day") from None
    record(events.ABSENCE_ASKED, person, absence, by=by, data=_told(absence), reason=note)
    if absence.state == S.APPROVED:
        record(events.ABSENCE_APPROVED, person, absence, by=by, data=_told(absence))
    return absence


@transaction.atomic
def decide_absence(absence: Absence, approves: bool, *, by: User, reason: str = "") -> Absence:
    """Whoever plans the person's time says yes or no. Nobody decides about themselves where somebody else plans too."""
    absence = Absence.objects.select_for_update(of=("self",)).select_related("person", "deputy").get(pk=absence.pk)
    check_plans_for(by, absence.person)
    if absence.person_id == by.pk and another_plans(by):
        raise AccessError(_("Nobody decides about their own days off. Ask somebody else who plans."), code="oneself")
    if absence.state != S.ASKED:
        raise Conflict(_("This was decided in the meantime."), code="state")
    absence.state = S.APPROVED if approves else S.REFUSED
    absence.decided_by, absence.decided_at = by, timezone.now()
    absence.save()
    name = events.ABSENCE_APPROVED if approves else events.ABSENCE_REFUSED
    record(name, absence.person, absence, by=by, data=_told(absence), reason=reason)
    return absence


@transaction.atomic
def end_absence(absence: Absence, last_day: date, *, by: User) -> Absence:
    """Back sooner: the absence ends with this day; with a day before its first it does not take place at all."""
    absence = Absence.objects.select_for_update(of=("self",)).select_related("person", "deputy").get(pk=absence.pk)
    if by.pk != absence.person_id and not plans_for(by, absence.person):
        raise AccessError(_("Only the person and those who plan their time may change this."), code="forbidden")
    if absence.state not in (S.ASKED, S.APPROVED):
        raise Conflict(_("This absence does not stand any more."), code="state")
    if last_day >= absence.last_day:
        raise TeamError(_("This is not sooner. Ask for the days that come after it."), code="later", field="last_day")
    if last_day < absence.first_day:
        absence.state = S.WITHDRAWN
        name = events.ABSENCE_WITHDRAWN
    else:
        absence.last_day = last_day
        name = events.ABSENCE_SHORTENED
    absence.save()
    record(name, absence.person, absence, by=by, data=_told(absence))
    return absence


@transaction.atomic
def set_capacity(
    person: User,
    *,
    by: User,
    accounts: int,
    open_tickets: int,
    languages: list[str] | None = None,
    programs: list[Program] | None = None,
) -> Capacity:
    """What this person can carry, in which languages, in which programs (none: every one of their roles)."""
    check_plans_for(by, person)
    capacity, _created = Capacity.objects.update_or_create(
        person=person,
        defaults={"accounts": accounts, "open_tickets": open_tickets, "languages": sorted(set(languages or []))},
    )
    capacity.programs.set(programs or [])
    told = {"person": str(person), "accounts": accounts, "tickets": open_tickets}
    record(events.CAPACITY_SET, person, by=by, data=told)
    return capacity


def _told(absence: Absence) -> dict[str, str]:
    return {
        "person": str(absence.person),
        "kind": str(absence.get_kind_display()),
        "first": absence.first_day.isoformat(),
        "last": absence.last_day.isoformat(),
    }
