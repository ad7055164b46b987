"""Tickets: opened, read, listed, answered and moved on over the API."""

import itertools
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from support.models import Message, Ticket
from support.services import merge_tickets
from tests.api.client import errors
from tests.factories import make_enrollment
from tests.factories_support import (
    make_attachment,
    make_channel,
    make_chat,
    make_contact,
    make_conversation,
    make_message,
    make_ticket,
)

pytestmark = pytest.mark.django_db

_numbers = itertools.count(1)
ASKED = {"program": "music", "subject": "Where is my money?", "body": "I wait since Friday."}


@pytest.fixture
def sofia_api(sofia, as_caller):
    return as_caller(sofia)


@pytest.fixture
def vera_api(vera, as_caller):
    return as_caller(vera)


def reached(music, *kinds, **fields):
    """A contact whom the program's channels of these kinds reach."""
    number = next(_numbers)
    contact = make_contact(email=f"con{number}@elsewhere.example" if "email" in kinds else "", phone=f"+49170{number}", **fields)
    contact.programs.add(music)
    for kind in kinds:
        channel = make_channel(music, kind, slug=kind)
        if kind == "telegram":
            make_chat(channel, contact)
    return contact


def test_a_ticket_is_opened_answered_and_resolved(sofia_api, sofia, music, ana):
    opened = sofia_api.post("tickets", ASKED | {"affiliate": ana.public_id})
    assert opened.status_code == 201
    ticket = opened.json()
    path = f"tickets/{ticket['id']}"
    assert (ticket["status"], ticket["affiliate"], ticket["level"]) == ("new", ana.public_id, "support")
    assert Ticket.objects.get().channel.kind == "portal"
    (asked,) = ticket["messages"]
    assert (asked["direction"], asked["author"], asked["body_text"]) == ("in", None, ASKED["body"])
    assert ticket["sla"]["state"] == "running" and ticket["sla"]["first_reply_due"] and ticket["sla"]["answer_due"]

    note = sofia_api.post(f"{path}/messages", {"body": "Ask finance", "note": True})
    answer = sofia_api.post(f"{path}/messages", {"body": "It comes on Friday."})
    assert [(each.status_code, each.json()["direction"]) for each in (note, answer)] == [(201, "note"), (201, "out")]
    assert answer.json()["author"] == sofia.public_id
    now = sofia_api.get(path).json()
    assert [message["direction"] for message in now["messages"]] == ["in", "note", "out"]
    assert (now["status"], now["sla"]["state"], now["sla"]["first_reply_due"]) == ("pending", "paused", None)

    resolved = sofia_api.post(f"{path}/status", {"status": "resolved"})
    assert (resolved.status_code, resolved.json()["status"]) == (200, "resolved")
    assert resolved.json()["resolved_at"] and resolved.json()["sla"]["state"] == "stopped"


def test_what_a_reply_promises_for_a_time_is_a_commitment_unless_said_otherwise(sofia_api, sofia, music, ana):
    path = f"tickets/{make_ticket(ana, music).public_id}/messages"
    body = {"body": "You have it by Friday at 10:00."}

    (promise,) = sofia_api.post(path, body).json()["promises"]
    assert (promise["text"], promise["owner"], promise["status"]) == (body["body"], sofia.public_id, "open")
    assert sofia_api.post(path, body | {"promise": False}).json()["promises"] == []
    assert sofia_api.post(path, body | {"note": True}).json()["promises"] == []
    asked = {"body": "Could you send it by Friday?"}
    assert sofia_api.post(path, asked).json()["promises"] == []
    assert len(sofia_api.post(path, asked | {"promise": True}).json()["promises"]) == 1
    assert errors(sofia_api.post(path, {"body": "Thank you.", "promise": True})) == [("promise", "no_time")]


def test_a_repeated_request_has_one_effect(sofia_api, music, ana):
    body = ASKED | {"affiliate": ana.public_id}
    first, again = (sofia_api.post("tickets", body, once="one") for _ in range(2))
    assert (again.status_code, again.json()) == (201, first.json())
    path = f"tickets/{first.json()['id']}/messages"
    for _ in range(2):
        sofia_api.post(path, {"body": "Yes."}, once="two")

    assert Message.objects.count() == 2
    assert sofia_api.post(path, {"body": "No."}, once="two").status_code == 409


@pytest.mark.parametrize(
    ("kinds", "channel"), [(["email"], "email"), (["telegram"], "telegram"), (["email", "telegram"], "telegram")]
)
def test_a_contact_is_answered_where_they_can_be_reached(sofia_api, music, kinds, channel):
    contact = reached(music, *kinds)

    ticket = sofia_api.post("tickets", ASKED | {"contact": contact.public_id}).json()

    assert (ticket["contact"], ticket["affiliate"]) == (contact.public_id, None)
    assert Ticket.objects.get().channel.kind == channel
    assert sofia_api.post(f"tickets/{ticket['id']}/messages", {"body": "Yes."}).status_code == 201
    assert Message.objects.get(direction="out").outgoing.channel.kind == channel


def test_a_contact_of_an_affiliate_asks_for_them(sofia_api, music, ana):
    contact = reached(music, affiliate=ana)

    assert sofia_api.post("tickets", ASKED | {"contact": contact.public_id}).json()["affiliate"] == ana.public_id


def test_each_wrong_field_is_named(sofia_api, music, books, ana, bao):
    nowhere, of_bao = reached(music), reached(music, affiliate=bao)
    make_channel(books, slug="other-program")
    make_channel(music, slug="closed", status="closed")
    make_channel(music, "telegram", slug="bot")
    affiliate = {"affiliate": ana.public_id}
    wrong = [
        ({}, 400, "affiliate"),
        ({"affiliate": "nobody"}, 400, "affiliate"),
        ({"contact": "con_nobody"}, 400, "contact"),
        ({"contact": nowhere.public_id}, 400, "channel"),
        (affiliate | {"contact": of_bao.public_id}, 400, "contact"),
        (affiliate | {"channel": "other-program"}, 400, "channel"),
        (affiliate | {"channel": "closed"}, 400, "channel"),
        (affiliate | {"channel": "bot"}, 400, "channel"),
        (affiliate | {"body": "  "}, 400, "body"),
        (affiliate | {"body": "x" * 100_001}, 400, "body"),
        (affiliate | {"body": None}, 400, "body"),
        (affiliate | {"subject": ""}, 400, "subject"),
        (affiliate | {"subject": "x" * 501}, 400, "subject"),
        (affiliate | {"program": "books"}, 400, "program"),
        (affiliate | {"priority": "high"}, 400, "priority"),
    ]
    for fields, status, field in wrong:
        answer = sofia_api.post("tickets", ASKED | fields)
        assert (answer.status_code, [name for name, _code in errors(answer)]) == (status, [field]), fields
    assert not Ticket.objects.exists()


def test_a_message_or_a_status_that_cannot_be_is_refused(sofia_api, mara, music, ana):
    path = f"tickets/{make_ticket(ana, music).public_id}"
    past = (timezone.now() - timedelta(hours=1)).isoformat()
    later = (timezone.now() + timedelta(hours=1)).isoformat()
    for body, field in (({}, "body"), ({"body": " "}, "body"), ({"body": "a", "note": "yes"}, "note"), ({"body": 1}, "body")):
        assert [name for name, _code in errors(sofia_api.post(f"{path}/messages", body))] == [field]
    for body, field in (
        ({"status": "new"}, "status"),
        ({"status": "gone"}, "status"),
        ({"status": "pending", "until": past}, "until"),
        ({"status": "open", "until": later}, "until"),
        ({"status": "pending", "until": "tomorrow"}, "until"),
    ):
        assert [name for name, _code in errors(sofia_api.post(f"{path}/status", body))] == [field]
    assert sofia_api.post(f"{path}/status", {"status": "on_hold", "until": later}).json()["status_until"]


def test_what_stands_against_it_is_a_conflict(sofia_api, mara, music, ana):
    phone = make_ticket(contact=make_contact(phone="+491702"), channel=make_channel(music, "phone"))
    merged, into = make_ticket(ana, music), make_ticket(ana, music)
    merge_tickets(merged, into, by=mara)

    for path, body, code in (
        (f"tickets/{phone.public_id}/messages", {"body": "Yes."}, "no_way"),
        (f"tickets/{merged.public_id}/status", {"status": "open"}, "merged"),
    ):
        answer = sofia_api.post(path, body)
        assert (answer.status_code, errors(answer)) == (409, [(None, code)])
    assert sofia_api.get(f"tickets/{merged.public_id}").json()["merged_into"] == into.public_id


def test_what_another_program_holds_looks_absent(sofia_api, books, ana):
    make_enrollment(ana, books)
    path = f"tickets/{make_ticket(ana, books).public_id}"

    for answer in (
        sofia_api.get(path),
        sofia_api.post(f"{path}/messages", {"body": "Yes."}),
        sofia_api.post(f"{path}/status", {"status": "open"}),
        sofia_api.get("tickets/tkt_nothing"),
    ):
        assert (answer.status_code, errors(answer)) == (404, [(None, "not_found")])
    assert sofia_api.get("tickets").json()["results"] == []


def test_who_only_reads_is_refused_to_write(vera_api, music, ana):
    path = f"tickets/{make_ticket(ana, music).public_id}"

    assert vera_api.get(path).status_code == 200
    for answer in (
        vera_api.post("tickets", ASKED | {"affiliate": ana.public_id}),
        vera_api.post(f"{path}/messages", {"body": "Yes."}),
        vera_api.post(f"{path}/status", {"status": "open"}),
    ):
        assert (answer.status_code, errors(answer)) == (403, [(None, "forbidden")])


def test_tickets_are_listed_by_what_is_asked_of_them(sofia_api, sofia, mara, music, ana, bao):
    now = timezone.now()
    late = make_ticket(ana, music, next_due=now - timedelta(minutes=1), assignee=sofia)
    soon = make_ticket(bao, music, next_due=now + timedelta(minutes=1), status="open", assignee=mara)
    done = make_ticket(ana, music, status="resolved", next_due=now - timedelta(days=1))

    def listed(**filters):
        return {row["id"] for row in sofia_api.get("tickets", **filters).json()["results"]}

    ids = {ticket.public_id for ticket in (late, soon, done)}
    assert listed() == ids
    assert listed(status="resolved") == {done.public_id}
    assert listed(affiliate=ana.public_id) == {late.public_id, done.public_id}
    assert listed(assignee=sofia.public_id) == listed(assignee="sofia@tributary.example") == {late.public_id}
    assert listed(breaching="true") == {late.public_id}
    assert listed(breaching="false") == ids - {late.public_id}
    assert listed(program="music", status="open", assignee=mara.public_id, breaching="false") == {soon.public_id}
    for wrong in (
        {"status": "gone"},
        {"breaching": "maybe"},
        {"assignee": "nobody"},
        {"affiliate": "nobody"},
        {"level": "support"},
    ):
        assert sofia_api.get("tickets", **wrong).status_code == 400


def test_pages_of_tickets_neither_repeat_nor_hide_one(sofia_api, music, ana):
    at = timezone.now()
    made = [make_ticket(ana, music, at=at).public_id for _ in range(5)]
    found, page = [], sofia_api.get("tickets", limit=2).json()
    while True:
        found += [row["id"] for row in page["results"]]
        if page["next"] is None:
            break
        page = sofia_api.get(page["next"][page["next"].index("/api/") :]).json()

    assert found == list(reversed(made))


def test_lists_and_tickets_ask_the_database_alike_however_much_there_is(sofia_api, music, ana):
    def queries(path):
        with CaptureQueriesContext(connection) as captured:
            assert sofia_api.get(path).status_code == 200
        return len(captured)

    ticket = make_conversation(make_ticket(ana, music), turns=1)
    path = f"tickets/{ticket.public_id}"
    make_attachment(ticket.messages.first(), name="a.txt")
    queries("tickets")  # the key's last use is noted once a minute
    few = queries("tickets"), queries(path)
    for _ in range(20):
        make_conversation(make_ticket(ana, music), turns=1)
        make_attachment(make_message(ticket), name="b.txt")

    assert (queries("tickets"), queries(path)) == few
    attachments = sofia_api.get(path).json()["messages"][0]["attachments"]
    assert [(each["name"], each["type"]) for each in attachments] == [("a.txt", "text/plain")]
