"""Over the API: what is put together, taken apart, matched and asked of others, and taken back; and the rules that start requests."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.urls import path
from django.utils.translation import gettext as _
from rest_framework.request import Request

from affiliates.api import find_affiliate
from channels.models import Contact, ContactAddress
from core.access import AccessError, Can, programs_of
from core.api.answers import Answer, Id, Number, Time, Truth, Word
from core.api.fields import FILTER, OPTIONAL, Choice, Flag, Input, Reference, Text, Whole
from core.api.operations import address, operation
from core.api.problems import invalid
from core.api.references import find, found
from programs.api import find_program
from support.api import TicketDetail, find_channel, find_contact, find_ticket, shown_ticket
from support.models import Escalation, Level, Message, Move, StartRule, Ticket
from support.services import merge_tickets, split_ticket, undo_move
from support.services.escalations import LONGEST, answer_escalation, withdraw_escalation
from support.services.parties import match_and_give, unmatch_and_take
from support.services.starts import delete_start_rule, save_start_rule, visible_start_rules

LONGEST_REASON = 300


class MergeInput(Input):
    into = Text(max_length=60, help_text="Id of another ticket of the same affiliate or contact, in the same program.")
    reason = Text(max_length=LONGEST_REASON, **OPTIONAL)


class SplitInput(Input):
    subject = Text(max_length=500, help_text="Left out: the message's first line.", **OPTIONAL)
    with_later = Flag(help_text="true: with all that was written after it.", **OPTIONAL)


class MatchInput(Input):
    affiliate = Reference(find_affiliate)
    reason = Text(max_length=LONGEST_REASON, help_text="How that is known: it stands in the history.")


class UnmatchInput(Input):
    reason = Text(max_length=LONGEST_REASON)
    wrong = Flag(
        help_text="Left out or true: they never were, and what they wrote goes with them. false: they are no more, and it stays.",
        **OPTIONAL,
    )


class StartRuleInput(Input):
    kind = Choice(choices=StartRule.Kind.values)
    hours = Whole(min_value=1, max_value=24 * 365, help_text="Of quiet and resolved.", **OPTIONAL)
    words = Text(max_length=300, help_text="Of begins and contains: separated by commas.", **OPTIONAL)
    program = Reference(find_program, help_text="Left out: every program.", **OPTIONAL)
    channel = Reference(find_channel, help_text="Left out: every channel.", **OPTIONAL)
    is_active = Flag(required=False)


class StartRuleFilters(Input):
    program = Reference(find_program, **FILTER)


class EscalationAnswerInput(Input):
    answer = Text(max_length=LONGEST)


class WithdrawInput(Input):
    reason = Text(max_length=LONGEST_REASON, **OPTIONAL)


class EscalationAnswer(Answer):
    """A question to somebody who knows more."""

    id = Id("esc")
    ticket = Id("tkt")
    number = Number(help_text="Of the ticket's hand-overs.")
    level = Word(choices=Level.values)
    status = Word(choices=Escalation.Status.values)
    question = Word()
    reason = Word(allow_null=True)
    asked_by = Id("usr")
    holder = Id("usr", allow_null=True)
    answer = Word(allow_null=True)
    accept_due = Time()
    created_at = Time()
    closed_at = Time(allow_null=True)


class ContactFilters(Input):
    program = Reference(find_program, help_text="To which they have written.", **FILTER)
    affiliate = Reference(find_affiliate, **FILTER)
    unmatched = Choice(choices=["true", "false"], help_text="true: nobody's yet. false: an affiliate's.", **FILTER)


class MoveAnswer(Answer):
    """A merge (`from_ticket` went into `to_ticket`) or a split (`to_ticket` was split off from `from_ticket`)."""

    id = Id("mov")
    kind = Word(choices=Move.Kind.values)
    from_ticket = Id("tkt", source="source_id")
    to_ticket = Id("tkt", source="target_id")
    by = Id("usr")
    created_at = Time()
    undone_at = Time(allow_null=True)


class AddressAnswer(Answer):
    kind = Word(choices=ContactAddress.Kind.values)
    value = Word()


class ContactAnswer(Answer):
    id = Id("con")
    name = Word()
    affiliate = Id("aff", allow_null=True)
    matched_by = Id("usr", allow_null=True)
    matched_at = Time(allow_null=True)
    addresses = AddressAnswer(many=True, read_only=True)
    created_at = Time()


class StartRuleAnswer(Answer):
    id = Id("srl")
    kind = Word(choices=StartRule.Kind.values)
    hours = Number(allow_null=True)
    words = Word(allow_null=True)
    program = Id("prg", allow_null=True)
    channel = Id("chn", allow_null=True)
    is_active = Truth()
    sentence = Word()
    created_at = Time()


def find_move(user: Any, text: str) -> Move | None:
    """Of tickets that the caller sees, both of them."""
    tickets = Ticket.objects.visible_to(user)
    return find(Move.objects.select_related("source", "target").filter(source__in=tickets, target__in=tickets), text)


@operation(Can.ANSWER_TICKETS, TicketDetail, takes=MergeInput)
def ticket_merge(request: Request, id: str, data: dict[str, Any]) -> Ticket:
    """Merge a ticket into another

    Answers with the other, which has the messages of both. 409 where they are of different people, or about money of their own.
    """
    ticket, into = found(find_ticket(request.user, id)), find_ticket(request.user, data["into"])
    if into is None:
        raise invalid("into", _("There is no such ticket, or this key cannot see it."), "not_found")
    return shown_ticket(merge_tickets(ticket, into, by=request.user, reason=data.get("reason") or ""))


@operation(Can.ANSWER_TICKETS, TicketDetail, takes=SplitInput, status=201)
def message_split(request: Request, id: str, data: dict[str, Any]) -> Ticket:
    """Split a message off into a ticket of its own

    Answers with the new ticket. 409 where nothing would be left.
    """
    rows = Message.objects.filter(ticket__in=Ticket.objects.visible_to(request.user)).select_related("ticket")
    message = found(find(rows, id))
    later = bool(data.get("with_later"))
    return shown_ticket(split_ticket(message, by=request.user, subject=data.get("subject") or "", with_later=later))


@operation(Can.SEE_TICKETS, MoveAnswer, newest_by="created_at")
def move_list(request: Request, id: str) -> QuerySet[Move]:
    """List what was merged with a ticket or split off from it

    What was undone has `undone_at`.
    """
    ticket, tickets = found(find_ticket(request.user, id)), Ticket.objects.visible_to(request.user)
    return Move.objects.filter(Q(source=ticket) | Q(target=ticket), source__in=tickets, target__in=tickets)


@operation(Can.ANSWER_TICKETS, TicketDetail)
def move_undo(request: Request, id: str) -> Ticket:
    """Take a merge apart, or put back what was split off

    Answers with the ticket that has its words again. 409 where that would not be the truth any more, or was done already.
    """
    return shown_ticket(undo_move(found(find_move(request.user, id)), by=request.user))


@operation(Can.SEE_TICKETS, EscalationAnswer, newest_by="created_at")
def escalation_list(request: Request, id: str) -> QuerySet[Escalation]:
    """List what was asked of others in a ticket

    One is open at a time: `asked`, or `accepted` by its `holder`.
    """
    return Escalation.objects.filter(ticket=found(find_ticket(request.user, id)))


def find_escalation(user: Any, text: str) -> Escalation | None:
    return find(Escalation.objects.visible_to(user).select_related("ticket"), text)


@operation(Can.ANSWER_TICKETS, EscalationAnswer, takes=EscalationAnswerInput)
def escalation_answer(request: Request, id: str, data: dict[str, Any]) -> Escalation:
    """Answer what was asked

    The answer stands in the ticket as a note. 409 where the question is closed.
    """
    escalation = found(find_escalation(request.user, id))
    answer_escalation(escalation, data["answer"], by=request.user)
    return found(find_escalation(request.user, id))


@operation(Can.ANSWER_TICKETS, EscalationAnswer, takes=WithdrawInput)
def escalation_withdraw(request: Request, id: str, data: dict[str, Any]) -> Escalation:
    """Take a question back

    By those who asked it or answer for the ticket; whoever works on it is told. 409 where it is closed.
    """
    return withdraw_escalation(found(find_escalation(request.user, id)), by=request.user, reason=data.get("reason") or "")


def _contact(user: Any, text: str) -> Contact:
    return found(find(Contact.objects.visible_to(user).prefetch_related("addresses"), text))


def _answered(user: Any, text: str) -> Contact:
    """One who wrote to a program in which the caller answers."""
    contact, programs = found(find_contact(user, text)), programs_of(user, Can.ANSWER_TICKETS)
    if programs is not None and not contact.programs.filter(pk__in=programs).exists():
        raise AccessError(_("Your role does not allow this here. Ask an admin or the head of affiliates."), code="forbidden")
    return contact


@operation(Can.SEE_TICKETS, ContactAnswer, filters=ContactFilters, newest_by="created_at")
def contact_list(request: Request, filters: dict[str, Any]) -> QuerySet[Contact]:
    """List those who write"""
    unmatched, program = filters.pop("unmatched", None), filters.pop("program", None)
    rows = Contact.objects.visible_to(request.user).prefetch_related("addresses").filter(**filters)
    if unmatched is not None:
        rows = rows.filter(affiliate__isnull=unmatched == "true")
    return rows if program is None else rows.who_wrote_to([program.pk])


@operation(Can.SEE_TICKETS, ContactAnswer)
def contact_get(request: Request, id: str) -> Contact:
    """Show who writes, and whose they are"""
    return _contact(request.user, id)


@operation(Can.ANSWER_TICKETS, ContactAnswer, takes=MatchInput)
def contact_match(request: Request, id: str, data: dict[str, Any]) -> Contact:
    """Say whose a contact is

    All that they wrote and write is the affiliate's at once. 409 where they are another's: take that back first.
    """
    match_and_give(_answered(request.user, id), data["affiliate"], by=request.user, reason=data["reason"])
    return _contact(request.user, id)


@operation(Can.ANSWER_TICKETS, ContactAnswer, takes=UnmatchInput)
def contact_unmatch(request: Request, id: str, data: dict[str, Any]) -> Contact:
    """Take a match back

    Unless `wrong` is false, the affiliate sees none of what they wrote any more.
    """
    wrong = data.get("wrong") is not False
    unmatch_and_take(_answered(request.user, id), by=request.user, reason=data["reason"], wrong=wrong)
    return _contact(request.user, id)


def find_start_rule(user: Any, text: str, can: Can = Can.SEE_TICKETS) -> StartRule | None:
    return find(visible_start_rules(user, can), text)


@operation(Can.SEE_TICKETS, StartRuleAnswer, filters=StartRuleFilters, newest_by="created_at")
def start_rule_list(request: Request, filters: dict[str, Any]) -> QuerySet[StartRule]:
    """List the rules that start requests"""
    return visible_start_rules(request.user).filter(**filters)


@operation(Can.SET_INBOX, StartRuleAnswer, takes=StartRuleInput, status=201)
def start_rule_create(request: Request, data: dict[str, Any]) -> StartRule:
    """State when a message begins a request of its own"""
    return save_start_rule(StartRule(), by=request.user, **data)


@operation(Can.SEE_TICKETS, StartRuleAnswer)
def start_rule_get(request: Request, id: str) -> StartRule:
    """Show a rule that starts requests"""
    return found(find_start_rule(request.user, id))


@operation(Can.SET_INBOX, StartRuleAnswer, takes=StartRuleInput)
def start_rule_update(request: Request, id: str, data: dict[str, Any]) -> StartRule:
    """Change a rule that starts requests, or take it out of use

    What has begun stays as it is.
    """
    rule = found(find_start_rule(request.user, id))
    given = {name: "" if name == "words" and value is None else value for name, value in data.items()}
    return save_start_rule(rule, by=request.user, **given)


@operation(Can.SET_INBOX, StartRuleAnswer)
def start_rule_delete(request: Request, id: str) -> StartRule:
    """Delete a rule that starts requests

    Answers with what it was; its history is kept.
    """
    rule = found(find_start_rule(request.user, id))
    delete_start_rule(rule, by=request.user)
    return rule


api = [
    path("tickets/<str:id>/merge", address(post=ticket_merge), name="ticket_merge"),
    path("tickets/<str:id>/moves", address(get=move_list), name="move_list"),
    path("messages/<str:id>/split", address(post=message_split), name="message_split"),
    path("moves/<str:id>/undo", address(post=move_undo), name="move_undo"),
    path("tickets/<str:id>/escalations", address(get=escalation_list), name="escalation_list"),
    path("escalations/<str:id>/answer", address(post=escalation_answer), name="escalation_answer"),
    path("escalations/<str:id>/withdraw", address(post=escalation_withdraw), name="escalation_withdraw"),
    path("contacts", address(get=contact_list), name="contact_list"),
    path("contacts/<str:id>", address(get=contact_get), name="contact_detail"),
    path("contacts/<str:id>/match", address(post=contact_match), name="contact_match"),
    path("contacts/<str:id>/unmatch", address(post=contact_unmatch), name="contact_unmatch"),
    path("start-rules", address(get=start_rule_list, post=start_rule_create), name="start_rule_list"),
    path("start-rules/<str:id>", address(get=start_rule_get, patch=start_rule_update), name="start_rule_detail"),
    path("start-rules/<str:id>/delete", address(post=start_rule_delete), name="start_rule_delete"),
]
