"""The clocks of a ticket, computed anew from its whole history whenever it grows, and kept where the queue sorts by them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from core.writing import is_waiting, new_rows, update
from support.clocks import NO_CLOCK, Changed, Clock, Clocks, History, Sent, Spoke, Targets, read_clocks
from support.models import ClockName, ClockResult, Direction, Message, SlaPolicy, StatusChange, Ticket
from support.models.tickets import TO_DECIDE, TicketQuerySet

DUE_FIELDS = {
    ClockName.FIRST_REPLY: "first_reply_due",
    ClockName.ANSWER: "answer_due",
    ClockName.NEXT_REPLY: "next_reply_due",
    ClockName.RESOLUTION: "resolution_due",
}
STORED = [
    "policy", *DUE_FIELDS.values(), "next_due", "warn_at", "breach_at", "warned_of", "breached_of", "first_replied_at", "answered_at",
]  # fmt: skip
# What the issue of the inbox asks for, until somebody decides otherwise: 5 and 30 minutes, a day, around the clock.
DEFAULT = {"position": 1000}
DECISION_TARGET = timedelta(days=3)  # what is to be decided is decided by then, where the service level names no time


@dataclass(frozen=True)
class Reading:
    """A ticket's clocks at one moment, and what they were read by."""

    at: datetime
    policy: SlaPolicy | None
    clocks: Clocks
    history: History
    authors: dict[datetime, int | None]  # of what we sent, by its time

    def named(self) -> list[tuple[ClockName, Clock]]:
        clocks = self.clocks
        return [
            (ClockName.FIRST_REPLY, clocks.first_reply),
            (ClockName.ANSWER, clocks.answer),
            *((ClockName.NEXT_REPLY, clock) for clock in clocks.next_replies),
            (ClockName.RESOLUTION, clocks.resolution),
        ]

    def current(self) -> dict[ClockName, Clock]:
        """Each clock as it is now: of the next replies, the last one."""
        return dict(self.named())


def active_policies() -> list[SlaPolicy]:
    """In the order in which they are asked. Where nobody has made one yet, the default is made."""
    found = list(SlaPolicy.objects.filter(is_active=True).select_related("calendar"))
    if not found and not SlaPolicy.objects.exists():
        found = [SlaPolicy.objects.get_or_create(name=_("Standard"), defaults=DEFAULT)[0]]
    return found


def choose_policy(ticket: Ticket, policies: Iterable[SlaPolicy]) -> SlaPolicy | None:
    return next((policy for policy in policies if fits(policy, ticket)), None)


def fits(policy: SlaPolicy, ticket: Ticket) -> bool:
    """Whether each of the policy's conditions that is not empty fits the ticket. Until there are segments, one is a tag."""
    return (
        policy.program_id in (None, ticket.program_id)
        and policy.channel_kind in ("", ticket.channel.kind)
        and policy.priority in ("", ticket.priority)
        and (not policy.segment or (ticket.affiliate is not None and policy.segment in ticket.affiliate.tags))
    )


def fitting_tickets(policy: SlaPolicy) -> TicketQuerySet:
    """Those that fit the policy's conditions, as `fits` says of one."""
    found: TicketQuerySet = Ticket.objects.all()
    if policy.program_id is not None:
        found = found.filter(program=policy.program_id)
    if policy.channel_kind:
        found = found.filter(channel__kind=policy.channel_kind)
    if policy.priority:
        found = found.filter(priority=policy.priority)
    if policy.segment:
        found = found.filter(affiliate__tags__contains=[policy.segment])
    return found


def targets_of(policy: SlaPolicy | None) -> Targets:
    if policy is None:
        return Targets()
    minutes = (policy.first_reply_minutes, policy.answer_minutes, policy.next_reply_minutes, policy.resolution_minutes)
    return Targets(*(None if number is None else timedelta(minutes=number) for number in minutes))


def _targets(policy: SlaPolicy | None, ticket: Ticket) -> Targets:
    """What ends by a decision has a time for it, whether or not the service level names one."""
    targets = targets_of(policy)
    if ticket.type in TO_DECIDE and targets.resolution is None:
        return replace(targets, resolution=DECISION_TARGET)
    return targets


def read_ticket(ticket: Ticket, at: datetime | None = None, policies: Iterable[SlaPolicy] | None = None) -> Reading:
    """The clocks of a ticket now (or as they stood). One that went into another has none: they run on over there."""
    at = at or timezone.now()
    if ticket.merged_into_id is not None:
        return Reading(at, None, Clocks(), History([], []), {})
    policies = active_policies() if policies is None else policies
    return _read(ticket, at, policies, *_history(ticket))


def _read(
    ticket: Ticket, at: datetime, policies: Iterable[SlaPolicy], history: History, authors: dict[datetime, int | None]
) -> Reading:
    if ticket.type in TO_DECIDE:
        history = replace(history, asked_at=ticket.created_at)
    policy = choose_policy(ticket, policies)
    calendar = policy.calendar if policy is not None else None
    percent = policy.warn_percent if policy is not None else 60
    clocks = read_clocks(history, _targets(policy, ticket), calendar, at, warn_percent=percent)
    return Reading(at, policy, clocks, history, authors)


Said = tuple[datetime, str, bool, int | None]  # when, which way, whether it was an answer, by whom


def _history(ticket: Ticket) -> tuple[History, dict[datetime, int | None]]:
    said = _said([ticket])[ticket.pk]
    return _heard(said, _tracks(ticket, said[0][0] if said else ticket.created_at))


def _said(tickets: Iterable[Ticket]) -> dict[int, list[Said]]:
    found: dict[int, list[Said]] = defaultdict(list)
    heard = Q(direction=Direction.IN, automatic="") | Q(direction=Direction.OUT)
    rows = Message.objects.filter(heard, ticket__in=[ticket.pk for ticket in tickets]).order_by("created_at", "pk")
    for pk, at, direction, is_answer, author in rows.values_list(
        "ticket_id", "created_at", "direction", "is_answer", "author_id"
    ):
        found[pk].append((at, direction, is_answer, author))
    return found


def _heard(said: list[Said], tracks: list[list[Changed]]) -> tuple[History, dict[datetime, int | None]]:
    spoke = [
        Spoke(at, Sent.IN if direction == Direction.IN else Sent.ANSWER if is_answer else Sent.REPLY)
        for at, direction, is_answer, _author in said
    ]
    return History(spoke, tracks), {at: author for at, direction, _answer, author in said if direction == Direction.OUT}


def _histories(tickets: Sequence[Ticket]) -> dict[int, tuple[History, dict[datetime, int | None]]]:
    """As `_history` of each, in three queries for all that were never split off or merged into."""
    said, pks = _said(tickets), [ticket.pk for ticket in tickets]
    targets = set(Ticket.objects.filter(merged_into__in=pks).values_list("merged_into", flat=True))
    changes: dict[int, list[Changed]] = defaultdict(list)
    rows = StatusChange.objects.filter(ticket__in=pks, void=False).order_by("at", "pk")
    for pk, at, status in rows.values_list("ticket_id", "at", "status"):
        changes[pk].append(Changed(at, status))
    found = {}
    for ticket in tickets:
        first = said[ticket.pk][0][0] if said[ticket.pk] else ticket.created_at
        if ticket.parent_id or ticket.pk in targets:
            tracks = _tracks(ticket, first)
        else:
            tracks = [_begun(changes[ticket.pk] or [Changed(ticket.created_at, ticket.status)], first)]
        found[ticket.pk] = _heard(said[ticket.pk], tracks)
    return found


def _histories_begun(tickets: Sequence[Ticket]) -> list[tuple[History, dict[datetime, int | None]]]:
    """Of tickets that are not in the database yet: nor is anything that was said in them."""
    said: dict[int, list[Said]] = defaultdict(list)
    for message in sorted(new_rows(Message), key=lambda message: (message.created_at, message.pk)):
        if message.direction == Direction.OUT or (message.direction == Direction.IN and not message.automatic):
            said[message.ticket_id].append((message.created_at, message.direction, message.is_answer, message.author_id))
    changes: dict[int, list[Changed]] = defaultdict(list)
    for change in new_rows(StatusChange):
        changes[change.ticket_id].append(Changed(change.at, change.status))
    return [_heard(said[t.pk], [_begun(changes[t.pk], said[t.pk][0][0] if said[t.pk] else t.created_at)]) for t in tickets]


def _begun(own: list[Changed], first: datetime) -> list[Changed]:
    """What came in before its ticket was made waited from then on."""
    return [Changed(min(own[0].at, first), own[0].status), *own[1:]]


def _tracks(ticket: Ticket, first: datetime) -> list[list[Changed]]:
    """The ticket's own states, before it was split off those of the ticket that held its messages then; and the states of
    those that were merged into it."""
    changes: dict[int, list[Changed]] = {}
    joined: list[int] = []
    level, asked = [ticket.pk], Q(pk__in=[ticket.pk, *([ticket.parent_id] if ticket.parent_id else [])])
    while level:
        wanted = Ticket.objects.filter(asked | Q(merged_into__in=level)).values("pk")
        rows = StatusChange.objects.filter(ticket__in=wanted, void=False).order_by("at", "pk")
        found: dict[int, list[Changed]] = defaultdict(list)
        next_level = set()
        for pk, at, status, merged_into in rows.values_list("ticket", "at", "status", "ticket__merged_into"):
            found[pk].append(Changed(at, status))
            if merged_into in level:
                next_level.add(pk)
        changes |= found
        level, asked = sorted(next_level), Q()
        joined += level
    own = changes.get(ticket.pk) or [Changed(ticket.created_at, ticket.status)]
    if ticket.parent_id:
        own = [change for change in changes.get(ticket.parent_id, []) if change.at < own[0].at] + own
    return [_begun(own, first), *(changes[pk] for pk in joined)]


def refresh_clocks(ticket: Ticket, policies: Iterable[SlaPolicy] | None = None, *, changed: Iterable[str] = ()) -> Reading:
    """Choose the policy, compute the clocks and store them, with what the caller has `changed`: one UPDATE of the row, which the
    caller has locked, and a row for each clock that is decided. Called in the transaction of every message and every change of
    a state."""
    reading = read_ticket(ticket, policies=policies)
    _note(ticket, reading)
    Ticket.objects.filter(pk=ticket.pk).update(**{field: getattr(ticket, field) for field in [*STORED, *changed]})
    _keep_results(ticket, reading, ClockResult.objects.filter(ticket=ticket))
    return reading


def refresh_many(tickets: Sequence[Ticket]) -> None:
    """The same of many that their caller holds, in one statement for each table; what the caller has changed it stores itself."""
    if not tickets:
        return
    at, policies = timezone.now(), active_policies()
    begun = [ticket for ticket in tickets if is_waiting(ticket)]  # first: to ask about the others writes these
    known = [ticket for ticket in tickets if not is_waiting(ticket)]
    for ticket, (history, authors) in zip(begun, _histories_begun(begun), strict=True):
        _settle(ticket, _read(ticket, at, policies, history, authors), ())
    histories, results = _histories(known), defaultdict(list)
    for row in ClockResult.objects.filter(ticket__in=[ticket.pk for ticket in known]):
        results[row.ticket_id].append(row)
    for ticket in known:
        if ticket.merged_into_id is None:
            reading = _read(ticket, at, policies, *histories[ticket.pk])
        else:
            reading = read_ticket(ticket, at)
        _settle(ticket, reading, results[ticket.pk])


def _settle(ticket: Ticket, reading: Reading, results: Iterable[ClockResult]) -> None:
    _note(ticket, reading)
    _keep_results(ticket, reading, results)
    update(ticket, STORED)


def _note(ticket: Ticket, reading: Reading) -> None:
    """On the object; the caller stores it."""
    current = reading.current()
    ticket.policy = reading.policy
    for name, field in DUE_FIELDS.items():
        setattr(ticket, field, current.get(name, NO_CLOCK).running_due)
    running = [clock for clock in current.values() if clock.running_due is not None]
    due = [clock.due_at for clock in running if clock.due_at is not None]
    ticket.warned_of = [at for at in ticket.warned_of if at in due]
    ticket.breached_of = [at for at in ticket.breached_of if at in due]
    ticket.next_due = min(due, default=None)
    ticket.warn_at = min((c.warn_at for c in running if c.warn_at is not None and c.due_at not in ticket.warned_of), default=None)
    ticket.breach_at = min((at for at in due if at not in ticket.breached_of), default=None)
    ticket.first_replied_at = reading.clocks.first_reply.done_at
    ticket.answered_at = reading.clocks.answer.done_at


def _keep_results(ticket: Ticket, reading: Reading, known: Iterable[ClockResult]) -> None:
    """The rows of what is decided. One that was decided before stays as it was then, unless what it says is no longer so (a
    reopening, a merge, a message that moved to another ticket)."""
    decided = {
        (str(name), clock.started_at): clock
        for name, clock in reading.named()
        if clock.started_at is not None and (clock.done_at is not None or clock.is_missed)
    }
    for row in known:
        clock = decided.pop((row.clock, row.started_at), None)
        if clock is None:
            row.delete()
        elif row.done_at != clock.done_at:
            if row.done_at is None:  # missed under the target that held then, and done at last
                row.done_at, row.used, row.person_id = clock.done_at, clock.used, _person(ticket, row.clock, clock, reading)
            else:
                _fill(row, clock, _person(ticket, row.clock, clock, reading))
            row.save()
    new = [
        _fill(ClockResult(ticket=ticket, clock=name, started_at=started_at), clock, _person(ticket, name, clock, reading))
        for (name, started_at), clock in decided.items()
    ]
    if new:
        ClockResult.objects.bulk_create(new)


def _fill(row: ClockResult, clock: Clock, person: int | None) -> ClockResult:
    row.due_at, row.done_at, row.target, row.used, row.person_id = clock.due_at, clock.done_at, clock.target, clock.used, person
    row.met = None if clock.target is None else not clock.is_missed
    return row


def _person(ticket: Ticket, name: str, clock: Clock, reading: Reading) -> int | None:
    if name == ClockName.RESOLUTION or clock.done_at is None:
        return ticket.assignee_id
    return reading.authors.get(clock.done_at)


def refresh_open_tickets(affiliates: Iterable[int] | None = None, *, batch: int = 200) -> int:
    """After a change of policies, of calendars, of these affiliates' segments: every ticket that is not resolved, a few in each
    transaction. Returns how many."""
    policies = active_policies()
    waiting = Ticket.objects.unresolved()
    if affiliates is not None:
        waiting = waiting.filter(affiliate__in=affiliates)
    last, refreshed = 0, 0
    while numbers := list(waiting.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:batch]):
        with transaction.atomic():
            locked = Ticket.objects.select_for_update(no_key=True, of=("self",)).select_related("channel", "affiliate")
            for ticket in locked.filter(pk__in=numbers).order_by("pk"):
                refresh_clocks(ticket, policies)
                refreshed += 1
        last = numbers[-1]
    return refreshed
