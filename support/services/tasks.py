"""Tasks: what a message asks to be done, each with an owner and a time; none is done with another, nor with its ticket."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from core.access import Can, check, rights_of
from core.components import moment_text
from core.events import Fact, record, record_many
from support import events
from support.errors import NotNow, TicketError
from support.models import Message, Notice, Task, Ticket
from support.services.following import follow
from support.services.notices import notify
from support.services.promises import absent_with_deputies
from support.services.tickets import lock_ticket
from team.queries import duty_officer, may_be_notified, roster_at


@transaction.atomic
def add_task(
    ticket: Ticket, title: str, *, by: User, owner: User | None = None, due_at: datetime, message: Message | None = None
) -> Task:
    """Something to do in this ticket, asked for by one of its messages where one is given; the asker's own unless somebody is named,
    and where a service asks, the ticket owner's."""
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    ticket = lock_ticket(ticket)
    owner = owner or (ticket.assignee if by.is_service else by)
    title = " ".join(title.split())[:300]
    if not title:
        raise TicketError(_("Say what is to be done."), code="blank", field="title")
    if message is not None and message.ticket_id != ticket.pk:
        raise TicketError(_("This message belongs to another ticket."), code="other_ticket", field="message")
    return put_task(ticket, title, owner=_able(owner, ticket), due_at=due_at, by=by, message=message)


def _able(owner: User | None, ticket: Ticket) -> User:
    """A person who sees the ticket."""
    if owner is None or owner.is_service:
        raise TicketError(_("Say which person is to do it."), code="required", field="owner")
    if not rights_of(owner).has(Can.SEE_TICKETS, ticket.program_id):
        raise TicketError(_("%(person)s does not see tickets of this program.") % {"person": owner}, code="owner", field="owner")
    return owner


def put_task(
    ticket: Ticket, title: str, *, owner: User, due_at: datetime, by: User | None = None, message: Message | None = None
) -> Task:
    """A task as it stands; the ticket is locked. `by` None: it follows from something else that happened."""
    task = Task.objects.create(ticket=ticket, message=message, title=title, owner=owner, due_at=due_at, created_by=by)
    record(events.TASK_ADDED, task, ticket, by=by, data={"title": title, "person": str(owner)})
    follow(ticket)
    return task


@transaction.atomic
def finish_task(task: Task, *, by: User) -> Task:
    """Done, by whoever did it; a second time changes nothing."""
    check(by, Can.ANSWER_TICKETS, task.ticket.program_id)
    ticket = lock_ticket(task.ticket)
    task = Task.objects.select_for_update(of=("self",)).select_related("ticket").get(pk=task.pk)
    if task.done_at is None:
        task.done_at, task.done_by = timezone.now(), by
        task.save(update_fields=["done_at", "done_by"])
        record(events.TASK_FINISHED, task, ticket, by=by, data={"title": task.title})
        follow(ticket)
    return task


@transaction.atomic
def move_task(task: Task, *, by: User, owner: User | None = None, due_at: datetime | None = None) -> Task:
    """Another one's to do, or by another time; its owner is told when that has come. NotNow where it is done."""
    check(by, Can.ANSWER_TICKETS, task.ticket.program_id)
    ticket = lock_ticket(task.ticket)
    task = Task.objects.select_for_update(of=("self",)).select_related("ticket", "owner").get(pk=task.pk)
    if task.done_at is not None:
        raise NotNow(_("It is done."), code="done")
    given, moved = owner is not None and owner != task.owner, due_at is not None and due_at != task.due_at
    if given:
        task.owner = _able(owner, ticket)
        record(events.TASK_GIVEN, task, ticket, by=by, data={"title": task.title, "person": str(owner)})
    if moved and due_at is not None:
        task.due_at = due_at
        data = {"title": task.title, "due": due_at.isoformat(), "when": moment_text(due_at)}
        record(events.TASK_MOVED, task, ticket, by=by, data=data)
    if given or moved:
        task.due_told_at = None
        task.save(update_fields=["owner", "due_at", "due_told_at"])
        follow(ticket)
    return task


def watch_tasks(limit: int = 500) -> int:
    """Tell owners of tasks whose time has come, once each, also where the ticket is resolved; where the owner is away, whoever
    answers for the inbox now."""
    now, told = timezone.now(), 0
    due = Task.objects.filter(done_at=None, due_told_at=None, due_at__lte=now)
    for pk in list(due.values_list("pk", flat=True)[:limit]):
        with transaction.atomic():
            rows = due.select_for_update(skip_locked=True, of=("self",)).select_related("ticket__program", "owner")
            task = rows.filter(pk=pk).first()
            if task is None:
                continue
            roster = roster_at(now)
            there = roster.on_duty(now, program=task.ticket.program_id)
            people = [task.owner]
            officer = duty_officer(now, task.ticket.program, roster)
            if officer is not None and officer.person != task.owner and not may_be_notified(task.owner, now):
                people.append(officer.person)
            for person in people:
                by_mail = person.pk in there
                notify(person, task.ticket, Notice.Kind.TASK, due_at=task.due_at, text=task.title, by_mail=by_mail)
            task.due_told_at = now
            task.save(update_fields=["due_told_at"])
            told += 1
    return told


def give_tasks(tasks: Collection[Task], owner: User, *, reason: str) -> int:
    """These open tasks, locked already, are another one's from now on. The history of each ticket tells it."""
    Task.objects.filter(pk__in=[each.pk for each in tasks]).update(owner=owner, due_told_at=None)
    data = {"person": str(owner)}
    record_many([Fact(events.TASK_GIVEN, [each, each.ticket], {**data, "title": each.title}, reason) for each in tasks])
    return len(tasks)


def give_tasks_to_deputies(limit: int = 500) -> int:
    """What falls due while its owner is away is their deputy's, where one was named; else it follows the accounts."""
    moved = 0
    for person, deputy, ends in absent_with_deputies(timezone.now()):
        rights = rights_of(deputy)
        with transaction.atomic():
            mine = open_tasks(owner=person, due_at__lt=ends)[:limit]
            able = [each for each in mine if rights.has(Can.SEE_TICKETS, each.ticket.program_id)]
            moved += give_tasks(able, deputy, reason=_("%(person)s is away.") % {"person": person})
    return moved


def open_tasks(*conditions: Q, **fields: Any) -> QuerySet[Task]:
    """Those that are not done, locked; what somebody has in hand is left out."""
    rows = Task.objects.filter(*conditions, done_at=None, **fields)
    return rows.select_for_update(skip_locked=True, of=("self",)).select_related("ticket")
