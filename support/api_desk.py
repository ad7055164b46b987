"""Over the API: whose a ticket is, what it is about, when it comes back, and what is to be done in it."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from django.utils.translation import gettext as _
from rest_framework.request import Request

from accounts.models import User
from affiliates.api import find_person
from core.access import Can
from core.api.answers import Answer, Id, Time, Word
from core.api.fields import FILTER, OPTIONAL, Choice, Input, Many, Moment, Reference, Text
from core.api.operations import address, operation
from core.api.problems import invalid
from core.api.references import find, found
from support.api import TicketDetail, find_ticket, shown_ticket, ticket_get
from support.models import Message, Priority, Task, Ticket, TicketType
from support.services import add_task, assign, change_ticket, finish_task, link_tickets, move_task, snooze, tag_ticket
from support.services.tickets import LONGEST_TAG

LONGEST_REASON = 300
MOST_TAGS = 50


def find_owner(user: Any, text: str) -> User | None:
    """A member of the team by id or e-mail, or `me`: whose key it is."""
    return user if text == "me" else find_person(user, text)


class AssignInput(Input):
    assignee = Reference(find_owner, help_text="Id or e-mail of a member of the team, or `me`: the person whose key this is.")
    reason = Text(max_length=LONGEST_REASON, **OPTIONAL)


class UnassignInput(Input):
    reason = Text(max_length=LONGEST_REASON, **OPTIONAL)


class SnoozeInput(Input):
    until = Moment()
    reason = Text(max_length=LONGEST_REASON, help_text="What it waits for.", **OPTIONAL)


class TicketChange(Input):
    subject = Text(max_length=500)
    type = Choice(choices=TicketType.values)
    priority = Choice(choices=Priority.values)


class TagsInput(Input):
    add = Many(child=Text(max_length=LONGEST_TAG), max_length=MOST_TAGS, **OPTIONAL)
    remove = Many(child=Text(max_length=LONGEST_TAG), max_length=MOST_TAGS, **OPTIONAL)


class TicketLinkInput(Input):
    to = Text(max_length=60, help_text="Id of the other ticket.")


class TaskInput(Input):
    title = Text(max_length=300)
    due_at = Moment()
    owner = Reference(
        find_owner, help_text="Who does it. Left out: whose key it is; a service's: who owns the ticket.", **OPTIONAL
    )
    message = Text(max_length=60, help_text="Id of the ticket's message that asks for it.", **OPTIONAL)


class TaskChange(Input):
    owner = Reference(find_owner)
    due_at = Moment()


class TaskFilters(Input):
    owner = Reference(find_owner, help_text="Id or e-mail, or `me`.", **FILTER)
    done = Choice(choices=["true", "false"], **FILTER)


class TaskAnswer(Answer):
    """Something that a ticket asks to be done. None is done with another, nor with its ticket."""

    id = Id("tsk")
    ticket = Id("tkt")
    message = Id("msg", allow_null=True)
    title = Word()
    owner = Id("usr")
    due_at = Time()
    done_at = Time(allow_null=True)
    done_by = Id("usr", allow_null=True)
    created_by = Id("usr", allow_null=True)
    created_at = Time()


@operation(Can.ANSWER_TICKETS, TicketDetail, takes=TicketChange)
def ticket_update(request: Request, id: str, data: dict[str, Any]) -> Ticket:
    """Change what a ticket is about

    409 where something is decided in it, of its type.
    """
    return shown_ticket(change_ticket(found(find_ticket(request.user, id)), by=request.user, **data))


@operation(Can.ANSWER_TICKETS, TicketDetail, takes=AssignInput)
def ticket_assign(request: Request, id: str, data: dict[str, Any]) -> Ticket:
    """Take a ticket, or give it to somebody

    Oneself one may always take it. Others are given nothing while they are off shift or on leave (400, `off_shift`), and a
    service owns no tickets (400, `service`).
    """
    ticket = found(find_ticket(request.user, id))
    return shown_ticket(assign(ticket, data["assignee"], by=request.user, reason=data.get("reason") or ""))


@operation(Can.ANSWER_TICKETS, TicketDetail, takes=UnassignInput)
def ticket_unassign(request: Request, id: str, data: dict[str, Any]) -> Ticket:
    """Give a ticket back to the team

    Whoever is there gets it, if it waits for us.
    """
    return shown_ticket(assign(found(find_ticket(request.user, id)), None, by=request.user, reason=data.get("reason") or ""))


@operation(Can.ANSWER_TICKETS, TicketDetail, takes=SnoozeInput)
def ticket_snooze(request: Request, id: str, data: dict[str, Any]) -> Ticket:
    """Put a ticket aside until a time, or until the affiliate writes

    Its clocks run on.
    """
    ticket = found(find_ticket(request.user, id))
    return shown_ticket(snooze(ticket, data["until"], by=request.user, reason=data.get("reason") or ""))


@operation(Can.ANSWER_TICKETS, TicketDetail)
def ticket_wake(request: Request, id: str) -> Ticket:
    """Put a ticket back into the queue"""
    return shown_ticket(snooze(found(find_ticket(request.user, id)), None, by=request.user))


@operation(Can.ANSWER_TICKETS, TicketDetail, takes=TagsInput)
def ticket_tags(request: Request, id: str, data: dict[str, Any]) -> Ticket:
    """Put tags on a ticket and take others off

    In small letters. Those that others put on or take off meanwhile stay as they say.
    """
    given = {name: data[name] for name in ("add", "remove") if name in data}
    return shown_ticket(tag_ticket(found(find_ticket(request.user, id)), by=request.user, **given))


@operation(Can.ANSWER_TICKETS, TicketDetail, takes=TicketLinkInput)
def ticket_link(request: Request, id: str, data: dict[str, Any]) -> Ticket:
    """Say that two tickets belong together"""
    ticket, other = found(find_ticket(request.user, id)), find_ticket(request.user, data["to"])
    if other is None:
        raise invalid("to", _("There is no such ticket, or this key cannot see it."), "not_found")
    link_tickets(ticket, other, by=request.user)
    return shown_ticket(ticket)


def _tasks(user: Any) -> QuerySet[Task]:
    return Task.objects.filter(ticket__in=Ticket.objects.visible_to(user))


def find_task(user: Any, text: str) -> Task | None:
    return find(_tasks(user).select_related("ticket"), text)


def _filtered(rows: QuerySet[Task], filters: dict[str, Any]) -> QuerySet[Task]:
    if (done := filters.pop("done", None)) is not None:
        rows = rows.filter(done_at__isnull=done == "false")
    return rows.filter(**filters)


@operation(Can.SEE_TICKETS, TaskAnswer, filters=TaskFilters, newest_by="created_at")
def task_list(request: Request, filters: dict[str, Any]) -> QuerySet[Task]:
    """List tasks of all tickets"""
    return _filtered(_tasks(request.user), filters)


@operation(Can.SEE_TICKETS, TaskAnswer, filters=TaskFilters, newest_by="created_at")
def ticket_task_list(request: Request, id: str, filters: dict[str, Any]) -> QuerySet[Task]:
    """List what is to be done in a ticket"""
    return _filtered(Task.objects.filter(ticket=found(find_ticket(request.user, id))), filters)


@operation(Can.ANSWER_TICKETS, TaskAnswer, takes=TaskInput, status=201)
def task_create(request: Request, id: str, data: dict[str, Any]) -> Task:
    """Put down something to be done in a ticket"""
    ticket, named = found(find_ticket(request.user, id)), data.get("message")
    message = find(Message.objects.filter(ticket=ticket), named) if named else None
    if named and message is None:
        raise invalid("message", _("This message belongs to another ticket."), "other_ticket")
    due = {"owner": data.get("owner"), "due_at": data["due_at"]}
    return add_task(ticket, data["title"], by=request.user, message=message, **due)


@operation(Can.SEE_TICKETS, TaskAnswer)
def task_get(request: Request, id: str) -> Task:
    """Show a task"""
    return found(find_task(request.user, id))


@operation(Can.ANSWER_TICKETS, TaskAnswer, takes=TaskChange)
def task_update(request: Request, id: str, data: dict[str, Any]) -> Task:
    """Give a task to somebody else, or another time

    409 where it is done.
    """
    return move_task(found(find_task(request.user, id)), by=request.user, **data)


@operation(Can.ANSWER_TICKETS, TaskAnswer)
def task_finish(request: Request, id: str) -> Task:
    """Say that a task is done

    A second time changes nothing.
    """
    return finish_task(found(find_task(request.user, id)), by=request.user)


api = [
    path("tickets/<str:id>", address(get=ticket_get, patch=ticket_update), name="ticket_detail"),
    path("tickets/<str:id>/assign", address(post=ticket_assign), name="ticket_assign"),
    path("tickets/<str:id>/unassign", address(post=ticket_unassign), name="ticket_unassign"),
    path("tickets/<str:id>/snooze", address(post=ticket_snooze), name="ticket_snooze"),
    path("tickets/<str:id>/wake", address(post=ticket_wake), name="ticket_wake"),
    path("tickets/<str:id>/tags", address(post=ticket_tags), name="ticket_tags"),
    path("tickets/<str:id>/link", address(post=ticket_link), name="ticket_link"),
    path("tickets/<str:id>/tasks", address(get=ticket_task_list, post=task_create), name="ticket_task_list"),
    path("tasks", address(get=task_list), name="task_list"),
    path("tasks/<str:id>", address(get=task_get, patch=task_update), name="task_detail"),
    path("tasks/<str:id>/done", address(post=task_finish), name="task_finish"),
]
