"""Merging, splitting, linking."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core.access import AccessError
from support.errors import NotNow, TicketError
from support.models import Message, Ticket, TicketLink
from support.queries.ticket import links_of
from support.services import (
    add_task,
    assign,
    change_status,
    link_tickets,
    merge_tickets,
    receive,
    reply,
    snooze,
    split_ticket,
)
from tests.at_once import at_once
from tests.factories import event_names
from tests.factories_support import make_contact, make_message, make_ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(ana, music):
    """Two tickets of Ana's, their words an hour apart by turns."""
    one, two = make_ticket(ana, music, subject="One"), make_ticket(ana, music, subject="Two")
    start = timezone.now() - timedelta(hours=9)
    for hour, ticket in enumerate((one, two, one, two)):
        make_message(ticket, f"line {hour}", at=start + timedelta(hours=hour))
    return one, two


def now(row):
    return type(row).objects.get(pk=row.pk)


def texts(ticket):
    return list(ticket.messages.values_list("body_text", flat=True))


def test_a_merge_is_read_in_one_place_in_the_order_of_what_was_said(pair, mara):
    one, two = pair

    merge_tickets(one, two, by=mara, reason="The same question")

    assert texts(two) == ["line 0", "line 1", "line 2", "line 3"]
    gone = now(one)
    assert (gone.merged_into, gone.status, gone.messages.count()) == (two, "resolved", 0)
    assert event_names(one)[-1] == event_names(two)[-1] == "ticket.merged"


def test_tasks_and_links_go_along_and_the_target_is_open_if_either_was(pair, mara, ana, music):
    one, two = pair
    third = make_ticket(ana, music)
    task = add_task(one, "Ask", by=mara, due_at=timezone.now())
    link_tickets(one, third, by=mara)
    link_tickets(one, two, by=mara)
    change_status(two, "resolved", by=mara)

    merge_tickets(one, two, by=mara)

    assert now(task).ticket == two and now(two).status == "open"
    assert {(link.ticket, link.other) for link in TicketLink.objects.all()} == {(two, third), (one, two)}
    assert [other for other, _kind in links_of(two, mara)] == [third]  # what went into it is no other ticket


def test_what_is_done_to_a_merged_ticket_happens_where_it_went_or_not_at_all(pair, mara):
    one, two = pair
    merge_tickets(one, two, by=mara)

    assert receive(one, text="And?", author=None).ticket == two
    assert reply(one, "Yes.", by=mara).ticket == two
    for action in (
        lambda: change_status(one, "open", by=mara),
        lambda: assign(one, mara, by=mara),
        lambda: snooze(one, timezone.now() + timedelta(hours=1), by=mara),
        lambda: merge_tickets(two, one, by=mara),
        lambda: merge_tickets(one, two, by=mara),
    ):
        with pytest.raises(NotNow, match="went into another"):
            action()


def test_only_what_is_of_one_party_and_program_is_merged(pair, ana, bao, books, music, mara, ada):
    one, _two = pair
    contact = make_contact()
    early = make_ticket(contact=contact, program=music)

    for other in (make_ticket(bao, music), make_ticket(ana, books), early):
        with pytest.raises(NotNow):
            merge_tickets(one, other, by=ada)
    with pytest.raises(TicketError):
        merge_tickets(one, one, by=ada)
    with pytest.raises(AccessError):
        merge_tickets(one, make_ticket(ana, books), by=mara)
    # The same contact, matched between the two: the affiliate of both.
    later = make_ticket(ana, music, contact=contact)
    assert merge_tickets(later, early, by=mara).affiliate == ana


def test_a_split_takes_one_message_or_all_from_it_on(pair, mara):
    one, two = pair
    first, second = one.messages.all()
    third = make_message(one, "line 4", at=timezone.now())

    alone = split_ticket(second, by=mara, subject="My link")
    assert (alone.subject, texts(alone), texts(one)) == ("My link", ["line 2"], ["line 0", "line 4"])
    assert (alone.parent, alone.affiliate, alone.channel) == (one, one.affiliate, one.channel)
    make_message(one, "line 5", at=timezone.now())
    rest = split_ticket(third, by=mara, with_later=True)
    assert (rest.subject, texts(rest), texts(one)) == ("line 4", ["line 4", "line 5"], ["line 0"])
    assert now(one).last_at == first.created_at
    assert [link.kind for link in one.links.all()] == ["split", "split"]
    with pytest.raises(NotNow, match="nothing would be left"):
        split_ticket(now(first), by=mara)


def test_a_split_takes_the_tasks_of_its_messages_along(pair, mara):
    one, _two = pair
    kept, taken = one.messages.all()
    tasks = [add_task(one, "Ask", by=mara, due_at=timezone.now(), message=message) for message in (kept, taken)]

    new = split_ticket(taken, by=mara)

    assert [now(task).ticket for task in tasks] == [one, new]


def test_a_link_is_there_once_whichever_way_round(pair, mara, nils):
    one, two = pair

    assert link_tickets(one, two, by=mara) == link_tickets(two, one, by=mara)
    with pytest.raises(TicketError):
        link_tickets(one, one, by=mara)
    with pytest.raises(AccessError):
        link_tickets(one, two, by=nils)
    assert event_names(one).count("ticket.linked") == 1


@pytest.mark.django_db(transaction=True)
def test_two_that_merge_each_other_at_once_leave_one_ticket_with_all_words(pair, mara):
    one, two = pair

    refused = at_once(lambda: merge_tickets(one, two, by=mara), lambda: merge_tickets(two, one, by=mara))

    assert sorted(code or "" for code in refused) == ["", "merged"]
    (left,) = Ticket.objects.filter(merged_into=None)
    assert left.messages.count() == Message.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_a_message_that_two_split_off_at_once_goes_once(pair, mara):
    message = pair[0].messages.last()

    refused = at_once(lambda: split_ticket(message, by=mara), lambda: split_ticket(message, by=mara))

    assert sorted(code or "" for code in refused) == ["", "moved"]
    assert Ticket.objects.count() == 3
