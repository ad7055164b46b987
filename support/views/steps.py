"""What is done to a ticket, or to several at once: each one POST, each one service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from core.access import Can, manager_required
from core.components import number_text
from core.errors import Refusal
from core.ui import redirect_back, refusals_as_messages
from support.forms import AssignForm, ChangeForm, OtherTicketForm, SplitForm, StatusForm, TaskForm, UntilForm
from support.models import Message, Move, Task, Ticket, TicketStatus
from support.queries.ticket import BESIDE, tickets_beside
from support.services import (
    add_task,
    assign,
    change_status,
    change_ticket,
    finish_task,
    link_tickets,
    merge_tickets,
    snooze,
    split_ticket,
    tag_ticket,
    undo_move,
)
from support.views.asking import ask
from support.views.queue import Queue
from support.views.tickets import back_to, tell_what_remains, tell_what_was_withdrawn, visible_ticket


def tell_errors(request: HttpRequest, form: Form) -> None:
    for name, errors in form.errors.items():
        label = form.fields[name].label if name in form.fields else ""
        for error in errors:
            messages.error(request, f"{label}: {error}" if label else str(error))


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def ticket_assign(request: HttpRequest, public_id: str) -> HttpResponse:
    ticket = visible_ticket(request, public_id, Can.ANSWER_TICKETS)
    form = AssignForm(request.POST, by=request.user)
    if form.is_valid():
        with refusals_as_messages(request):
            assign(ticket, form.cleaned_data["to"], by=request.user, reason=form.cleaned_data["reason"])
    else:
        tell_errors(request, form)
    return back_to(request, ticket)


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def ticket_status(request: HttpRequest, public_id: str) -> HttpResponse:
    ticket = visible_ticket(request, public_id, Can.ANSWER_TICKETS)
    form = StatusForm(request.POST)
    if form.is_valid():
        with refusals_as_messages(request):
            change_status(
                ticket,
                form.cleaned_data["status"],
                by=request.user,
                until=form.cleaned_data["until"],
                reason=form.cleaned_data["reason"],
            )
            if form.cleaned_data["status"] == TicketStatus.RESOLVED:
                tell_what_remains(request, ticket)
    else:
        tell_errors(request, form)
    return back_to(request, ticket)


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def ticket_snooze(request: HttpRequest, public_id: str) -> HttpResponse:
    """Until one of the presets or a moment of one's own; with `when=now`, back into the queue."""
    ticket = visible_ticket(request, public_id, Can.ANSWER_TICKETS)
    if request.POST.get("when") == "now":
        with refusals_as_messages(request):
            snooze(ticket, None, by=request.user)
        return back_to(request, ticket)
    form = UntilForm(request.POST)
    if form.is_valid():
        with refusals_as_messages(request):
            snooze(ticket, form.cleaned_data["until"], by=request.user, reason=form.cleaned_data["why"])
    else:
        tell_errors(request, form)
    return back_to(request, ticket)


@manager_required(Can.ANSWER_TICKETS)
def ticket_change(request: HttpRequest, public_id: str) -> HttpResponse:
    ticket = visible_ticket(request, public_id, Can.ANSWER_TICKETS)
    if request.method != "POST":
        form = ChangeForm(instance=ticket, prefix="change")
        return ask(request, ticket, _("What it is about"), form, _("Change"), swaps=True)
    form = ChangeForm(request.POST, instance=ticket, prefix="change")
    if form.is_valid():
        with refusals_as_messages(request):
            change_ticket(ticket, by=request.user, **form.cleaned_data)
    else:
        tell_errors(request, form)
    return back_to(request, ticket)


@manager_required(Can.ANSWER_TICKETS)
def ticket_merge(request: HttpRequest, public_id: str) -> HttpResponse:
    """This one goes into the other, which is shown then."""
    ticket = visible_ticket(request, public_id, Can.ANSWER_TICKETS)
    if request.method != "POST":
        lead = _(
            "All messages and tasks of this ticket go into the other one, which must be of the same affiliate. This one is resolved."
        )
        return _ask_for_another(request, ticket, _("Merge into another"), lead, _("Merge"))
    form = OtherTicketForm(request.POST, by=request.user, ticket=ticket)
    if form.is_valid():
        with refusals_as_messages(request):
            return back_to(request, merge_tickets(ticket, form.cleaned_data["other"], by=request.user))
    else:
        tell_errors(request, form)
    return back_to(request, ticket)


def _ask_for_another(request: HttpRequest, ticket: Ticket, heading: str, lead: str, verb: str) -> HttpResponse:
    beside = list(tickets_beside(ticket, request.user)[:BESIDE])
    form = OtherTicketForm(by=request.user, ticket=ticket)
    form.fields["other"].required = not beside
    if beside:
        form.fields["other"].label = _("Or another one")
    return ask(request, ticket, heading, form, verb, lead=lead, beside=beside)


@manager_required(Can.ANSWER_TICKETS)
def ticket_link(request: HttpRequest, public_id: str) -> HttpResponse:
    ticket = visible_ticket(request, public_id, Can.ANSWER_TICKETS)
    if request.method != "POST":
        return _ask_for_another(
            request, ticket, _("Link to another"), _("Both stay as they are, and each shows the other."), _("Link")
        )
    form = OtherTicketForm(request.POST, by=request.user, ticket=ticket)
    if form.is_valid():
        with refusals_as_messages(request):
            link_tickets(ticket, form.cleaned_data["other"], by=request.user)
    else:
        tell_errors(request, form)
    return back_to(request, ticket)


@manager_required(Can.ANSWER_TICKETS)
def message_split(request: HttpRequest, public_id: str) -> HttpResponse:
    """A ticket of its own out of this message, and with `later` out of what follows."""
    tickets = Ticket.objects.visible_to(request.user, Can.ANSWER_TICKETS)
    message = get_object_or_404(Message, pk=Message.pk_from(public_id), ticket__in=tickets)
    if request.method != "POST":
        lead = _("The message becomes a ticket of its own, linked to this one. The affiliate notices nothing.")
        return ask(request, message.ticket, _("Split off"), SplitForm(), _("Split off"), lead=lead)
    form = SplitForm(request.POST)
    if form.is_valid():
        with refusals_as_messages(request):
            given = form.cleaned_data
            new = split_ticket(message, by=request.user, subject=given["subject"], with_later=given["later"])
            return back_to(request, new)
    else:
        tell_errors(request, form)
    return back_to(request, message.ticket)


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def move_undo(request: HttpRequest, public_id: str) -> HttpResponse:
    """A merge is taken apart, or what was split off is put back; the ticket that has its words again is shown then."""
    tickets = Ticket.objects.visible_to(request.user, Can.ANSWER_TICKETS)
    rows = Move.objects.select_related("source", "target").filter(source__in=tickets, target__in=tickets)
    move = get_object_or_404(rows, pk=Move.pk_from(public_id))
    with refusals_as_messages(request):
        return back_to(request, undo_move(move, by=request.user))
    return back_to(request, move.target)


@manager_required(Can.ANSWER_TICKETS)
def task_create(request: HttpRequest, public_id: str) -> HttpResponse:
    ticket = visible_ticket(request, public_id, Can.ANSWER_TICKETS)
    if request.method != "POST":
        lead = _("It has an owner and a time of its own, and is done when it is done: not with the ticket.")
        asking = TaskForm(ticket=ticket, prefix="task", initial={"owner": request.user.pk})
        about = request.GET.get("message", "")
        return ask(request, ticket, _("Make a task"), asking, _("Make it"), lead=lead, message=about, swaps=True)
    form = TaskForm(request.POST, ticket=ticket, prefix="task")
    asked_by = request.POST.get("message", "")
    message = ticket.messages.filter(pk=Message.pk_from(asked_by) or 0).first() if asked_by else None
    if form.is_valid():
        given = form.cleaned_data
        with refusals_as_messages(request):
            add_task(ticket, given["title"], by=request.user, owner=given["owner"], due_at=given["due_at"], message=message)
    else:
        tell_errors(request, form)
    return back_to(request, ticket)


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def task_finish(request: HttpRequest, public_id: str) -> HttpResponse:
    tickets = Ticket.objects.visible_to(request.user, Can.ANSWER_TICKETS)
    task = get_object_or_404(Task.objects.select_related("ticket"), pk=Task.pk_from(public_id), ticket__in=tickets)
    with refusals_as_messages(request):
        finish_task(task, by=request.user)
    return back_to(request, task.ticket)


Step = Callable[[Ticket], Any]


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def ticket_bulk(request: HttpRequest) -> HttpResponse:
    """One thing done to every chosen ticket, each in a transaction of its own: one that is refused holds up no other."""
    step = _step(request)
    with refusals_as_messages(request):
        chosen = Queue(request).selected()
        may = set(
            Ticket.objects.visible_to(request.user, Can.ANSWER_TICKETS)
            .filter(pk__in=chosen.values("pk"))
            .values_list("pk", flat=True)
        )
        if step is not None:
            _do(request, list(chosen.filter(pk__in=may).order_by("pk")), step)
    return redirect_back(request, "manage:ticket_list")


def _do(request: HttpRequest, tickets: list[Ticket], step: Step) -> None:
    refused: list[str] = []
    unresolved = [ticket.pk for ticket in tickets if ticket.status != TicketStatus.RESOLVED]
    for ticket in tickets:
        try:
            step(ticket)
        except Refusal as refusal:
            refused.append(f"{ticket.subject}: {refusal.message}")
    done = len(tickets) - len(refused)
    if done:
        messages.success(
            request, ngettext("%(number)s ticket changed.", "%(number)s tickets changed.", done) % {"number": number_text(done)}
        )
        tell_what_was_withdrawn(request, unresolved)
    for told in refused[:5]:
        messages.error(request, told)
    if len(refused) > 5:
        messages.error(request, _("%(number)s more were refused.") % {"number": number_text(len(refused) - 5)})


def _step(request: HttpRequest) -> Step | None:
    """What was asked for; None, and a word about it, where that cannot be read."""
    by, what = request.user, request.POST.get("do", "")
    if what == "assign":
        form = AssignForm(request.POST, by=by)
        if form.is_valid():
            given = form.cleaned_data
            return lambda ticket: assign(ticket, given["to"], by=by, reason=given["reason"])
        tell_errors(request, form)
    elif what == "snooze":
        until = UntilForm(request.POST)
        if until.is_valid():
            return lambda ticket: snooze(ticket, until.cleaned_data["until"], by=by, reason=until.cleaned_data["why"])
        tell_errors(request, until)
    elif what == "wake":
        return lambda ticket: snooze(ticket, None, by=by)
    elif what in (TicketStatus.RESOLVED, TicketStatus.OPEN, TicketStatus.PENDING, TicketStatus.ON_HOLD):
        return lambda ticket: change_status(ticket, what, by=by)
    elif what == "tag":
        tag = request.POST.get("tag", "").strip()
        if tag:
            return lambda ticket: tag_ticket(ticket, by=by, add=[tag])
        messages.error(request, _("Write the tag first."))
    else:
        messages.error(request, _("Choose what is to be done."))
    return None
