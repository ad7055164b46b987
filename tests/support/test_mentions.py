"""@Name in an internal note."""

import pytest

from support.mentions import mentioned, record_mentions, see_mentions
from support.models import Mention
from tests.factories import assign, make_user
from tests.factories_support import make_message, make_ticket

pytestmark = pytest.mark.django_db


def called(note):
    return [person.name for person in record_mentions(note)]


def test_a_name_after_an_at_tells_that_colleague_until_they_have_looked(music, ana, mara, sofia):
    ticket = make_ticket(ana, music)
    note = make_message(ticket, "@sofia, could you look at this?", "note", author=mara)

    assert called(note) == ["Sofia"]
    assert Mention.objects.get().user == sofia
    see_mentions(sofia, ticket.pk)
    assert not Mention.objects.filter(seen_at=None).exists()


def test_only_those_who_may_see_the_ticket_are_called(music, ana, mara, nils, otto):
    note = make_message(make_ticket(ana, music), "@Nils @Otto @Mara", "note", author=mara)

    assert called(note) == []


def test_a_whole_name_is_told_from_a_first_name_that_two_share(music):
    people = [make_user(name=name) for name in ("Kim Berg", "Kim Sato", "Lee")]

    assert mentioned("@Kim @kim sato @Lee.", people) == [people[1], people[2]]


def test_an_address_or_a_longer_word_calls_nobody(music, sofia):
    assert mentioned("write to help@sofia.example or @sofias", [sofia]) == []


def test_the_same_note_told_twice_calls_once(music, ana, mara):
    helper = assign(make_user(name="Nora"), "support", music)
    note = make_message(make_ticket(ana, music), "@Nora @nora", "note", author=mara)

    called(note)
    called(note)

    assert Mention.objects.filter(user=helper).count() == 1
