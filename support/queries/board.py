"""The team's board: who has how much in hand right now, and who has too much."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from affiliates.queries import accounts_carried
from core.access import Can, programs_of
from support.models import Commitment
from support.queries.numbers import turn_counts
from team.models import ACCOUNTS, OPEN_TICKETS
from team.queries import roster_at


@dataclass(frozen=True)
class Seat:
    """One person's work now; `person` None: what nobody owns."""

    person: User | None
    is_there: bool
    ours: int
    overdue: int
    soon: int
    snoozed: int
    waiting: int
    promises: int
    promises_overdue: int
    most_tickets: int
    accounts: int
    most_accounts: int

    @property
    def is_overloaded(self) -> bool:
        return self.person is not None and (self.ours > self.most_tickets or self.accounts > self.most_accounts)

    @property
    def load(self) -> float:
        """How much of what they can carry they carry: the fuller of the two measures."""
        if self.person is None:
            return 0.0
        return max(self.ours / max(self.most_tickets, 1), self.accounts / max(self.most_accounts, 1))


def read_board(user: Any) -> list[Seat]:
    """Everybody who may answer in the reader's programs, the fullest first, and what nobody owns before them. Of their work
    what lies in those programs; of their accounts all, as they carry all."""
    now = timezone.now()
    programs = programs_of(user, Can.SEE_TICKETS)
    roster = roster_at(now)
    reachable = [person for person, where in roster.answering.items() if programs is None or where is None or where & programs]
    turns = {row["assignee"]: row for row in turn_counts(programs)}
    people = {person.pk: person for person in _people({*reachable, *(pk for pk in turns if pk is not None)}, user, now)}
    there = set(roster.on_duty(now))
    accounts = accounts_carried(now)

    def seat(pk: int | None) -> Seat:
        turn, person = turns.get(pk, {}), people.get(pk or 0)
        capacity = getattr(person, "capacity", None)
        return Seat(
            person=person,
            is_there=pk in there,
            ours=turn.get("ours", 0),
            overdue=turn.get("overdue", 0),
            soon=turn.get("soon", 0),
            snoozed=turn.get("snoozed", 0),
            waiting=turn.get("waiting", 0),
            promises=getattr(person, "promises", 0),
            promises_overdue=getattr(person, "promises_overdue", 0),
            most_tickets=capacity.open_tickets if capacity else OPEN_TICKETS,
            accounts=accounts.get(pk or 0, 0),
            most_accounts=capacity.accounts if capacity else ACCOUNTS,
        )

    seats = [seat(pk) for pk in people]
    seats.sort(key=lambda each: (-each.load, str(each.person).lower()))
    return ([seat(None)] if None in turns else []) + seats


def _people(numbers: Collection[int], user: Any, now: datetime) -> QuerySet[User]:
    """With what they can carry, and how many promises they have to keep."""
    own = Commitment.objects.visible_to(user).open().filter(owner=OuterRef("pk")).order_by().values("owner")
    return (
        User.objects.filter(pk__in=numbers)
        .select_related("capacity")
        .annotate(
            promises=Coalesce(Subquery(own.annotate(n=Count("pk")).values("n")), 0),
            promises_overdue=Coalesce(Subquery(own.annotate(n=Count("pk", filter=Q(due_at__lt=now))).values("n")), 0),
        )
    )
