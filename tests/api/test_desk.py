"""What people do to tickets on the page is done over the API as well, and refused as there."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services import create_service
from support.models import Ticket
from tests.api.client import errors
from tests.factories_support import make_channel, make_contact, make_message, make_ticket
from tests.factories_team import make_absence

pytestmark = pytest.mark.django_db


@pytest.fixture
def sofia_api(sofia, as_caller):
    return as_caller(sofia)


@pytest.fixture
def path(ana, music):
    return f"tickets/{make_message(make_ticket(ana, music)).ticket.public_id}"


def later(**span):
    return (timezone.now() + timedelta(**span)).isoformat()


def test_a_ticket_is_taken_given_and_given_back(sofia_api, sofia, mara, vera, path):
    assert sofia_api.post(f"{path}/assign", {"assignee": "me"}).json()["assignee"] == sofia.public_id
    assert Ticket.objects.get().assigned_reason == "Sofia took it."
    given = sofia_api.post(f"{path}/assign", {"assignee": mara.email, "reason": "Hers"}, once="give")
    assert (given.status_code, given.json()["assignee"], Ticket.objects.get().assigned_reason) == (200, mara.public_id, "Hers")
    assert sofia_api.post(f"{path}/unassign").json()["assignee"] is None

    make_absence(mara)
    away = sofia_api.post(f"{path}/assign", {"assignee": mara.public_id})
    assert (away.status_code, errors(away)) == (400, [("assignee", "off_shift")])
    assert errors(sofia_api.post(f"{path}/assign", {"assignee": vera.email})) == [("assignee", "assignee")]
    assert errors(sofia_api.post(f"{path}/assign", {"assignee": "nobody"})) == [("assignee", "not_found")]


def test_a_service_answers_and_owns_nothing(as_caller, music, path):
    service = create_service(name="Shop", role="support", program=music, by=None)
    api = as_caller(service)

    answer = api.post(f"{path}/messages", {"body": "We look into it."}).json()

    ticket = Ticket.objects.get()
    assert (answer["author"], ticket.assignee, ticket.status) == (service.public_id, None, "pending")
    assert errors(api.post(f"{path}/assign", {"assignee": "me"})) == [("assignee", "service")]
    assert errors(api.post(f"{path}/tasks", {"title": "Look", "due_at": later(hours=1)})) == [("owner", "required")]


def test_what_a_service_promises_for_an_unowned_ticket_is_the_duty_officers(as_caller, hana, music, path):
    api = as_caller(create_service(name="Shop", role="support", program=music, by=None))

    (promise,) = api.post(f"{path}/messages", {"body": "You have it by Friday at 10:00."}).json()["promises"]

    assert promise["owner"] == hana.public_id


def test_a_ticket_is_put_aside_and_comes_back(sofia_api, path):
    until = later(hours=3)
    assert sofia_api.post(f"{path}/snooze", {"until": until, "reason": "The bank"}).json()["snoozed_until"] is not None
    assert Ticket.objects.get().snoozed_reason == "The bank"
    assert sofia_api.post(f"{path}/wake").json()["snoozed_until"] is None
    assert errors(sofia_api.post(f"{path}/snooze", {"until": later(hours=-1)})) == [("until", "past")]


def test_tags_are_put_on_and_taken_off_and_the_rest_is_changed(sofia_api, ana, music, path):
    assert sofia_api.post(f"{path}/tags", {"add": ["Money", "vip"]}).json()["tags"] == ["money", "vip"]
    assert sofia_api.post(f"{path}/tags", {"add": ["late"], "remove": ["MONEY", "gone"]}).json()["tags"] == ["vip", "late"]

    changed = sofia_api.patch(path, {"subject": "Where is it?", "priority": "high"}).json()
    assert (changed["subject"], changed["priority"], changed["tags"]) == ("Where is it?", "high", ["vip", "late"])
    other = make_ticket(ana, music).public_id
    assert sofia_api.post(f"{path}/link", {"to": other}).status_code == 200
    assert Ticket.objects.get(subject="Where is it?").links.count() == 1
    assert errors(sofia_api.post(f"{path}/link", {"to": "tkt_nothing"})) == [("to", "not_found")]


def test_a_task_is_put_down_moved_and_done(sofia_api, sofia, mara, vera, path):
    asked = sofia_api.get(path).json()["messages"][0]["id"]
    made = sofia_api.post(f"{path}/tasks", {"title": "Send the banner", "due_at": later(hours=1), "message": asked})
    assert (made.status_code, made.json()["owner"], made.json()["message"]) == (201, sofia.public_id, asked)
    task = f"tasks/{made.json()['id']}"

    moved = sofia_api.patch(task, {"owner": mara.email, "due_at": "2030-01-01T10:00:00Z"}).json()
    assert (moved["owner"], moved["due_at"]) == (mara.public_id, "2030-01-01T10:00:00Z")
    assert [each["id"] for each in sofia_api.get("tasks", owner=mara.email, done="false").json()["results"]] == [moved["id"]]
    assert sofia_api.get("tasks", owner="me").json()["results"] == []
    done = sofia_api.post(f"{task}/done").json()
    assert done["done_by"] == sofia.public_id and sofia_api.get(f"{path}/tasks", done="false").json()["results"] == []
    assert errors(sofia_api.patch(task, {"owner": "me"})) == [(None, "done")]
    other = {"title": "X", "due_at": later(hours=1), "message": "msg_nothing"}
    assert errors(sofia_api.post(f"{path}/tasks", other)) == [("message", "other_ticket")]


def test_those_who_write_are_listed_whose_they_are_and_where_they_wrote(sofia_api, music, books, ana):
    known, unknown = make_contact(ana), make_contact()
    elsewhere = make_contact()
    for contact, program in ((known, music), (unknown, music), (elsewhere, books)):
        contact.programs.add(program)
    make_channel(music)

    def listed(**filters):
        return [row["id"] for row in sofia_api.get("contacts", **filters).json()["results"]]

    assert listed(program="music") == [unknown.public_id, known.public_id]
    assert listed(unmatched="true") == [unknown.public_id]
    assert listed(unmatched="false") == listed(affiliate=ana.public_id) == [known.public_id]
