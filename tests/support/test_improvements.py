"""Improvements: raised by tickets, decided once, told to those who raised them."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from core.access import AccessError
from support.errors import TicketError
from support.models import Improvement, Message, Notice
from support.services.improvements import decide_improvement, raise_improvement
from support.services.joining import merge_tickets
from tests.factories_support import make_channel, make_chat, make_contact, make_message, make_ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def tickets(music, ana, bao):
    found = [make_ticket(affiliate, music) for affiliate in (ana, bao)]
    for ticket in found:
        make_message(ticket)
    return found


def test_those_who_raised_it_hear_the_decision(tickets, mara, sofia):
    improvement = raise_improvement(tickets[0], by=sofia, title="Weekly payouts")
    raise_improvement(tickets[1], by=sofia, improvement=improvement)

    decide_improvement(improvement, True, by=mara, reason="From January on.")

    told = Message.objects.filter(direction="auto").order_by("ticket_id")
    assert [message.ticket for message in told] == tickets
    assert all("Weekly payouts" in message.body_text and "From January on." in message.body_text for message in told)
    assert [(notice.user, notice.kind) for notice in Notice.objects.all()] == [(sofia, "decided")] * 2
    assert improvement.voices.filter(told_at__isnull=False).count() == 2


def test_a_ticket_raises_it_once_and_it_is_decided_once(tickets, mara, sofia):
    improvement = raise_improvement(tickets[0], by=sofia, title="Weekly payouts")
    raise_improvement(tickets[0], by=sofia, improvement=improvement)
    assert improvement.voices.count() == 1

    with pytest.raises(TicketError, match="Say why"):
        decide_improvement(improvement, False, by=mara, reason=" ")
    decide_improvement(improvement, False, by=mara, reason="Banks charge for each.")
    with pytest.raises(TicketError, match="decided already"):
        decide_improvement(improvement, True, by=mara, reason="After all.")
    with pytest.raises(TicketError, match="decided already"):
        raise_improvement(tickets[1], by=sofia, improvement=improvement)


def test_those_who_answer_raise_and_those_who_manage_the_program_decide(tickets, sofia, vera):
    with pytest.raises(AccessError):
        raise_improvement(tickets[0], by=vera, title="Weekly payouts")
    improvement = raise_improvement(tickets[0], by=sofia, title="Weekly payouts")
    with pytest.raises(AccessError):
        decide_improvement(improvement, True, by=sofia, reason="Yes.")


def test_an_improvement_is_its_programs(tickets, books, sofia, ada):
    other = raise_improvement(make_ticket(program=books), by=ada, title="More books")

    with pytest.raises(TicketError, match="different programs"):
        raise_improvement(tickets[0], by=sofia, improvement=other)


def test_what_a_merged_ticket_raised_the_other_raises_once(music, ana, mara):
    ticket, into = make_ticket(ana, music), make_ticket(ana, music)
    both = raise_improvement(ticket, by=mara, title="Weekly payouts")
    raise_improvement(into, by=mara, improvement=both)
    alone = raise_improvement(ticket, by=mara, title="A dark mode")

    merge_tickets(ticket, into, by=mara)

    assert [voice.ticket for improvement in (both, alone) for voice in improvement.standing_voices] == [into, into]


@pytest.mark.parametrize("fields", [{"status": "accepted"}, {"status": "open", "decided_at": "2026-11-23T12:00Z"}])
def test_the_database_holds_what_a_decision_is(tickets, sofia, fields):
    improvement = raise_improvement(tickets[0], by=sofia, title="Weekly payouts")
    with pytest.raises(IntegrityError), transaction.atomic():
        Improvement.objects.filter(pk=improvement.pk).update(**fields)


def test_whoever_is_not_reached_holds_up_nobody(tickets, music, ana, mara, sofia):
    chat = make_chat(make_channel(music, "telegram"), make_contact(ana, telegram=5), closed_reason="They have blocked the bot")
    blocked = make_ticket(ana, music, channel=chat.channel, chat=chat)
    improvement = raise_improvement(blocked, by=sofia, title="Weekly payouts")
    raise_improvement(tickets[1], by=sofia, improvement=improvement)

    decide_improvement(improvement, True, by=mara, reason="From January on.")

    told = improvement.voices.order_by("pk").values_list("told_at", flat=True)
    assert [at is None for at in told] == [True, False]
