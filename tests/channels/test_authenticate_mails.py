"""Whom the mailbox's own mail server vouches for (RFC 8601), and what becomes of a mail that bears another's address."""

import pytest
from django.urls import reverse

from affiliates.models import Affiliate
from channels.authentication import LEARNED_FROM, judge, read_results
from channels.contacts import find_or_make_contact, match_contact
from channels.inbound import take_in
from channels.mail import provider_id_of
from channels.models import Contact
from core.events import deliver_due
from support.models import Message, TicketLink
from support.services import reply
from tests.channels.mails import mail
from tests.factories import make_affiliate, owner_of
from tests.factories_support import make_channel
from tests.pages import text_of

MX = "mx.music.example"
GENUINE = f"{MX}; dmarc=pass (p=reject) header.from=blog.example; dkim=pass header.d=blog.example; spf=pass smtp.mailfrom=ana@blog.example"
FORGED = f"{MX}; dmarc=fail (p=none dis=none) header.from=blog.example; spf=pass smtp.mailfrom=x@evil.example; dkim=none"


@pytest.mark.parametrize(
    ("stated", "verdict"),
    [
        (GENUINE, ""),
        ("MX.Music.Example 1; dmarc=pass header.from=Blog.example", ""),
        (f"{MX}; dkim=pass (2048-bit; good (really)) header.i=@mail.blog.example header.s=s1", ""),
        (f'{MX}; spf=pass reason="a; b" smtp.mailfrom="bounce@blog.example"', ""),
        (f"{MX}; dkim=fail header.d=lists.example; dkim=pass header.d=blog.example", ""),
        (FORGED, "doubtful"),
        (f"{MX}; dmarc=pass header.from=other.example", "doubtful"),
        (
            f"{MX}; dmarc=none header.from=blog.example; spf=pass smtp.mailfrom=evil.example; dkim=pass header.d=evil.example",
            "doubtful",
        ),
        (f"{MX}; spf=softfail smtp.mailfrom=ana@blog.example; dkim=none", "doubtful"),
        (f"{MX}; dkim=pass header.d=notblog.example", "doubtful"),
        (f"{MX}; dkim=pass header.d=example", "doubtful"),
        (f"{MX}; dmarc=fail header.from=blog.example; dkim=pass header.d=blog.example", "doubtful"),
        (f"{MX}; dmarc=none; spf=none smtp.mailfrom=ana@blog.example; dkim=none", "unproved"),
        (f"{MX}; dmarc=temperror; spf=temperror", "unproved"),
        (f"{MX}; none", "unproved"),
        ("mx.evil.example; dmarc=pass header.from=blog.example", "unproved"),
        ("dmarc=pass header.from=blog.example", "unproved"),
        ("", "unproved"),
        (";;; =", "unproved"),
        ("((((", "unproved"),
    ],
)
def test_a_domain_is_vouched_for_by_the_own_server_alone(stated, verdict):
    assert judge(read_results(stated), MX, "blog.example") == verdict


def test_a_server_that_gives_no_name_is_called_none():
    stated = "spf=pass (sender IP is 1.2.3.4) smtp.mailfrom=blog.example; dmarc=pass action=none header.from=blog.example;compauth=pass"
    assert judge(read_results(stated), "none", "blog.example") == ""


@pytest.fixture
def mailbox(music):
    return make_channel(music, settings={"address": "help@music.example", "authserv_id": MX})


@pytest.fixture
def owner():
    return owner_of(make_affiliate("ana@blog.example", "Ana Media", owner=True))


def arrive(mailbox, stated="", text="Where is my money?", **headers):
    """The message that a mail became; the server's line on top of all."""
    raw = (f"Authentication-Results: {stated}\n".encode() if stated else b"") + mail(text, **headers)
    item = take_in(mailbox, raw, provider_id_of(raw))
    assert item.status == "filed", item.reason
    return Message.objects.select_related("ticket", "contact").get(inbound=item)


def test_who_is_proved_is_the_affiliate(mailbox, owner):
    message = arrive(mailbox, GENUINE)

    assert (message.authenticity, message.ticket.affiliate.name, message.author) == ("", "Ana Media", owner)


def test_where_nothing_is_stated_all_is_as_before_with_a_mark(mailbox, owner):
    message = arrive(mailbox)

    assert (message.authenticity, message.ticket.affiliate.name, message.author) == ("unproved", "Ana Media", owner)


def test_a_line_of_the_forgers_own_counts_for_nothing(mailbox, owner):
    below = arrive(mailbox, FORGED, Authentication_Results=GENUINE, ARC_Authentication_Results=f"i=1; {GENUINE}")

    assert (below.authenticity, below.ticket.affiliate) == ("doubtful", None)


def test_a_forged_mail_opens_no_rights_and_is_kept_beside(mailbox, owner, mara):
    ours = arrive(mailbox, GENUINE, Message_ID="<first@blog.example>").ticket

    by_subject = arrive(mailbox, FORGED, "Pay it to me instead", Subject="Re: A question", Message_ID="<2@evil.example>")
    by_reference = arrive(
        mailbox, FORGED, "Now", In_Reply_To="<first@blog.example>", Subject="Money", Message_ID="<3@evil.example>"
    )

    assert ours.messages.count() == 1
    for message in (by_subject, by_reference):
        assert (message.ticket.affiliate, message.contact.affiliate, message.author) == (None, None, None)
        assert message.ticket.tags == ["unverified"]
    assert TicketLink.objects.get(kind=TicketLink.Kind.OTHER_SENDER).ticket == ours
    assert by_subject.contact == by_reference.contact != ours.contact
    assert "dmarc=fail (blog.example)" in by_subject.remarks
    assert reply(by_subject.ticket, "Who are you?", by=mara).outgoing.to == "ana@blog.example"


def test_who_holds_our_token_joins_the_ticket_and_is_no_more_the_affiliate(mailbox, owner, mara):
    ticket = arrive(mailbox, GENUINE).ticket
    answer = reply(ticket, "On Friday.", by=mara)

    message = arrive(mailbox, FORGED, "Thanks", In_Reply_To=f"<{answer.provider_id}>", Message_ID="<4@elsewhere.example>")

    assert message.ticket == ticket
    assert (message.authenticity, message.contact.affiliate, message.author) == ("doubtful", None, None)
    strangers = arrive(
        mailbox, FORGED, "Hi", From="Bo <bo@blog.example>", In_Reply_To=f"<{answer.provider_id}>", Message_ID="<5@x.example>"
    )
    assert strangers.ticket != ticket


def test_a_form_or_a_line_that_our_words_come_back_lends_nobody_an_address(mailbox, owner):
    ours = arrive(mailbox, GENUINE, Message_ID="<first@blog.example>")
    passed = f"{MX}; dmarc=pass header.from=shop.example"

    form = arrive(mailbox, passed, From="no-reply@shop.example", Reply_To="ana@blog.example", Message_ID="<6@x.example>")
    looped = mail("Ours", X_Loop="help@music.example", In_Reply_To="<first@blog.example>", Message_ID="<7@x.example>")
    raw = f"Authentication-Results: {FORGED}\n".encode() + looped

    assert (form.authenticity, form.ticket.affiliate) == ("doubtful", None)
    assert take_in(mailbox, raw, "loop").status == "quarantined"
    assert ours.ticket.messages.count() == 1


def test_a_person_confirms_what_has_come_and_nothing_that_comes(mailbox, owner, mara, as_person):
    message = arrive(mailbox, FORGED)
    page = as_person(mara).get(reverse("manage:ticket_detail", args=[message.ticket.public_id]))
    assert "This may not be from Ana Media" in text_of(page)
    assert 'value="ana@blog.example"' in as_person(mara).get(f"/manage/contacts/{message.contact.public_id}/").content.decode()

    match_contact(message.contact, Affiliate.objects.get(), by=mara)
    deliver_due()

    message.ticket.refresh_from_db()
    assert message.ticket.affiliate.name == "Ana Media"
    assert "This may not be from" not in text_of(
        as_person(mara).get(reverse("manage:ticket_detail", args=[message.ticket.public_id]))
    )
    again = arrive(mailbox, FORGED, "And now?", Subject="Another", Message_ID="<8@evil.example>")
    assert (again.ticket.affiliate, again.contact == message.contact) == (None, False)
    assert find_or_make_contact("email", "ana@blog.example").affiliate.name == "Ana Media"


def test_the_servers_name_is_learned_from_what_stands_first_in_every_mail(music, owner):
    mailbox = make_channel(music, settings={"address": "help@music.example"})
    for number in range(LEARNED_FROM - 1):
        message = arrive(mailbox, GENUINE, Message_ID=f"<{number}@blog.example>")
        assert message.authenticity == "unproved"
    assert arrive(mailbox, GENUINE, Message_ID="<last@blog.example>").authenticity == ""

    assert (
        arrive(mailbox, f"{MX}.evil.example; dmarc=pass header.from=blog.example", Message_ID="<e@x.example>").authenticity
        == "unproved"
    )
    mailbox.refresh_from_db()
    assert mailbox.settings == {"address": "help@music.example", "authserv_learned": MX}
    assert Contact.objects.count() == 1
