"""A ticket's clocks as they are stored: which policy, when what is due, what is kept of what was decided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from support.models import ClockResult, Notice, SlaPolicy, StatusChange, Ticket
from support.services.clocks import fits, fitting_tickets, refresh_clocks, refresh_open_tickets
from support.services.watch import watch_clocks
from tests.factories import make_user
from tests.factories_support import make_channel, make_message, make_ticket

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.django_db


def after(minutes: float) -> datetime:
    return NOON + minutes * MINUTE


def set_status(ticket: Ticket, status: str, at: datetime) -> None:
    """As the services do, at a time of our choice."""
    ticket.status, ticket.resolved_at = status, at if status == "resolved" else None
    ticket.save()
    StatusChange.objects.create(ticket=ticket, status=status, at=at)


def asked(**fields) -> Ticket:
    ticket = make_ticket(at=NOON, **fields)
    make_message(ticket, at=NOON)
    return ticket


def refreshed(ticket: Ticket, minutes: float) -> Ticket:
    with time_machine.travel(after(minutes), tick=False):
        refresh_clocks(ticket)
    return Ticket.objects.get(pk=ticket.pk)


def results(ticket: Ticket) -> list[tuple[str, bool | None, float]]:
    return [
        (row.clock, row.met, row.used / MINUTE)
        for row in ClockResult.objects.filter(ticket=ticket).order_by("clock", "started_at")
    ]


def test_a_question_is_due_in_5_minutes_30_minutes_and_a_day_unless_somebody_decided_otherwise():
    ticket = refreshed(asked(), 1)

    assert (ticket.first_reply_due, ticket.answer_due, ticket.resolution_due) == (after(5), after(30), after(1440))
    assert (ticket.next_reply_due, ticket.next_due, ticket.warn_at, ticket.breach_at) == (None, after(5), after(3), after(5))
    assert ticket.policy.calendar is None
    assert results(ticket) == []


def test_a_first_word_stops_the_first_clock_alone_and_an_answer_the_second():
    ticket, sofia = asked(), make_user()
    make_message(ticket, direction="out", is_answer=False, author=sofia, at=after(2))
    ticket = refreshed(ticket, 2)

    assert (ticket.first_reply_due, ticket.next_due, ticket.first_replied_at) == (None, after(30), after(2))
    assert ticket.answered_at is None

    make_message(ticket, direction="out", author=sofia, at=after(20))
    ticket = refreshed(ticket, 20)

    assert (ticket.answered_at, ticket.next_due) == (after(20), after(1440))
    assert results(ticket) == [("answer", True, 20), ("first_reply", True, 2)]
    assert {row.person for row in ticket.clock_results.all()} == {sofia}


@pytest.mark.parametrize("direction", ["auto", "note"])
def test_neither_an_automatic_word_nor_a_note_stops_a_clock(direction):
    ticket = asked()
    make_message(ticket, direction=direction, at=after(1))

    ticket = refreshed(ticket, 2)

    assert (ticket.first_reply_due, ticket.first_replied_at) == (after(5), None)


def test_an_automatic_mail_starts_no_clock():
    ticket = make_ticket(at=NOON)
    make_message(ticket, automatic="reply", at=NOON)

    assert refreshed(ticket, 10).next_due is None


def test_waiting_for_the_affiliate_pauses_and_what_they_write_runs_the_next_clock():
    ticket = asked()
    make_message(ticket, direction="out", at=after(10))
    set_status(ticket, "pending", after(10))
    assert refreshed(ticket, 60).next_due is None

    make_message(ticket, at=after(100))
    set_status(ticket, "open", after(100))
    ticket = refreshed(ticket, 101)

    assert (ticket.next_reply_due, ticket.next_due) == (after(130), after(130))
    assert ticket.resolution_due == after(1440 + 90)


def test_snoozing_pauses_nothing():
    ticket = asked()
    ticket.snoozed_until = after(500)
    ticket.save()

    assert refreshed(ticket, 4).next_due == after(5)


def test_resolution_stops_at_resolve_and_goes_on_at_a_reopening_with_what_was_used():
    ticket = asked()
    make_message(ticket, direction="out", at=after(4))
    set_status(ticket, "resolved", after(4))
    ticket = refreshed(ticket, 4)
    assert ticket.next_due is None
    assert ("resolution", True, 4) in results(ticket)

    set_status(ticket, "open", after(1000))
    ticket = refreshed(ticket, 1000)
    assert ticket.resolution_due == after(1000 + 1436)
    assert [clock for clock, _met, _used in results(ticket)] == ["answer", "first_reply"]

    set_status(ticket, "resolved", after(1010))
    assert ("resolution", True, 14) in results(refreshed(ticket, 1010))


def test_what_was_decided_stays_so_when_the_policy_becomes_another_one():
    ticket = asked()
    make_message(ticket, direction="out", at=after(4))
    refreshed(ticket, 4)

    SlaPolicy.objects.update(first_reply_minutes=1)
    refresh_open_tickets()

    assert ("first_reply", True, 4) in results(ticket)


def test_without_a_target_the_time_is_measured_and_nothing_is_due():
    SlaPolicy.objects.create(name="Measured only", first_reply_minutes=None, answer_minutes=None, resolution_minutes=None)
    ticket = asked()
    make_message(ticket, direction="out", at=after(50))

    ticket = refreshed(ticket, 60)

    assert (ticket.next_due, ticket.first_replied_at) == (None, after(50))
    assert results(ticket) == [("answer", None, 50), ("first_reply", None, 50)]


def test_the_first_policy_whose_conditions_all_fit_is_taken(music, ana):
    SlaPolicy.objects.create(name="Everybody", position=50)
    mail = SlaPolicy.objects.create(name="Mail", position=40, channel_kind="email", program=music)
    urgent = SlaPolicy.objects.create(name="Urgent", position=30, priority="urgent")
    vip = SlaPolicy.objects.create(name="Large partners", position=20, segment="large", first_reply_minutes=2)
    SlaPolicy.objects.create(name="Not in use", position=1, is_active=False)
    ticket = make_ticket(ana, music, channel=make_channel(music), at=NOON)
    make_message(ticket, at=NOON)

    assert refreshed(ticket, 1).policy == mail
    ticket.priority = "urgent"
    assert refreshed(ticket, 1).policy == urgent
    ana.tags = ["large"]
    ana.save()
    ticket.affiliate = ana
    ticket = refreshed(ticket, 1)
    assert (ticket.policy, ticket.first_reply_due) == (vip, after(2))


def test_conditions_mean_the_same_of_one_ticket_and_of_all(music, books, ana):
    ana.tags = ["large"]
    ana.save()
    tickets = [make_ticket(ana, music, priority="high"), make_ticket(program=books), make_ticket(channel=make_channel(books))]
    for number, conditions in enumerate(
        [{}, {"program": books}, {"segment": "large"}, {"segment": "small"}, {"channel_kind": "email"}, {"priority": "high"}]
    ):
        policy = SlaPolicy.objects.create(name=f"Policy {number}", **conditions)
        found = set(fitting_tickets(policy))
        assert found == {ticket for ticket in tickets if fits(policy, ticket)}, conditions


def test_a_merged_ticket_has_no_clocks_and_its_messages_run_on_in_the_other():
    ticket, other = asked(), make_ticket(at=after(1))
    message = make_message(other, at=after(1))
    refreshed(other, 2)
    other.resolved_at, other.status, other.merged_into = after(2), "resolved", ticket
    other.save()
    StatusChange.objects.create(ticket=other, status="resolved", at=after(2))
    message.ticket = ticket
    message.save()

    assert refreshed(other, 2).next_due is None
    assert refreshed(ticket, 2).next_due == after(5)


def test_a_ticket_that_was_split_off_waits_since_its_message_came():
    ticket = asked()
    second = make_message(ticket, at=after(2))
    new = make_ticket(at=after(20), parent=ticket)
    second.ticket = new
    second.save()

    assert refreshed(new, 21).first_reply_due == after(7)


def test_the_owner_is_warned_once_and_the_duty_officer_told_once_when_it_is_too_late(music, ana, mara, sofia):
    ticket = make_ticket(ana, music, at=NOON, assignee=sofia)
    make_message(ticket, at=NOON)
    refreshed(ticket, 0)

    def said(minutes: float) -> list[tuple[str, str, str]]:
        with time_machine.travel(after(minutes), tick=False):
            watch_clocks()
            watch_clocks()
        found = Notice.objects.order_by("pk").values_list("user__name", "kind", "clock")
        new = list(found)
        Notice.objects.all().delete()
        return new

    assert said(2) == []
    assert said(3) == [("Sofia", "warned", "first_reply")]
    assert said(5) == []
    assert said(6) == [("Mara", "breached", "first_reply"), ("Sofia", "breached", "first_reply")]
    assert said(18) == [("Sofia", "warned", "answer")]
    assert [kind for _user, kind, clock in said(31) if clock == "answer"] == ["breached", "breached"]
    assert results(ticket) == [("answer", False, 31), ("first_reply", False, 6)]


def test_nothing_is_said_of_what_waits_for_the_affiliate():
    ticket = asked()
    set_status(ticket, "pending", after(1))
    refreshed(ticket, 1)

    with time_machine.travel(after(100), tick=False):
        assert watch_clocks() == 0
