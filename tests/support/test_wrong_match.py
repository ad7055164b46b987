"""Whose a sender is, said beside the ticket, and taken back."""

import pytest
from django.urls import reverse

from affiliates.queries import timeline_of
from channels.contacts import match_contact, unmatch_contact
from core.events import deliver_due
from support.models import Ticket
from support.services import receive, write_in_portal
from support.services.parties import match_sender, unmatch_sender
from tests.factories import assign, event_names, make_affiliate, make_coupon, make_enrollment, make_program, owner_of
from tests.factories_support import make_attachment, make_channel, make_contact, make_ticket
from tests.pages import text_of
from tests.portal import member

pytestmark = pytest.mark.django_db
SECRET = "My card was charged twice"


@pytest.fixture
def stranger(music):
    contact = make_contact(email="someone@blog.example", name="Someone")
    contact.programs.add(music)
    return contact


def wrote(contact, program, text=SECRET):
    ticket = make_ticket(contact=contact, program=program, channel=make_channel(program))
    ticket.affiliate = contact.affiliate
    ticket.save()
    receive(ticket, text=text, contact=contact)
    return ticket


def seen_by(affiliate, program):
    return text_of(member(affiliate, "leader").get(f"/portal/help/{program.slug}/"))


def test_what_came_under_a_wrong_match_goes_with_the_sender_and_to_whom_it_really_is(ana, bao, music, mara, stranger):
    before = wrote(stranger, music, "Before anybody knew")
    match_contact(stranger, ana, by=mara)
    deliver_due()
    stranger.refresh_from_db()
    while_wrong = wrote(stranger, music)
    file = make_attachment(while_wrong.messages.get())
    assert SECRET in seen_by(ana, music) and "Before anybody" in seen_by(ana, music)

    unmatch_contact(stranger, by=mara, reason="Another Anna", wrong=True)
    deliver_due()

    page = seen_by(ana, music)
    assert SECRET not in page and "Before anybody" not in page
    assert member(ana, "leader").get(f"/portal/help/files/{file.public_id}/").status_code == 404
    assert event_names(while_wrong)[-1] == "ticket.went_with_sender"
    match_contact(stranger, bao, by=mara)
    deliver_due()
    assert SECRET in seen_by(bao, music) and SECRET not in seen_by(ana, music)
    assert {Ticket.objects.get(pk=t.pk).affiliate for t in (before, while_wrong)} == {bao}


def test_of_a_ticket_in_which_the_affiliate_wrote_too_only_the_senders_words_go(ana, music, mara, stranger):
    own = write_in_portal(ana, music, "My own question", author=owner_of(ana)).ticket
    match_contact(stranger, ana, by=mara)
    stranger.refresh_from_db()
    receive(own, text=SECRET, contact=stranger)

    unmatch_contact(stranger, by=mara, reason="Another Anna", wrong=True)
    deliver_due()
    deliver_due()

    page = seen_by(ana, music)
    assert "My own question" in page and SECRET not in page
    taken = Ticket.objects.get(contact=stranger)
    assert (taken.affiliate, taken.messages.get().body_text) == (None, SECRET)


def test_who_has_left_leaves_what_was_written_with_the_affiliate(ana, music, mara, stranger):
    match_contact(stranger, ana, by=mara)
    stranger.refresh_from_db()
    wrote(stranger, music)

    unmatch_contact(stranger, by=mara, reason="They work elsewhere now")
    deliver_due()

    assert SECRET in seen_by(ana, music)


def test_a_sender_is_found_and_matched_beside_the_ticket_and_one_click_takes_it_back(as_person, ana, music, mara, stranger):
    ticket = wrote(stranger, music)
    make_coupon(ana, music, code="ANA10")
    browser = as_person(mara)

    def page(name, **data):
        return text_of(browser.get(reverse(f"manage:{name}", args=[ticket.public_id]), data))

    assert "Whose is it?" in page("ticket_card")
    for text in ("an", ana.email, "ana10", ana.public_id):
        told = page("ticket_whose", q=text)
        assert "read all that this sender wrote (1 request)" in told and owner_of(ana).email in told
        assert "someone@blog.example" in told
    assert "No affiliate" in page("ticket_whose", q="zzz")
    url = reverse("manage:ticket_match", args=[ticket.public_id])
    browser.post(url, {"affiliate": ana.public_id})
    assert Ticket.objects.get(pk=ticket.pk).affiliate is None  # nobody said how they know
    browser.post(url, {"affiliate": ana.public_id, "reason": "She called"})
    assert Ticket.objects.get(pk=ticket.pk).affiliate == ana
    assert "It is not them" in page("ticket_card")

    browser.post(reverse("manage:ticket_unmatch", args=[ticket.public_id]))

    ticket.refresh_from_db()
    assert ticket.affiliate is ticket.contact.affiliate is None


def test_a_sender_is_matched_with_an_affiliate_that_one_sees_alone(as_person, music, mara, stranger):
    ticket = wrote(stranger, music)
    foreign = make_enrollment(make_affiliate(), make_program()).affiliate

    as_person(mara).post(
        reverse("manage:ticket_match", args=[ticket.public_id]), {"affiliate": foreign.public_id, "reason": "She called"}
    )

    assert Ticket.objects.get(pk=ticket.pk).affiliate is None


def test_matching_and_taking_back_leaves_everything_as_it_was(ana, music, mara, stranger):
    ticket = wrote(stranger, music)
    match_sender(ticket, ana, by=mara, reason="She called")
    ticket.refresh_from_db()
    unmatch_sender(ticket, by=mara, reason="It was her sister")
    deliver_due()
    ticket.refresh_from_db()
    assert (ticket.affiliate, ticket.contact, ticket.status) == (None, stranger, "new")


def test_no_timeline_tells_of_a_ticket_in_a_program_that_its_reader_does_not_see(ana, music, books, mara, ada):
    for program in (music, books):
        write_in_portal(ana, program, f"About {program}", author=owner_of(ana))
    assign(mara, "finance", music)

    def told(user):
        return {event.data["subject"] for event in timeline_of(ana, user) if event.name == "ticket.opened"}

    assert told(ada) == {"About Music", "About Books"}
    assert told(mara) == {"About Music"}
