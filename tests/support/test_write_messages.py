"""What writing does: to the ticket's state, to its history, and on its way out."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from channels.models import Outgoing
from channels.tokens import tickets_in
from core.access import AccessError
from core.errors import Refusal
from support.errors import NotNow, TicketError
from support.models import TicketStatus
from support.services import (
    NamedFile,
    add_note,
    add_task,
    assign,
    change_status,
    change_ticket,
    edit_message,
    finish_task,
    mark_deleted,
    open_ticket,
    receive,
    reply,
    snooze,
    tell_automatically,
    wake_due,
)
from tests.factories import event_names, make_user
from tests.factories_support import (
    make_channel,
    make_chat,
    make_contact,
    make_inbound,
    make_message,
    make_stored_file,
    make_ticket,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def mailbox(music):
    return make_channel(music, settings={"address": "help@music.example"})


@pytest.fixture
def asked(music, mailbox):
    """A ticket by mail in which somebody has asked."""
    contact = make_contact(email="ana@elsewhere.example")
    ticket = open_ticket(program=music, channel=mailbox, contact=contact, subject="Where is my money?")
    receive(ticket, text="Where is it?", contact=contact, provider_id="first@elsewhere.example")
    return fresh(ticket)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def statuses(ticket):
    return list(ticket.status_changes.values_list("status", flat=True))


def test_a_question_is_new_until_one_of_us_has_answered_it(asked, mara):
    assert asked.status == "new" and asked.last_in_at is not None

    reply(asked, "A moment.", by=mara, is_answer=False)
    assert fresh(asked).status == "open"
    reply(asked, "It comes on Friday.", by=mara)

    assert statuses(asked) == ["new", "open", "pending"]
    assert fresh(asked).assignee == mara  # nobody owned it
    assert event_names(asked)[-3:] == ["ticket.status_changed", "message.sent", "ticket.status_changed"]


def test_what_the_affiliate_writes_opens_it_again_and_ends_a_snooze(asked, mara):
    for status in ("pending", "on_hold", "resolved"):
        change_status(asked, status, by=mara)
        snooze(asked, timezone.now() + timedelta(days=1), by=mara)
        receive(asked, text="And?", contact=asked.contact)
        now = fresh(asked)
        assert (now.status, now.snoozed_until, now.resolved_at) == ("open", None, None)
    assert fresh(asked).reopened == 1


def test_what_no_person_wrote_changes_nothing_but_the_history(asked, mara):
    reply(asked, "On Friday.", by=mara)
    before = fresh(asked)

    message = receive(asked, text="I am on leave.", contact=asked.contact, automatic="reply")

    now = fresh(asked)
    assert (now.status, now.last_in_at) == ("pending", before.last_in_at)
    assert now.messages.last() == message
    assert tell_automatically(asked, "We will be back at nine.") is None


def test_an_automatic_word_goes_out_marked_and_changes_no_state(asked):
    message = tell_automatically(asked, "You are heard.")

    assert fresh(asked).status == "new"
    assert message.outgoing.payload["headers"]["Auto-Submitted"] == "auto-replied"


def test_a_machine_that_hides_what_it_is_hears_five_automatic_mails_a_day(asked):
    said = [bool(tell_automatically(asked, f"Word {n}")) for n in range(6)]

    assert said == [True] * 5 + [False]


def test_an_answer_by_mail_carries_our_token_three_times_and_the_thread(asked, mara):
    message = reply(asked, "It comes on Friday.", by=mara)

    payload, headers = message.outgoing.payload, message.outgoing.payload["headers"]
    assert message.outgoing.to == "ana@elsewhere.example"
    assert payload["subject"] == "Re: Where is my money?"
    assert headers["Message-ID"] == f"<{message.provider_id}>"
    assert headers["Reply-To"].startswith("help+trb") and headers["Reply-To"].endswith("@music.example")
    assert tickets_in([headers["Message-ID"]]) == tickets_in([headers["Reply-To"]]) == [asked.public_id]
    assert headers["In-Reply-To"] == "<first@elsewhere.example>" == headers["References"]
    second = reply(asked, "Or on Monday.", by=mara).outgoing.payload["headers"]
    assert second["In-Reply-To"] == "<first@elsewhere.example>"
    assert second["References"] == f"<{message.provider_id}> <first@elsewhere.example>"


def test_a_thread_of_a_hundred_mails_keeps_its_first_and_its_newest_references(asked, mara):
    for n in range(100):
        make_message(asked, provider_id=f"n{n}@elsewhere.example")
    make_message(asked, provider_id="two words@<elsewhere>\r\nBcc: x@y.example")

    references = reply(asked, "Yes.", by=mara).outgoing.payload["headers"]["References"].split()

    assert len(references) == 20
    assert (references[0], references[-1]) == ("<first@elsewhere.example>", "<n99@elsewhere.example>")


def test_an_answer_goes_where_the_affiliate_wrote_from_last(asked, mara):
    second = make_contact(email="second@elsewhere.example")
    receive(asked, text="From my phone.", contact=second)

    assert reply(asked, "Seen.", by=mara).outgoing.to == "second@elsewhere.example"


def test_an_answer_into_a_chat_answers_the_message_there(music, mara):
    chat = make_chat(make_channel(music, "telegram"))
    ticket = make_ticket(contact=chat.contact, channel=chat.channel, chat=chat)
    question = make_message(ticket, provider_id=f"{chat.pk} {chat.provider_id} 17")

    outgoing = reply(ticket, "Yes.", by=mara, reply_to=question, files=[NamedFile(make_stored_file(), "a.txt")]).outgoing

    assert (outgoing.to, outgoing.chat, outgoing.payload["text"]) == (str(chat.provider_id), chat, "Yes.")
    assert outgoing.payload["reply_parameters"]["message_id"] == 17
    assert outgoing.payload["files"][0]["name"] == "a.txt"


def test_in_the_portal_the_message_is_the_delivery(music, ana, mara):
    message = reply(make_ticket(ana, music), "Yes.", by=mara)

    assert message.outgoing is None and message.notify_at > timezone.now()
    assert not Outgoing.objects.exists()


def test_whom_nothing_reaches_in_writing_is_called(music, mara):
    ticket = make_ticket(contact=make_contact(phone="+491702"), channel=make_channel(music, "phone"))

    with pytest.raises(NotNow, match="in writing"):
        reply(ticket, "Yes.", by=mara)

    assert not ticket.messages.exists()


@pytest.mark.parametrize(("kind", "fields"), [("telegram", {}), ("email", {"status": "closed"})])
def test_where_there_is_no_way_nothing_is_written(music, ana, mara, kind, fields):
    ticket = make_ticket(ana, channel=make_channel(music, kind, **fields))

    with pytest.raises(NotNow):
        reply(ticket, "Yes.", by=mara)

    assert not ticket.messages.exists() and fresh(ticket).status == "new"


@pytest.mark.parametrize("text", ["", "  \n ", "\x00", "x" * 100_001])
def test_what_says_nothing_or_too_much_is_refused(asked, mara, text):
    for write in (reply, add_note):
        with pytest.raises(TicketError):
            write(asked, text, by=mara)


def test_who_may_not_answer_here_does_nothing_here(asked, nils, otto, vera):
    later = timezone.now() + timedelta(hours=1)
    for person in (nils, otto, vera):
        for action in (
            lambda by: reply(asked, "Yes.", by=by),
            lambda by: add_note(asked, "Hm.", by=by),
            lambda by: change_status(asked, "resolved", by=by),
            lambda by: assign(asked, by, by=by),
            lambda by: snooze(asked, later, by=by),
            lambda by: change_ticket(asked, priority="high", by=by),
            lambda by: add_task(asked, "Look", due_at=later, by=by),
        ):
            with pytest.raises(AccessError):
                action(person)


def test_a_ticket_is_given_only_to_who_may_answer_it(asked, mara, nils, vera):
    gone = make_user("gone@tributary.example", is_active=False)
    for person in (nils, vera, gone):
        with pytest.raises(TicketError):
            assign(asked, person, by=mara)

    assert assign(asked, mara, by=None, reason="Her affiliate").assigned_reason == "Her affiliate"
    assert assign(asked, None, by=mara).assigned_at is None
    assert event_names(asked)[-2:] == ["ticket.assigned", "ticket.unassigned"]


def test_states_that_cannot_be_are_refused(asked, mara):
    later, past = timezone.now() + timedelta(hours=1), timezone.now() - timedelta(hours=1)
    for status, until in (("new", None), ("resolved", later), ("open", later), ("pending", past)):
        with pytest.raises(Refusal):
            change_status(asked, status, until=until, by=mara)
    assert statuses(asked) == ["new"]


def test_the_same_state_again_is_no_change(asked, mara):
    change_status(asked, "pending", by=mara)
    change_status(asked, "pending", by=mara)

    assert statuses(asked) == ["new", "pending"]


def test_waiting_holds_and_snoozes_end_at_their_time(asked, mara):
    later = timezone.now() + timedelta(hours=1)
    change_status(asked, "on_hold", until=later, by=mara)
    snooze(asked, later, by=mara)
    assert wake_due() == 0

    with time_machine.travel(later + timedelta(seconds=1), tick=False):
        assert wake_due() == 1
        assert wake_due() == 0

    now = fresh(asked)
    assert (now.status, now.status_until, now.snoozed_until) == ("open", None, None)


def test_one_message_gives_several_tasks_and_none_is_done_with_another(asked, mara, sofia):
    message, due = asked.messages.get(), timezone.now() + timedelta(days=1)
    first = add_task(asked, "Ask the bank", by=mara, due_at=due, message=message)
    second = add_task(asked, "Write to them", by=mara, owner=sofia, due_at=due, message=message)

    finish_task(first, by=mara)
    change_status(asked, TicketStatus.RESOLVED, by=mara)

    assert fresh(first).done_by == mara and fresh(second).done_at is None
    finish_task(second, by=sofia)
    assert finish_task(fresh(second), by=mara).done_by == sofia  # once is enough
    with pytest.raises(TicketError):
        add_task(make_ticket(program=asked.program), "Other", by=mara, due_at=due, message=message)


def test_an_edit_keeps_what_was_said_before_and_the_same_one_is_kept_once(asked):
    message, item = asked.messages.get(), make_inbound(asked.channel)
    for _ in range(2):
        edit_message(message, "Where is my money now?", inbound=item)

    now = fresh(message)
    assert (now.body_text, now.edited_at is not None) == ("Where is my money now?", True)
    assert [version.body_text for version in now.versions.all()] == ["Where is it?"]


def test_what_its_writer_deleted_stays_here_marked(asked):
    message = asked.messages.get()

    assert (mark_deleted([message]), mark_deleted([message])) == (1, 0)
    assert fresh(message).deleted_at is not None and fresh(message).body_text == "Where is it?"


def test_tags_are_small_each_once_and_a_change_is_told_once(asked, mara):
    change_ticket(asked, by=mara, tags=["VIP", " vip ", "late  money", ""], priority="high")
    change_ticket(asked, by=mara, priority="high")

    assert fresh(asked).tags == ["vip", "late money"]
    assert event_names(asked).count("ticket.changed") == 1
