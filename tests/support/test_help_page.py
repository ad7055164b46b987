"""The affiliate's chat: one stream a program, whatever door; what is not theirs is not there."""

import uuid
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from affiliates.models import Function
from support.live import touch
from support.models import ChatRead, Message, Rating, Ticket
from tests.factories import make_batch, make_enrollment, make_payout, owner_of
from tests.factories_support import make_attachment, make_channel, make_message, make_ticket
from tests.pages import queries_of, text_of
from tests.portal import member

CHAT = "/portal/help/music/"


def write(client, text="Hello", **fields):
    return client.post(f"{CHAT}write/", {"text": text, **fields}, headers={"X-Requested-With": "fetch"})


def test_a_message_needs_nothing_but_its_words(ana, as_person):
    client = as_person(ana)
    answer = write(client, "When do I get my money?\nThanks")

    message = Message.objects.get()
    assert answer.status_code == 200 and "When do I get my money?" in answer.json()["stream"]
    assert (message.direction, message.author, message.ticket.channel.kind) == ("in", owner_of(ana), "portal")
    assert message.ticket.subject == "When do I get my money?"


def test_no_ticket_and_no_number_is_ever_shown(ana, as_person):
    client = as_person(ana)
    write(client)
    page = client.get(CHAT).content.decode()
    assert "tkt_" not in page and "ticket" not in text_of(client.get(CHAT)).lower()


def test_the_next_message_joins_the_open_one(ana, as_person):
    client = as_person(ana)
    write(client, "One")
    write(client, "Two")
    assert Ticket.objects.count() == 1


def test_a_message_sent_twice_by_a_shaky_line_is_one(ana, as_person):
    client, key = as_person(ana), str(uuid.uuid4())
    write(client, "Once", key=key)
    write(client, "Once", key=key)
    assert Message.objects.count() == 1


def test_files_come_along_named_safely(ana, as_person):
    client = as_person(ana)
    answer = write(client, "", files=[SimpleUploadedFile("a.txt", b"numbers"), SimpleUploadedFile("con.txt", b"more")])
    assert answer.status_code == 200
    attachments = list(Message.objects.get().attachments.order_by("pk"))
    assert [a.name for a in attachments] == ["a.txt", "_con.txt"]
    assert attachments[0].public_id in answer.json()["stream"]


def test_nothing_and_too_much_are_refused_in_words(ana, as_person):
    client = as_person(ana)
    assert write(client, "  ").status_code == 422
    answer = write(client, "", files=[SimpleUploadedFile(f"{n}.txt", b"x") for n in range(21)])
    assert answer.status_code == 422 and "20 files" in answer.json()["refused"]
    assert not Message.objects.exists()


def test_without_a_script_it_is_a_form_that_leads_back(ana, as_person):
    answer = as_person(ana).post(f"{CHAT}write/", {"text": "Hello"})
    assert answer.status_code == 302 and answer["Location"] == f"{CHAT}#write"


def test_the_stream_holds_every_door_and_never_a_note(ana, music, mara, as_person):
    mail = make_ticket(ana, music, channel=make_channel(music, "email"))
    telegram = make_ticket(ana, music, channel=make_channel(music, "telegram"))
    make_message(mail, "by mail")
    make_message(telegram, "by telegram")
    make_message(mail, "our answer", "out", author=mara)
    make_message(mail, "told by itself", "auto")
    make_message(mail, "for us alone", "note", author=mara)
    text = text_of(as_person(ana).get(CHAT))
    assert all(words in text for words in ("by mail", "by telegram", "our answer", "told by itself", "Mara"))
    assert "for us alone" not in text


@pytest.mark.parametrize("path", ["", "news/", "news/?since=msg_x&mark=x"])
def test_what_is_another_s_is_not_there(ana, bao, music, mara, as_person, path):
    make_message(make_ticket(bao, music), "baos-own words")
    make_message(make_ticket(ana, music), "anas words")
    answer = as_person(ana).get(f"{CHAT}{path}")
    assert "anas words" in answer.content.decode() and "baos-own" not in answer.content.decode()


def test_another_s_message_cannot_be_asked_for_answered_or_rated(ana, bao, music, as_person):
    theirs = make_message(make_ticket(bao, music), "baos-own words")
    rating = Rating.objects.create(ticket=theirs.ticket, program=music, channel=theirs.ticket.channel)
    client = as_person(ana)
    assert "baos-own" not in client.get(f"{CHAT}?before={make_message(theirs.ticket).public_id}").content.decode()
    assert "baos-own" not in client.get(f"{CHAT}news/?since={theirs.public_id}").content.decode()
    assert "baos-own" not in write(client, "Hi", reply_to=theirs.public_id).content.decode()
    assert Message.objects.latest("pk").ticket.affiliate == ana
    assert client.post(f"/portal/help/rate/{rating.public_id}/", {"score": "1"}).status_code == 404


def test_a_program_that_they_have_nothing_to_do_with_is_not_there(ana, books, as_person):
    for path in ("", "news/"):
        assert as_person(ana).get(f"/portal/help/books/{path}").status_code == 404
    assert as_person(ana).post("/portal/help/books/write/", {"text": "x"}).status_code == 404


def test_a_dispute_about_a_payout_is_for_those_who_see_the_money(ana, music):
    payout = make_payout(make_batch(music, status="done"), ana, status="paid")
    message = make_message(make_ticket(ana, music, about_payout=payout), "about 77.77")
    attachment = make_attachment(message)
    for function, sees in ((Function.MARKETING, False), (Function.FINANCE, True)):
        client = member(ana, function)
        assert ("about 77.77" in client.get(CHAT).content.decode()) is sees
        assert (attachment.public_id in client.get(f"{CHAT}news/").content.decode()) is sees


def test_an_open_page_is_told_nothing_until_something_changes(ana, music, mara, as_person):
    client, ticket = as_person(ana), make_ticket(ana, music)
    make_message(ticket)
    mark = client.get(f"{CHAT}news/?mark=none").json()["mark"]
    assert client.get(f"{CHAT}news/?mark={mark}").status_code == 204
    assert queries_of_nothing_new(client, mark) <= 4  # who asks; nothing of the chat

    make_message(ticket, "new words", "out", author=mara)
    with TestCase.captureOnCommitCallbacks(execute=True):
        touch(ticket)
    answer = client.get(f"{CHAT}news/?mark={mark}")
    assert answer.status_code == 200 and "new words" in answer.json()["stream"]


def queries_of_nothing_new(client, mark):
    with CaptureQueriesContext(connection) as queries:
        client.get(f"{CHAT}news/?mark={mark}")
    return len(queries)


def test_what_is_unread_is_counted_in_the_menu_until_it_was_seen(ana, music, mara, as_person):
    client, ticket = as_person(ana), make_ticket(ana, music)
    answer = make_message(ticket, "answer", "out", author=mara)
    make_message(ticket, "note", "note", author=mara)
    assert 'nav-count">1' in client.get("/portal/").content.decode()

    with TestCase.captureOnCommitCallbacks(execute=True):
        client.post(f"{CHAT}read/", {"until": answer.created_at.isoformat()})
    assert "nav-count" not in client.get("/portal/").content.decode()
    client.post(f"{CHAT}read/", {"until": (answer.created_at - timedelta(days=1)).isoformat()})
    assert ChatRead.objects.get().read_at == answer.created_at  # never back


def test_who_answers_and_by_when_is_said(ana, music, mara, as_person):
    client = as_person(ana)
    assert "The support team Answers you while you have no personal manager" in text_of(client.get(CHAT))
    ana.manager = mara
    ana.save()
    make_ticket(ana, music, status="open", next_reply_due=timezone.now() + timedelta(minutes=20))
    text = text_of(client.get(CHAT))
    assert "Mara Your personal manager" in text and "Your answer comes" in text


def test_many_messages_take_as_many_queries_as_one(ana, music, mara, as_person):
    client, ticket = as_person(ana), make_ticket(ana, music)
    make_attachment(make_message(ticket))
    client.get(CHAT)
    before = queries_of(client, CHAT)
    for number in range(80):
        make_attachment(make_message(ticket, direction="in" if number % 2 else "out"))
    assert queries_of(client, CHAT) == before <= 14
    assert "Earlier messages" in text_of(client.get(CHAT))


def test_who_applies_can_ask(ella, music, as_person):
    assert write(as_person(ella), "Am I in?").status_code == 200


def test_who_was_rejected_everywhere_is_told_so(ella, music, as_person):
    ella.enrollments.update(status="rejected")
    assert "Nobody to talk to yet" in text_of(as_person(ella).get("/portal/help/"))


def test_several_programs_have_a_chat_each(ana, books, music, mara, as_person):
    make_enrollment(ana, books)
    make_message(make_ticket(ana, books), "words in books")
    make_message(make_ticket(ana, music), "words in music")
    client = as_person(ana)
    assert "words in books" not in text_of(client.get(CHAT))
    assert "words in books" in text_of(client.get("/portal/help/books/"))
