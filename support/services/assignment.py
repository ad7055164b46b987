"""Every ticket that waits for us has an owner who is there. One desk is read, and serves all that wait.

What comes in without an owner is given away as soon as it is committed; each half minute everything is gone through: what nobody
owns, what belongs to somebody who is gone before it is due or who may not answer any more. Nobody gets work while they are off
shift or on leave; where nobody at all is there, the affiliate is told honestly when somebody will be.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from affiliates.models import Cover
from core.components import moment_text
from support.choosing import Candidate, Case, choose, is_simple
from support.models import Commitment, Ticket
from support.models.tickets import OPEN
from support.services.first_word import asking_for_a_word, tell_when_somebody_is_there
from support.services.following import follow
from support.services.promises import give_commitments
from support.services.tasks import give_tasks, open_tasks
from support.services.tickets import lock_ticket, set_assignee
from team.models import OPEN_TICKETS, Capacity
from team.queries import HORIZON, load_roster
from team.roster import Roster

WITHOUT_A_CLOCK = timedelta(hours=24)  # how long what has no due time may wait for an owner who is gone
AT_ONCE = 500


@dataclass
class Desk:
    """Who is there now, for what, with how much in hand."""

    at: datetime
    roster: Roster
    people: dict[int, User]
    capacities: dict[int, Capacity]
    open: Counter[int]
    covering: dict[int, int]  # affiliate -> who covers it now

    @classmethod
    def read(cls, at: datetime) -> Desk:
        roster = load_roster(at, at + HORIZON)
        loads = Ticket.objects.our_turn().exclude(assignee=None).order_by().values_list("assignee").annotate(Count("pk"))
        return cls(
            at,
            roster,
            User.objects.in_bulk(list(roster.answering)),
            {c.person_id: c for c in Capacity.objects.prefetch_related("programs")},
            Counter(dict(loads)),
            dict(Cover.objects.current(at).values_list("affiliate_id", "to_person_id")),
        )

    def candidates(self, ticket: Ticket) -> list[Candidate]:
        duties: dict[int, set[str]] = {}
        for start, end, turn in self.roster.there(program=ticket.program_id, channel=ticket.channel.kind):
            if start <= self.at < end:
                duties.setdefault(turn.person, set()).add(turn.duty)
        return [self._candidate(person, held, ticket) for person, held in duties.items() if person in self.people]

    def _candidate(self, person: int, duties: set[str], ticket: Ticket) -> Candidate:
        user, capacity = self.people[person], self.capacities.get(person)
        known = {program.pk for program in capacity.programs.all()} if capacity else set()
        return Candidate(
            person=person,
            name=str(user),
            duties=duties,
            languages=(capacity.languages if capacity else []) or [user.language],
            knows=not known or ticket.program_id in known,
            open=self.open[person],
            limit=capacity.open_tickets if capacity else OPEN_TICKETS,
        )

    def case(self, ticket: Ticket) -> Case:
        affiliate = ticket.affiliate
        manager = None if affiliate is None else self.covering.get(affiliate.pk, affiliate.manager_id)
        language = ticket.language or (affiliate.language if affiliate else "")
        if manager is None:
            return Case(is_simple(ticket), language)
        user = self.people.get(manager)
        name = str(user) if user else str(User.objects.get(pk=manager))
        return Case(is_simple(ticket), language, manager, name, self.absence_told(manager))

    def absence_told(self, person: int) -> str:
        if person not in self.roster.answering:
            return _("may not answer any more")
        if (away := self.away_until(person)) is not None:
            return _("is away until %(when)s") % {"when": moment_text(away)}
        back = self.back(person)
        return _("is off shift until %(when)s") % {"when": moment_text(back)} if back else _("is off shift")

    def away_until(self, person: int) -> datetime | None:
        return next((end for start, end in self.roster.away.get(person, ()) if start <= self.at < end), None)

    def back(self, person: int) -> datetime | None:
        """From when on the person is there; now where they are. None: not within two weeks."""
        spans = ((start, end) for start, end, turn in self.roster.there() if turn.person == person)
        return min((max(start, self.at) for start, end in spans if end > self.at), default=None)

    def leaves_it(self, ticket: Ticket) -> bool:
        """Whether its owner is gone, and comes back only after it is due."""
        if ticket.assignee_id is None:
            return False
        back = self.back(ticket.assignee_id)
        due = ticket.next_due or (ticket.last_in_at or ticket.created_at) + WITHOUT_A_CLOCK
        return back is None or (back > self.at and back > due)


def assign_ticket(ticket: Ticket, desk: Desk | None = None) -> Ticket:
    """Give the ticket to whoever it belongs to now, if it waits for us and its owner is nobody or gone. The "why?" stands in
    `assigned_reason`."""
    desk = desk or Desk.read(timezone.now())
    with transaction.atomic():
        ticket = lock_ticket(ticket)
        if not Ticket.objects.our_turn().filter(pk=ticket.pk).exists():
            return ticket
        if ticket.assignee_id is not None and not desk.leaves_it(ticket):
            return ticket
        choice = choose(desk.case(ticket), [c for c in desk.candidates(ticket) if c.person != ticket.assignee_id])
        if choice is None:
            return ticket
        reason = choice.reason
        if ticket.assignee is not None:
            gone = {"person": ticket.assignee, "why": desk.absence_told(ticket.assignee.pk)}
            reason = _("%(person)s %(why)s, after this is due.") % gone + " " + reason
            desk.open[ticket.assignee.pk] -= 1
        set_assignee(ticket, desk.people[choice.person], by=None, reason=reason)
        desk.open[choice.person] += 1
        ticket.save()
        follow(ticket)
    return ticket


def assign_waiting() -> int:
    """Find owners for what has none: right after it came in. Returns how many found one."""
    if not Ticket.objects.our_turn().filter(assignee=None).exists():
        return 0
    return _give(Desk.read(timezone.now()), Q(assignee=None))


def sweep_tickets() -> int:
    """Find owners for what has none, and new ones for what its owner left. Returns how many tickets changed hands."""
    desk = Desk.read(timezone.now())
    moved = _give(desk, Q(assignee=None) | _left(desk))
    _tell(desk, Q())
    return moved


def _left(desk: Desk) -> Q:
    """What belongs to somebody who is not there and comes back only after it is due."""
    left = Q(pk__in=[])
    there = desk.roster.on_duty(desk.at)
    gone = Ticket.objects.our_turn().exclude(assignee=None).exclude(assignee__in=there).order_by()
    for owner in gone.values_list("assignee", flat=True).distinct():
        back = desk.back(owner)
        before = Q() if back is None else Q(next_due__lt=back) | Q(next_due=None, last_in_at__lt=back - WITHOUT_A_CLOCK)
        left |= Q(assignee=owner) & before
    return left


def _give(desk: Desk, which: Q) -> int:
    """By door, so that what nobody can take holds up nothing else; what is due first comes first."""
    waiting = Ticket.objects.our_turn().filter(which).order_by("next_due", "pk")
    moved = 0
    for program, door in waiting.order_by().values_list("program", "channel__kind").distinct():
        if not desk.roster.on_duty(desk.at, program=program, channel=door):
            continue
        for ticket in waiting.filter(program=program, channel__kind=door)[:AT_ONCE]:
            moved += assign_ticket(ticket, desk).assignee_id != ticket.assignee_id
    _tell(desk, which)
    return moved


def _tell(desk: Desk, which: Q) -> None:
    if not desk.people:  # where nobody works yet there are no hours to tell of
        return
    for ticket in asking_for_a_word(desk.at).filter(which).select_related("channel")[:AT_ONCE]:
        tell_when_somebody_is_there(ticket, desk.roster, desk.at)


def hand_back(cover: int) -> int:
    """What the colleague still has of an account that they covered goes to its manager: at once what does not wait for us; what
    does, to whoever is there now. Tasks and open promises go with it. Returns how many tickets were handed back."""
    ended = Cover.objects.select_related("affiliate", "from_person", "to_person").get(pk=cover)
    theirs = Ticket.objects.unresolved().filter(
        affiliate=ended.affiliate, assignee=ended.to_person, assigned_at__gte=ended.starts_at
    )
    told = {"person": ended.from_person, "affiliate": ended.affiliate}
    back = 0
    for ticket in theirs.order_by("pk"):
        with transaction.atomic():
            ticket = lock_ticket(ticket)
            waits = ticket.status in OPEN
            owner = None if waits else ended.from_person
            if ticket.assignee_id == ended.to_person_id:
                set_assignee(ticket, owner, by=None, reason=_("%(person)s looks after %(affiliate)s again.") % told)
                ticket.save()
                follow(ticket)
                back += 1
            if waits:
                assign_ticket(ticket)
    left = Q(ticket__affiliate=ended.affiliate, owner=ended.to_person)
    with transaction.atomic():
        give_tasks(open_tasks(left), ended.from_person, reason=_("%(person)s looks after %(affiliate)s again.") % told)
        promises = list(Commitment.objects.open().filter(left).select_for_update(of=("self",)).select_related("ticket"))
        give_commitments(promises, ended.from_person, reason=_("%(person)s looks after %(affiliate)s again.") % told)
    return back


def hand_over(cover: int) -> int:
    """Tasks and promises of the account that fall due while it is covered are for whoever covers it, and count for them. Tickets
    follow by the sweep, which finds their owner gone. Returns how many were handed over."""
    begun = Cover.objects.select_related("affiliate", "from_person", "to_person").get(pk=cover)
    due = Q(ticket__affiliate=begun.affiliate_id, owner=begun.from_person_id, due_at__lt=begun.ends_at)
    with transaction.atomic():
        promises = list(Commitment.objects.open().filter(due).select_for_update(of=("self",)).select_related("ticket"))
        told = {"person": begun.from_person, "affiliate": begun.affiliate}
        reason = _("%(person)s is away; %(affiliate)s is covered.") % told
        tasks = give_tasks(open_tasks(due), begun.to_person, reason=reason)
        return tasks + give_commitments(promises, begun.to_person, reason=reason)
