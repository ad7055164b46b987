"""Which ticket a mail belongs to."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.ids import encode_id
from support.models import Message, TicketLink
from support.services import change_status, merge_tickets, reply
from support.subjects import bare_subject, subject_key, title_of
from tests.factories_support import make_channel, make_contact, make_message
from tests.support.parsed import file_mail

pytestmark = pytest.mark.django_db


@pytest.fixture
def mailbox(music):
    return make_channel(music, settings={"address": "help@music.example"})


@pytest.fixture
def stranger():
    return make_contact(email="stranger@elsewhere.example")


@pytest.fixture
def first(mailbox, stranger):
    return file_mail(mailbox, stranger, "Where is it?", subject="Where is my money?", provider_id="a@x.example")


def links(ticket):
    return [(link.other, link.kind) for link in TicketLink.objects.filter(ticket=ticket)]


def test_a_first_mail_begins_a_ticket_of_its_sender(first, music, mailbox, stranger):
    ticket = first.ticket

    assert (ticket.program, ticket.channel, ticket.contact, ticket.affiliate) == (music, mailbox, stranger, None)
    assert (ticket.subject, ticket.status, first.direction) == ("Where is my money?", "new", "in")


def test_a_known_member_writes_for_their_affiliate(mailbox, ana):
    assert file_mail(mailbox, make_contact(ana), subject="Hello").ticket.affiliate == ana


@pytest.mark.parametrize(
    "leads",
    [
        lambda ticket, answer: {"tokens": [ticket.public_id]},
        lambda ticket, answer: {"replied_to": [answer.provider_id]},
        lambda ticket, answer: {"replied_to": ["unknown@x.example", "a@x.example"]},
        lambda ticket, answer: {"replied_to": [*(f"n{n}@x.example" for n in range(1000)), "a@x.example"]},
        lambda ticket, answer: {"subject": "AW: Re: where is my  MONEY?"},
    ],
    ids=["token", "in-reply-to", "references", "a thousand references", "subject"],
)
def test_an_answer_finds_its_ticket(first, mailbox, stranger, mara, leads):
    answer = reply(first.ticket, "On Friday.", by=mara)

    message = file_mail(mailbox, stranger, "Thanks", **({"subject": "Another subject"} | leads(first.ticket, answer)))

    assert message.ticket == first.ticket


def test_a_thousand_references_are_asked_for_at_once(first, mailbox, stranger):
    few = _queries(mailbox, stranger, ["a@x.example"])
    many = _queries(mailbox, stranger, [*(f"n{n}@x.example" for n in range(1000)), "a@x.example"])

    assert many == few


def _queries(mailbox, stranger, replied_to):
    with CaptureQueriesContext(connection) as captured:
        file_mail(mailbox, stranger, replied_to=replied_to)
    return len(captured)


def test_the_token_comes_before_references_and_the_nearest_reference_first(mailbox, stranger):
    tickets = [file_mail(mailbox, stranger, subject=f"S{n}", provider_id=f"{n}@x.example").ticket for n in range(3)]

    by_token = file_mail(mailbox, stranger, tokens=[tickets[0].public_id], replied_to=["1@x.example"])
    nearest = file_mail(mailbox, stranger, replied_to=["2@x.example", "1@x.example"])

    assert (by_token.ticket, nearest.ticket) == (tickets[0], tickets[2])
    assert nearest.reply_to.provider_id == "2@x.example"


def test_who_answers_for_the_same_affiliate_may(mailbox, ana):
    question = file_mail(mailbox, make_contact(ana), subject="Numbers", provider_id="q@x.example")

    assert file_mail(mailbox, make_contact(ana), "And me", replied_to=["q@x.example"]).ticket == question.ticket


@pytest.mark.parametrize("known", ["nobody", "another affiliate"])
@pytest.mark.parametrize("lead", ["token", "reference", "subject"])
def test_a_foreign_sender_never_lands_in_anothers_ticket(first, mailbox, ana, bao, known, lead):
    foreign = make_contact(bao if known == "another affiliate" else None)
    fields = {
        "token": {"tokens": [first.ticket.public_id]},
        "reference": {"replied_to": ["a@x.example"]},
        "subject": {"subject": "Re: Where is my money?"},
    }[lead]

    message = file_mail(mailbox, foreign, "I want to know too", **fields)

    assert message.ticket != first.ticket
    assert message.ticket.contact == foreign
    assert links(first.ticket) == ([] if lead == "subject" else [(message.ticket, "other_sender")])
    # What they write next goes on with theirs.
    assert file_mail(mailbox, foreign, "And?", **(fields | {"subject": message.ticket.subject})).ticket == message.ticket


def test_a_sender_known_as_another_affiliates_by_now_is_foreign_to_what_they_wrote_before(first, mailbox, stranger, ana, bao):
    first.ticket.affiliate = ana
    first.ticket.save()
    stranger.affiliate, stranger.matched_at = bao, timezone.now()
    stranger.save()

    assert file_mail(mailbox, stranger, replied_to=["a@x.example"]).ticket != first.ticket


def test_what_answers_a_merged_ticket_lands_where_its_words_are(first, mailbox, stranger, mara):
    other = file_mail(mailbox, stranger, subject="Other", provider_id="o@x.example").ticket
    merge_tickets(first.ticket, other, by=mara)

    for lead in ({"tokens": [first.ticket.public_id]}, {"replied_to": ["a@x.example"]}, {"subject": "Re: Where is my money?"}):
        assert file_mail(mailbox, stranger, "And?", **lead).ticket == other


def test_what_is_resolved_opens_again_for_two_weeks_and_then_begins_another(first, mailbox, stranger, mara):
    change_status(first.ticket, "resolved", by=mara)
    assert file_mail(mailbox, stranger, replied_to=["a@x.example"]).ticket.status == "open"
    change_status(first.ticket, "resolved", by=mara)

    with time_machine.travel(timezone.now() + timedelta(days=14, minutes=1), tick=False):
        later = file_mail(mailbox, stranger, subject="Where is my money?", replied_to=["a@x.example"])

    assert later.ticket != first.ticket
    assert links(first.ticket) == [(later.ticket, "related")]


def test_the_same_subject_leads_back_for_two_weeks_only(first, mailbox, stranger):
    with time_machine.travel(timezone.now() + timedelta(days=14, minutes=1), tick=False):
        assert file_mail(mailbox, stranger, subject="Where is my money?").ticket != first.ticket


def test_no_subject_is_no_subject_in_common(mailbox, stranger):
    mails = [file_mail(mailbox, stranger, text, subject=subject) for text, subject in (("A", ""), ("B", ""), ("C", "Re:"))]

    assert len({mail.ticket for mail in mails}) == 3
    assert [mail.ticket.subject for mail in mails] == ["A", "B", "C"]


def test_a_ticket_of_another_program_stays_there(first, books, stranger):
    elsewhere = file_mail(make_channel(books), stranger, tokens=[first.ticket.public_id], subject="Re: Where is my money?")

    assert elsewhere.ticket.program == books
    assert links(first.ticket) == [(elsewhere.ticket, "related")]


def test_one_mail_to_two_mailboxes_of_a_program_is_one_message(first, music, stranger):
    again = file_mail(make_channel(music), stranger, "Where is it?", provider_id="a@x.example", subject="Where is my money?")

    assert again == first and Message.objects.count() == 1


def test_another_text_under_a_message_id_that_was_there_is_another_message(first, mailbox, stranger):
    again = file_mail(mailbox, stranger, "Something else", provider_id="a@x.example", subject="Else")

    assert again != first


def test_tokens_and_references_that_lead_nowhere_lead_to_a_new_ticket(mailbox, stranger):
    nothing = [encode_id("tkt", 2**62), "tkt_nothing", "", "aff_x"]
    message = file_mail(mailbox, stranger, tokens=nothing, replied_to=["", "x" * 2000, "nobody@x.example"])

    assert message.ticket.status == "new"


def test_a_note_is_nothing_that_could_be_answered(first, mailbox, mara):
    make_message(first.ticket, direction="note", provider_id="note@x.example", author=mara)

    assert file_mail(mailbox, make_contact(), replied_to=["note@x.example"]).ticket.linked_from.count() == 0


@pytest.mark.parametrize(
    ("subject", "bare"),
    [
        ("Re: Re[2]: AW: Fwd: Numbers", "Numbers"),
        ("RE : numbers", "numbers"),
        ("回复： 数据", "数据"),
        ("Отв: Цифры", "Цифры"),
        ("Return of goods", "Return of goods"),
        ("Regarding: x", "Regarding: x"),
        ("Re:", ""),
        ("Re: Re:", ""),
        ("   ", ""),
    ],
)
def test_subjects_are_compared_without_what_answering_puts_before_them(subject, bare):
    assert bare_subject(subject) == bare
    assert subject_key(f"FW: {subject}") == bare.casefold()


def test_a_ticket_without_a_subject_is_called_by_its_first_words():
    assert title_of("\n\n  Where is\tmy money?\nI wait.") == "Where is my money?"
    assert title_of("word " * 100).endswith("word…") and len(title_of("word " * 100)) <= 121
    assert title_of("x" * 500) == "x" * 120 + "…"
    assert title_of(" \n ") == ""


def test_a_name_without_end_is_a_name_all_the_same(mailbox, stranger):
    endless = "".join(chr(0x1F300 + n % 700) for n in range(3000)) + "@x.example"
    first = file_mail(mailbox, stranger, subject="A", provider_id=endless)

    assert file_mail(mailbox, stranger, subject="B", replied_to=[endless]).ticket == first.ticket
