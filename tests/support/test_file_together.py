"""Many items filed in one transaction: the same as one after another, in a fraction of the statements."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels import inbound
from channels.inbound import Arrival, process_due, store_many
from channels.models import Chat, InboundItem
from core.models import Event
from support.models import Message, StatusChange, Ticket
from support.services import reply
from tests.at_once import at_once
from tests.factories_support import make_channel
from tests.servers.bot_api import message

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot(music):
    return make_channel(music, "telegram", settings={"bot_id": 77, "polling": True})


def line(number, who=1, text="", **fields):
    said = message(text or f"Line {number}", message_id=number, sender=7000 + who, name=f"Talker {who}")
    return Arrival(f"77:{number}", json.dumps({"update_id": number, "message": said | fields}).encode())


def texts():
    return list(Message.objects.filter(direction="in").order_by("pk").values_list("body_text", flat=True))


def test_lines_of_many_chats_are_filed_with_a_few_statements_each(bot, settings):
    store_many(bot, [line(number, who=number) for number in range(20)])
    process_due()
    store_many(bot, [line(100 + number, who=number % 20) for number in range(40)])

    with CaptureQueriesContext(connection) as captured:
        assert process_due() == 40

    assert len(captured) < 8 * 40
    assert Ticket.objects.count() == 20
    assert set(InboundItem.objects.values_list("status", flat=True)) == {"filed"}
    assert Event.objects.filter(name="message.received").count() == 60
    first = Ticket.objects.order_by("pk").first()
    newest = first.messages.order_by("-created_at").first()
    assert (first.last_at, first.last_in_at) == (newest.created_at, newest.created_at)
    assert first.next_due == first.first_reply_due is not None


def test_what_comes_at_once_is_one_conversation(bot):
    store_many(bot, [line(1), line(2), line(3, who=2)])
    process_due()

    assert [ticket.messages.count() for ticket in Ticket.objects.order_by("pk")] == [2, 1]
    assert Chat.objects.count() == 2


def test_what_an_item_changes_holds_for_the_next_one_of_the_set(bot, mara):
    """Its ticket is open again, or was written in last, before anything is stored."""
    for name in ("older", "newer"):
        store_many(bot, [line({"older": 1, "newer": 2}[name], text=f"/new {name}")])
        process_due()
    older, newer = Ticket.objects.order_by("pk")
    assert older != newer
    for ticket in (older, newer):
        reply(ticket, "Done", by=mara, status="resolved")

    asked = Message.objects.get(ticket=older, direction="in")
    answered = message("older", message_id=int(asked.provider_id.rpartition(" ")[2]), sender=7001, name="Talker 1")
    store_many(bot, [line(11, reply_to_message=answered), line(12, text="And this")])
    process_due()

    older.refresh_from_db()
    assert (older.status, older.reopened) == ("open", 1)
    assert older.messages.filter(direction="in").count() == 3
    assert StatusChange.objects.filter(ticket=older, status="open").count() == 1
    assert newer.messages.filter(direction="in").count() == 1


def test_a_poisonous_item_undoes_the_set_and_harms_nobody_in_it(bot, monkeypatch):
    parse = inbound._parsers["telegram"]
    calls = []

    def parse_or_fail(item):
        calls.append(item.pk)
        parsed = parse(item)
        if b"poison" in bytes(item.raw):
            raise ZeroDivisionError("a bug")
        return parsed

    monkeypatch.setitem(inbound._parsers, "telegram", parse_or_fail)
    store_many(bot, [line(1), line(2, who=2, text="poison"), line(3), line(4, who=3)])
    process_due()

    assert texts() == ["Line 1", "Line 3", "Line 4"]
    assert list(InboundItem.objects.order_by("pk").values_list("status", flat=True)) == ["filed", "quarantined", "filed", "filed"]
    assert len(calls) == 2 + 4  # the set up to it, then each by itself
    assert Event.objects.filter(name="message.received").count() == 3
    assert Ticket.objects.filter(first_reply_due__isnull=False).count() == 2


def test_one_look_for_owners_is_asked_for_by_all_that_are_filed_together(bot, monkeypatch, django_capture_on_commit_callbacks):
    asked = []
    monkeypatch.setattr("support.services.following.send_soon", lambda task: asked.append(task.name))
    store_many(bot, [line(number, who=number) for number in range(5)])

    with django_capture_on_commit_callbacks(execute=True):
        process_due()

    assert asked == ["support.tasks.assign_waiting_tickets"]


@pytest.mark.django_db(transaction=True)
def test_two_workers_over_the_same_chats_file_everything_once(monkeypatch):
    monkeypatch.setattr(inbound, "AT_ONCE", 6)
    bot = make_channel(kind="telegram", settings={"bot_id": 77, "polling": True})
    around = [*range(6), *reversed(range(6))] * 2
    store_many(bot, [line(number, who=who) for number, who in enumerate(around)])

    at_once(process_due, process_due)
    InboundItem.objects.filter(status="received").update(due_at=timezone.now() - timedelta(seconds=1))
    process_due()

    assert sorted(texts()) == sorted(f"Line {number}" for number in range(len(around)))
    assert Ticket.objects.count() == 6
