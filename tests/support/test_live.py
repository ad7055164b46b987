"""What open pages are told: that something changed, and who else is here."""

import pytest
import time_machine
from django.db import transaction

from support import live
from tests.factories_support import make_message, make_ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(music, ana):
    return make_ticket(ana, music)


@pytest.fixture
def valkey_away(monkeypatch):
    import redis

    def refuse():
        raise redis.ConnectionError

    monkeypatch.setattr(live, "_valkey", refuse)
    monkeypatch.setattr(live, "_away_until", 0.0)


def test_pages_hear_of_a_ticket_once_its_change_is_committed(ticket, mara, django_capture_on_commit_callbacks):
    before = live.marks({ticket.program_id}, mara.pk, ticket.pk)

    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        live.touch(ticket)
        assert live.marks({ticket.program_id}, mara.pk, ticket.pk) == before

    queue, one = live.marks({ticket.program_id}, mara.pk, ticket.pk)
    assert queue != before[0]
    assert one != before[1]


def test_pages_of_another_program_hear_nothing(ticket, books, mara, django_capture_on_commit_callbacks):
    before = live.marks({books.pk}, mara.pk)

    with django_capture_on_commit_callbacks(execute=True):
        live.touch(ticket)

    assert live.marks({books.pk}, mara.pk) == before
    assert live.marks(None, mara.pk) != live.marks(set(), mara.pk)


def test_whoever_may_see_every_program_hears_of_each(ticket, ada, django_capture_on_commit_callbacks):
    before = live.marks(None, ada.pk)

    with django_capture_on_commit_callbacks(execute=True):
        live.touch(ticket)

    assert live.marks(None, ada.pk) != before


def test_colleagues_see_who_writes_for_a_few_seconds(ticket, mara, sofia):
    with time_machine.travel("2026-03-02T10:00:00Z", tick=False) as clock:
        assert live.be_here(ticket.pk, mara, writing=True) == []
        assert live.be_here(ticket.pk, sofia, writing=False) == [live.Presence(mara.pk, "Mara", True)]

        clock.shift(live.HERE + 1)
        assert live.be_here(ticket.pk, sofia, writing=False) == []


def test_whoever_leaves_is_gone_at_once(ticket, mara, sofia):
    live.be_here(ticket.pk, mara, writing=True)

    live.leave(ticket.pk, mara)

    assert live.be_here(ticket.pk, sofia, writing=False) == []


def test_without_valkey_the_newest_rows_tell_what_changed(ticket, mara, sofia, valkey_away):
    before = live.marks({ticket.program_id}, mara.pk, ticket.pk)
    assert live.is_away()

    make_message(ticket)

    assert live.marks({ticket.program_id}, mara.pk, ticket.pk) != before
    assert live.be_here(ticket.pk, sofia, writing=True) == []
