"""Promises: made with a reply and confirmed by its writer, settled by people or by the reply that keeps them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from core.access import Can, check, rights_of
from core.events import Fact, record, record_many
from core.middleware import zone_of
from support import events, live
from support.errors import NotNow, TicketError
from support.models import Commitment, Message, Notice, Ticket
from support.models.messages import Direction
from support.promises import suggest_promise
from support.services.notices import notify
from support.services.tickets import lock_ticket
from team.queries import current_absences, duty_officer, may_be_notified, roster_at, span_of

Status = Commitment.Status
LONGEST_TEXT = 200
LONGEST_READ = 20_000  # characters of a reply that are read for a promise
LONGEST_REASON = 300


@transaction.atomic
def make_commitment(
    ticket: Ticket, *, text: str, due_at: datetime, owner: User, by: User, message: Message | None = None
) -> Commitment:
    """Promise something for a time to come. `message` is the reply that says so."""
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    ticket = lock_ticket(ticket)
    text = " ".join(text.split())[:LONGEST_TEXT]
    if not text:
        raise TicketError(_("Say what is promised."), code="blank", field="promise_text")
    if due_at <= timezone.now():
        raise TicketError(_("This time is over."), code="past", field="promise_due")
    if not rights_of(owner).has(Can.ANSWER_TICKETS, ticket.program_id):
        raise TicketError(
            _("%(person)s does not answer tickets of this program.") % {"person": owner}, code="owner", field="promise_owner"
        )
    if message is not None and (message.ticket_id != ticket.pk or message.direction != Direction.OUT):
        raise TicketError(_("A promise stands in a reply of this ticket."), code="message", field="message")
    made = Commitment.objects.create(ticket=ticket, message=message, text=text, owner=owner, due_at=due_at, created_by=by)
    data = {"text": text, "person": str(owner), "due": due_at.isoformat()}
    record(events.COMMITMENT_MADE, made, ticket, ticket.affiliate, by=by, data=data)
    live.touch(ticket)
    return made


@transaction.atomic
def take_promise(
    message: Message, *, by: User, is_one: bool | None = None, text: str = "", due_at: datetime | None = None
) -> Commitment | None:
    """What a reply promises for a time is its writer's to keep; a service's, the ticket's owner's or, where nobody owns it, the duty
    officer's. `is_one`: what the writer said of it, a "no" is remembered; None: they were not asked, and its own words tell, as they do
    for when where `due_at` is not given (in the writer's zone). None where nothing is promised, or its time was over before it was sent,
    which is refused where the writer said that it is one."""
    ticket = message.ticket
    owner = _keeper(ticket, by) if by.is_service else by
    if is_one and due_at is not None:
        return make_commitment(ticket, text=text, due_at=due_at, owner=owner, by=by, message=message)
    # As of when it was written: what comes in after an outage says "tomorrow" of that day.
    found = suggest_promise(message.body_text[:LONGEST_READ], timezone.localtime(message.created_at, zone_of(by)))
    if found is None or found.due_at <= timezone.now():
        if is_one:
            raise TicketError(_("It names no time by which something is promised."), code="no_time", field="promise")
        return None
    if is_one is False:
        record(events.COMMITMENT_DECLINED, message, ticket, by=by, data={"words": found.words})
        return None
    if found.doubtful and not is_one:
        return None
    return make_commitment(ticket, text=text or found.sentence, due_at=found.due_at, owner=owner, by=by, message=message)


def _keeper(ticket: Ticket, by: User) -> User:
    """Of what a service promises."""
    if ticket.assignee is not None and rights_of(ticket.assignee).has(Can.ANSWER_TICKETS, ticket.program_id):
        return ticket.assignee
    officer = duty_officer(timezone.now(), ticket.program)
    return officer.person if officer is not None else by


@transaction.atomic
def settle_commitment(
    commitment: Commitment, status: str, *, by: User, message: Message | None = None, reason: str = ""
) -> Commitment:
    """Say what became of it. Kept after its time is late, whatever is said; broken and withdrawn have a reason."""
    check(by, Can.ANSWER_TICKETS, commitment.ticket.program_id)
    locked = Commitment.objects.select_for_update(of=("self",)).select_related("ticket__affiliate").get(pk=commitment.pk)
    if locked.status != Status.OPEN:
        raise NotNow(_("This promise is settled already."), code="settled")
    now = timezone.now()
    if status == Status.KEPT and now > locked.due_at:
        status = Status.LATE
    if status not in (Status.KEPT, Status.LATE, Status.BROKEN, Status.WITHDRAWN):
        raise TicketError(_("There is no such choice."), code="choice", field="status")
    if status == Status.LATE and now <= locked.due_at:
        status = Status.KEPT
    reason = " ".join(reason.split())[:LONGEST_REASON]
    if status in (Status.BROKEN, Status.WITHDRAWN) and not reason:
        raise TicketError(_("Say why."), code="blank", field="reason")
    locked.status, locked.settled_at, locked.settled_by, locked.settled_message = status, now, by, message
    locked.reason = reason
    locked.save()
    data = {"text": locked.text, "state": str(Status(status).label), "status": status, "person": str(locked.owner)}
    record(events.COMMITMENT_SETTLED, locked, locked.ticket, locked.ticket.affiliate, by=by, data=data, reason=reason)
    live.touch(locked.ticket)
    return locked


@transaction.atomic
def keep_by_reply(message: Message, commitments: Iterable[Commitment], *, by: User) -> int:
    """The writer says that this reply keeps these promises of its ticket."""
    kept = 0
    for commitment in commitments:
        if commitment.ticket_id == message.ticket_id and commitment.status == Status.OPEN:
            settle_commitment(commitment, Status.KEPT, by=by, message=message)
            kept += 1
    return kept


@transaction.atomic
def give_commitment(commitment: Commitment, owner: User, *, by: User) -> Commitment:
    """Another one keeps it from now on: what becomes of it counts for them."""
    check(by, Can.ANSWER_TICKETS, commitment.ticket.program_id)
    locked = Commitment.objects.select_for_update(of=("self",)).select_related("ticket__affiliate").get(pk=commitment.pk)
    if locked.status != Status.OPEN:
        raise NotNow(_("This promise is settled already."), code="settled")
    if not rights_of(owner).has(Can.ANSWER_TICKETS, locked.ticket.program_id):
        raise TicketError(
            _("%(person)s does not answer tickets of this program.") % {"person": owner}, code="owner", field="owner"
        )
    if locked.owner_id != owner.pk:
        locked.owner = owner
        locked.save(update_fields=["owner"])
        record(events.COMMITMENT_GIVEN, locked, locked.ticket, by=by, data={"text": locked.text, "person": str(owner)})
    return locked


def watch_commitments(limit: int = 500) -> int:
    """Tell owners of promises whose time is over, once each; where an owner is away, whoever answers for the inbox now."""
    now = timezone.now()
    due = Commitment.objects.open().filter(due_at__lte=now, overdue_told_at__isnull=True)
    told = 0
    for pk in due.values_list("pk", flat=True)[:limit]:
        with transaction.atomic():
            rows = (
                Commitment.objects.select_for_update(skip_locked=True, of=("self",)).open().filter(overdue_told_at__isnull=True)
            )
            commitment = rows.select_related("ticket__program", "ticket__affiliate", "owner").filter(pk=pk).first()
            if commitment is None:
                continue
            _tell_overdue(commitment, now)
            commitment.overdue_told_at = now
            commitment.save(update_fields=["overdue_told_at"])
            told += 1
    return told


def _tell_overdue(commitment: Commitment, now: datetime) -> None:
    ticket = commitment.ticket
    roster = roster_at(now)
    there = roster.on_duty(now, program=ticket.program_id)
    people = [commitment.owner]
    if commitment.owner_id not in there or not may_be_notified(commitment.owner, now):
        officer = duty_officer(now, ticket.program, roster)
        people += [officer.person] if officer is not None and officer.person not in people else []
    for person in people:
        notify(person, ticket, Notice.Kind.PROMISE, due_at=commitment.due_at, text=commitment.text, by_mail=person.pk in there)
    data = {"text": commitment.text, "person": str(commitment.owner)}
    record(events.COMMITMENT_OVERDUE, commitment, ticket, ticket.affiliate, data=data)
    live.touch(ticket)


def give_to_deputies(limit: int = 500) -> int:
    """What somebody who is away promised for these days their deputy keeps, and it counts for them. Where no deputy was named
    the accounts are spread, and promises follow each account (`assignment.hand_over`). Returns how many changed hands."""
    moved = 0
    for person, deputy, ends in absent_with_deputies(timezone.now()):
        rights = rights_of(deputy)
        mine = Commitment.objects.open().filter(owner=person, due_at__lt=ends)
        with transaction.atomic():
            locked = list(mine.select_for_update(skip_locked=True, of=("self",)).select_related("ticket")[:limit])
            able = [each for each in locked if rights.has(Can.ANSWER_TICKETS, each.ticket.program_id)]
            moved += give_commitments(able, deputy, reason=_("%(person)s is away.") % {"person": person})
    return moved


def absent_with_deputies(now: datetime) -> Iterator[tuple[User, User, datetime]]:
    """(who is away, who stands in for them, until when)"""
    for absence in current_absences(now).exclude(deputy=None).select_related("person", "deputy"):
        starts, ends = span_of(absence)
        if starts <= now < ends and absence.deputy is not None:
            yield absence.person, absence.deputy, ends


def give_commitments(commitments: Collection[Commitment], owner: User, *, reason: str) -> int:
    """These open promises, locked already, are another one's from now on. The history of each ticket tells it."""
    Commitment.objects.filter(pk__in=[each.pk for each in commitments]).update(owner=owner)
    facts = [
        Fact(events.COMMITMENT_GIVEN, [each, each.ticket], {"text": each.text, "person": str(owner)}, reason)
        for each in commitments
    ]
    record_many(facts)
    return len(commitments)
