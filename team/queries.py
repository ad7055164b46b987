"""Who is on duty, who comes next, where nobody is, who answers for it all: read here by pages, assignment and clocks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Role, RoleAssignment, User
from accounts.queries import programs_by_person
from core.access import Can
from core.middleware import zone_of
from programs.models import Program
from team.doors import Doors, doors_of
from team.hours import open_stretches
from team.models import Absence, Coverage, Door, Duty, Shift, ShiftChange
from team.roster import Ask, Gap, Roster, Turn
from team.shifts import DAY, Span, merged, occurrences, whole_days

HORIZON = timedelta(days=14)
# Where nothing is planned: whose role is this duty's.
ROLES: dict[str, tuple[str, ...]] = {
    Duty.SUPPORT: (Role.SUPPORT,),
    Duty.MANAGER: (Role.MANAGER, Role.HEAD),
    Duty.ENGINEER: (Role.ENGINEER,),
    Duty.TRAFFIC: (Role.MANAGER, Role.HEAD),
}
FULL_LEAVE = timedelta(days=14)  # two weeks in one piece: ILO Convention 132, article 8
MINUTE = timedelta(minutes=1)


def is_planned() -> bool:
    """Whether this company plans shifts at all. Until it does, everybody who may answer counts as on duty."""
    found: bool = Shift.objects.exists()
    return found


def load_roster(start: datetime, end: datetime) -> Roster:
    """The roster of this time, in at most five queries however long it is. Without any shift planned, everybody who may answer
    is on the duties of their roles all the time."""
    answering = programs_by_person(Can.ANSWER_TICKETS)
    absences = _absences(start, end)
    away: dict[int, list[Span]] = {}
    for absence in absences:
        away.setdefault(absence.person_id, []).append(span_of(absence))
    deputies = [(span_of(a), a.person_id, a.deputy_id) for a in absences if a.deputy_id is not None]
    turns = _turns(start, end)
    planned = bool(turns) or is_planned()
    return Roster(start, end, turns if planned else _everybody(start, end, answering), away, answering, deputies, planned)


def _absences(start: datetime, end: datetime) -> list[Absence]:
    found = Absence.objects.filter(
        state=Absence.State.APPROVED, first_day__lte=end.date() + DAY, last_day__gte=start.date() - DAY
    )
    return list(found.select_related("person"))


def _turns(start: datetime, end: datetime) -> list[Turn]:
    days = (start.date() - 3 * DAY, end.date() + 2 * DAY)
    shifts = list(
        Shift.objects.filter(Q(last_day=None) | Q(last_day__gte=days[0]), first_day__lte=days[1]).exclude(
            rule="", first_day__lt=days[0]
        )
    )
    if not shifts:
        return []
    changes = {
        (change.shift_id, change.day): change
        for change in ShiftChange.objects.filter(state=ShiftChange.State.APPROVED, day__range=days)
    }
    found = []
    for shift in shifts:
        for held in occurrences(shift.plan, start, end):
            change = changes.get((shift.pk, held.day))
            taken = change.taken_by_id if change else shift.person_id
            found.append(
                Turn(
                    shift=shift.pk,
                    day=held.day,
                    start=held.start,
                    end=held.end,
                    duty=shift.duty,
                    person=taken or shift.person_id,
                    planned=shift.person_id,
                    program=shift.program_id,
                    channel=shift.channel_kind,
                    cancelled=taken is None,
                    change=change.pk if change else None,
                )
            )
    return sorted(found, key=lambda turn: (turn.start, turn.shift))


def _everybody(start: datetime, end: datetime, answering: dict[int, frozenset[int] | None]) -> list[Turn]:
    """Everybody who may answer is on the duties of their roles; a duty that is nobody's by role is everybody's."""
    held = RoleAssignment.objects.current().filter(user__in=answering).values_list("user_id", "role", "program_id")
    roles = list(held.order_by("user__name", "user_id", "pk"))
    turns = []
    for duty in Duty.values:
        own = [(person, program) for person, role, program in roles if role in ROLES[duty]]
        turns += [
            Turn(0, start.date(), start, end, duty, person, person, program)
            for person, program in own or [(person, program) for person, _role, program in roles]
        ]
    return turns


def span_of(absence: Absence) -> Span:
    """From the person's midnight to the person's midnight."""
    return whole_days(absence.first_day, absence.last_day, zone_of(absence.person))


def roster_at(at: datetime) -> Roster:
    return load_roster(at, at + MINUTE)


def on_duty(at: datetime, *, duty: str = "", program: int | None = None, channel: str = "") -> list[User]:
    """Who is there now for this duty, in this program (and may answer in it), through this door."""
    return people_in_order(roster_at(at).on_duty(at, duty, program, channel))


def is_there(person: User, at: datetime) -> bool:
    """Whether the person is on duty at this instant, whatever for."""
    return person.pk in roster_at(at).on_duty(at)


def people_in_order(numbers: list[int]) -> list[User]:
    found = User.objects.in_bulk(numbers)
    return [found[number] for number in numbers if number in found]


def absence_at(user: User, at: datetime) -> Absence | None:
    """The approved absence that the person is in at this instant."""
    day = at.astimezone(zone_of(user)).date()
    found: Absence | None = Absence.objects.filter(
        person=user, state=Absence.State.APPROVED, first_day__lte=day, last_day__gte=day
    ).first()
    return found


def current_absences(at: datetime) -> QuerySet[Absence]:
    """The approved absences that somebody may be in at this instant: to the day of UTC and its neighbours. Who is in theirs,
    `span_of` tells to the minute."""
    day = at.astimezone(UTC).date()
    approved: QuerySet[Absence] = Absence.objects.filter(state=Absence.State.APPROVED)
    return approved.filter(first_day__lte=day + DAY, last_day__gte=day - DAY)


def may_be_notified(user: User, at: datetime | None = None) -> bool:
    """Whether anything may ring, mail or pop up for this person: on leave nothing does. Every notification asks here."""
    return user.is_active and absence_at(user, at or timezone.now()) is None


def next_on_duty(at: datetime, *, duty: str = "", program: int | None = None, channel: str = "") -> tuple[datetime, User] | None:
    """From when on somebody is there, `at` itself included, and who; None where the next 14 days have nobody."""
    found = load_roster(at, at + HORIZON).next_on_duty(at, duty, program, channel)
    return None if found is None else (found[0], User.objects.get(pk=found[1]))


@dataclass(frozen=True)
class DutyOfficer:
    person: User
    reason: str


def duty_officer(at: datetime, program: Program, roster: Roster | None = None) -> DutyOfficer | None:
    """Who answers for the program's inbox at this instant, and why they: the manager on duty, else an absent manager's deputy,
    else the head, else an admin. Somebody always does; None only where nobody works here."""
    return duty_officers(at, [program], roster or roster_at(at))[program.pk]


def duty_officers(at: datetime, programs: Iterable[Program], roster: Roster) -> dict[int, DutyOfficer | None]:
    """Of each of these programs, in one query for all."""
    held = RoleAssignment.objects.current().filter(user__is_active=True, user__is_service=False)
    roles = list(held.select_related("user").order_by("user__name", "user_id", "pk"))
    return {program.pk: _officer(at, program.pk, roster, roles) for program in programs}


def _officer(at: datetime, program: int, roster: Roster, roles: list[RoleAssignment]) -> DutyOfficer | None:
    people = {role.user_id: role.user for role in roles}
    managers = roster.on_duty(at, Duty.MANAGER, program) if roster.planned else []
    for person in managers:
        return DutyOfficer(people[person], _("%(person)s is the manager on duty.") % {"person": people[person]})
    managing = {role.user_id for role in roles if role.role in ROLES[Duty.MANAGER] and role.program_id in (None, program)}
    for (start, end), absent, deputy in roster.deputies:
        there = start <= at < end and roster.may_answer(deputy, program) and not roster.is_away(deputy, at)
        if there and absent in managing:
            told = {"person": people[deputy], "absent": people[absent]}
            return DutyOfficer(people[deputy], _("No manager is on duty; %(person)s is the deputy of %(absent)s.") % told)
    on_duty = set(roster.on_duty(at, program=program))
    for kind, reason in (
        (Role.HEAD, _("No manager is on duty; %(person)s is the head of affiliates.")),
        (Role.ADMIN, _("No manager and no head is here; %(person)s is an admin.")),
    ):
        here = [role.user for role in roles if role.role == kind and role.program_id in (None, program)]
        here = [person for person in here if not roster.is_away(person.pk, at)]
        if here:
            first = min(here, key=lambda person: person.pk not in on_duty)
            return DutyOfficer(first, reason % {"person": first})
    last = [role.user for role in roles if role.role == Role.ADMIN] or [people[p] for p in roster.answering if p in people]
    if not last:
        return None
    return DutyOfficer(last[0], _("Everybody else is away: it falls to %(person)s.") % {"person": last[0]})


@dataclass(frozen=True)
class Lane:
    """One duty (through one door) that is asked for, and where it has nobody."""

    duty: str
    channel: str
    ask: Ask
    gaps: list[Gap]


def gaps(start: datetime, *, programs: Iterable[int] | None = None, roster: Roster | None = None) -> list[Lane]:
    """Of the next 14 days every stretch that has no one for a duty or a door that is asked for; of these programs (active
    ones), or of every active one. A roster that is there already has to reach so far."""
    end = start + HORIZON
    roster = roster or load_roster(start, end)
    if programs is None:
        programs = Program.objects.filter(status=Program.Status.ACTIVE).values_list("pk", flat=True)
    seen = set(programs)
    open_doors = {program: {str(Door.PORTAL), *doors} for program, doors in doors_of(seen).items()}
    asked = list(Coverage.objects.select_related("calendar")) or [Coverage(duty=Duty.SUPPORT)]
    lanes = []
    for coverage in asked:
        wanted = sorted(seen if coverage.program_id is None else seen & {coverage.program_id})
        doors = _doors(coverage, roster, open_doors)
        closed = {(program, door) for program in wanted for door in doors if door not in open_doors[program]}
        named = coverage.channel_kind or doors == [""]  # who names a door asks for it
        hours = _asked_hours(coverage, start, end)
        ask = Ask(coverage.duty, wanted, doors, hours, frozenset() if named else frozenset(closed))
        lanes.append(Lane(coverage.duty, coverage.channel_kind, ask, roster.gaps(ask)))
    return lanes


def _doors(coverage: Coverage, roster: Roster, open_doors: Doors) -> list[str]:
    """Through which doors somebody has to be there: the one that is named, else each that some program has. Where no shift is
    limited to a door, one look does for all."""
    if coverage.channel_kind:
        return [coverage.channel_kind]
    limited = any(turn.channel for turn in roster.turns)
    return sorted(set().union(*open_doors.values())) if limited else [""]


def _asked_hours(coverage: Coverage, start: datetime, end: datetime) -> list[Span]:
    if coverage.calendar is None:
        return [(start, end)]
    return list(open_stretches(coverage.calendar, start, end))


def shift_end(person: User, start: datetime, end: datetime) -> datetime | None:
    """When a planned time of the person ends within (start, end], shifts that follow each other taken as one. None: it does not."""
    roster = load_roster(start, end + timedelta(hours=1))
    if not roster.planned:
        return None
    spans = merged((a, b) for a, b, turn in roster.there() if turn.person == person.pk)
    return next((b for _a, b in spans if start < b <= end), None)


@dataclass(frozen=True)
class NoFullLeave:
    person: User
    last: date | None  # the last day of the last full leave there was


def without_full_leave(on: date | None = None) -> list[NoFullLeave]:
    """Who has had no two weeks of vacation in one piece within the last twelve months and has none approved for the next
    three; those who joined less than a year ago are not among them."""
    today = on or datetime.now(UTC).date()
    year_ago, soon = today - timedelta(days=365), today + timedelta(days=92)
    full: dict[int, list[tuple[date, date]]] = {}
    vacations = Absence.objects.filter(kind=Absence.Kind.VACATION, state=Absence.State.APPROVED).order_by("first_day")
    for number, first, last in vacations.values_list("person_id", "first_day", "last_day"):
        mine = full.setdefault(number, [])
        if mine and first - mine[-1][1] <= DAY:
            mine[-1] = (mine[-1][0], last)  # asked for in two parts
        else:
            mine.append((first, last))
    found = []
    for person in members().filter(date_joined__date__lt=year_ago):
        spans = [(a, b) for a, b in full.get(person.pk, []) if b - a + DAY >= FULL_LEAVE]
        if not any(b >= year_ago and a <= soon for a, b in spans):
            found.append(NoFullLeave(person, max((b for _a, b in spans), default=None)))
    return found


def members() -> QuerySet[User]:
    """Everybody who works here now, by name; services are no people."""
    held: Any = RoleAssignment.objects.current().values("user")
    return User.objects.filter(pk__in=held, is_active=True, is_service=False).order_by("name", "email")
