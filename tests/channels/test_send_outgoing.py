import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from channels import outgoing
from channels.models import Channel, Outgoing
from channels.outgoing import Away, Later, Lost, OutgoingError, Refused, Sender, queue, register_sender, send_due
from core.access import AccessError
from tests.at_once import at_once
from tests.factories import event_names
from tests.factories_support import make_channel


@pytest.fixture
def post(monkeypatch):
    """A provider: what it says to each address, and what it got."""

    class Post:
        def __init__(self):
            self.got, self.says, self.closed = [], {}, None
            self.times = []

        @contextmanager
        def door(self, channel):
            if self.closed:
                raise Away(self.closed)
            yield self.send

        def send(self, message):
            said = self.says.get(message.to)
            if isinstance(said, BaseException):
                raise said
            self.got.append((message.to, message.payload["text"]))
            self.times.append(time.monotonic())
            return f"id-{len(self.got)}"

    post = Post()
    monkeypatch.setitem(outgoing._senders, "email", None)
    register_sender("email", Sender(post.door))
    return post


def put(channel, to="ana@blog.example", text="Hello", key=""):
    with transaction.atomic():
        return queue(channel, to, {"text": text}, key=key or f"{to} {text}", about="message:1")


def state(row):
    row.refresh_from_db()
    return row.status


def test_what_is_queued_is_sent_once(music, post):
    channel = make_channel(music)
    row = put(channel)

    assert send_due(channel.pk) == 1
    assert send_due(channel.pk) == 0

    assert state(row) == "sent"
    assert (row.provider_id, row.attempts) == ("id-1", 1)
    assert post.got == [("ana@blog.example", "Hello")]
    assert event_names() == ["outgoing.sent"]


def test_the_same_key_is_the_same_message(music, post):
    channel = make_channel(music)

    assert put(channel, key="reply 1") == put(channel, text="Other words", key="reply 1")
    assert send_due(channel.pk) == 1


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (Refused("no such mailbox"), "failed"),
        (Later("come back"), "queued"),
        (Lost("cut off"), "unknown"),
        (ZeroDivisionError("a bug"), "unknown"),
    ],
    ids=["refused", "later", "lost", "bug"],
)
def test_each_answer_has_its_state_and_holds_up_no_other(music, post, said, status):
    channel = make_channel(music)
    post.says["bad@blog.example"] = said
    bad, good = put(channel, "bad@blog.example"), put(channel, "good@blog.example")

    assert send_due(channel.pk) == 1

    assert state(bad) == status
    assert state(good) == "sent"
    assert str(said) in bad.error


def test_what_is_put_off_for_ever_fails_in_the_end(music, post):
    channel = make_channel(music)
    post.says["bad@blog.example"] = Later("greylisted")
    row = put(channel, "bad@blog.example")

    for _ in range(outgoing.GIVE_UP_AFTER):
        assert state(row) == "queued"
        Outgoing.objects.update(due_at=timezone.now())
        send_due(channel.pk)

    assert state(row) == "failed"


def test_a_wait_that_the_provider_asks_for_holds_everything_and_uses_up_no_attempt(music, post):
    channel = make_channel(music)
    post.says["a@blog.example"] = Later("slow down", after=30, everything=True)
    first, second = put(channel, "a@blog.example"), put(channel, "b@blog.example")

    assert send_due(channel.pk) == 0

    assert state(first) == state(second) == "queued"
    for row in (first, second):
        assert timedelta(seconds=25) < row.due_at - timezone.now() <= timedelta(seconds=30)


def test_nothing_overtakes_what_was_said_before_to_the_same_address(music, post):
    channel = make_channel(music)
    first, second = put(channel, text="first"), put(channel, text="second")
    Outgoing.objects.filter(pk=first.pk).update(due_at=timezone.now() + timedelta(minutes=1))

    assert send_due(channel.pk) == 0
    Outgoing.objects.update(due_at=timezone.now())
    assert send_due(channel.pk) == 2
    assert [text for _to, text in post.got] == ["first", "second"]
    assert state(second) == "sent"


def test_a_provider_that_is_away_costs_nobody_an_attempt_and_is_told(music, post):
    channel = make_channel(music)
    row = put(channel)
    post.closed = "Connection refused"
    send_due(channel.pk)

    channel.refresh_from_db()
    since = channel.send_error_since
    assert (state(row), row.attempts, channel.send_error) == ("queued", 0, "Connection refused")

    send_due(channel.pk)
    channel.refresh_from_db()
    assert channel.send_error_since == since

    post.closed = None
    assert send_due(channel.pk) == 1
    channel.refresh_from_db()
    assert (channel.send_error, channel.send_error_since) == ("", None)
    assert event_names() == ["channel.failed", "outgoing.sent", "channel.recovered"]


@pytest.mark.parametrize("status", ["paused", "closed"])
def test_a_channel_that_rests_sends_nothing(music, post, status):
    channel = make_channel(music, status=status)
    row = put(channel)

    assert send_due(channel.pk) == 0
    assert state(row) == "queued"
    assert outgoing.channels_with_work() == []


def test_what_a_dead_sender_had_in_hand_is_unknown_and_never_sent_by_itself(music, post):
    channel = make_channel(music)
    row = put(channel)
    outgoing._claim(channel, [])  # and its process is killed here

    assert outgoing.channels_with_work() == [channel.pk]
    assert send_due(channel.pk) == 0

    assert state(row) == "unknown"
    assert post.got == []


def test_an_answer_that_comes_late_still_counts_but_not_over_a_person(music, post, mara):
    channel = make_channel(music)
    late, decided = put(channel, "a@blog.example"), put(channel, "b@blog.example")
    claims = [outgoing._claim(channel, []), outgoing._claim(channel, [])]
    send_due(channel.pk)
    outgoing.give_up(decided, by=mara)

    for claim in claims:
        outgoing._settle(claim, "sent", provider_id="id")

    assert (state(late), state(decided)) == ("sent", "cancelled")


def test_a_person_decides_what_nobody_knows(music, post, mara, nils):
    channel = make_channel(music)
    rows = [put(channel, f"{name}@blog.example") for name in "abc"]
    Outgoing.objects.update(status="unknown", settled_at=timezone.now())

    with pytest.raises(AccessError):
        outgoing.send_again(rows[0], by=nils)
    outgoing.confirm_arrival(rows[0], by=mara)
    outgoing.send_again(rows[1], by=mara)
    outgoing.give_up(rows[2], by=mara)
    with pytest.raises(OutgoingError, match="Somebody else decided"):
        outgoing.send_again(rows[0], by=mara)

    assert send_due(channel.pk) == 1
    assert [state(row) for row in rows] == ["sent", "sent", "cancelled"]
    assert post.got == [("b@blog.example", "Hello")]


def test_an_address_rests_while_others_go_on(music, post):
    register_sender("email", Sender(post.door, pause=lambda message: 0.15, longest_pause=0.15))
    channel = make_channel(music)
    for text in ("one", "two"):
        put(channel, "a@blog.example", text)
        put(channel, "b@blog.example", text)

    assert send_due(channel.pk) == 4

    assert [text for _to, text in post.got] == ["one", "one", "two", "two"]
    assert post.times[2] - post.times[0] >= 0.14

    put(channel, "a@blog.example", "three")
    send_due(channel.pk)  # by another sender, which reads when the last one was
    assert post.times[4] - post.times[2] >= 0.14


def test_a_channel_keeps_its_pace(music, post):
    register_sender("email", Sender(post.door, per_second=50))
    channel = make_channel(music)
    for number in range(6):
        put(channel, f"{number}@blog.example")

    send_due(channel.pk)

    assert post.times[-1] - post.times[0] >= 0.095


@pytest.mark.django_db(transaction=True)
def test_two_senders_of_one_channel_send_nothing_twice(post):
    channel = make_channel()
    for number in range(20):
        put(channel, f"{number}@blog.example")

    at_once(*[lambda: send_due(channel.pk)] * 3)

    assert sorted(post.got) == sorted({*post.got})
    assert len(post.got) == 20
    assert Outgoing.objects.filter(status="sent").count() == 20
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        assert cursor.fetchone() == (0,)
    assert Channel.objects.get().send_error == ""
