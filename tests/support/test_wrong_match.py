"""Whose a sender is, said beside the ticket, and taken back."""

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.services import create_key
from affiliates.queries import timeline_of
from channels.contacts import match_contact, unmatch_contact
from channels.models import Contact, Outgoing
from core.events import deliver_due
from core.models import Mail
from support.models import Message, Ticket
from support.services import open_ticket, receive, reply, write_in_portal
from support.services.parties import give_to_affiliate, match_sender, unmatch_sender
from support.services.portal import notify_unread
from tests.api.client import Api
from tests.at_once import at_once
from tests.factories import assign, event_names, make_affiliate, make_coupon, make_enrollment, make_program, owner_of
from tests.factories_support import make_attachment, make_channel, make_contact, make_message, make_ticket
from tests.pages import text_of
from tests.portal import member

pytestmark = pytest.mark.django_db
SECRET = "My card was charged twice"
PAGES = ("/portal/", "/portal/help/", "/portal/help/music/", "/portal/help/music/news/", "/portal/account/")


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


def test_over_the_api_too_it_is_nobodys_again(ana, music, mara, stranger):
    api = Api(create_key(mara, name="Test", role="manager", program=music, by=None)[1])
    own = write_in_portal(ana, music, "My own question", author=owner_of(ana)).ticket
    match_contact(stranger, ana, by=mara)
    stranger.refresh_from_db()
    taken = wrote(stranger, music)
    receive(own, text="And my address is wrong", contact=stranger)

    def told():
        listed = api.get("tickets", affiliate=ana.public_id).json()["results"]
        return {row["id"]: [m["body_text"] for m in api.get(f"tickets/{row['id']}").json()["messages"]] for row in listed}

    assert told().keys() == {own.public_id, taken.public_id}
    unmatch_contact(stranger, by=mara, reason="Another Anna", wrong=True)
    deliver_due()
    deliver_due()

    assert told() == {own.public_id: ["My own question"]}
    seen = api.get(f"tickets/{taken.public_id}").json()
    assert (seen["affiliate"], seen["contact"]) == (None, stranger.public_id)


def test_while_a_match_is_wrong_and_after_it_no_page_of_either_shows_anything_of_the_other(ana, bao, music, mara, stranger):
    """The stranger writes from their own address, Bao is somebody else altogether, and Ana looks at every page of hers."""
    make_message(make_ticket(bao, music), "Only Bao reads this", author=owner_of(bao))
    write_in_portal(ana, music, "Only Ana reads this", author=owner_of(ana))
    match_contact(stranger, ana, by=mara)
    stranger.refresh_from_db()
    ticket = wrote(stranger, music)
    reply(ticket, "An answer to the stranger", by=mara)
    told = Outgoing.objects.get()
    assert told.to == "someone@blog.example" and "Only Ana" not in str(told.payload)  # a mail quotes nothing of the account
    unmatch_contact(stranger, by=mara, reason="Another Anna", wrong=True)
    deliver_due()
    Message.objects.filter(notify_at__isnull=False).update(notify_at=ticket.created_at)
    notify_unread()

    for affiliate, own in ((ana, "Only Ana"), (bao, "Only Bao")):
        client = Client()
        client.force_login(owner_of(affiliate))
        shown = "".join(client.get(page).content.decode() for page in PAGES)
        shown += "".join(f"{mail.subject} {mail.body}" for mail in Mail.objects.filter(to=owner_of(affiliate).email))
        assert own in shown
        for text in {SECRET, "An answer to the stranger", "Only Ana", "Only Bao", "someone@blog.example"} - {own}:
            assert text not in shown, text


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


def test_the_timeline_of_the_former_affiliate_tells_nothing_of_what_was_taken_along(ana, bao, music, mara, ada, stranger):
    match_contact(stranger, ana, by=mara)
    stranger.refresh_from_db()
    opened = open_ticket(program=music, channel=make_channel(music), subject=SECRET, contact=stranger)
    ticket = receive(opened, text="x", contact=stranger).ticket

    def told(affiliate):
        return {event.data.get("subject") for event in timeline_of(affiliate, ada)}

    assert SECRET in told(ana)
    unmatch_sender(ticket, by=mara, reason="Another Anna")
    assert SECRET not in told(ana)
    ticket.refresh_from_db()
    match_sender(ticket, ana, by=mara, reason="It was her after all")
    assert SECRET in told(ana)


def test_no_timeline_tells_of_a_ticket_in_a_program_that_its_reader_does_not_see(ana, music, books, mara, ada):
    for program in (music, books):
        write_in_portal(ana, program, f"About {program}", author=owner_of(ana))
    assign(mara, "finance", music)

    def told(user):
        return {event.data["subject"] for event in timeline_of(ana, user) if event.name == "ticket.opened"}

    assert told(ada) == {"About Music", "About Books"}
    assert told(mara) == {"About Music"}


@pytest.mark.django_db(transaction=True)
def test_what_is_filed_for_somebody_while_they_are_matched_is_given_as_well():
    """Who files has read the contact before."""
    ana, program = make_affiliate(), make_program()
    contact = make_contact(email="someone@blog.example")
    stale = Contact.objects.get(pk=contact.pk)
    Contact.objects.filter(pk=contact.pk).update(affiliate=ana, matched_at=contact.created_at)

    def give_at_once():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout TO '50ms'")
        with pytest.raises(OperationalError, match="lock timeout"):
            give_to_affiliate(contact.pk)

    with transaction.atomic():
        Contact.objects.select_for_update(no_key=True).get(pk=contact.pk)
        ticket = open_ticket(program=program, channel=make_channel(program), contact=stale, subject="Hello")
        at_once(give_at_once)
    give_to_affiliate(contact.pk)

    ticket.refresh_from_db()
    assert ticket.affiliate == ana
