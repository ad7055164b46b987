"""Rows that are written as a set: few statements, and nobody can tell."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from core.writing import insert, is_waiting, update, written_together
from support.models import Message, StatusChange, Ticket
from tests.factories_support import make_ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(ana, music):
    return make_ticket(ana, music, subject="Before")


def new(ticket, text):
    return insert(Message(ticket=ticket, program_id=ticket.program_id, direction="in", body_text=text))


def texts():
    return list(Message.objects.order_by("pk").values_list("body_text", flat=True))


def test_rows_of_a_set_are_written_with_one_statement_and_have_their_numbers_at_once(ticket):
    with CaptureQueriesContext(connection) as captured, transaction.atomic(), written_together(Ticket, Message, block=3):
        numbers = [new(ticket, text).pk for text in ("one", "two", "three")]
        ticket.subject = "After"
        update(ticket, ["subject"])
    statements = [each["sql"].split()[0] for each in captured]
    assert statements.count("INSERT") == 1
    assert list(Message.objects.order_by("pk").values_list("pk", "body_text")) == list(
        zip(numbers, ["one", "two", "three"], strict=True)
    )
    ticket.refresh_from_db()
    assert ticket.subject == "After"


def test_whoever_asks_finds_what_waits(ticket):
    with transaction.atomic(), written_together(Ticket, Message, block=1):
        message = new(ticket, "one")
        ticket.subject = "After"
        update(ticket, ["subject"])
        assert is_waiting(message)
        assert Ticket.objects.filter(subject="After", messages__body_text="one").exists()
        assert not is_waiting(message)
        message.body_text = "changed"
        update(message, ["body_text"])
        assert texts() == ["changed"]


def test_what_is_written_within_a_savepoint_goes_with_it_and_what_waited_stays(ticket):
    with transaction.atomic(), written_together(Ticket, Message, block=1):
        new(ticket, "stays")
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            assert not is_waiting(new(ticket, "goes"))
            raise ZeroDivisionError
    assert texts() == ["stays"]


def test_a_new_row_that_changes_before_it_is_written_is_written_as_it_is_then(ticket):
    with transaction.atomic(), written_together(Ticket, StatusChange, Message, block=1):
        message = new(ticket, "one")
        message.body_text = "two"
        update(message, ["body_text"])
        message.save()  # as whoever knows nothing of the set does
    assert texts() == ["two"]


def test_a_set_that_fails_leaves_nothing_behind(ticket):
    with pytest.raises(ZeroDivisionError), transaction.atomic(), written_together(Ticket, Message, block=1):
        new(ticket, "one")
        raise ZeroDivisionError
    assert texts() == []
    assert not is_waiting(new(ticket, "two"))


def test_outside_of_a_set_everything_is_written_at_once(ticket):
    new(ticket, "one")
    ticket.subject = "After"
    update(ticket, ["subject"])
    ticket.refresh_from_db()
    assert (texts(), ticket.subject) == (["one"], "After")
