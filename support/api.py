"""Tickets over the API."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.urls import path
from django.utils import timezone
from rest_framework.request import Request

from affiliates.api import find_affiliate, find_person
from channels.models import Channel, Contact
from core.access import Can
from core.api.answers import Answer, Id, Number, Time, Word, Words
from core.api.fields import FILTER, OPTIONAL, Choice, Flag, Input, Moment, Reference, Text
from core.api.operations import address, operation
from core.api.references import find, found
from core.ids import encode_id
from programs.api import find_program
from support.models import Attachment, Commitment, Direction, Level, Macro, Message, Priority, Ticket, TicketStatus, TicketType
from support.models.tickets import PAUSING
from support.services import add_note, change_status, record_request, reply
from support.services.escalations import LONGEST, escalate
from support.services.macros import reply_with_macro
from support.services.messages import LONGEST_TEXT
from support.services.promises import take_promise

MOST_MESSAGES = 500  # of one ticket, the newest
SLA_STATES = ("none", "running", "warning", "breached", "paused", "stopped")


def find_channel(user: Any, text: str) -> Channel | None:
    """By id or slug, among those of the programs whose inbox the caller sees."""
    return find(Channel.objects.visible_to(user), text, "slug")


def find_contact(user: Any, text: str) -> Contact | None:
    return find(Contact.objects.visible_to(user).select_related("affiliate"), text)


def find_ticket(user: Any, text: str) -> Ticket | None:
    return find(Ticket.objects.visible_to(user).select_related("channel"), text)


class TicketInput(Input):
    program = Reference(find_program)
    affiliate = Reference(find_affiliate, help_text="Who asks; or `contact`.", **OPTIONAL)
    contact = Reference(find_contact, help_text="Who asks, where they are not known as an affiliate.", **OPTIONAL)
    subject = Text(max_length=500)
    body = Text(max_length=LONGEST_TEXT, help_text="What they ask, in their words.")
    channel = Reference(
        find_channel,
        help_text="Where they are answered. Left out: in the program's portal, or where a contact can be reached.",
        **OPTIONAL,
    )


def find_macro(user: Any, text: str) -> Macro | None:
    """By id or name, among those that the caller may use."""
    return find(Macro.objects.visible_to(user), text, "name")


class MessageInput(Input):
    body = Text(max_length=LONGEST_TEXT, allow_blank=True, help_text="With a macro: its words as changed; empty, as they are.")
    note = Flag(help_text="true: for the team alone.", **OPTIONAL)
    promise = Flag(
        help_text="false: what it says of a time is no promise. true: it is one. Left out: what promises something with a time is.",
        **OPTIONAL,
    )
    macro = Reference(
        find_macro, help_text="Id or name. Filled with the affiliate's data, sent with its files, then carried out.", **OPTIONAL
    )


class StatusInput(Input):
    status = Choice(choices=[status for status in TicketStatus.values if status != TicketStatus.NEW])
    until = Moment(help_text="Of pending and on_hold: when it is open again by itself.", **OPTIONAL)


class EscalationInput(Input):
    level = Choice(choices=[level for level in Level.values if level != Level.SUPPORT])
    question = Text(max_length=LONGEST, help_text="One precise question, of twenty characters at least.")
    reason = Text(max_length=LONGEST, help_text="Why it goes further: needed where something was asked before.", **OPTIONAL)


class TicketFilters(Input):
    program = Reference(find_program, **FILTER)
    status = Choice(choices=TicketStatus.values, **FILTER)
    assignee = Reference(find_person, help_text="Id or e-mail of the team member who owns it.", **FILTER)
    affiliate = Reference(find_affiliate, **FILTER)
    breaching = Choice(
        choices=["true", "false"], help_text="true: it is our turn and a due time has passed. false: all others.", **FILTER
    )


class WriterId(Word):
    """Of the person of the team or of the affiliate, else of the contact; null: a system."""

    def get_attribute(self, instance: Message) -> str | None:
        if instance.author_id is not None:
            return encode_id("usr", instance.author_id)
        return encode_id("con", instance.contact_id) if instance.contact_id is not None else None


class AttachmentAnswer(Answer):
    name = Word()
    type = Word(source="file.type", help_text="Told by its content.")
    size = Number(source="file.size", help_text="Bytes.")


class PromiseAnswer(Answer):
    """Something that a reply promised for a time."""

    id = Id("cmt")
    text = Word()
    owner = Id("usr")
    due_at = Time()
    status = Word(choices=Commitment.Status.values)
    settled_at = Time(allow_null=True)


class MessageAnswer(Answer):
    id = Id("msg")
    direction = Word(choices=Direction.values)
    author = WriterId(allow_null=True, help_text="`usr_…`, or `con_…` of who wrote from outside; null: a system.")
    body_text = Word()
    quoted_text = Word(allow_null=True, help_text="What of earlier messages was quoted in it.")
    attachments = AttachmentAnswer(many=True, read_only=True)
    promises = PromiseAnswer(many=True, read_only=True, source="commitments")
    created_at = Time()


class SlaState(Word):
    def get_attribute(self, instance: Ticket) -> str:
        now = timezone.now()
        if instance.status == TicketStatus.RESOLVED:
            return "stopped"
        if instance.status in PAUSING:
            return "paused"
        if instance.next_due is None:
            return "none"
        if instance.next_due <= now:
            return "breached"
        return "warning" if instance.is_due_soon(now) else "running"


class SlaAnswer(Answer):
    """Due times of clocks that run; null: met, paused, or not asked for."""

    first_reply_due = Time(allow_null=True)
    answer_due = Time(allow_null=True)
    next_reply_due = Time(allow_null=True)
    resolution_due = Time(allow_null=True)
    state = SlaState(choices=SLA_STATES)


class TicketAnswer(Answer):
    id = Id("tkt")
    program = Id("prg")
    affiliate = Id("aff", allow_null=True)
    contact = Id("con", allow_null=True)
    channel = Id("chn")
    subject = Word()
    type = Word(choices=TicketType.values)
    status = Word(choices=TicketStatus.values)
    status_until = Time(allow_null=True)
    snoozed_until = Time(allow_null=True)
    priority = Word(choices=Priority.values)
    level = Word(choices=Level.values)
    assignee = Id("usr", allow_null=True)
    tags = Words()
    sla = SlaAnswer(source="*", read_only=True)
    merged_into = Id("tkt", allow_null=True, help_text="The ticket that its messages went into.")
    created_at = Time()
    resolved_at = Time(allow_null=True)


class TicketDetail(TicketAnswer):
    messages = MessageAnswer(many=True, read_only=True, source="shown", help_text=f"The newest {MOST_MESSAGES}, in their order.")


@operation(Can.SEE_TICKETS, TicketAnswer, filters=TicketFilters, newest_by="created_at")
def ticket_list(request: Request, filters: dict[str, Any]) -> QuerySet[Ticket]:
    """List tickets"""
    breaching = filters.pop("breaching", None)
    rows = Ticket.objects.visible_to(request.user).filter(**filters)
    if breaching == "true":
        return rows.our_turn().filter(next_due__lte=timezone.now())
    if breaching == "false":
        return rows.exclude(pk__in=Ticket.objects.our_turn().filter(next_due__lte=timezone.now()).values("pk"))
    return rows


@operation(Can.ANSWER_TICKETS, TicketDetail, takes=TicketInput, status=201)
def ticket_create(request: Request, data: dict[str, Any]) -> Ticket:
    """Open a ticket for an affiliate or a contact

    As if they had written the body themselves: its clocks run, and somebody owns it.
    """
    return shown_ticket(record_request(text=data.pop("body"), by=request.user, **data))


@operation(Can.SEE_TICKETS, TicketDetail)
def ticket_get(request: Request, id: str) -> Ticket:
    """Show a ticket with its messages"""
    return shown_ticket(found(find_ticket(request.user, id)))


@operation(Can.ANSWER_TICKETS, MessageAnswer, takes=MessageInput, status=201)
def message_create(request: Request, id: str, data: dict[str, Any]) -> Message:
    """Answer, or write a note

    An answer goes out through the ticket's channel, and the ticket waits for the affiliate; a note is seen by the team alone.
    409 where there is no way to them. What it promises for a time becomes a commitment, the writer's to keep (a service's: the
    ticket's owner's), unless `promise` is false. A macro without a value for each of its placeholders is refused, with their names.
    """
    ticket, macro = found(find_ticket(request.user, id)), data.get("macro")
    if data.get("note"):
        return add_note(ticket, data["body"], by=request.user)
    with transaction.atomic():
        if macro is not None:
            message = reply_with_macro(ticket, macro, by=request.user, text=data["body"])
        else:
            message = reply(ticket, data["body"], by=request.user)
        take_promise(message, by=request.user, is_one=data.get("promise"))
    return message


@operation(Can.ANSWER_TICKETS, TicketDetail, takes=StatusInput)
def ticket_status(request: Request, id: str, data: dict[str, Any]) -> Ticket:
    """Change a ticket's status

    409 where it went into another one.
    """
    ticket = found(find_ticket(request.user, id))
    return shown_ticket(change_status(ticket, data["status"], by=request.user, until=data.get("until")))


@operation(Can.ANSWER_TICKETS, TicketDetail, takes=EscalationInput)
def ticket_escalate(request: Request, id: str, data: dict[str, Any]) -> Ticket:
    """Ask a higher level something

    The ticket keeps its owner and its clocks; the answer comes back as a note. 409 where it is resolved (which withdraws what is
    open), or went into another one.
    """
    ticket = found(find_ticket(request.user, id))
    escalate(ticket, data["level"], data["question"], by=request.user, reason=data.get("reason") or "")
    ticket.refresh_from_db()
    return shown_ticket(ticket)


def shown_ticket(ticket: Ticket) -> Ticket:
    """With its newest messages, as `TicketDetail` shows it."""
    attachments = Prefetch("attachments", Attachment.objects.select_related("file"))
    newest = ticket.messages.prefetch_related(attachments, "commitments").order_by("-created_at", "-pk")[:MOST_MESSAGES]
    ticket.shown = list(reversed(newest))  # type: ignore[attr-defined]
    return ticket


api = [
    path("tickets", address(get=ticket_list, post=ticket_create), name="ticket_list"),
    path("tickets/<str:id>/messages", address(post=message_create), name="ticket_messages"),
    path("tickets/<str:id>/status", address(post=ticket_status), name="ticket_status"),
    path("tickets/<str:id>/escalate", address(post=ticket_escalate), name="ticket_escalate"),
]
