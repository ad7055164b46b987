"""How much the team carries, and what somebody leaves at the end of a shift."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet
from django.utils import timezone

from accounts.models import Role, RoleAssignment, User
from affiliates.models import Enrollment
from affiliates.queries import carried_affiliates, covering, open_applications
from support.growth import WEEKS, Forecast, forecast
from support.models import Commitment, Ticket
from team.models import ACCOUNTS, OPEN_TICKETS, Capacity, HandoverNote
from team.queries import shift_end

WEEK = timedelta(days=7)
RECENT = timedelta(days=2)


@dataclass(frozen=True)
class Load:
    """One member of the team: what they carry, of what they can."""

    person: User
    accounts: int
    covering: int
    accounts_limit: int  # 0: whose role looks after none
    tickets: int
    tickets_limit: int
    languages: list[str]
    programs: list[str]


@dataclass(frozen=True)
class TeamLoad:
    people: list[Load]
    accounts: int  # in all
    managed: int  # of them with a personal manager


def loads(at: datetime) -> TeamLoad:
    """What everybody who works here carries, by name, in seven queries."""
    capacities = {c.person_id: c for c in Capacity.objects.prefetch_related("programs")}
    managers = dict(carried_affiliates().order_by().values_list("pk", "manager_id"))
    covered = covering(at)
    looked_after = Counter(covered.get(affiliate, manager) for affiliate, manager in managers.items() if manager is not None)
    covers = Counter(covered.values())
    tickets = dict(Ticket.objects.our_turn().exclude(assignee=None).order_by().values_list("assignee").annotate(Count("pk")))
    held = RoleAssignment.objects.current().filter(user__is_active=True, user__is_service=False).select_related("user")
    roles = list(held.order_by("user__name", "user__email", "pk"))
    managing = {role.user_id for role in roles if role.role == Role.MANAGER}
    found = []
    for person in {role.user_id: role.user for role in roles}.values():
        capacity = capacities.get(person.pk)
        found.append(
            Load(
                person,
                looked_after[person.pk],
                covers[person.pk],
                capacity.accounts if capacity else ACCOUNTS if person.pk in managing else 0,
                tickets.get(person.pk, 0),
                capacity.open_tickets if capacity else OPEN_TICKETS,
                (capacity.languages if capacity else []) or [person.language],
                [program.name for program in capacity.programs.all()] if capacity else [],
            )
        )
    return TeamLoad(found, len(managers), sum(manager is not None for manager in managers.values()))


def growth_of(team: TeamLoad, at: datetime) -> Forecast:
    """When the managers will be full, by the approvals of the last eight weeks."""
    approved = Enrollment.objects.working().filter(status_at__gt=at - WEEKS * WEEK, status_at__lte=at)
    ages = Counter(int((at - since) / WEEK) for since in approved.values_list("status_at", flat=True))
    return forecast(
        [ages[week] for week in reversed(range(WEEKS))],
        accounts=team.accounts,
        managed=team.managed,
        applications=open_applications().filter(affiliate__manager=None).count(),  # others are among the accounts already
        capacity=sum(load.accounts_limit for load in team.people),
    )


def left_by(person: User) -> tuple[QuerySet[Ticket], QuerySet[Commitment]]:
    """What a person leaves at the end of a shift: tickets that wait for us, what is due first; promises that stand."""
    tickets = Ticket.objects.our_turn().filter(assignee=person).select_related("affiliate", "contact").order_by("next_due", "pk")
    promises = Commitment.objects.open().filter(owner=person).select_related("ticket__affiliate").order_by("due_at", "pk")
    return tickets, promises


def handed_over(reader: Any) -> list[dict[str, Any]]:
    """What colleagues left in the last two days, with the tickets and promises as they are now, those that the reader sees."""
    notes = list(
        HandoverNote.objects.filter(written_at__gte=timezone.now() - RECENT)
        .select_related("person")
        .prefetch_related("read_by")[:50]
    )
    seen = Ticket.objects.visible_to(reader).select_related("affiliate", "contact")
    tickets = seen.in_bulk({pk for note in notes for pk in note.tickets})
    promised = Commitment.objects.visible_to(reader).select_related("ticket__affiliate")
    promises = promised.in_bulk({pk for note in notes for pk in note.promises})
    return [
        {
            "note": note,
            "tickets": [tickets[pk] for pk in note.tickets if pk in tickets],
            "promises": [promises[pk] for pk in note.promises if pk in promises],
            "unread": note.person_id != reader.pk and all(each.pk != reader.pk for each in note.read_by.all()),
        }
        for note in notes
    ]


def unread_handovers(reader: Any) -> int:
    recent = HandoverNote.objects.filter(written_at__gte=timezone.now() - RECENT)
    return recent.exclude(person=reader).exclude(read_by=reader).count()


REMINDED_BEFORE, REMINDED_AFTER = timedelta(minutes=30), timedelta(minutes=60)


@dataclass(frozen=True)
class ToHandOver:
    """A shift that ends soon, or has just ended, and what its person leaves without a word."""

    ends_at: datetime
    is_over: bool
    tickets: int
    promises: int


def to_hand_over(person: Any, at: datetime) -> ToHandOver | None:
    """Half an hour before a shift's end and an hour after it: who leaves something and has written no note is reminded."""
    ends = shift_end(person, at - REMINDED_AFTER, at + REMINDED_BEFORE)
    if ends is None or HandoverNote.objects.filter(person=person, written_at__gte=ends - REMINDED_AFTER).exists():
        return None
    tickets, promises = (found.order_by().count() for found in left_by(person))
    return ToHandOver(ends, ends <= at, tickets, promises) if tickets or promises else None
