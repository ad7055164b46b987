"""Many items filed in one transaction: the same as one after another, in a fraction of the statements."""

import json
import random
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels import inbound
from channels.inbound import Arrival, process_due, store_many, take_in_by_turns
from channels.mail import provider_id_of
from channels.models import Chat, InboundItem
from core.models import Event
from support.models import Message, StatusChange, Ticket
from support.services import change_status, reply
from tests.at_once import at_once
from tests.channels.mails import bounce, mail
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

    assert len(captured) < 40
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


def test_what_a_person_has_to_decide_about_is_left_out_of_its_set(music, monkeypatch):
    mailbox, singly = make_channel(music, "email"), []
    process = inbound.process_item
    monkeypatch.setattr(inbound, "process_item", lambda item: (singly.append(item.provider_id), process(item)))
    unknown = bounce(message_id="nobody-knows@music.example")
    store_many(mailbox, [letter(1, 1, "One", "One"), Arrival("a bounce", unknown), letter(2, 2, "Two", "Two")])
    process_due()

    assert (texts(), singly) == (["One", "Two"], ["a bounce"])
    assert InboundItem.objects.get(provider_id="a bounce").status == "quarantined"


def test_however_many_names_are_looked_up_an_index_finds_them(bot):
    names = [f"{number}@blog.example" for number in range(300)]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan TO off; SET LOCAL enable_indexscan TO off")
    found = Message.objects.filter(inbound__in=range(100)) | Message.objects.named(names)
    assert "message_provider_id" in found.explain()


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


@pytest.mark.django_db(transaction=True)
def test_what_comes_while_somebody_files_is_stored_and_found_by_them(monkeypatch):
    bot = make_channel(kind="telegram", settings={"bot_id": 77, "polling": True})
    file, came = inbound._file_together, []

    def file_while_another_comes(items):
        if not came:
            at_once(lambda: came.append(take_in_by_turns(bot, line(2).raw, line(2).provider_id).status))
        return file(items)

    monkeypatch.setattr(inbound, "_file_together", file_while_another_comes)
    first = take_in_by_turns(bot, line(1).raw, line(1).provider_id)

    assert (first.status, came) == ("filed", ["received"])
    assert texts() == ["Line 1", "Line 2"]


def test_a_hook_leaves_others_files_to_a_worker(bot, monkeypatch):
    asked = []
    monkeypatch.setattr(inbound, "send_soon", lambda task: asked.append(task.name))
    photo = [{"file_id": "x", "width": 1, "height": 1}]
    store_many(bot, [line(1, who=2, photo=photo)])
    mine = take_in_by_turns(bot, line(2).raw, line(2).provider_id)

    assert (mine.status, asked) == ("filed", ["channels.tasks.file_received"])
    waiting = InboundItem.objects.get(provider_id="77:1")
    assert (waiting.status, waiting.attempts) == ("received", 0)
    assert waiting.due_at <= timezone.now()


def test_a_hook_files_nothing_before_what_it_follows_in_its_chat(bot, monkeypatch):
    monkeypatch.setattr(inbound, "send_soon", lambda task: None)
    store_many(bot, [line(1, text="About my payout")])
    process_due()
    store_many(bot, [line(2, text="/new a broken link")])
    mine = take_in_by_turns(bot, line(3, text="It leads nowhere").raw, "77:3")
    another = take_in_by_turns(bot, line(4, who=2).raw, "77:4")
    process_due()

    assert (mine.status, another.status) == ("received", "filed")
    begun = Ticket.objects.get(messages__body_text="/new a broken link")
    assert begun.messages.filter(body_text="It leads nowhere").exists()


def test_what_follows_a_command_in_its_chat_is_not_filed_before_it(bot):
    store_many(bot, [line(1, text="About my payout")])
    process_due()
    store_many(bot, [line(2, text="/new a broken link"), line(3, text="It leads nowhere"), line(4, who=2)])
    process_due()

    begun = Ticket.objects.get(messages__body_text="/new a broken link")
    assert begun.messages.filter(body_text="It leads nowhere").exists()


def letter(number, who, subject, text, answers=""):
    sender = f"Writer {who} <writer{who}@blog.example>"
    raw = mail(
        text,
        From=sender,
        Subject=subject,
        Message_ID=f"<{number}@blog.example>",
        In_Reply_To=answers and f"<{answers}@blog.example>",
    )
    return Arrival(provider_id_of(raw), raw)


def conversation(seed):
    """Who writes what, in chats and by mail: people come back, answer each other, send the same twice."""
    chance = random.Random(seed)
    for number in range(40):
        who, text = chance.randrange(6), f"Words {number}"
        earlier = chance.randrange(number) if number and chance.random() < 0.4 else None
        if chance.random() < 0.5:
            answered = {} if earlier is None else {"reply_to_message": message("", message_id=earlier, sender=7000 + who)}
            yield "bot", line(number, who=who, text=text, **answered)
        else:
            yield "mailbox", letter(number, who, f"Re: Subject {chance.randrange(3)}", text, str(earlier or ""))
            if chance.random() < 0.1:
                yield "mailbox", letter(number, who, "Another", text)


def as_filed(doors, seed):
    """What there is when all is filed, without numbers and times; now and then the first tickets were answered or resolved."""
    arrivals = list(conversation(seed))
    for first in range(0, len(arrivals), 20):
        for name, arrival in arrivals[first : first + 20]:
            store_many(doors[name], [arrival])
        process_due()
        for number, ticket in enumerate(Ticket.objects.order_by("created_at")[: first // 10]):
            change_status(ticket, ("resolved", "pending")[number % 2], by=None)
    return sorted(map(told, Ticket.objects.all())), Counter(Event.objects.values_list("name", flat=True))


def told(ticket):
    said = list(ticket.messages.order_by("created_at").values_list("body_text", "reply_to__body_text"))
    clocks = [at is None for at in (ticket.first_reply_due, ticket.next_due, ticket.breach_at, ticket.resolved_at)]
    states = list(ticket.status_changes.order_by("at").values_list("status", flat=True))
    links = sorted(ticket.links.values_list("other__subject", "kind"))
    last = ticket.messages.latest("created_at").created_at
    return (
        said,
        ticket.subject,
        states,
        ticket.reopened,
        clocks,
        links,
        ticket.opened_because,
        (ticket.last_in_at, ticket.last_at) == (last, last),
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_a_set_becomes_what_its_items_would_have_become_one_after_another(music, seed, monkeypatch):
    found = []
    for size in (1, 100):
        monkeypatch.setattr(inbound, "AT_ONCE", size)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            doors = {
                "bot": make_channel(music, "telegram", "bot", settings={"bot_id": 77, "polling": True}),
                "mailbox": make_channel(music, "email", "mailbox"),
            }
            found.append(as_filed(doors, seed))
            raise ZeroDivisionError  # so that the next one begins where this one began
    tickets, events = found[0]
    assert found[0] == found[1]
    assert len(tickets) > 8
    assert sum(len(said) for said, *_rest in tickets) == events["message.received"] == 40
