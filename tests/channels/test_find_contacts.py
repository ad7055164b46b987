import pytest

from channels.contacts import ContactError, find_or_make_contact, match_contact, unmatch_contact
from channels.models import Contact
from tests.factories import make_affiliate, make_member, make_user, owner_of

STRANGER = "someone@blog.example"


def test_an_unknown_sender_becomes_a_contact_once(music, books):
    first = find_or_make_contact("email", STRANGER, "Some One", music)
    second = find_or_make_contact("email", "Someone@Blog.Example", "", books)

    assert first == second
    assert first.affiliate is None
    assert second.name == "Some One"
    assert set(second.programs.all()) == {music, books}


def test_the_verified_sign_in_address_of_a_member_is_known(music):
    ana = make_affiliate("ana@blog.example", "Ana", owner=True)

    contact = find_or_make_contact("email", "Ana@blog.example", "Whoever", music)

    assert contact.affiliate == ana
    assert contact.user == owner_of(ana)
    assert contact.matched_by is None


def test_an_unverified_address_and_a_likeness_of_names_match_nobody(music):
    ana = make_affiliate("ana@blog.example", "Ana", owner=True)
    owner_of(ana).emailaddress_set.update(verified=False)

    assert find_or_make_contact("email", "ana@blog.example", "Ana", music).affiliate is None
    assert find_or_make_contact("telegram", "77", "Ana", music).affiliate is None


def test_a_person_in_two_affiliates_is_left_to_a_person(music):
    ana, bao = make_affiliate("ana@blog.example", owner=True), make_affiliate("bao@blog.example")
    make_member(bao, owner_of(ana))

    assert find_or_make_contact("email", "ana@blog.example", "", music).affiliate is None


def test_whoever_left_the_affiliate_is_no_longer_it(music):
    ana = make_affiliate("ana@blog.example", owner=True)
    find_or_make_contact("email", "ana@blog.example", "", music)
    ana.members.update(removed_at="2026-01-01T00:00:00Z")

    assert find_or_make_contact("email", "ana@blog.example", "", music).affiliate is None


def test_whoever_may_not_sign_in_any_more_is_no_longer_it(music):
    ana = make_affiliate("ana@blog.example", owner=True)
    find_or_make_contact("email", "ana@blog.example", "", music)
    owner_of(ana).__class__.objects.filter(pk=owner_of(ana).pk).update(is_active=False)

    assert find_or_make_contact("email", "ana@blog.example", "", music).affiliate is None


def test_what_a_person_decided_stands(music, mara):
    ana = make_affiliate("ana@blog.example", owner=True)
    contact = find_or_make_contact("email", "ana@blog.example", "", music)

    unmatch_contact(contact, by=mara, reason="Somebody else writes from there")

    assert find_or_make_contact("email", "ana@blog.example", "", music).affiliate is None
    assert ana.contacts.count() == 0


def test_matching_needs_an_affiliate_that_one_sees(music, mara, nils, ana):
    contact = find_or_make_contact("email", STRANGER, "", music)

    with pytest.raises(ContactError):
        match_contact(contact, ana, by=nils)
    match_contact(contact, ana, by=mara)

    contact = Contact.objects.get()
    assert (contact.affiliate, contact.matched_by) == (ana, mara)


def test_a_member_ties_themselves(music, ana):
    contact = find_or_make_contact("telegram", "77", "", music)
    person = make_user()
    make_member(ana, person)

    match_contact(contact, ana, by=person, user=person)

    assert Contact.objects.get().user == person
