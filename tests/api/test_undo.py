"""What is done over the API is taken back over it: merges, splits, matches, rules that start requests."""

import pytest

from support.models import StartRule, Ticket
from support.services import receive
from tests.api.client import errors
from tests.factories_support import make_channel, make_contact, make_message, make_ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def sofia_api(sofia, as_caller):
    return as_caller(sofia)


@pytest.fixture
def pair(music, ana):
    made = [make_ticket(ana, music, status="open") for _ in range(2)]
    for number, ticket in enumerate(made):
        make_message(ticket, f"Question {number}")
    return [ticket.public_id for ticket in made]


def said(ticket):
    return [message["body_text"] for message in ticket["messages"]]


def test_a_merge_is_made_listed_and_taken_apart(sofia_api, pair):
    one, two = pair
    merged = sofia_api.post(f"tickets/{one}/merge", {"into": two, "reason": "The same"})
    assert (merged.status_code, merged.json()["id"], len(said(merged.json()))) == (200, two, 2)
    (move,) = sofia_api.get(f"tickets/{two}/moves").json()["results"]
    assert (move["kind"], move["from_ticket"], move["to_ticket"], move["undone_at"]) == ("merge", one, two, None)

    back = sofia_api.post(f"moves/{move['id']}/undo")

    assert (back.status_code, back.json()["id"], said(back.json()), back.json()["status"]) == (200, one, ["Question 0"], "open")
    assert sofia_api.get(f"tickets/{one}/moves").json()["results"][0]["undone_at"]
    assert errors(sofia_api.post(f"moves/{move['id']}/undo")) == [(None, "moved")]
    assert errors(sofia_api.post(f"tickets/{one}/merge", {"into": "tkt_nothing"})) == [("into", "not_found")]
    assert errors(sofia_api.post(f"tickets/{one}/merge", {"into": one})) == [("into", "itself")]


def test_a_message_is_split_off_and_put_back(sofia_api, pair):
    one = sofia_api.get(f"tickets/{pair[0]}").json()
    assert errors(sofia_api.post(f"messages/{one['messages'][0]['id']}/split")) == [(None, "whole")]
    make_message(Ticket.objects.get(pk=Ticket.pk_from(one["id"])), "Another thing")
    last = sofia_api.get(f"tickets/{one['id']}").json()["messages"][-1]

    new = sofia_api.post(f"messages/{last['id']}/split", {"subject": "Apart"})

    assert (new.status_code, new.json()["subject"], said(new.json())) == (201, "Apart", ["Another thing"])
    (move,) = sofia_api.get(f"tickets/{new.json()['id']}/moves").json()["results"]
    assert said(sofia_api.post(f"moves/{move['id']}/undo").json()) == ["Question 0", "Another thing"]


def test_a_contact_is_matched_and_the_match_taken_back(sofia_api, vera, as_caller, sofia, music, ana, bao):
    contact = make_contact(email="someone@blog.example")
    contact.programs.add(music)
    ticket = make_ticket(contact=contact, program=music, channel=make_channel(music))
    receive(ticket, text="Who am I?", contact=contact)
    path = f"contacts/{contact.public_id}"
    assert sofia_api.get(path).json()["addresses"] == [{"kind": "email", "value": "someone@blog.example"}]

    matched = sofia_api.post(f"{path}/match", {"affiliate": ana.public_id, "reason": "She called"})
    assert (matched.status_code, matched.json()["affiliate"]) == (200, ana.public_id)
    assert matched.json()["matched_by"] == sofia.public_id
    assert sofia_api.get(f"tickets/{ticket.public_id}").json()["affiliate"] == ana.public_id

    other = sofia_api.post(f"{path}/match", {"affiliate": bao.public_id, "reason": "No, Bao"})
    assert (other.status_code, errors(other)) == (409, [(None, "known")])  # what they wrote would stay with Ana
    back = sofia_api.post(f"{path}/unmatch", {"reason": "Another Anna"})
    assert (back.status_code, back.json()["affiliate"]) == (200, None)
    assert sofia_api.get(f"tickets/{ticket.public_id}").json()["affiliate"] is None
    assert sofia_api.post(f"{path}/unmatch", {"reason": "Again"}).status_code == 409
    assert [name for name, _code in errors(sofia_api.post(f"{path}/match", {"affiliate": "nobody"}))] == ["affiliate", "reason"]
    assert as_caller(vera).post(f"{path}/match", {"affiliate": ana.public_id, "reason": "x"}).status_code == 403


def test_a_rule_that_starts_requests_is_stated_changed_and_deleted(sofia_api, hana, as_caller, music):
    api = as_caller(hana)
    made = api.post("start-rules", {"kind": "quiet", "hours": 24, "program": "music"})
    assert made.status_code == 201, made.content
    rule = made.json()
    assert (rule["hours"], rule["words"], rule["is_active"], rule["program"]) == (24, None, True, music.public_id)
    path = f"start-rules/{rule['id']}"
    assert [name for name, _code in errors(api.post("start-rules", {"kind": "begins"}))] == ["words"]

    changed = api.patch(path, {"kind": "contains", "words": "urgent", "is_active": False}).json()
    assert (changed["hours"], changed["words"], changed["is_active"]) == (None, "urgent", False)
    assert [each["id"] for each in sofia_api.get("start-rules").json()["results"]] == [rule["id"]]
    assert sofia_api.patch(path, {"is_active": True}).status_code == 403
    assert errors(api.patch(path, {"is_active": None})) == [("is_active", "null")]

    gone = api.post(f"{path}/delete")
    assert (gone.status_code, gone.json()["id"], gone.json()["sentence"]) == (200, rule["id"], changed["sentence"])
    assert not StartRule.objects.exists() and api.get(path).status_code == 404
