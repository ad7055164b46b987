"""Service levels on their pages: who sets which, what a level would take, and that open tickets follow."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import Role
from core.events import ref
from core.models import Event
from support.models import SlaPolicy
from support.services.clocks import refresh_clocks
from tests.factories import assign, make_user
from tests.factories_support import make_channel, make_message, make_ticket
from tests.pages import assert_same_queries, text_of

pytestmark = pytest.mark.django_db
FIELDS = {"name": "Mail", "is_active": "on", "first_reply_minutes": "15", "answer_minutes": "60", "warn_percent": "50"}


@pytest.fixture
def hana(music):
    """Head of affiliates, of music alone."""
    return assign(make_user("hana@tributary.example", "Hana"), Role.HEAD, music)


@pytest.fixture
def page(client, ada):
    client.force_login(ada)
    return client


def test_the_first_look_shows_the_default_level(page):
    told = text_of(page.get(reverse("manage:policy_list")))

    assert "Standard" in told
    assert "5 min 30 min 30 min 1 d" in told


def test_a_new_level_is_asked_first_and_open_tickets_follow_it(page, music, django_capture_on_commit_callbacks):
    ticket = make_ticket(program=music, channel=make_channel(music))
    make_message(ticket)
    refresh_clocks(ticket)

    with django_capture_on_commit_callbacks(execute=True):
        page.post(reverse("manage:policy_create"), {**FIELDS, "channel_kind": "email"})

    policy = SlaPolicy.objects.get(name="Mail")
    ticket.refresh_from_db()
    assert (policy.position, ticket.policy) == (1, policy)
    assert Event.objects.filter(name="sla_policy.made", about=[ref(policy)]).exists()


def test_the_preview_names_what_it_would_take_and_saves_nothing(page, music, ana):
    make_ticket(ana, music, channel=make_channel(music), subject="Where is my money?")
    make_ticket(ana, music, subject="Through the portal")

    told = text_of(page.post(reverse("manage:policy_create"), {**FIELDS, "channel_kind": "email", "preview": "1"}))

    assert "Open tickets it would take 1" in told
    assert "Where is my money?" in told
    assert "Through the portal" not in told
    assert not SlaPolicy.objects.filter(name="Mail").exists()


def test_what_an_earlier_level_takes_is_not_in_the_preview(page, music, ana):
    SlaPolicy.objects.create(name="Urgent", position=1, priority="urgent")
    later = SlaPolicy.objects.create(name="All mail", position=2, channel_kind="email")
    channel = make_channel(music)
    make_ticket(ana, music, channel=channel, priority="urgent", subject="At once")
    make_ticket(ana, music, channel=channel, subject="When you can")

    told = text_of(page.get(reverse("manage:policy_edit", args=[later.public_id])))

    assert "When you can" in told
    assert "At once" not in told


def test_levels_change_places(page):
    first = SlaPolicy.objects.create(name="First", position=1)
    second = SlaPolicy.objects.create(name="Second", position=2)

    page.post(reverse("manage:policy_move", args=[second.public_id]), {"to": "up"})

    assert list(SlaPolicy.objects.all()) == [second, first]


def test_the_head_of_one_program_sets_its_levels_and_no_others(client, hana, music, books):
    everybody, other = SlaPolicy.objects.create(name="Everybody"), SlaPolicy.objects.create(name="Books", program=books)
    client.force_login(hana)

    assert client.get(reverse("manage:policy_edit", args=[other.public_id])).status_code == 404
    refused = client.post(reverse("manage:policy_edit", args=[everybody.public_id]), {**FIELDS, "program": music.pk})
    assert "reaches into programs that are not yours" in text_of(refused)
    client.post(reverse("manage:policy_create"), {**FIELDS, "program": books.pk})
    client.post(reverse("manage:policy_create"), FIELDS)
    assert not SlaPolicy.objects.filter(name="Mail").exists()
    client.post(reverse("manage:policy_create"), {**FIELDS, "program": music.pk})
    assert SlaPolicy.objects.get(name="Mail").program == music


def test_a_name_is_taken_once(page):
    SlaPolicy.objects.create(name="Mail")

    assert "already" in text_of(page.post(reverse("manage:policy_create"), FIELDS))


def test_the_list_takes_as_many_queries_with_many_levels(page, music):
    SlaPolicy.objects.create(name="One")

    def add() -> None:
        for number in range(20):
            level = SlaPolicy.objects.create(name=f"Level {number}", program=music)
            make_ticket(program=music, policy=level)

    assert_same_queries(page, reverse("manage:policy_list"), add)
