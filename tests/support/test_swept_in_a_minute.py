"""Nothing is stuck for longer than a minute: by what beat asks for, as often and as late as it asks."""

from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.conf import settings
from django.utils.module_loading import import_string

from channels.inbound import LEASE
from config.celery import app
from support.models import Ticket
from tests.factories import make_affiliate, make_enrollment
from tests.factories_support import make_channel, make_inbound, make_message, make_outgoing, make_ticket
from tests.factories_team import make_absence, make_shift
from tests.journeys.test_mail_threads import written

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 9, 59, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def a_minute_passes(clock) -> None:
    """Each task at its own pace, and the first time as late as it may come: nothing else is asked for in it."""
    for second in range(1, 61):
        clock.shift(1)
        for entry in settings.CELERY_BEAT_SCHEDULE.values():
            if second % entry["schedule"] == 0:
                import_string(entry["task"])()


@pytest.fixture
def account(music, mara):
    affiliate = make_affiliate(email="ana@blog.example", name="Ana", owner=True, manager=mara)
    make_enrollment(affiliate, music)
    return affiliate


def test_what_nobody_owns_has_an_owner_within_a_minute(clock, music, account, mara, sofia):
    for person, duty in ((sofia, "support"), (mara, "manager")):
        make_shift(person, duty, start_time=time(10), minutes=480)  # they come 45 seconds from now
    question, claim = (make_ticket(account, music, type=type) for type in ("question", "claim"))
    for ticket in (question, claim):
        make_message(ticket)  # as rows: whoever was asked to find an owner at once was killed

    a_minute_passes(clock)

    assert [Ticket.objects.get(pk=ticket.pk).assignee for ticket in (question, claim)] == [sofia, mara]


def test_what_its_owner_left_has_another_within_a_minute(clock, music, account, mara, sofia):
    make_shift(sofia, "support")
    make_shift(mara, "manager")
    ticket = make_ticket(account, music, type="claim", assignee=mara, assigned_at=NOW, next_due=NOW + 5 * MINUTE)
    make_message(ticket)
    make_absence(mara, kind="sick")

    a_minute_passes(clock)

    assert Ticket.objects.get(pk=ticket.pk).assignee == sofia


def test_what_a_killed_process_had_in_hand_goes_on_within_a_minute(clock, music, account, mara, sofia):
    mailbox = make_channel(music, settings={"address": "help@music.example"})
    item = make_inbound(mailbox, written("ana@blog.example", "Cut off", "Where is it?"), attempts=1, due_at=NOW + LEASE)
    waiting = make_ticket(account, music, status="pending", status_until=NOW + MINUTE / 4)
    ticket = make_ticket(account, music, status="pending", channel=mailbox)
    on_its_way = make_outgoing(mailbox, status="sending", claimed_at=NOW, attempts=1)
    reply = make_message(ticket, direction="out", outgoing=on_its_way, author=mara)
    on_its_way.about = f"message:{reply.pk}"
    on_its_way.save()

    a_minute_passes(clock)

    item.refresh_from_db()
    assert item.status == "filed"
    filed = Ticket.objects.get(messages__inbound=item)
    assert filed.affiliate == account and filed.assignee is not None
    on_its_way.refresh_from_db()
    assert on_its_way.status == "unknown"  # for a person to decide: it may have arrived
    assert [Ticket.objects.get(pk=each.pk).status for each in (waiting, ticket)] == ["open", "open"]


def test_no_task_that_frees_what_is_stuck_comes_less_often_than_twice_a_minute():
    schedule = {entry["task"]: entry["schedule"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    for task in (
        "channels.tasks.file_received",
        "channels.tasks.send_due_outgoing",
        "core.tasks.deliver_due_events",
        "support.tasks.sweep_all_tickets",
        "support.tasks.sweep_escalations",
        "support.tasks.wake_tickets",
        "support.tasks.watch_clocks",
    ):
        assert schedule[task] <= 30, task
        assert app.amqp.router.route({}, task)["queue"].name == "post", task  # not behind long work
