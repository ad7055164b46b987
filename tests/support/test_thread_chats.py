"""Which ticket a line in a chat belongs to, and what edits, deletions and lines of our own do."""

from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from channels.contacts import unmatch_contact
from channels.mail import parse_item
from channels.parsed import Kind, Parsed, ParsedFile
from channels.telegram.chats import chat_of
from channels.telegram.updates import ChatRef
from core.events import ref
from support.errors import NotNow
from support.filing import file_item
from support.models import Message, Ticket, TicketLink
from support.services import change_status, reply, split_ticket
from tests.at_once import at_once
from tests.factories_support import make_business_connection, make_channel, make_chat, make_contact, make_inbound
from tests.support.parsed import chat_id, file_chat, file_mail

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot(music):
    return make_channel(music, "telegram")


@pytest.fixture
def chat(bot, ana):
    return make_chat(bot, make_contact(ana, telegram=5))


def test_a_chat_is_one_stream_and_goes_on_in_its_open_ticket(chat, ana):
    lines = [file_chat(chat, text) for text in ("Hi", "Where is my money?", "?")]

    (ticket,) = {line.ticket for line in lines}
    assert (ticket.affiliate, ticket.chat, ticket.subject) == (ana, chat, "Hi")


def test_what_answers_a_line_goes_where_that_line_is(chat, mara):
    first = file_chat(chat, "Where is my money?", number=1)
    about_links = file_chat(chat, "My link is broken", number=2)
    split = split_ticket(about_links, by=mara)

    assert file_chat(chat, "It is 30 dollars", answers=[1]).ticket == first.ticket
    assert file_chat(chat, "The blue one", answers=[2]).ticket == split
    assert file_chat(chat, "Thanks").ticket == split  # else the one last written in


def test_an_answer_to_our_line_is_known_before_and_after_its_number_is_noted(chat, mara):
    ticket = file_chat(chat, "Where is my money?").ticket
    answer = reply(ticket, "On Friday.", by=mara)
    answer.outgoing.provider_id = "77"
    answer.outgoing.save()
    change_status(ticket, "resolved", by=mara)

    message = file_chat(chat, "Which Friday?", answers=[77])

    assert (message.ticket, message.reply_to, message.ticket.status) == (ticket, answer, "open")


def test_the_command_new_begins_another_request(chat):
    first = file_chat(chat, "Where is my money?", number=1)
    other = file_chat(chat, "/new My link is broken", command="new", answers=[1])

    assert other.ticket != first.ticket
    assert file_chat(chat, "The blue one").ticket == other.ticket


def test_after_all_is_resolved_the_next_line_begins_another(chat, mara):
    first = file_chat(chat, "Where is my money?", number=1)
    change_status(first.ticket, "resolved", by=mara)

    assert file_chat(chat, "Hi again").ticket != first.ticket


def test_an_answer_to_what_was_resolved_long_ago_begins_a_linked_one(chat, mara):
    first = file_chat(chat, "Where is my money?", number=1)
    change_status(first.ticket, "resolved", by=mara)

    with time_machine.travel(timezone.now() + timedelta(days=15), tick=False):
        again = file_chat(chat, "Again", answers=[1])

    assert TicketLink.objects.get().other == again.ticket != first.ticket


def test_in_a_group_nobody_lands_in_anothers_ticket(bot, ana, bao):
    group = make_chat(bot, kind="group")
    of_ana, of_bao, unknown = make_contact(ana, telegram=6), make_contact(bao, telegram=7), make_contact(telegram=8)

    asked = file_chat(group, "Ana asks", contact=of_ana, number=1)
    answers = [file_chat(group, "So do I", contact=contact, answers=[1]) for contact in (of_bao, unknown)]

    assert len({asked.ticket, *(each.ticket for each in answers)}) == 3
    assert [each.ticket.affiliate for each in answers] == [bao, None]
    assert {link.kind for link in asked.ticket.links.all()} == {"other_sender"}
    assert file_chat(group, "More", contact=of_bao).ticket == answers[0].ticket


def test_in_an_affiliates_own_group_whoever_is_not_known_speaks_for_it(bot, ana, bao):
    group = make_chat(bot, kind="group", affiliate=ana)
    one, two, of_bao = make_contact(telegram=6), make_contact(telegram=7), make_contact(bao, telegram=8)

    asked = file_chat(group, "We ask", contact=one)

    assert asked.ticket.affiliate == ana
    assert file_chat(group, "I too", contact=two).ticket == asked.ticket
    assert file_chat(group, "And I", contact=of_bao).ticket != asked.ticket


def test_an_edit_keeps_what_was_said_before(chat):
    line = file_chat(chat, "30 dollars", number=1)
    edit = make_inbound(chat.channel)
    parsed = Parsed(Kind.EDIT, chat.contact, text="300 dollars", provider_id=chat_id(chat, 1), chat=chat)

    assert [file_item(edit, parsed), file_item(edit, parsed)] == [ref(line), ref(line)]

    line.refresh_from_db()
    assert line.body_text == "300 dollars" and line.edited_at
    assert [(version.body_text, version.inbound) for version in line.versions.all()] == [("30 dollars", edit)]


def test_an_edit_that_changes_no_word_is_no_version(chat):
    line = file_chat(chat, "https://a.example", number=1)
    file_chat(chat, "https://a.example", number=1, kind=Kind.EDIT)

    assert not line.versions.exists()


def test_an_edit_that_came_first_is_the_message_and_what_comes_late_adds_none(chat):
    edit = file_chat(chat, "300 dollars", number=1, kind=Kind.EDIT)

    assert file_chat(chat, "30 dollars", number=1) == edit
    assert edit.body_text == "300 dollars" and Message.objects.count() == 1


def test_an_edit_that_brings_another_picture_adds_it_once(chat):
    first, second = ParsedFile("a.png", b"first picture"), ParsedFile("b.png", b"second picture")
    line = file_chat(chat, "Look", number=1, files=[first])

    file_chat(chat, "Look", number=1, kind=Kind.EDIT, files=[first])
    file_chat(chat, "Look", number=1, kind=Kind.EDIT, files=[second])
    file_chat(chat, "Look", number=1, kind=Kind.EDIT, files=[second])

    assert [attachment.name for attachment in line.attachments.all()] == ["a.png", "b.png"]
    assert line.versions.count() == 1


def test_what_was_deleted_there_stays_here_marked(chat):
    lines = [file_chat(chat, text, number=number) for number, text in enumerate(("a", "b", "c"), 1)]

    file_chat(chat, "", kind=Kind.DELETION, deleted=[chat_id(chat, 1), chat_id(chat, 3), chat_id(chat, 99)])

    assert [bool(Message.objects.get(pk=line.pk).deleted_at) for line in lines] == [True, False, True]


def test_the_deletion_of_what_never_came_is_filed_with_its_chat(chat):
    parsed = Parsed(Kind.DELETION, chat.contact, chat=chat, deleted=[chat_id(chat, 99)])

    assert file_item(make_inbound(chat.channel), parsed) == ref(chat)


def test_a_line_of_ours_from_a_device_of_our_own_is_an_answer(bot, ana, mara):
    connection = make_business_connection(bot, person=mara)
    chat = make_chat(bot, make_contact(ana, telegram=5), business=connection)
    question = file_chat(chat, "Where is my money?")

    answer = file_chat(chat, "On Friday.", contact=make_contact(telegram=9), written_by_us=True)

    assert (answer.ticket, answer.direction, answer.author, answer.outgoing) == (question.ticket, "out", mara, None)
    assert Ticket.objects.get(pk=answer.ticket.pk).status == "pending"


def test_we_may_begin_and_nobody_needs_to_know_who_of_us_it_was(bot, ana):
    chat = make_chat(bot, make_contact(ana, telegram=5), business=make_business_connection(bot))

    message = file_chat(chat, "Hi Ana, have you seen the new offer?", written_by_us=True)

    assert (message.author, message.ticket.affiliate, message.ticket.status) == (None, ana, "pending")


def test_files_come_with_their_message_and_a_picture_alone_is_a_message(chat):
    message = file_chat(chat, "", files=[ParsedFile("screen.png", b"\x89PNG\r\n\x1a\n" + b"0" * 20), ParsedFile("a.txt", b"abc")])

    assert [each.name for each in message.attachments.all()] == ["screen.png", "a.txt"]
    assert message.ticket.subject == "screen.png"


def test_a_file_that_is_too_large_is_left_out_and_told(chat, monkeypatch):
    monkeypatch.setattr("channels.files.MOST_BYTES", 2)
    message = file_chat(chat, "See", files=[ParsedFile("a.txt", b"abc")], notes=["A voice message had no sound."])

    assert not message.attachments.exists()
    assert message.remarks.splitlines()[0] == "A voice message had no sound." and "a.txt" in message.remarks


def test_the_same_item_twice_is_one_message(chat):
    item = make_inbound(chat.channel)
    parsed = Parsed(Kind.MESSAGE, chat.contact, text="Hi", chat=chat, provider_id=chat_id(chat, 1))

    assert file_item(item, parsed) == file_item(item, parsed)
    assert Message.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_lines_that_come_at_once_begin_one_ticket(chat):
    items = [make_inbound(chat.channel) for _ in range(4)]

    def filing(item):
        def run():
            with transaction.atomic():
                held = chat_of(chat.channel, ChatRef(id=chat.provider_id, private=True, title=""), contact=chat.contact)
                file_item(item, Parsed(Kind.MESSAGE, chat.contact, text="Hi", chat=held))

        return run

    at_once(*[filing(item) for item in items])

    assert Ticket.objects.count() == 1 and Message.objects.filter(direction="in").count() == 4


def test_no_mail_takes_the_name_of_a_line_in_a_chat(chat, music, ana):
    """A Message-ID is its sender's to choose: one that is guessed must not make the chat's next line a copy of that mail."""
    mailbox = make_channel(music)
    name = chat_id(chat, 7)
    raw = f"From: otto@nowhere.example\r\nMessage-ID: <{name}>\r\nSubject: x\r\n\r\nx\r\n".encode()
    item = make_inbound(mailbox, raw=raw)
    mail = parse_item(item)
    file_item(item, mail)

    assert mail.provider_id != name
    line = file_chat(chat, "Where is my money?", number=7)
    assert (line.body_text, line.ticket.affiliate) == ("Where is my money?", ana)


def test_whoever_belongs_to_an_affiliate_no_more_writes_into_none_of_its_tickets(chat, ana, mara):
    theirs = file_chat(chat, "Where is my money?", number=1)
    unmatch_contact(chat.contact, by=mara, reason="They have left")
    chat.refresh_from_db()

    for line in (file_chat(chat, "And mine?"), file_chat(chat, "And mine now?", answers=[1])):
        assert (line.ticket.affiliate, line.ticket == theirs.ticket) == (None, False)


def test_an_affiliates_ticket_is_not_answered_to_whoever_has_left_it(chat, ana, music, mara):
    ticket = file_chat(chat, "Where is my money?").ticket
    mailbox = make_channel(music)
    former = make_contact(ana, email="former@blog.example")
    mailed = file_mail(mailbox, former, subject="Where is my money?").ticket
    for contact in (chat.contact, former):
        unmatch_contact(contact, by=mara, reason="They have left")

    with pytest.raises(NotNow, match="does not belong to Ana any more"):
        reply(Ticket.objects.get(pk=ticket.pk), "You get 300 dollars.", by=mara)
    assert reply(Ticket.objects.get(pk=mailed.pk), "You get 300 dollars.", by=mara).outgoing.to == ana.email
