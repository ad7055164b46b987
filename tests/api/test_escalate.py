"""Asking somebody who knows more, over the API."""

import pytest

from support.models import Escalation
from support.services import merge_tickets
from tests.api.client import errors
from tests.factories_support import make_ticket

pytestmark = pytest.mark.django_db
ASKED = {"level": "engineer", "question": "Why did the postback of order 17 answer 401?"}


@pytest.fixture
def sofia_api(sofia, as_caller):
    return as_caller(sofia)


def test_a_question_goes_up_once_whatever_is_sent_twice(sofia_api, jun, music, ana):
    ticket = make_ticket(ana, music)
    path = f"tickets/{ticket.public_id}/escalate"

    first, again = (sofia_api.post(path, ASKED, once="one") for _ in range(2))

    assert first.status_code == again.status_code == 200
    assert (first.json()["level"], first.json()["id"]) == ("engineer", ticket.public_id)
    assert Escalation.objects.count() == 1
    assert [name for name, _code in errors(sofia_api.post(path, ASKED))] == ["reason"]
    assert sofia_api.post(path, ASKED | {"level": "expert", "reason": "Jun does not know"}).json()["level"] == "expert"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"level": "support"}, "level"),
        ({"level": "boss"}, "level"),
        ({"question": "Please look"}, "question"),
        ({"question": 17}, "question"),
        ({"question": " " * 40}, "question"),
        ({"holder": "jun"}, "holder"),
    ],
)
def test_what_asks_nothing_or_nobody_is_refused(sofia_api, music, ana, changed, field):
    answer = sofia_api.post(f"tickets/{make_ticket(ana, music).public_id}/escalate", ASKED | changed)

    assert (answer.status_code, [name for name, _code in errors(answer)]) == (400, [field])
    assert not Escalation.objects.exists()


def test_who_only_reads_and_what_is_elsewhere_or_gone_is_refused(sofia_api, vera, as_caller, mara, music, books, ana):
    merged = make_ticket(ana, music)
    merge_tickets(merged, make_ticket(ana, music), by=mara)

    refused = as_caller(vera).post(f"tickets/{make_ticket(ana, music).public_id}/escalate", ASKED)
    elsewhere = sofia_api.post(f"tickets/{make_ticket(ana, books).public_id}/escalate", ASKED)
    gone = sofia_api.post(f"tickets/{merged.public_id}/escalate", ASKED)

    assert [answer.status_code for answer in (refused, elsewhere, gone)] == [403, 404, 409]


def test_a_question_is_listed_answered_and_withdrawn(sofia_api, jun, as_caller, music, ana):
    path = f"tickets/{make_ticket(ana, music).public_id}"
    sofia_api.post(f"{path}/escalate", ASKED)
    (asked,) = sofia_api.get(f"{path}/escalations").json()["results"]
    assert (asked["status"], asked["level"], asked["question"], asked["answer"]) == ("asked", *ASKED.values(), None)

    answered = as_caller(jun).post(f"escalations/{asked['id']}/answer", {"answer": "The shop's clock is wrong."})
    assert (answered.status_code, answered.json()["status"], answered.json()["holder"]) == (200, "answered", jun.public_id)
    assert errors(sofia_api.post(f"escalations/{asked['id']}/withdraw")) == [(None, "closed")]

    sofia_api.post(f"{path}/escalate", ASKED | {"reason": "It is right now"})
    second = sofia_api.get(f"{path}/escalations").json()["results"][0]
    withdrawn = sofia_api.post(f"escalations/{second['id']}/withdraw", {"reason": "They found it"})
    assert (withdrawn.status_code, withdrawn.json()["status"]) == (200, "withdrawn")
    assert sofia_api.get(path).json()["level"] == "support"
