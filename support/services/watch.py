"""Warn before a due time, escalate once it has passed: each due time once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from accounts.queries import people_who
from core.access import Can
from core.events import record
from support import events, live
from support.models import ClockName, Notice, SlaPolicy, Ticket
from support.services.clocks import active_policies, read_ticket, refresh_clocks
from support.services.notices import notify
from team.queries import duty_officer, roster_at
from team.roster import Roster


def watch_clocks(limit: int = 500) -> int:
    """Every ticket of which something is to be said now; returns how many. What somebody has in hand waits for the next round."""
    now = timezone.now()
    policies = None
    told = 0
    for pk in Ticket.objects.our_turn().filter(Q(warn_at__lte=now) | Q(breach_at__lt=now)).values_list("pk", flat=True)[:limit]:
        with transaction.atomic():
            rows = Ticket.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
            ticket = rows.select_related("program", "channel", "affiliate", "assignee").filter(pk=pk).first()
            if ticket is not None:
                policies = policies or active_policies()
                watch_ticket(ticket, policies)
                told += 1
    return told


def watch_ticket(ticket: Ticket, policies: Iterable[SlaPolicy] | None = None) -> None:
    """Say what is to be said of the locked ticket now, and remember that it was said."""
    reading = read_ticket(ticket, policies=policies)
    roster = roster_at(reading.at)
    for name, clock in reading.current().items():
        due = clock.running_due
        if due is None:
            continue
        if due < reading.at:
            if due not in ticket.breached_of:
                _escalate(ticket, name, due, roster)
                ticket.breached_of.append(due)
                ticket.warned_of.append(due)
        elif clock.warn_at is not None and clock.warn_at <= reading.at and due not in ticket.warned_of:
            _warn(ticket, name, due, roster)
            ticket.warned_of.append(due)
    refresh_clocks(ticket, policies)
    live.touch(ticket)


def _warn(ticket: Ticket, name: ClockName, due: datetime, roster: Roster) -> None:
    """Its owner; where nobody owns it, or the owner is not there, whoever answers for the inbox now as well."""
    people = [ticket.assignee] if ticket.assignee is not None else []
    if not people or not _is_there(people[0], ticket, roster):
        people += [person for person in _in_charge(ticket, roster) if person not in people]
    _tell(ticket, events.TICKET_WARNED, Notice.Kind.WARNED, name, due, people, roster)


def _escalate(ticket: Ticket, name: ClockName, due: datetime, roster: Roster) -> None:
    """Whoever answers for the inbox now, and its owner; where these are one person, the heads of the program as well."""
    people = _in_charge(ticket, roster)
    if people == [ticket.assignee]:
        people += [head for head in people_who(Can.PLAN_TEAM, ticket.program_id) if head not in people]
    elif ticket.assignee is not None:
        people.append(ticket.assignee)
    _tell(ticket, events.TICKET_BREACHED, Notice.Kind.BREACHED, name, due, people, roster)


def _in_charge(ticket: Ticket, roster: Roster) -> list[User]:
    officer = duty_officer(roster.start, ticket.program, roster)
    return [officer.person] if officer is not None else []


def _tell(
    ticket: Ticket, event: str, kind: Notice.Kind, name: ClockName, due: datetime, people: list[User], roster: Roster
) -> None:
    for person in people:
        notify(person, ticket, kind, clock=name, due_at=due, by_mail=_is_there(person, ticket, roster))
    data = {"clock": str(name.label), "due": due.isoformat(), "people": ", ".join(str(person) for person in people)}
    record(event, ticket, data=data)


def _is_there(person: User, ticket: Ticket, roster: Roster) -> bool:
    return person.pk in roster.on_duty(roster.start, program=ticket.program_id)
