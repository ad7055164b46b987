"""A mail that asks what the data tells: the answer is offered to whoever replies, in the affiliate's language, and sent by nobody."""

import pytest

from affiliates.models import Function
from channels.models import Outgoing
from support.models import Message
from tests.factories import assign, earn, make_member, make_user, owner_of
from tests.factories_support import make_channel, make_contact, make_message, make_ticket
from tests.pages import text_of
from tests.support.parsed import file_mail

GERMAN = "Guten Tag,\n\nwann bekomme ich mein Geld?\n\nViele Grüße\nAna Schmidt\nGroßes Blog, Berlin"


@pytest.fixture
def asked(music, ana):
    """What one writes into a new ticket by mail, from the owner's address unless another contact does."""
    channel = make_channel(music)

    def ask(text, *, contact=None, subject="Question", **message):
        contact = contact or make_contact(ana, user=owner_of(ana))
        ticket = make_ticket(ana, music, channel=channel, contact=contact, subject=subject, status="open")
        make_message(ticket, text, contact=contact, **message)
        return ticket

    return ask


def draft(client, ticket):
    return client.get(f"/manage/inbox/{ticket.public_id}/answer/")


def test_one_click_puts_it_into_the_reply_in_the_affiliates_language_and_sends_nothing(asked, ana, music, mara, as_person):
    ana.language = "de"
    ana.save()
    earn(music, ana, mara, "8.00")
    ticket = asked(GERMAN)
    browser = as_person(mara)

    assert "They ask: “When do I get my money?”" in text_of(browser.get(f"/manage/inbox/{ticket.public_id}/"))
    text = draft(browser, ticket).json()["text"]

    assert "Wann Sie Ihr Geld bekommen" in text and "Auszahlbar: 8,00\xa0$" in text
    assert "Es fehlen 12,00\xa0$ bis zum Mindestbetrag von 20,00\xa0$." in text
    assert not Message.objects.exclude(direction="in").exists() and not Outgoing.objects.exists()


@pytest.mark.parametrize(
    ("text", "subject", "title"),
    [
        ("Hello, what is my link? Thanks, Ana", "Hi", "Your link"),
        ("Please tell me. Ana", "My numbers", "Your last 30 days"),
        ("Hallo, was konvertiert gerade? Gruß, Ana", "Frage", "What converts now"),
    ],
)
def test_each_question_is_recognised_in_the_mail_or_its_subject(asked, mara, as_person, text, subject, title):
    assert draft(as_person(mara), asked(text, subject=subject)).json()["text"].startswith(title)


@pytest.mark.parametrize("case", ["automatic", "trouble", "answered", "portal", "stranger"])
def test_it_is_not_offered(asked, ana, music, mara, as_person, case):
    if case == "automatic":
        ticket = asked("When do I get my money?", automatic="reply")
    elif case == "trouble":
        ticket = asked("When do I get my money? A commission is missing.")
    elif case == "portal":
        ticket = make_ticket(ana, music, status="open")
        make_message(ticket, "When do I get my money?", author=owner_of(ana))
    elif case == "stranger":
        ticket = make_ticket(program=music, channel=make_channel(music), contact=make_contact(), status="open")
        make_message(ticket, "When do I get my money?", contact=ticket.contact)
    else:
        ticket = asked("When do I get my money?")
        make_message(ticket, "Tomorrow.", "out", author=mara)

    assert "They ask:" not in text_of(as_person(mara).get(f"/manage/inbox/{ticket.public_id}/"))
    assert draft(as_person(mara), ticket).status_code == 422


def test_money_is_told_to_nobody_who_may_not_know_it(asked, ana, music, mara, as_person):
    make_member(ana, make_user(), Function.MARKETING)
    browser = as_person(mara)

    by_owner = draft(browser, asked("When do I get my money?"))
    by_a_friend = draft(browser, asked("When do I get my money?", contact=make_contact(ana)))

    assert by_owner.status_code == by_a_friend.status_code == 422
    assert "Others of this account would read it" in by_owner.json()["error"]
    assert "not known as one of those who see to the money" in by_a_friend.json()["error"]
    assert draft(browser, asked("What is my link?", contact=make_contact(ana))).status_code == 200


def test_whoever_does_not_see_money_is_offered_none(asked, music, as_person):
    engineer = assign(make_user("jun@tributary.example", "Jun"), "engineer", music)

    assert draft(as_person(engineer), asked("When do I get my money?")).status_code == 422


class TestByItself:
    """Where the program has chosen so for a mailbox."""

    ASKS = "When do I get my money?"

    @pytest.fixture
    def mailbox(self, music):
        return make_channel(music, settings={"address": "help@music.example", "answers_itself": True})

    @pytest.fixture
    def ana_writes(self, ana):
        return make_contact(ana, user=owner_of(ana))

    def test_it_is_answered_at_once_and_the_ticket_stays_for_a_person(self, mailbox, ana_writes, music, ana, mara):
        earn(music, ana, mara, "8.00")
        ticket = file_mail(mailbox, ana_writes, self.ASKS, subject="Hello", provider_id="q@x.example").ticket

        told = ticket.messages.get(direction="auto")
        assert "$8.00" in told.body_text and "A person reads your mail" in told.body_text
        assert told.outgoing.payload["headers"]["Auto-Submitted"] == "auto-replied"
        ticket.refresh_from_db()
        assert ticket.status == "new" and ticket.first_reply_due

    @pytest.mark.parametrize(
        "case", ["off", "automatic", "unproved", "doubtful", "matched by a person", "others read it", "else"]
    )
    def test_it_is_not(self, mailbox, ana_writes, ana, case):
        told, text = {}, self.ASKS
        if case == "off":
            mailbox.settings["answers_itself"] = False
            mailbox.save()
        elif case == "matched by a person":
            ana_writes = make_contact(ana)
        elif case == "others read it":
            make_member(ana, make_user(), Function.MARKETING)
        elif case == "else":
            text = "My commission is wrong."
        else:
            told = {"automatic": "reply"} if case == "automatic" else {"authenticity": case}

        ticket = file_mail(mailbox, ana_writes, text, subject="Hello", **told).ticket

        assert not ticket.messages.exclude(direction="in").exists()

    def test_where_answering_fails_the_mail_is_filed_and_waits_for_a_person(self, mailbox, ana_writes, monkeypatch):
        def fails(*given):
            raise ValueError("no rate of today")

        monkeypatch.setattr("support.mail_answers.answer", fails)

        ticket = file_mail(mailbox, ana_writes, self.ASKS, subject="Hello").ticket

        assert [message.direction for message in ticket.messages.all()] == ["in"]
        assert ticket.status == "new"
