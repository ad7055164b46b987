"""Promises: who keeps what for when, what became of it, and who is told when its time is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.urls import reverse

from core.access import AccessError
from core.events import ref
from core.models import Event
from support.errors import TicketError
from support.models import Commitment, Notice, Ticket
from support.queries.results import results
from support.services.joining import merge_tickets
from support.services.messages import receive_own
from support.services.promises import (
    give_commitment,
    give_to_deputies,
    keep_by_reply,
    make_commitment,
    settle_commitment,
    watch_commitments,
)
from tests.factories import make_conversion
from tests.factories_support import make_inbound, make_message, make_ticket
from tests.factories_team import make_absence, make_cover

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOW_AND_A_WEEK = NOON + timedelta(days=7)

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(music, ana) -> Ticket:
    return make_ticket(ana, music, at=NOON)


@pytest.fixture
def promise(ticket, mara) -> Commitment:
    with time_machine.travel(NOON, tick=False):
        message = make_message(ticket, "I send the numbers by 14:00.", "out", author=mara)
        return make_commitment(ticket, text="Send the numbers", due_at=NOON + 2 * HOUR, owner=mara, by=mara, message=message)


def at(hours: float):
    return time_machine.travel(NOON + hours * HOUR, tick=False)


@pytest.mark.parametrize(
    ("hours", "said", "status"), [(1, "kept", "kept"), (2, "kept", "kept"), (3, "kept", "late"), (1, "late", "kept")]
)
def test_a_promise_is_kept_or_late_by_the_time_at_which_it_is_done(promise, mara, hours, said, status):
    with at(hours):
        assert settle_commitment(promise, said, by=mara).status == status


def test_the_reply_that_keeps_it_is_remembered(promise, mara):
    with at(1):
        message = make_message(promise.ticket, "Here they are.", "out", author=mara)
        assert keep_by_reply(message, [promise], by=mara) == 1

    promise.refresh_from_db()
    assert (promise.status, promise.settled_message) == ("kept", message)


def test_a_reply_of_another_ticket_keeps_nothing(promise, mara):
    assert keep_by_reply(make_message(direction="out", author=mara), [promise], by=mara) == 0


def test_broken_has_a_reason_and_no_promise_is_settled_twice(promise, mara):
    with at(3):
        with pytest.raises(TicketError, match="Say why"):
            settle_commitment(promise, "broken", by=mara)
        settle_commitment(promise, "broken", by=mara, reason="The partner never sent them.")
        with pytest.raises(TicketError, match="settled already"):
            settle_commitment(promise, "kept", by=mara)


@pytest.mark.parametrize("fields", [{"text": " "}, {"due_at": NOON}])
def test_a_promise_says_what_and_is_for_a_time_to_come(ticket, mara, fields):
    with at(0), pytest.raises(TicketError):
        make_commitment(ticket, **{"text": "Call", "due_at": NOON + HOUR, "owner": mara, "by": mara, **fields})


def test_only_those_who_answer_promise_and_keep(ticket, promise, mara, vera):
    with at(0):
        with pytest.raises(AccessError):
            make_commitment(ticket, text="Call", due_at=NOON + HOUR, owner=mara, by=vera)
        with pytest.raises(TicketError, match="does not answer"):
            make_commitment(ticket, text="Call", due_at=NOON + HOUR, owner=vera, by=mara)
        with pytest.raises(TicketError, match="does not answer"):
            give_commitment(promise, vera, by=mara)


def test_a_promise_can_be_given_to_a_colleague_and_counts_for_them(promise, mara, sofia):
    assert give_commitment(promise, sofia, by=mara).owner == sofia


def test_its_owner_is_told_once_when_its_time_is_over(promise, mara):
    with at(1.9):
        assert watch_commitments() == 0
    with at(2.1):
        assert (watch_commitments(), watch_commitments()) == (1, 0)

    assert [(notice.user, notice.kind, notice.text) for notice in Notice.objects.all()] == [(mara, "promise", "Send the numbers")]
    assert Event.objects.filter(name="commitment.overdue", about__contains=[ref(promise.ticket.affiliate)]).count() == 1


def test_what_one_of_us_promises_on_their_own_phone_counts_as_of_when_it_was_written(ticket, mara):
    with at(0):
        early, late = make_inbound(ticket.channel), make_inbound(ticket.channel)
    with at(1):
        receive_own(ticket, text="You have it in 4 hours.", author=mara, inbound=early)
    with at(9):  # fetched after an outage: it is over already
        receive_own(ticket, text="You have it in 2 hours.", author=mara, inbound=late)

    promise = Commitment.objects.get()
    assert (promise.owner, promise.due_at, promise.message.inbound) == (mara, NOON + 4 * HOUR, early)


def test_a_promise_goes_with_its_ticket(promise, mara, music, ana):
    other = make_ticket(ana, music)

    merge_tickets(promise.ticket, other, by=mara)

    promise.refresh_from_db()
    assert promise.ticket == other


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "kept", "settled_at": None},
        {"status": "open", "settled_at": NOON},
        {"status": "kept", "settled_at": NOON + 5 * HOUR},
        {"status": "late", "settled_at": NOON},
        {"text": ""},
    ],
    ids=["settled at no time", "open and settled", "kept too late", "late in time", "says nothing"],
)
def test_the_database_holds_what_a_promise_is(promise, fields):
    with pytest.raises(IntegrityError), transaction.atomic():
        Commitment.objects.filter(pk=promise.pk).update(**fields)


def test_a_colleague_is_chosen_on_the_page(promise, mara, sofia, as_person):
    page = as_person(mara).get(reverse("manage:ticket_card", args=[promise.ticket.public_id])).content.decode()
    assert "Somebody else keeps it" in page and sofia.public_id in page

    as_person(mara).post(reverse("manage:promise_give", args=[promise.public_id]), {"person": sofia.public_id})
    promise.refresh_from_db()
    assert promise.owner == sofia

    as_person(mara).post(reverse("manage:promise_give", args=[promise.public_id]), {"person": "usr_nobody"})
    promise.refresh_from_db()
    assert promise.owner == sofia


def test_the_deputy_keeps_what_falls_due_in_the_days_of_an_absence(promise, ticket, mara, sofia):
    with at(0):
        later = make_commitment(ticket, text="Call", due_at=NOW_AND_A_WEEK, owner=mara, by=mara)
        assert give_to_deputies() == 0
        make_absence(mara, NOON.date(), NOON.date(), deputy=sofia)
        assert (give_to_deputies(), give_to_deputies()) == (1, 0)

    promise.refresh_from_db()
    later.refresh_from_db()
    assert (promise.owner, later.owner) == (sofia, mara)
    given = Event.objects.filter(name="commitment.given", about__contains=[ref(promise)]).get()
    assert given.reason == "Mara is away."


def test_a_deputy_who_does_not_answer_in_the_program_keeps_nothing(promise, mara, vera):
    with at(0):
        make_absence(mara, NOON.date(), NOON.date(), deputy=vera)
        assert give_to_deputies() == 0


def test_results_and_promises_of_a_deputys_days_count_for_the_deputy(promise, music, ana, mara, sofia, as_person):
    ana.manager = mara
    ana.save()
    make_conversion(music, ana, amount="100.00", occurred_at=NOON - 2 * HOUR)
    make_conversion(music, ana, amount="40.00", occurred_at=NOON + 2 * HOUR)
    make_conversion(music, ana, amount="7.00", occurred_at=NOON + 30 * HOUR)
    absence = make_absence(mara, NOON.date(), NOON.date(), deputy=sofia)
    make_cover(ana, absence, sofia, starts_at=NOON)
    with at(1):
        give_to_deputies()
        settle_commitment(Commitment.objects.get(), "kept", by=sofia)

    lines = {line.label: line for line in results(NOON - 24 * HOUR, NOON + 48 * HOUR, programs=None, money=None)}

    assert [(s.conversions, str(s.amount)[:6]) for s in lines["Mara"].sales] == [(2, "107.00")]
    assert [(s.conversions, str(s.amount)[:5]) for s in lines["Sofia"].sales] == [(1, "40.00")]
    assert (lines["Sofia"].kept, lines["Mara"].kept) == (1, 0)
    with at(48):
        assert "What came of it" in as_person(mara).get(reverse("manage:support_numbers")).content.decode()
