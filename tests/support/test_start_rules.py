"""Messages that begin a request of their own by a stated rule, and the page on which rules are stated."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from core.access import AccessError
from support.errors import TicketError
from support.models import Message, StartRule, Ticket
from support.services import change_status, reply, write_in_portal
from support.services.starts import save_start_rule
from tests.factories import event_names, make_conversion, owner_of
from tests.factories_support import make_channel, make_chat, make_contact, make_message, make_ticket
from tests.pages import text_of
from tests.support.parsed import file_chat, file_mail

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot(music):
    return make_channel(music, "telegram")


@pytest.fixture
def chat(bot, ana):
    return make_chat(bot, make_contact(ana, telegram=5))


def rule(kind, **fields):
    return StartRule.objects.create(kind=kind, **fields)


def grow_old(ticket, hours):
    at = timezone.now() - timedelta(hours=hours)
    Ticket.objects.filter(pk=ticket.pk).update(created_at=at, last_at=at, last_in_at=at, last_out_at=None)


def because(message):
    return Ticket.objects.get(pk=message.ticket_id).opened_because


def test_after_silence_another_request_begins_and_says_why(chat, bot):
    rule("quiet", hours=12, channel=bot, program=bot.program)
    first = file_chat(chat, "Where is my money?", number=1)
    assert file_chat(chat, "Hello?").ticket == first.ticket
    grow_old(first.ticket, 13)

    line = file_chat(chat, "My link is broken")

    assert line.ticket != first.ticket
    assert because(line) == "nothing had been written for 12 hours"
    assert "ticket.linked" in event_names(line.ticket)
    assert file_chat(chat, "It is 30 dollars", answers=[1]).ticket == first.ticket  # what answers a line goes where that is


def test_words_begin_a_request_in_chats_mails_and_the_portal(chat, music, ana):
    rule("begins", words="New:, another thing", program=music)
    first = file_chat(chat, "Where is my money?")
    assert file_chat(chat, "what about another thing").ticket == first.ticket
    assert because(file_chat(chat, "ANOTHER THING: my link")) == "the message begins with “another thing”"
    mailbox, contact = make_channel(music), make_contact(ana)
    mails = [file_mail(mailbox, contact, text, subject="Links") for text in ("One", "new: two")]
    assert mails[0].ticket != mails[1].ticket
    rule("contains", words="urgent", program=music)
    lines = [write_in_portal(ana, music, text, author=owner_of(ana)) for text in ("One", "Two", "This is urgent!", "insurgent")]
    assert [line.ticket == lines[0].ticket for line in lines] == [True, True, False, False]
    assert lines[3].ticket == lines[2].ticket
    assert because(lines[2]) == "the message contains “urgent”"


def test_another_order_begins_a_request_and_one_named_before_finds_its_own(chat, music, ana, bao):
    rule("number")
    for whose, number in ((ana, "A-1001"), (ana, "A-1002"), (bao, "B-7")):
        make_conversion(music, whose, external_id=number)
    first = file_chat(chat, "Order A-1001 is missing")
    assert file_chat(chat, "Bao says B-7 came").ticket == first.ticket  # nobody else's orders count
    second = file_chat(chat, "And (A-1002).")
    assert because(second) == "it is about A-1002, and the request before about A-1001"
    assert file_chat(chat, "A-1001 again").ticket == first.ticket
    assert file_chat(chat, "Thanks").ticket == first.ticket


def test_each_topic_of_a_group_is_its_own_request_and_our_answers_go_there(bot, ana, mara):
    rule("topic")
    group = make_chat(bot, kind="group", affiliate=ana)
    contact = make_contact(ana, telegram=9)
    money, links = (file_chat(group, text, contact=contact, topic=topic) for text, topic in (("Money?", "11"), ("Links?", "12")))
    assert money.ticket != links.ticket and because(links) == "it was written in another topic of the group"
    assert file_chat(group, "Still no money", contact=contact, topic="11").ticket == money.ticket

    assert reply(money.ticket, "On Friday.", by=mara).outgoing.payload["message_thread_id"] == 11


def test_what_answers_a_request_resolved_long_enough_ago_begins_another(chat, music, mara):
    rule("resolved", hours=48)
    first = file_chat(chat, "Where is my money?", number=1)
    change_status(first.ticket, "resolved", by=mara)
    assert file_chat(chat, "And?", answers=[1]).ticket == first.ticket
    change_status(first.ticket, "resolved", by=mara)
    Ticket.objects.filter(pk=first.ticket.pk).update(resolved_at=timezone.now() - timedelta(hours=49))

    line = file_chat(chat, "Thanks, and my link?", answers=[1])

    assert line.ticket != first.ticket and "resolved for 48 hours" in because(line)


def test_a_rule_counts_where_it_is_stated_and_while_it_is_in_use(chat, books, music):
    rule("contains", words="money", program=books)
    rule("contains", words="money", program=music, is_active=False)
    first = file_chat(chat, "Hi")
    assert file_chat(chat, "Where is my money?").ticket == first.ticket


def test_a_rule_is_whole_and_set_where_one_sets_the_inbox(hana, mara, music, books):
    with pytest.raises(TicketError, match="how many hours"):
        save_start_rule(StartRule(), by=hana, kind="quiet")
    with pytest.raises(TicketError, match="which words"):
        save_start_rule(StartRule(), by=hana, kind="begins", words=" , ")
    with pytest.raises(TicketError, match="another program"):
        save_start_rule(StartRule(), by=hana, kind="topic", program=books, channel=make_channel(music))
    with pytest.raises(AccessError):
        save_start_rule(StartRule(), by=mara, kind="topic", program=music)


def test_the_page_shows_how_the_last_messages_would_have_fallen(as_person, hana, mara, ana, music):
    ticket = make_ticket(ana, music)
    for hours, text in ((40, "Where is my money?"), (39, "Hello?"), (2, "My link is broken")):
        make_message(ticket, text, at=timezone.now() - timedelta(hours=hours))
    browser, new = as_person(hana), reverse("manage:start_rule_create")

    page = text_of(browser.post(new, {"kind": "quiet", "hours": "24", "preview": "1", "is_active": "on"}))

    assert "1 of 3 would have begun a request of its own" in page
    assert "Its own request, because nothing had been written for 24 hours" in page
    assert "It began its request anyway" in page and "Joins the open request" in page
    assert not StartRule.objects.exists()
    browser.post(new, {"kind": "quiet", "hours": "24", "program": music.pk, "is_active": "on"})
    stated = StartRule.objects.get()
    assert Message.objects.count() == 3 and stated.program == music
    listed = text_of(as_person(mara).get(reverse("manage:start_rule_list")))
    assert "When nothing has been written in the open request for 24 hours" in listed and "Add a rule" not in listed
    edit = reverse("manage:start_rule_edit", args=[stated.public_id])
    browser.post(edit, {"kind": "contains", "words": "urgent", "program": music.pk})
    stated.refresh_from_db()
    assert (stated.kind, stated.hours, stated.words, stated.is_active) == ("contains", None, "urgent", False)


def test_a_rule_is_deleted_by_those_who_set_the_inbox_and_its_history_is_kept(as_person, hana, mara, chat, music):
    first = file_chat(chat, "Hi")
    stated = rule("contains", words="money", program=music)
    begun = file_chat(chat, "Where is my money?").ticket
    delete = reverse("manage:start_rule_delete", args=[stated.public_id])
    assert "Delete the rule" in text_of(as_person(hana).get(reverse("manage:start_rule_edit", args=[stated.public_id])))
    assert as_person(mara).post(delete).status_code == 403

    as_person(hana).post(delete)

    assert not StartRule.objects.exists()
    assert "Deleted: When the message contains “money”" in text_of(as_person(mara).get(reverse("manage:start_rule_list")))
    begun.refresh_from_db()
    assert begun.opened_because and begun != first.ticket
    assert file_chat(chat, "And the money?").ticket == begun


def test_the_ticket_says_why_it_is_one_of_its_own(as_person, mara, chat):
    file_chat(chat, "Where is my money?")
    line = file_chat(chat, "/new", command="new")
    told = text_of(as_person(mara).get(reverse("manage:ticket_detail", args=[line.ticket.public_id])))
    assert "Started as its own request because they sent /new." in told
