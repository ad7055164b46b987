"""Merges taken apart again, and what was split off put back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.access import AccessError
from support.errors import NotNow
from support.models import StatusChange, Ticket, TicketLink
from support.services import (
    add_note,
    add_task,
    change_status,
    link_tickets,
    merge_tickets,
    receive,
    reply,
    snooze,
    split_ticket,
    undo_move,
)
from support.services.clocks import read_ticket, refresh_clocks
from support.services.escalations import escalate
from support.services.promises import make_commitment
from tests.factories import event_names
from tests.factories_support import make_message, make_ticket
from tests.pages import text_of

pytestmark = pytest.mark.django_db

# (which ticket, what, how many minutes after the one before)
STEPS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from(["in", "answer", "first", "note", "pending", "on_hold", "resolved"]),
        st.integers(1, 40),
    ),
    max_size=8,
)


def live(history, ana, music, mara):
    """Two tickets to which this has happened, the last of it just now."""
    start = timezone.now() - timedelta(minutes=sum(minutes for _which, _what, minutes in history) + 2)
    pair = [make_ticket(ana, music, subject=name, at=start, tags=[name.lower()]) for name in ("One", "Two")]
    for ticket in pair:
        make_message(ticket, at=start)
    at = start
    for which, what, minutes in history:
        ticket, at = pair[which], at + timedelta(minutes=minutes)
        if what in ("in", "note"):
            make_message(ticket, direction=what, author=mara if what == "note" else None, at=at)
            to = "open" if what == "in" and ticket.status != "new" else ticket.status
        elif what in ("answer", "first"):
            make_message(ticket, direction="out", author=mara, is_answer=what == "answer", at=at)
            to = "pending" if what == "answer" else "open"
        else:
            to = what
        if to != ticket.status:
            StatusChange.objects.create(ticket=ticket, status=to, at=at)
            ticket.reopened += ticket.status == "resolved"
            ticket.status, ticket.resolved_at = to, at if to == "resolved" else None
            ticket.save()
    for ticket in pair:
        refresh_clocks(Ticket.objects.select_related("channel", "affiliate").get(pk=ticket.pk))
    return pair


def state(ticket, at):
    """All of it that anybody sees or counts by."""
    ticket = Ticket.objects.select_related("channel", "affiliate").get(pk=ticket.pk)
    row = {field.attname: getattr(ticket, field.attname) for field in Ticket._meta.concrete_fields if field.name != "updated_at"}
    hanging = [
        sorted(getattr(ticket, name).values_list("pk", flat=True))
        for name in (
            "messages",
            "tasks",
            "commitments",
            "calls",
            "room_posts",
            "voices",
            "links",
            "linked_from",
            "causes",
            "drafts",
        )
    ]
    return row, hanging, list(ticket.escalations.values_list("pk", "number", "reason")), read_ticket(ticket, at).clocks


@given(history=STEPS, snoozed=st.lists(st.booleans(), min_size=2, max_size=2))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_merge_that_is_taken_apart_has_never_been(history, snoozed, undone, ana, music, mara):
    with undone():
        pair = live(history, ana, music, mara)
        third = make_ticket(ana, music)
        for ticket, asleep in zip(pair, snoozed, strict=True):
            link_tickets(ticket, third, by=mara)
            add_task(ticket, "Ask", by=mara, due_at=timezone.now())
            if asleep:
                snooze(ticket, timezone.now() + timedelta(hours=1 + ticket.pk % 2), by=mara)
        if Ticket.objects.get(pk=pair[0].pk).status != "resolved":
            escalate(pair[0], "engineer", "Does the postback carry the order's number?", by=mara)
        at = timezone.now()
        before = [state(ticket, at) for ticket in pair]

        merge_tickets(*pair, by=mara)
        undo_move(pair[0].moves_out.get(), by=mara)

        assert [state(ticket, at) for ticket in pair] == before


def test_what_was_written_after_the_merge_stays_and_both_histories_tell(ana, music, mara):
    one, two = live([], ana, music, mara)
    merge_tickets(one, two, by=mara)
    answer = reply(two, "To both of you.", by=mara)
    asked = make_message(one)  # of one, before
    Ticket.objects.get(pk=two.pk).messages.filter(pk=asked.pk).update(ticket=two)
    change_status(two, "on_hold", by=mara, reason="Waits for the bank")

    undo_move(one.moves_out.get(), by=mara)

    one, two = Ticket.objects.get(pk=one.pk), Ticket.objects.get(pk=two.pk)
    assert answer in two.messages.all() and one.messages.first().body_text
    assert (one.status, one.merged_into, two.status) == ("new", None, "on_hold")
    assert event_names(one)[-1] == event_names(two)[-1] == "ticket.taken_apart"
    assert receive(one, text="And mine?", author=None).ticket == one


def test_it_is_taken_apart_only_while_that_is_the_truth(ana, music, mara, nils):
    one, two = live([], ana, music, mara)
    make_message(one)
    three = make_ticket(ana, music)
    make_message(three)
    merge_tickets(one, two, by=mara)
    move = one.moves_out.get()
    with pytest.raises(AccessError):
        undo_move(move, by=nils)
    merge_tickets(two, three, by=mara)
    with pytest.raises(NotNow, match="take that apart first"):
        undo_move(move, by=mara)
    undo_move(two.moves_out.get(), by=mara)
    split = split_ticket(
        one_message := Ticket.objects.get(pk=two.pk).messages.filter(pk__in=move.moved["messages"]).last(), by=mara
    )
    with pytest.raises(NotNow, match="split off since"):
        undo_move(move, by=mara)
    undo_move(split.moves_in.get(), by=mara)
    undo_move(move, by=mara)
    assert one_message in one.messages.all() and two.messages.count() == 1
    with pytest.raises(NotNow, match="already"):
        undo_move(move, by=mara)


def test_what_hangs_on_a_merged_ticket_goes_along(ana, music, mara):
    one, two = live([], ana, music, mara)
    escalation = escalate(one, "engineer", "Does the postback carry the order's number?", by=mara)
    promise = make_commitment(one, text="Call back", due_at=timezone.now() + timedelta(hours=1), owner=mara, by=mara)
    until = timezone.now() + timedelta(days=1)
    snooze(one, until, by=mara, reason="The bank answers tomorrow")
    change_status(two, "resolved", by=mara)

    into = merge_tickets(one, two, by=mara)

    escalation.refresh_from_db(), promise.refresh_from_db()
    assert escalation.ticket == promise.ticket == into
    assert (into.level, into.status) == ("engineer", "open")
    assert (into.snoozed_until, into.snoozed_reason) == (until, "The bank answers tomorrow")


def test_what_is_awake_is_not_put_to_sleep_by_a_merge_and_what_waits_goes_on_waiting(ana, music, mara):
    one, two = live([], ana, music, mara)
    snooze(one, timezone.now() + timedelta(days=1), by=mara)
    assert merge_tickets(one, two, by=mara).snoozed_until is None
    three, four = live([(1, "resolved", 1)], ana, music, mara)
    until = timezone.now() + timedelta(days=2)
    change_status(three, "pending", by=mara, until=until)
    into = merge_tickets(three, four, by=mara)
    assert (into.status, into.status_until) == ("pending", until)


def test_two_open_questions_do_not_go_into_one_ticket(ana, music, mara):
    pair = live([], ana, music, mara)
    for ticket in pair:
        escalate(ticket, "engineer", "Does the postback carry the order's number?", by=mara)
    with pytest.raises(NotNow, match="one at a time"):
        merge_tickets(*pair, by=mara)


def test_what_was_split_off_goes_back_as_if_it_had_never_left(ana, music, mara):
    one, _two = live([(0, "answer", 5)], ana, music, mara)
    message = make_message(one, "Another thing")
    add_task(one, "Ask", by=mara, due_at=timezone.now(), message=message)
    at = timezone.now()
    before = state(one, at)

    new = split_ticket(message, by=mara)
    undo_move(new.moves_in.get(), by=mara)

    assert state(one, at) == before
    new.refresh_from_db()
    assert new.merged_into == one and not TicketLink.objects.exists()


def test_what_was_split_off_and_went_on_goes_back_with_what_was_written(ana, music, mara):
    one, _two = live([], ana, music, mara)
    new = split_ticket(make_message(one, "Another thing"), by=mara)
    reply(new, "Here it is.", by=mara)

    undo_move(new.moves_in.get(), by=mara)

    assert [m.body_text for m in one.messages.all()][-2:] == ["Another thing", "Here it is."]
    assert new.moves_out.get().undone_at is None  # a merge, which can be taken apart


def test_the_history_offers_to_take_it_apart(as_person, ana, music, mara):
    one, two = live([], ana, music, mara)
    add_note(one, "Mine", by=mara)
    merge_tickets(one, two, by=mara)
    browser = as_person(mara)
    page = reverse("manage:ticket_history", args=[two.public_id])
    assert page in browser.get(reverse("manage:ticket_detail", args=[two.public_id])).content.decode()
    assert "Take apart again" in text_of(browser.get(page))

    answer = browser.post(reverse("manage:move_undo", args=[one.moves_out.get().public_id]))

    assert one.public_id in answer["Location"]
    assert "Take apart again" not in text_of(browser.get(page))
