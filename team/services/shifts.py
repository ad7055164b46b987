"""Shifts are planned, ended, and changed for one day; colleagues take each other's, and whoever plans approves it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from core.access import AccessError, Can, check
from core.errors import Conflict
from core.events import record
from programs.models import Program
from team import events
from team.errors import TeamError
from team.models import Calendar, Coverage, HandoverNote, Shift, ShiftChange
from team.services.planning import another_plans, check_plans_for, check_works_here, plans_for
from team.shifts import DAY, Occurrence, occurrences

S = ShiftChange.State


@transaction.atomic
def plan_shift(
    person: User,
    duty: str,
    *,
    by: User,
    first_day: date,
    start_time: time,
    minutes: int,
    rule: str = "",
    time_zone: str = "",
    last_day: date | None = None,
    program: Program | None = None,
    channel_kind: str = "",
) -> Shift:
    """A shift of this person, by the wall clock of their zone (or the one given)."""
    check_plans_for(by, person)
    check_works_here(person, "person")
    shift = Shift(
        person=person,
        duty=duty,
        program=program,
        channel_kind=channel_kind,
        time_zone=time_zone or person.time_zone,
        first_day=first_day,
        start_time=start_time,
        minutes=minutes,
        rule=rule,
        last_day=last_day,
    )
    try:
        shift.full_clean(exclude=["person", "program"])
    except ValidationError as error:
        field, problems = next(iter(error.message_dict.items()))
        raise TeamError(" ".join(problems), code="invalid", field=field) from None
    if last_day is not None and last_day < first_day:
        raise TeamError(_("The last day comes before the first."), code="invalid", field="last_day")
    shift.save()
    told = {"person": str(person), "duty": str(shift.get_duty_display()), "first": first_day.isoformat()}
    record(events.SHIFT_PLANNED, person, shift, by=by, data=told)
    return shift


@transaction.atomic
def end_shift(shift: Shift, last_day: date, *, by: User) -> None:
    """It starts on no day after this one; what has been stays. A day before its first takes all of it back."""
    shift = Shift.objects.select_for_update(of=("self",)).select_related("person").get(pk=shift.pk)
    check_plans_for(by, shift.person)
    shift.last_day = last_day
    shift.save(update_fields=["last_day"])
    later = ShiftChange.objects.filter(shift=shift, day__gt=last_day, state__in=ShiftChange.OPEN)
    later.update(state=S.WITHDRAWN, decided_by=by, decided_at=timezone.now())
    told = {"person": str(shift.person), "duty": str(shift.get_duty_display()), "last": last_day.isoformat()}
    record(events.SHIFT_ENDED, shift.person, shift, by=by, data=told)


@transaction.atomic
def cancel_turn(shift: Shift, day: date, *, by: User, note: str = "") -> ShiftChange:
    """The shift does not take place on this day."""
    shift = Shift.objects.select_for_update(of=("self",)).select_related("person").get(pk=shift.pk)
    check_plans_for(by, shift.person)
    turn_of(shift, day)
    _replace(shift, day)
    ShiftChange.objects.filter(shift=shift, day=day, state__in=ShiftChange.OPEN).update(state=S.WITHDRAWN)
    change = ShiftChange.objects.create(
        shift=shift, day=day, state=S.APPROVED, asked_by=by, decided_by=by, decided_at=timezone.now(), note=note
    )
    record(events.TURN_CANCELLED, shift.person, shift, by=by, data=_told(change), reason=note)
    return change


@transaction.atomic
def propose_swap(
    shift: Shift, day: date, taker: User, *, by: User, in_return: tuple[Shift, date] | None = None, note: str = ""
) -> ShiftChange:
    """Ask a colleague to take one's shift of this day, in return for one of theirs or for nothing. Whoever plans the person's
    time may ask in their place."""
    shift = Shift.objects.select_for_update(of=("self",)).select_related("person").get(pk=shift.pk)
    holder = holder_of(shift, day)
    if holder is None:
        raise TeamError(_("This shift does not take place on that day."), code="cancelled")
    if holder.pk != by.pk and not plans_for(by, shift.person):
        raise AccessError(_("This is somebody else's shift."), code="forbidden")
    check_works_here(taker, "taker")
    if taker.pk == holder.pk:
        raise TeamError(_("They have this shift already."), code="same", field="taker")
    change = _propose(shift, day, taker, by, note)
    if in_return is not None:
        other = Shift.objects.select_for_update(of=("self",)).select_related("person").get(pk=in_return[0].pk)
        given_by = holder_of(other, in_return[1])
        if given_by is None or given_by.pk != taker.pk:
            raise TeamError(_("What is given in return is not theirs to give."), code="in_return", field="in_return")
        _propose(other, in_return[1], holder, by, note, in_return_for=change)
    record(events.SWAP_PROPOSED, holder, taker, shift, by=by, data=_told(change), reason=note)
    return change


def _propose(shift: Shift, day: date, taker: User, by: User, note: str, **fields: Any) -> ShiftChange:
    if turn_of(shift, day).start <= timezone.now():
        raise TeamError(_("This shift has begun already."), code="past")
    if ShiftChange.objects.filter(shift=shift, day=day, state__in=ShiftChange.OPEN).exists():
        raise Conflict(_("Somebody has been asked about this shift already."), code="asked")
    return ShiftChange.objects.create(shift=shift, day=day, taken_by=taker, asked_by=by, note=note, **fields)


@transaction.atomic
def answer_swap(change: ShiftChange, accepts: bool, *, by: User) -> ShiftChange:
    """The colleague who was asked says yes or no. With a yes from one who plans the time of both, it is approved at once."""
    changes = _locked(change)
    change = changes[0]
    if change.taken_by_id != by.pk:
        raise AccessError(_("Somebody else was asked."), code="forbidden")
    _check_state(change, S.PROPOSED)
    _move(changes, S.ACCEPTED if accepts else S.REFUSED)
    record(events.SWAP_ACCEPTED if accepts else events.SWAP_REFUSED, *_about(change), by=by, data=_told(change))
    return change


@transaction.atomic
def decide_swap(change: ShiftChange, approves: bool, *, by: User) -> ShiftChange:
    """Whoever plans the person's time approves what two have agreed on, or does not. It is in force from then on."""
    changes = _locked(change)
    change = changes[0]
    check_plans_for(by, change.shift.person)
    if by.pk in (change.shift.person_id, change.taken_by_id) and another_plans(by):
        raise AccessError(_("Nobody approves their own swap. Ask somebody else who plans."), code="oneself")
    _check_state(change, S.ACCEPTED)
    if approves:
        for one in changes:
            _replace(one.shift, one.day)
    _move(changes, S.APPROVED if approves else S.REFUSED, by)
    record(events.SWAP_APPROVED if approves else events.SWAP_REFUSED, *_about(change), by=by, data=_told(change))
    return change


@transaction.atomic
def withdraw_swap(change: ShiftChange, *, by: User) -> None:
    """Whoever asked takes the question back, as long as it is open."""
    changes = _locked(change)
    if changes[0].asked_by_id != by.pk:
        raise AccessError(_("Somebody else asked for this."), code="forbidden")
    _check_state(changes[0], *ShiftChange.OPEN)
    _move(changes, S.WITHDRAWN)
    record(events.SWAP_WITHDRAWN, *_about(changes[0]), by=by, data=_told(changes[0]))


def turn_of(shift: Shift, day: date) -> Occurrence:
    """The occurrence that starts on this day. TeamError where there is none."""
    noon = datetime.combine(day, time(12), tzinfo=timezone.get_default_timezone())
    found = [held for held in occurrences(shift.plan, noon - 2 * DAY, noon + 2 * DAY) if held.day == day]
    if not found:
        raise TeamError(_("This shift does not start on that day."), code="no_turn", field="day")
    return found[0]


def holder_of(shift: Shift, day: date) -> User | None:
    """Who has the occurrence of this day now; None where it does not take place."""
    turn_of(shift, day)
    change = ShiftChange.objects.filter(shift=shift, day=day, state=S.APPROVED).select_related("taken_by").first()
    return change.taken_by if change else shift.person


def _locked(change: ShiftChange) -> list[ShiftChange]:
    """The change and the one in return, whichever of the two was meant, the first one first."""
    first = change.in_return_for_id or change.pk
    rows = ShiftChange.objects.select_for_update(of=("self",)).select_related("shift__person", "taken_by").order_by("pk")
    return [*rows.filter(pk=first), *rows.filter(in_return_for=first)]


def _replace(shift: Shift, day: date) -> None:
    ShiftChange.objects.filter(shift=shift, day=day, state=S.APPROVED).update(state=S.REPLACED)


def _move(changes: list[ShiftChange], state: str, by: User | None = None) -> None:
    for change in changes:
        change.state = state
        if by is not None:
            change.decided_by, change.decided_at = by, timezone.now()
        change.save()


def _check_state(change: ShiftChange, *states: str) -> None:
    if change.state not in states:
        raise Conflict(_("This was decided in the meantime: %(state)s.") % {"state": change.get_state_display()}, code="state")


def _about(change: ShiftChange) -> list[Any]:
    return [change.shift.person, change.taken_by, change.shift]


def _told(change: ShiftChange) -> dict[str, str]:
    return {
        "person": str(change.shift.person),
        "taker": str(change.taken_by or ""),
        "duty": str(change.shift.get_duty_display()),
        "day": change.day.isoformat(),
    }


@transaction.atomic
def ask_coverage(
    duty: str, *, by: User, program: Program | None = None, channel_kind: str = "", calendar: Calendar | None = None
) -> Coverage:
    """This duty has to be staffed, in these hours (none: around the clock). Asked for again, it has the new hours."""
    check(by, Can.PLAN_TEAM, program.pk if program else None)
    coverage, _created = Coverage.objects.update_or_create(
        duty=duty, program=program, channel_kind=channel_kind, defaults={"calendar": calendar}
    )
    return coverage


@transaction.atomic
def drop_coverage(coverage: Coverage, *, by: User) -> None:
    check(by, Can.PLAN_TEAM, coverage.program_id)
    coverage.delete()


@transaction.atomic
def write_handover(
    person: User, duty: str, text: str, *, tickets: list[int], promises: list[int], at: datetime | None = None
) -> HandoverNote:
    """What one leaves to whoever comes next. A second note of the same person and duty within an hour takes the first's place."""
    now = at or timezone.now()
    recent = HandoverNote.objects.filter(person=person, duty=duty, written_at__gt=now - timedelta(hours=1))
    note = recent.select_for_update().first() or HandoverNote(person=person, duty=duty)
    note.text, note.tickets, note.promises, note.written_at = text.strip(), tickets, promises, now
    note.save()
    note.read_by.clear()
    record(events.HANDOVER_WRITTEN, person, note, by=person, data={"person": str(person), "duty": str(note.get_duty_display())})
    return note


def read_handover(notes: list[HandoverNote], *, by: User) -> None:
    for note in notes:
        note.read_by.add(by)
