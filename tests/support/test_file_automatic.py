"""What no person wrote: filed, never answered, and no reason to hurry; a bounce tells that our words did not arrive."""

import pytest
from django.db import transaction

from channels.outgoing import OUTGOING_FAILED
from channels.parsed import Automatic, Bounce, Kind, Parsed, Quarantine
from channels.telegram.chats import message_ref
from core.events import deliver_due, record, ref
from support.filing import file_item
from support.models import Ticket
from support.portal import chat_messages
from support.services import change_status, reply, tell_automatically
from support.services.following import filed_together
from tests.factories import event_names
from tests.factories_support import make_channel, make_chat, make_contact, make_inbound, make_ticket
from tests.support.parsed import file_chat, file_mail

pytestmark = pytest.mark.django_db


@pytest.fixture
def mailbox(music):
    return make_channel(music, settings={"address": "help@music.example"})


@pytest.fixture
def ana_writes(ana):
    return make_contact(ana, email="ana@elsewhere.example")


@pytest.fixture
def answered(mailbox, ana_writes, mara):
    """Our answer to a mail."""
    question = file_mail(mailbox, ana_writes, "Where is it?", subject="Where is my money?", provider_id="a@x.example")
    return reply(question.ticket, "On Friday.", by=mara)


@pytest.fixture
def daemon():
    return make_contact(email="mailer-daemon@elsewhere.example")


def now(ticket):
    return Ticket.objects.get(pk=ticket.pk)


@pytest.mark.parametrize("automatic", [Automatic.REPLY, Automatic.GENERATED])
def test_an_automatic_mail_joins_its_ticket_and_leaves_it_as_it_is(answered, mailbox, ana_writes, automatic):
    message = file_mail(mailbox, ana_writes, "I am away", replied_to=[answered.provider_id], automatic=automatic)

    assert (message.ticket, message.automatic) == (answered.ticket, automatic)
    assert now(answered.ticket).status == "pending"
    assert tell_automatically(answered.ticket, "You are heard.") is None


def test_an_automatic_mail_alone_is_a_low_ticket_that_says_so(mailbox, ana_writes):
    ticket = file_mail(mailbox, ana_writes, "Your domain ends", automatic=Automatic.GENERATED).ticket

    assert (ticket.priority, ticket.tags, ticket.last_in_at) == ("low", ["automatic"], None)


def bounced(answered, **fields):
    told = {
        "recipient": "Ana@elsewhere.example",
        "status": "5.1.1",
        "diagnostic": "no such user",
        "message_id": answered.provider_id,
    }
    return [Bounce(**(told | fields))]


def test_a_bounce_stands_in_the_ticket_and_opens_it(answered, mailbox, daemon):
    message = file_mail(mailbox, daemon, "Undelivered", automatic=Automatic.BOUNCE, bounces=bounced(answered))

    assert (message.ticket, message.direction, message.reply_to) == (answered.ticket, "in", answered)
    answered.outgoing.refresh_from_db()
    assert (answered.outgoing.status, answered.outgoing.error) == ("failed", "5.1.1 no such user")
    assert now(answered.ticket).status == "open"
    assert event_names(answered)[-1] == "message.bounced"
    assert tell_automatically(answered.ticket, "You are heard.") is None


@pytest.mark.parametrize(
    "told",
    [{"status": "4.2.2"}, {"status": "2.0.0"}, {"recipient": "someone@else.example"}],
    ids=["late", "arrived", "of another"],
)
def test_what_is_only_late_or_concerns_others_changes_nothing(answered, mailbox, daemon, told):
    file_mail(mailbox, daemon, "Delayed", automatic=Automatic.BOUNCE, bounces=bounced(answered, **told))

    answered.outgoing.refresh_from_db()
    assert answered.outgoing.status == "queued" and now(answered.ticket).status == "pending"


def test_a_bounce_of_a_mail_that_is_not_ours_waits_for_a_person(mailbox, daemon):
    parsed = Parsed(
        Kind.MESSAGE, daemon, automatic=Automatic.BOUNCE, bounces=[Bounce("x@y.example", "5.1.1", "", "who@knows.example")]
    )

    with pytest.raises(Quarantine, match="not known here"):
        file_item(make_inbound(mailbox), parsed)


def test_a_bounce_cannot_speak_of_what_the_affiliate_wrote(answered, mailbox, daemon):
    parsed = Parsed(Kind.MESSAGE, daemon, automatic=Automatic.BOUNCE, bounces=bounced(answered, message_id="a@x.example"))

    with pytest.raises(Quarantine):
        file_item(make_inbound(mailbox), parsed)


def test_a_bounce_at_another_programs_mailbox_opens_no_ticket_here(answered, books, daemon):
    parsed = Parsed(Kind.MESSAGE, daemon, automatic=Automatic.BOUNCE, bounces=bounced(answered))

    with pytest.raises(Quarantine):
        file_item(make_inbound(make_channel(books)), parsed)


def test_our_own_words_come_back_into_their_ticket_or_wait_for_a_person(answered, mailbox):
    us = make_contact(email="help@music.example")

    looped = file_mail(mailbox, us, "On Friday.", automatic=Automatic.LOOP, tokens=[answered.ticket.public_id])
    assert (looped.ticket, now(looped.ticket).status) == (answered.ticket, "pending")
    with pytest.raises(Quarantine, match="own words"):
        file_item(make_inbound(mailbox), Parsed(Kind.MESSAGE, us, text="On Friday.", automatic=Automatic.LOOP))


def test_the_same_bounce_twice_is_one(answered, mailbox, daemon):
    for _ in range(2):
        file_mail(mailbox, daemon, "Undelivered", automatic=Automatic.BOUNCE, bounces=bounced(answered))

    assert event_names(answered).count("message.bounced") == 1


def test_the_same_bounce_twice_is_one_in_a_set_as_well(answered, mailbox, daemon):
    parsed = Parsed(
        Kind.MESSAGE,
        daemon,
        text="Undelivered",
        provider_id="b@mx.example",
        automatic=Automatic.BOUNCE,
        bounces=bounced(answered),
    )
    items = [make_inbound(mailbox), make_inbound(mailbox)]
    with transaction.atomic(), filed_together([(item, parsed) for item in items]):
        filed = {file_item(item, parsed) for item in items}

    assert len(filed) == 1
    assert now(answered.ticket).status == "open"
    assert event_names(answered).count("message.bounced") == 1


def settle(outgoing, fact, **data):
    told = {"about": outgoing.about, "provider_id": "", "error": "", "to": outgoing.to}
    record(fact, outgoing, outgoing.about, data=told | data)
    deliver_due()


def test_what_could_not_be_sent_opens_its_ticket_unless_somebody_decided_since(answered):
    for status, fact, expected in (("sent", OUTGOING_FAILED, "pending"), ("failed", OUTGOING_FAILED, "open")):
        answered.outgoing.status = status
        answered.outgoing.save()
        settle(answered.outgoing, fact, error="blocked")
        assert now(answered.ticket).status == expected
    change_status(answered.ticket, "on_hold", by=answered.author)


def test_telegrams_number_of_our_line_is_noted_once_it_is_known(music, ana, mara):
    chat = make_chat(make_channel(music, "telegram"), make_contact(ana, telegram=5))
    answer = reply(file_chat(chat, "Hi").ticket, "Hello", by=mara)

    settle(answer.outgoing, "outgoing.sent", provider_id="77")

    answer.refresh_from_db()
    assert answer.provider_id == message_ref(chat, 77)


def test_once_a_contact_is_matched_their_tickets_are_the_affiliates(music, mailbox, ana, bao, mara):
    contact = make_contact()
    theirs, others = file_mail(mailbox, contact, subject="A").ticket, make_ticket(bao, contact=contact, program=music)
    contact.affiliate, contact.matched_at = ana, theirs.created_at
    contact.save()

    record("contact.matched", contact, ana, by=mara)
    deliver_due()

    assert (now(theirs).affiliate, now(others).affiliate) == (ana, bao)
    assert ref(contact).startswith("contact:")


def test_a_stranger_who_calls_a_mail_our_own_words_reaches_nobodys_ticket(answered, mailbox, ana):
    otto = make_contact(email="otto@nowhere.example")
    with pytest.raises(Quarantine):
        file_mail(mailbox, otto, "Send it all to me", automatic=Automatic.LOOP, replied_to=[answered.provider_id])
    assert answered.ticket.messages.count() == 2


def test_a_bounce_is_told_to_us_and_not_in_the_affiliates_chat(answered, mailbox, daemon, ana):
    file_mail(mailbox, daemon, "Undelivered", automatic=Automatic.BOUNCE, bounces=bounced(answered))
    assert [message.direction for message in chat_messages(ana, money=True)] == ["in", "out"]
