"""Rooms are of those in them: of the team, media buyers included, and never of an affiliate."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Role
from core.errors import NotVisible
from support.models import Room, RoomPost
from support.queries.rooms import posts_of, rooms_of
from support.services.rooms import RoomError, add_people, close_room, create_room, leave_room, post_in_room
from tests.factories import assign, make_user, owner_of
from tests.factories_knowledge import make_room
from tests.factories_support import make_ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def kai(music):
    """Buys traffic in-house: of the team, without tickets and money."""
    return assign(make_user("kai@tributary.example", "Kai"), Role.BUYER, music)


def test_whoever_is_in_it_reads_and_writes_and_nobody_else_whatever_their_role(mara, kai, ada, as_person):
    room = create_room(by=mara, name="Buyers", people=[kai])
    post_in_room(room, "Which page holds for Vietnam?", by=kai)

    assert [post.text for post in posts_of(room, mara)] == ["Which page holds for Vietnam?"]
    for page in ("room_detail", "room_news"):
        assert as_person(ada).get(reverse(f"manage:{page}", args=[room.public_id])).status_code == 404
    for page in ("room_post", "room_people", "room_close"):
        assert as_person(ada).post(reverse(f"manage:{page}", args=[room.public_id]), {"text": "x"}).status_code == 404
    with pytest.raises(NotVisible):
        post_in_room(room, "Let me in", by=ada)


def test_no_affiliate_is_ever_in_a_room_even_where_one_would_be_put_there(mara, ana, as_person):
    owner = owner_of(ana)
    room = create_room(by=mara, name="Night")
    with pytest.raises(RoomError, match="does not belong to the team"):
        add_people(room, [owner], by=mara)
    with pytest.raises(RoomError):
        create_room(by=owner, name="Mine")

    room.members.create(user=owner, added_by=mara)  # by whatever mistake

    assert not Room.objects.visible_to(owner).exists()
    for page in ("room_detail", "room_news"):
        assert as_person(ana).get(reverse(f"manage:{page}", args=[room.public_id])).status_code == 403


def test_whoever_leaves_the_team_reads_no_room_any_more(mara, kai, as_person):
    room = make_room(mara, kai)
    kai.assignments.get().delete()

    assert as_person(kai).get(reverse("manage:room_detail", args=[room.public_id])).status_code in (403, 404)


def test_a_ticket_is_discussed_and_shown_to_those_who_may_see_it(mara, kai, nils, music, as_person):
    ticket = make_ticket(program=music, subject="Pixel fires twice")
    room = make_room(mara, kai, nils)
    post_in_room(room, "@Kai have you seen this?", by=mara, ticket=ticket)

    shown = {
        person: as_person(person).get(reverse("manage:room_detail", args=[room.public_id])).content.decode()
        for person in (mara, kai, nils)
    }

    assert "Pixel fires twice" in shown[mara]
    for person in (kai, nils):
        assert "Pixel fires twice" not in shown[person]
        assert "a ticket that you do not see" in shown[person]
    with pytest.raises(NotVisible):
        post_in_room(room, "And this", by=kai, ticket=ticket)
    where = {"text": "And this", "ticket": ticket.public_id}
    assert as_person(nils).post(reverse("manage:room_post", args=[room.public_id]), where).status_code == 404


def test_names_after_an_at_are_of_those_in_the_room(mara, kai, sofia):
    room = make_room(mara, kai)
    post = post_in_room(room, "@Kai and @Sofia and @Mara: look", by=mara)

    assert list(post.mentioned.all()) == [kai]
    unread = rooms_of(kai).get()
    assert (unread.unread, unread.called) == (1, 1)
    assert rooms_of(mara).get().unread == 0


def test_what_is_read_is_read_and_what_was_said_before_one_came_is_not_unread(mara, kai, sofia, as_person):
    room = make_room(mara, kai)
    post_in_room(room, "One", by=mara)
    as_person(kai).get(reverse("manage:room_detail", args=[room.public_id]))
    add_people(room, [sofia], by=kai)
    assert [rooms_of(person).get().unread for person in (kai, sofia)] == [0, 0]

    post_in_room(room, "Two", by=mara)

    assert [rooms_of(person).get().unread for person in (kai, sofia)] == [1, 1]


def test_open_pages_are_told_only_what_is_new(mara, kai, as_person):
    room = make_room(mara, kai)
    first = post_in_room(room, "One", by=mara)
    url = reverse("manage:room_news", args=[room.public_id])
    browser = as_person(kai)
    assert browser.get(url, {"after": first.public_id}).status_code == 204

    post_in_room(room, "Two", by=mara)
    news = browser.get(url, {"after": first.public_id}).content.decode()

    assert "Two" in news
    assert "One" not in news


def test_people_leave_and_only_who_made_a_room_takes_others_out_or_closes_it(mara, kai, sofia):
    room = make_room(mara, kai, sofia)
    with pytest.raises(RoomError, match="Only who made"):
        leave_room(room, sofia, by=kai)
    with pytest.raises(RoomError, match="Only who made"):
        close_room(room, by=kai)
    leave_room(room, sofia, by=mara)
    leave_room(room, kai, by=kai)
    close_room(room, by=mara)

    assert not Room.objects.visible_to(sofia).exists()
    with pytest.raises(RoomError, match="closed"):
        post_in_room(room, "Still here?", by=mara)
    assert RoomPost.objects.count() == 0


def test_a_name_is_taken_once_whatever_its_case(mara):
    create_room(by=mara, name="Night shift")
    with pytest.raises(RoomError, match="of this name"):
        create_room(by=mara, name=" NIGHT  shift ")


def test_what_is_said_is_text(mara, as_person):
    room = make_room(mara)
    post_in_room(room, "<script>alert(1)</script> {{ secret }}", by=mara)

    assert "<script>alert" not in as_person(mara).get(reverse("manage:room_detail", args=[room.public_id])).content.decode()


def test_a_room_takes_as_many_queries_for_many_posts_as_for_one(mara, kai, music, as_person):
    room = make_room(mara, kai)
    url, browser = reverse("manage:room_detail", args=[room.public_id]), as_person(mara)
    post_in_room(room, "One", by=mara, ticket=make_ticket(program=music))
    browser.get(url)
    with CaptureQueriesContext(connection) as one:
        browser.get(url)
    for _ in range(10):
        post_in_room(room, "More", by=mara, ticket=make_ticket(program=music))
    with CaptureQueriesContext(connection) as many:
        browser.get(url)

    assert len(one) == len(many)
