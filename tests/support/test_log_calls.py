"""The phone log: who, when, how long, what was said, what follows."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core.errors import Refusal
from support.models import Message, PhoneCall, Task, Ticket
from support.services import change_status, change_ticket
from support.services.calls import log_call, normal_number, shown_number
from tests.factories_support import make_contact, make_message, make_ticket
from tests.pages import assert_same_queries, text_of


def log(program, by, **fields):
    return log_call(program, by=by, started_at=timezone.now(), **{"kind": "incoming", "minutes": 5, **fields})


@pytest.mark.parametrize(
    ("typed", "country", "number"),
    [
        ("+49 30 901820", "", "+4930901820"),
        ("030 / 90 18 20", "DE", "+4930901820"),
        ("0049 30 901820", "DE", "+4930901820"),
        ("(415) 555-2671", "US", "+14155552671"),
        ("", "", ""),
    ],
)
def test_numbers_are_one_whoever_wrote_them(typed, country, number):
    assert normal_number(typed, country) == number


@pytest.mark.parametrize("typed", ["030 901820", "call me", "+1", "12"])
def test_what_could_be_anywhere_is_refused(typed):
    with pytest.raises(Refusal, match="with its country"):
        normal_number(typed)


def test_they_are_shown_as_people_read_them():
    assert shown_number("+4930901820") == "+49 30 901820"


def test_a_call_becomes_a_request_with_question_and_answer(music, ana, sofia):
    call = log(music, sofia, affiliate=ana, number="+49 30 901820", said="Where is my money?", answered="On Friday.")

    ticket = call.ticket
    assert (ticket.affiliate, ticket.channel.kind, ticket.assignee, ticket.status) == (ana, "phone", sofia, "pending")
    assert list(ticket.messages.values_list("direction", "body_text")) == [("in", "Where is my money?"), ("out", "On Friday.")]
    assert (call.contact.affiliate, call.contact.matched_by, call.number) == (ana, sofia, "+4930901820")


def test_a_claim_that_was_told_on_the_phone_has_its_time_to_be_decided(music, ana, sofia):
    ticket = log(music, sofia, kind="outgoing", affiliate=ana, answered="We look at your order A-7.").ticket
    assert ticket.resolution_due is None

    ticket = change_status(change_ticket(ticket, by=sofia, type="claim"), "open", by=sofia)

    assert ticket.created_at < ticket.resolution_due < ticket.created_at + timedelta(days=4)
    assert (ticket.first_reply_due, ticket.next_due) == (None, ticket.resolution_due)


def test_it_joins_what_is_open(music, ana, sofia):
    ticket = make_ticket(ana, music, status="open")
    make_message(ticket)
    assert log(music, sofia, affiliate=ana, said="And another thing").ticket == ticket


def test_what_follows_is_a_task_with_an_owner_and_a_time(music, ana, sofia, mara):
    due = timezone.now() + timedelta(hours=3)
    log(music, sofia, affiliate=ana, said="Call me", follow_up="Call back", follow_up_due=due, follow_up_owner=mara)
    task = Task.objects.get()
    assert (task.title, task.owner, task.due_at, task.message.body_text) == ("Call back", mara, due, "Call me")


def test_a_missed_call_is_our_turn(music, sofia):
    call = log(music, sofia, kind="missed", minutes=0, number="+14155552671")
    assert (call.ticket.status, call.ticket.contact.affiliate) == ("new", None)
    assert call.said.body_text == "They called, and nobody answered."


def test_what_was_solved_on_the_phone_is_resolved(music, ana, sofia):
    assert log(music, sofia, affiliate=ana, answered="Done.", solved=True).ticket.pk
    assert Ticket.objects.get().status == "resolved"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"said": "x"}, "who it was"),
        ({"number": "+14155552671"}, "what was said"),
        ({"number": "+14155552671", "kind": "missed", "answered": "x"}, "Nobody answered"),
        ({"number": "+14155552671", "said": "x", "minutes": 5000}, "At most a day"),
        ({"number": "+14155552671", "said": "x", "kind": "sideways"}, "who called"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_nothing(music, sofia, fields, why):
    with pytest.raises(Refusal, match=why):
        log(music, sofia, **fields)
    assert not Message.objects.exists() and not PhoneCall.objects.exists()


def test_nobody_writes_into_another_program(music, nils, ana):
    with pytest.raises(Refusal):
        log(music, nils, affiliate=ana, said="x")


def test_a_number_that_is_another_s_stays_theirs(music, ana, bao, sofia):
    make_contact(bao, phone="+14155552671")
    call = log(music, sofia, affiliate=ana, number="+14155552671", said="I use Bao's phone")
    assert (call.contact.affiliate, call.ticket.affiliate) == (bao, ana)


def test_by_the_page(music, ana, sofia, as_person):
    client = as_person(sofia)
    assert ana.public_id in client.get(f"/manage/inbox/calls/new/?affiliate={ana.public_id}").content.decode()
    form = {"program": music.pk, "kind": "incoming", "affiliate": ana.email, "started_at": "2026-01-05T10:00", "minutes": "7"}
    answer = client.post("/manage/inbox/calls/new/", {**form, "said": "Hello there"})
    assert answer.status_code == 302, text_of(answer)
    assert "Hello there" in text_of(client.get("/manage/inbox/calls/"))


def test_the_list_takes_as_many_queries_for_many(music, ana, sofia, as_person):
    def add():
        log(music, sofia, affiliate=ana, number="+14155552671", said="x", answered="y", follow_up="z")

    add()
    assert_same_queries(as_person(sofia), "/manage/inbox/calls/", lambda: [add() for _ in range(4)], most=16)
