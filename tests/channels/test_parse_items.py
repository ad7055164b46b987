"""Mails as items of a channel: who wrote, whom it answers, what is quoted, and what stays for a person."""

import pytest

from channels.mail import TOO_LARGE, parse_item
from channels.parsed import Automatic, Quarantine
from channels.tokens import make_message_id, make_reply_address
from core.ids import encode_id
from tests.channels.mails import HEAD, bounce, mail, page
from tests.factories_support import make_channel, make_inbound

TICKET, OTHER = encode_id("tkt", 7), encode_id("tkt", 8)
ADDRESS = "help@music.example"


@pytest.fixture
def parse(music):
    channel = make_channel(music, settings={"address": ADDRESS})
    return lambda raw: parse_item(make_inbound(channel, raw))


def test_who_wrote_becomes_a_contact_of_the_program(parse, music):
    parsed = parse(mail("Hello\n\nOn Mon, 3 Mar 2025, Music <help@music.example> wrote:\n> Old words"))

    assert parsed.contact.addresses.get().value == "ana@blog.example"
    assert parsed.contact.programs.get() == music
    assert (parsed.text, parsed.subject, parsed.provider_id) == ("Hello", "A question", "one@blog.example")
    assert "Old words" in parsed.quoted


def test_our_tokens_are_found_wherever_they_stand(parse):
    reply_to = make_reply_address(TICKET, ADDRESS)
    ours = make_message_id(TICKET, "msg_1", ADDRESS)

    for headers in (
        {"To": reply_to},
        {"Delivered_To": reply_to.upper()},
        {"In_Reply_To": f"<{ours}>"},
        {"References": f"<a@b> <{ours}> <c@d>"},
    ):
        assert parse(mail(**headers)).tokens == [TICKET]
    assert parse(bounce(message_id=ours)).tokens == [TICKET]


def test_what_is_answered_comes_before_what_is_referred_to(parse):
    first, second = make_message_id(TICKET, "msg_1", ADDRESS), make_message_id(OTHER, "msg_2", ADDRESS)
    parsed = parse(mail(In_Reply_To=f"<{second}>", References=f"<{first}>"))

    assert parsed.tokens == [OTHER, TICKET]
    assert parsed.replied_to == [second, first]


def test_a_token_that_is_not_ours_is_none(parse):
    assert parse(mail(To="help+trbaaaaaaaaaaaaaaaaaaaaaa@music.example")).tokens == []


def test_whoever_filled_in_a_form_is_the_writer_not_the_form(parse):
    parsed = parse(mail(From="Shop <no-reply@shop.example>", Reply_To="Bao <bao@video.example>"))
    assert parsed.contact.addresses.get().value == "bao@video.example"

    parsed = parse(mail(From=f"Our own form <{ADDRESS}>", Reply_To="Bao <bao@video.example>"))
    assert (parsed.contact.addresses.get().value, parsed.automatic) == ("bao@video.example", Automatic.NO)


def test_a_person_is_who_they_are_wherever_they_want_answers(parse):
    assert parse(mail(Reply_To="list@elsewhere.example")).contact.addresses.get().value == "ana@blog.example"


def test_our_own_words_that_come_back_are_a_loop(parse):
    for headers in (
        {"From": ADDRESS},
        {"Message_ID": f"<{make_message_id(TICKET, 'msg_1', ADDRESS)}>"},
        {"X_Loop": ADDRESS.upper()},
    ):
        assert parse(mail(**headers)).automatic == Automatic.LOOP


def test_a_bounce_may_have_no_sender_a_mail_may_not(parse):
    parsed = parse(bounce().replace(b"From: MAILER-DAEMON@mx.blog.example", b"From: MAILER-DAEMON"))
    assert (parsed.automatic, parsed.contact.addresses.get().value) == (Automatic.BOUNCE, "mailer-daemon@music.example")

    with pytest.raises(Quarantine, match="no sender"):
        parse(mail(From="somebody"))
    with pytest.raises(Quarantine, match="no sender"):
        parse(mail(From="a@b@c <x y@z>"))


def test_what_is_quarantined_says_who_and_what(music):
    item = make_inbound(make_channel(music), TOO_LARGE + b"99999999\r\n" + HEAD.encode())

    with pytest.raises(Quarantine, match="50 MB"):
        parse_item(item)
    assert (item.sender, item.subject) == ("Ana <ana@blog.example>", "A question")


def test_a_mail_of_a_page_alone_has_words(parse):
    parsed = parse(page("<p>Hello <b>there</b></p>"))

    assert (parsed.text, parsed.html) == ("Hello there", "<p>Hello <b>there</b></p>")
