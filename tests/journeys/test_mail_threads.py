"""A conversation by mail, as bytes: what comes in is filed, answered, and what answers the answer comes back to it."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from channels.inbound import take_in
from channels.mail import provider_id_of
from channels.models import InboundItem
from channels.smtp import message_of
from support.models import Message, Ticket, TicketLink
from support.services import reply
from tests.factories_support import make_channel

pytestmark = pytest.mark.django_db


@pytest.fixture
def mailbox(music):
    return make_channel(music, settings={"address": "help@music.example"})


def written(sender: str, subject: str, text: str, **headers: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, headers.pop("To", "help@music.example"), subject
    mail["Date"] = "Mon, 02 Nov 2026 09:30:00 +0000"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


def arrive(mailbox, raw: bytes) -> InboundItem:
    return take_in(mailbox, raw, provider_id_of(raw))


def message_of_item(item: InboundItem) -> Message:
    assert item.status == "filed", item.reason
    return Message.objects.select_related("ticket").get(inbound=item)


ANA = "Ana <ana@elsewhere.example>"


def test_a_conversation_stays_one_however_its_mails_are_mangled(mailbox, mara):
    first = message_of_item(arrive(mailbox, written(ANA, "Where is my money?", "I wait.", Message_ID="<q1@elsewhere.example>")))
    ours = message_of(reply(first.ticket, "It comes on Friday.", by=mara).outgoing, mailbox)
    sent = ours.message()
    assert (sent["To"], sent["In-Reply-To"], sent["Subject"]) == (
        "ana@elsewhere.example",
        "<q1@elsewhere.example>",
        "Re: Where is my money?",
    )

    answers = [
        written(
            ANA, "Re: Where is my money?", "1\n\nOn Monday Mara wrote:\n> It comes on Friday.", In_Reply_To=sent["Message-ID"]
        ),
        written(ANA, "Something else", "2", To=sent["Reply-To"]),  # no header of the thread is left
        written(ANA, "", "3", References=f"<lost@else.example> {sent['Message-ID']} <lost2@else.example>"),
        written(ANA, "AW: Where is my money?", "4"),
        written(ANA, "Else", "5", References=" ".join(f"<n{n}@else.example>" for n in range(1000)) + " <q1@elsewhere.example>"),
    ]
    filed = [message_of_item(arrive(mailbox, raw)) for raw in answers]

    assert {message.ticket for message in filed} == {first.ticket}
    assert (filed[0].body_text.strip(), "It comes on Friday." in filed[0].quoted_text) == ("1", True)
    again = arrive(mailbox, answers[0])
    assert again.status == "duplicate" and Message.objects.filter(direction="in").count() == 6


def test_whoever_got_our_mail_forwarded_gets_a_ticket_of_their_own(mailbox, mara):
    first = message_of_item(arrive(mailbox, written(ANA, "Where is my money?", "I wait.")))
    sent = message_of(reply(first.ticket, "It comes on Friday.", by=mara).outgoing, mailbox).message()

    foreign = message_of_item(
        arrive(mailbox, written("eve@evil.example", "Re: Where is my money?", "And mine?", To=sent["Reply-To"]))
    )

    assert foreign.ticket != first.ticket
    assert TicketLink.objects.get(ticket=first.ticket).other == foreign.ticket
    assert reply(foreign.ticket, "Who are you?", by=mara).outgoing.to == "eve@evil.example"


def test_a_token_that_we_did_not_sign_leads_nowhere(mailbox, mara):
    first = message_of_item(arrive(mailbox, written(ANA, "Where is my money?", "I wait.")))
    address = message_of(reply(first.ticket, "Yes.", by=mara).outgoing, mailbox).message()["Reply-To"]
    token = address.partition("+")[2].partition("@")[0]
    forged = token[:-2] + ("aa" if token[-2:] != "aa" else "bb")

    message = message_of_item(arrive(mailbox, written(ANA, "Else", "Hi", To=f"help+{forged}@music.example")))

    assert message.ticket != first.ticket


def test_an_autoresponder_is_filed_and_moves_nothing(mailbox, mara):
    first = message_of_item(arrive(mailbox, written(ANA, "Where is my money?", "I wait.")))
    sent = message_of(reply(first.ticket, "It comes on Friday.", by=mara).outgoing, mailbox).message()

    raw = written(ANA, "Out of office", "Back on Monday", In_Reply_To=sent["Message-ID"], Auto_Submitted="auto-replied")
    message = message_of_item(arrive(mailbox, raw))

    assert (message.ticket, message.automatic) == (first.ticket, "reply")
    assert Ticket.objects.get().status == "pending"


BOUNCE = """\
From: MAILER-DAEMON@elsewhere.example
To: help@music.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I could not deliver your mail.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; elsewhere.example

Final-Recipient: rfc822; ana@elsewhere.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b
Content-Type: message/rfc822

From: help@music.example
Message-ID: {message_id}
Subject: Re: Where is my money?

It comes on Friday.
--b--
"""


def test_a_bounce_tells_in_the_ticket_that_our_words_did_not_arrive(mailbox, mara):
    first = message_of_item(arrive(mailbox, written(ANA, "Where is my money?", "I wait.")))
    answer = reply(first.ticket, "It comes on Friday.", by=mara)
    sent = message_of(answer.outgoing, mailbox).message()

    message = message_of_item(arrive(mailbox, BOUNCE.format(message_id=sent["Message-ID"]).encode()))

    answer.outgoing.refresh_from_db()
    assert (message.ticket, message.automatic, answer.outgoing.status) == (first.ticket, "bounce", "failed")
    assert "no such user" in answer.outgoing.error
    assert Ticket.objects.get().status == "open"
