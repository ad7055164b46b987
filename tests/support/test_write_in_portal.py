"""The portal's chat: one stream, and a mail for what nobody has read."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from support.models import Ticket
from support.services import change_status, mark_read, notify_unread, reply, tell_automatically, write_in_portal
from tests.at_once import at_once
from tests.factories import mails_to, make_batch, make_member, make_payout, make_user, owner_of
from tests.factories_support import make_contact, make_ticket

pytestmark = pytest.mark.django_db


def write(affiliate, program, text="Where is my money?", **fields):
    return write_in_portal(affiliate, program, text, author=owner_of(affiliate), **fields)


def test_the_stream_goes_on_in_its_open_ticket(ana, music, mara):
    first = write(ana, music)
    assert (first.ticket.subject, first.author, first.ticket.channel.kind) == ("Where is my money?", owner_of(ana), "portal")

    reply(first.ticket, "On Friday.", by=mara)
    assert write(ana, music, "Which?").ticket == first.ticket
    change_status(first.ticket, "resolved", by=mara)
    assert write(ana, music, "My link is broken").ticket != first.ticket
    assert write(ana, music, "Thanks", reply_to=first).ticket == first.ticket


def test_what_is_anothers_is_nothing_to_answer(ana, bao, music, books):
    of_bao = write(bao, music)

    assert write(ana, music, reply_to=of_bao).ticket.affiliate == ana
    assert write(ana, books).ticket.program == books


def test_what_nobody_read_in_time_is_told_once_to_everybody_of_the_affiliate(ana, music, mara):
    colleague = make_member(ana, make_user("colleague@tributary.example"), "marketing").user
    former = make_member(ana, make_user("former@tributary.example"), "leader")
    former.removed_at = timezone.now()
    former.save()
    ticket = write(ana, music).ticket
    reply(ticket, "It comes on Friday.", by=mara)
    tell_automatically(ticket, "We are here until six.")
    assert notify_unread() == 0

    with time_machine.travel(timezone.now() + timedelta(minutes=6), tick=False):
        assert (notify_unread(), notify_unread()) == (1, 0)

    for person in (owner_of(ana), colleague):
        (mail,) = mails_to(person.email)
        assert "Music has answered you" in mail.subject
        assert "It comes on Friday." in mail.body and "until six" in mail.body and "/portal/help/" in mail.body
        assert ticket.public_id not in mail.body  # never a ticket's number
    assert not mails_to("former@tributary.example")


def test_what_is_about_a_payout_is_for_those_who_see_to_money(ana, music, mara):
    writer = make_member(ana, make_user("writer@tributary.example"), "marketing").user
    dispute = make_ticket(ana, music, about_payout=make_payout(make_batch(music), ana))
    reply(dispute, "The bank sent it back.", by=mara)

    with time_machine.travel(timezone.now() + timedelta(minutes=6), tick=False):
        assert notify_unread() == 1
    assert len(mails_to(owner_of(ana).email)) == 1 and not mails_to(writer.email)
    assert write_in_portal(ana, music, "Hello", author=writer).ticket != dispute
    assert write(ana, music, "And now?").ticket != dispute  # the one last written in
    assert write(ana, music, "And now?", reply_to=dispute.messages.last()).ticket == dispute


def test_what_was_read_is_not_told(ana, music, mara):
    reply(write(ana, music).ticket, "It comes on Friday.", by=mara)

    assert mark_read(ana, music) == 1
    with time_machine.travel(timezone.now() + timedelta(minutes=6), tick=False):
        assert notify_unread() == 0


def test_what_is_written_to_a_mere_contact_in_the_portal_fails_nothing(music, mara):
    reply(make_ticket(contact=make_contact(), program=music), "Hello", by=mara)
    with time_machine.travel(timezone.now() + timedelta(minutes=6), tick=False):
        assert (notify_unread(), notify_unread()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_write_at_once_write_into_one_ticket(ana, music):
    at_once(*[lambda: write(ana, music) for _ in range(3)])

    assert Ticket.objects.get().messages.filter(direction="in").count() == 3
