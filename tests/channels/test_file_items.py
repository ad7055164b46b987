import os
import signal
import time
from datetime import timedelta

import pytest
import time_machine
from django.db import OperationalError, connection
from django.utils import timezone

from channels import inbound
from channels.inbound import Arrival, process_due, store_many, store_raw, take_in
from channels.models import Channel, Contact, InboundItem
from channels.parsed import Kind, Parsed, Quarantine, register_filer
from core.rows import select_rows
from tests.at_once import at_once
from tests.factories import event_names
from tests.factories_support import make_channel


@pytest.fixture
def filed(monkeypatch):
    """What was filed, by a filer that takes everything; the parser does what the raw bytes say."""
    done: list[str] = []
    known: list[int] = []
    tries: list[str] = []

    def parse(item):
        raw = bytes(item.raw).decode()
        item.sender = "someone@blog.example"
        if raw == "poison":
            raise ZeroDivisionError("a bug")
        if raw == "later":
            raise OperationalError("no space left on device")
        if raw.startswith("deadlock"):
            tries.append(raw)
            if len(tries) <= int(raw.removeprefix("deadlock")):
                with connection.cursor() as cursor:  # the database's own error, which ends what was begun
                    cursor.execute("DO $$ BEGIN RAISE deadlock_detected; END $$")
        if raw == "odd":
            raise Quarantine("Nobody wrote it.")
        return Parsed(Kind.MESSAGE, Contact(), text=raw, subject="A subject")

    def file(item, parsed):
        if item.pk not in known:  # as whoever files: in the savepoint of the item, or again and the same
            known.append(item.pk)
            done.append(parsed.text)
        return f"message:{known.index(item.pk) + 1}"

    monkeypatch.setattr("channels.parsed._filers", [])
    monkeypatch.setitem(inbound._parsers, "email", parse)
    register_filer(file)
    return done


def statuses():
    return list(InboundItem.objects.order_by("pk").values_list("status", flat=True))


def test_an_item_is_kept_raw_and_becomes_what_is_filed(music, filed):
    item = take_in(make_channel(music), b"hello", "one")

    assert (item.status, item.filed_as, bytes(item.raw), item.sender) == ("filed", "message:1", b"hello", "someone@blog.example")
    assert filed == ["hello"]


def test_the_same_item_again_is_a_duplicate_and_files_nothing(music, filed):
    channel = make_channel(music)
    first = take_in(channel, b"hello", "one")
    second = take_in(channel, b"hello", "one")

    assert second.status == "duplicate"
    assert second.duplicate_of == first
    assert second.raw is None
    assert filed == ["hello"]


def test_channels_do_not_share_what_they_know(music, filed):
    take_in(make_channel(music), b"hello", "one")

    assert take_in(make_channel(music), b"hello", "one").status == "filed"


def test_a_page_is_stored_in_its_order_with_its_duplicates(music):
    channel = make_channel(music)
    store_raw(channel, b"1", "one")

    items = store_many(channel, [Arrival("two", b"2"), Arrival("one", b"1"), Arrival("two", b"2"), Arrival("three", b"3")])

    assert [(item.provider_id, item.status) for item in items] == [
        ("two", "received"),
        ("one", "duplicate"),
        ("two", "duplicate"),
        ("three", "received"),
    ]


def test_storing_a_page_takes_the_same_number_of_statements_however_long_it_is(music, django_assert_max_num_queries):
    channel = make_channel(music)
    with django_assert_max_num_queries(6):
        store_many(channel, [Arrival(str(number), b"x") for number in range(100)])


def test_one_poisonous_item_harms_no_other(music, filed):
    channel = make_channel(music)
    store_many(channel, [Arrival(name, name.encode()) for name in ("first", "poison", "odd", "last")])

    assert process_due() == 4

    assert filed == ["first", "last"]
    assert statuses() == ["filed", "quarantined", "quarantined", "filed"]
    reasons = list(InboundItem.objects.filter(status="quarantined").order_by("pk").values_list("reason", flat=True))
    assert reasons == ["It could not be read: ZeroDivisionError: a bug", "Nobody wrote it."]
    assert event_names().count("inbound.quarantined") == 2


def test_what_may_go_better_later_is_tried_again_and_at_last_quarantined(music, filed):
    item = store_raw(make_channel(music), b"later", "one")

    for attempt in range(1, inbound.MOST_ATTEMPTS + 1):
        InboundItem.objects.update(due_at=timezone.now())
        process_due()
        item.refresh_from_db()
        assert item.attempts == attempt
        assert item.status == ("received" if attempt < inbound.MOST_ATTEMPTS else "quarantined")
    assert "no space" in item.reason


def test_a_deadlock_is_tried_again_at_once(music, filed):
    item = take_in(make_channel(music), b"deadlock3", "one")

    assert (item.status, item.attempts, filed) == ("filed", 1, ["deadlock3"])


def test_one_that_does_not_pass_waits(music, filed):
    item = take_in(make_channel(music), b"deadlock4", "one")

    assert (item.status, filed) == ("received", [])
    assert item.due_at > timezone.now() + timedelta(seconds=30)


def test_an_item_that_ends_its_worker_is_found_out_and_takes_no_other_with_it(music, filed, monkeypatch):
    channel = make_channel(music)
    store_many(channel, [Arrival(name, name.encode()) for name in ("first", "killer", "last")])

    class Killed(BaseException):
        pass

    real = inbound._parse

    def parse(item):
        if bytes(item.raw) == b"killer":
            raise Killed
        return real(item)

    monkeypatch.setattr(inbound, "_parse", parse)
    for _ in range(inbound.MOST_ATTEMPTS + 3):
        InboundItem.objects.filter(status="received").update(due_at=timezone.now())
        try:
            process_due()
        except Killed:
            continue

    assert statuses() == ["filed", "quarantined", "filed"]


def test_what_somebody_has_in_hand_is_left_to_them(music, filed):
    store_raw(make_channel(music), b"hello", "one")
    inbound._claim(Channel.objects.get())

    assert process_due() == 0
    InboundItem.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert process_due() == 1
    assert filed == ["hello"]


def test_what_was_taken_over_and_filed_by_another_is_told_and_not_filed_again(music, filed):
    item = store_raw(make_channel(music), b"hello", "one", claimed=True)
    InboundItem.objects.update(due_at=timezone.now())
    assert process_due() == 1

    inbound.process_item(item, told_at_once=True)

    assert (item.status, item.filed_as, filed) == ("filed", "message:1", ["hello"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("door", ["hook", "sweep"])
def test_what_a_killed_process_had_in_hand_is_filed_once_within_seconds(filed, monkeypatch, door):
    """Really killed, in the middle of filing: its connection is gone, and its row's lock with it."""
    channel = make_channel()
    ours = os.getpid()
    parse = inbound._parsers["email"]

    def kill_itself_or_parse(item):
        if os.getpid() != ours:
            Contact.objects.create(name="Half done")
            os.kill(os.getpid(), signal.SIGKILL)
        return parse(item)

    monkeypatch.setitem(inbound._parsers, "email", kill_itself_or_parse)
    if door == "hook":
        killed(lambda: take_in(channel, b"hello", "one"))
    else:
        store_many(channel, [Arrival("one", b"hello"), Arrival("two", b"behind it")])
        killed(process_due)
    assert set(statuses()) == {"received"}

    with time_machine.travel(timezone.now() + timedelta(seconds=10)):  # the sweep's next round
        process_due()

    assert set(statuses()) == {"filed"}
    assert filed == (["hello"] if door == "hook" else ["hello", "behind it"])
    assert not Contact.objects.exists()


def killed(work):
    """Do it in a process of its own, which does not survive it."""
    child = os.fork()
    if child == 0:
        try:
            connection.connection = None  # the parent's, and not to be closed
            work()
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    wait_until_gone()


def wait_until_gone():
    """PostgreSQL notices at once that a connection is gone; it takes it a moment to end what ran there."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + 10
    while select_rows(others) != [(0,)]:
        assert time.monotonic() < deadline


def test_a_channel_that_nothing_reads_keeps_what_comes(music):
    item = take_in(make_channel(music, "phone"), b"a call", "one")

    assert item.status == "quarantined"
    assert bytes(item.raw) == b"a call"


@pytest.mark.django_db(transaction=True)
def test_one_item_that_comes_three_times_in_the_same_moment_is_one(filed):
    channel = make_channel()

    at_once(*[lambda: take_in(channel, b"hello", "one")] * 3)

    assert filed == ["hello"]
    assert sorted(statuses()) == ["duplicate", "duplicate", "filed"]
