"""Facts: with what made them true, at least once to whoever listens, visible where they are stuck."""

import os
import signal
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from core import events
from core.events import Fact, deliver_due, receiver, record, record_many, retry_deliveries, stuck_deliveries
from core.models import Event, EventDelivery
from tests.factories import make_affiliate
from tests.live import wait_for


@pytest.fixture
def heard(monkeypatch):
    """What a receiver of `test.happened` heard; `fail` holds what it raises."""
    monkeypatch.setattr(events, "_receivers", {})
    monkeypatch.setattr(events, "_functions", {})
    monkeypatch.setattr(events, "_deliver_after_commit", lambda: None)
    heard: list[Event] = []
    heard_fail: list[Exception] = []

    @receiver("test.happened")
    def listen(event: Event) -> None:
        if heard_fail:
            raise heard_fail[0]
        heard.append(event)

    listen.fail = heard_fail
    yield heard, heard_fail


@pytest.mark.django_db
def test_an_event_stands_on_the_timeline_of_every_object_it_is_about(mara):
    ana, bao = make_affiliate(), make_affiliate()
    record("test.happened", ana, bao, by=mara, data={"amount": "1.00"}, reason="because")

    [event] = Event.objects.about(bao)
    assert (event.by, event.data, event.reason) == (mara, {"amount": "1.00"}, "because")
    assert event in Event.objects.about(ana)
    assert not Event.objects.about(make_affiliate())


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nothing_is_recorded():
    with pytest.raises(RuntimeError, match="transaction"):
        record("test.happened", "thing:1")


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_never_happened(heard):
    with pytest.raises(ValueError), transaction.atomic():
        record("test.happened", "thing:1")
        raise ValueError

    assert (Event.objects.count(), deliver_due()) == (0, 0)


@pytest.mark.django_db
def test_each_receiver_hears_an_event_once(heard):
    received, _fail = heard
    record_many([Fact("test.happened", ["thing:1"]), Fact("test.ignored", ["thing:1"])])

    assert (deliver_due(), deliver_due()) == (1, 0)
    assert [event.name for event in received] == ["test.happened"]


@pytest.mark.django_db
def test_a_failing_receiver_is_tried_again_later_and_shown_when_stuck(heard):
    received, fail = heard
    fail.append(ValueError("not today"))
    record("test.happened", "thing:1")
    now = timezone.now()
    for hours in range(3):
        with time_machine.travel(now + timedelta(hours=hours + 1), tick=False):
            assert deliver_due() == 0

    [stuck] = stuck_deliveries()
    assert stuck.attempts == 3 and "not today" in stuck.error
    fail.clear()
    assert retry_deliveries(EventDelivery.objects.all()) == 1
    assert (deliver_due(), len(received), len(stuck_deliveries())) == (1, 1, 0)


@pytest.mark.django_db
def test_one_that_fails_holds_up_no_other(heard):
    received, fail = heard

    @receiver("test.other")
    def broken(event: Event) -> None:
        Event.objects.create(name="half", about=[])
        raise ValueError

    record("test.other", "thing:1")
    record("test.happened", "thing:2")

    assert deliver_due() == 1 and len(received) == 1
    assert not Event.objects.filter(name="half").exists()


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_the_effect_and_its_mark_leaves_neither(heard):
    parent = os.getpid()

    @receiver("test.other")
    def effect(event: Event) -> None:
        Event.objects.create(name="effect", about=[])
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    with transaction.atomic():
        record("test.other", "thing:1")
    connection.close()  # parent and worker each make one of their own
    worker = os.fork()
    if worker == 0:
        try:
            deliver_due()
        finally:
            os._exit(0)
    assert os.WTERMSIG(os.waitpid(worker, 0)[1]) == signal.SIGKILL

    assert not Event.objects.filter(name="effect").exists()
    wait_for(lambda: deliver_due() == 1, 10)  # once PostgreSQL has noticed that the worker is gone
    assert Event.objects.filter(name="effect").count() == 1
    assert EventDelivery.objects.get().delivered_at
