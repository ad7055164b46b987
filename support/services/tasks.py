"""Tasks: what a message asks to be done, each with an owner and a time; none is done with another, nor with its ticket."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from core.access import Can, check, rights_of
from core.events import record
from support import events
from support.errors import TicketError
from support.models import Message, Task, Ticket
from support.services.following import follow
from support.services.tickets import lock_ticket


@transaction.atomic
def add_task(
    ticket: Ticket, title: str, *, by: User, owner: User | None = None, due_at: datetime, message: Message | None = None
) -> Task:
    """Something to do in this ticket, asked for by one of its messages where one is given; the asker's own unless somebody is named."""
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    ticket = lock_ticket(ticket)
    owner = owner or by
    title = " ".join(title.split())[:300]
    if not title:
        raise TicketError(_("Say what is to be done."), code="blank", field="title")
    if message is not None and message.ticket_id != ticket.pk:
        raise TicketError(_("This message belongs to another ticket."), code="other_ticket", field="message")
    if not rights_of(owner).has(Can.SEE_TICKETS, ticket.program_id):
        raise TicketError(_("%(person)s does not see tickets of this program.") % {"person": owner}, code="owner", field="owner")
    task = Task.objects.create(ticket=ticket, message=message, title=title, owner=owner, due_at=due_at, created_by=by)
    record(events.TASK_ADDED, task, ticket, by=by, data={"title": title, "person": str(owner)})
    follow(ticket)
    return task


@transaction.atomic
def finish_task(task: Task, *, by: User) -> Task:
    """Done, by whoever did it; a second time changes nothing."""
    check(by, Can.ANSWER_TICKETS, task.ticket.program_id)
    task = Task.objects.select_for_update(of=("self",)).select_related("ticket").get(pk=task.pk)
    if task.done_at is None:
        task.done_at, task.done_by = timezone.now(), by
        task.save(update_fields=["done_at", "done_by"])
        record(events.TASK_FINISHED, task, task.ticket, by=by, data={"title": task.title})
        follow(task.ticket)
    return task
