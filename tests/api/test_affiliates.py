import pytest

from core.models import Event
from tests.api.client import errors
from tests.factories import PASSWORD, link_in, mails_to, make_affiliate, make_enrollment, make_payout_method

pytestmark = pytest.mark.django_db


def test_an_affiliate_is_created_found_by_its_external_id_and_changed(mara_api, mara):
    created = mara_api.post(
        "affiliates",
        {
            "email": "New@Tributary.example",
            "name": "New",
            "country": "DE",
            "external_id": "n-1",
            "manager": "mara@tributary.example",
        },
    )

    assert created.status_code == 201
    affiliate = created.json()
    assert (affiliate["email"], affiliate["manager"], affiliate["website"]) == ("new@tributary.example", mara.public_id, None)
    assert mara_api.get("affiliates/n-1").json() == affiliate
    changed = mara_api.patch("affiliates/n-1", {"country": None, "manager": None, "name": "Newer"}).json()
    assert (changed["country"], changed["manager"], changed["name"], changed["external_id"]) == (None, None, "Newer", "n-1")


@pytest.mark.parametrize(("name", "value"), [("email", "ANA@tributary.example"), ("external_id", "a-1")])
def test_what_another_has_is_a_conflict(mara_api, ana, name, value):
    ana.external_id = "a-1"
    ana.save()
    answer = mara_api.post("affiliates", {"email": "new@tributary.example", "name": "New"} | {name: value})

    assert (answer.status_code, errors(answer)) == (409, [(name, "duplicate")])


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"country": "Germany"}, "country"),
        ({"country": "de"}, "country"),
        ({"country": "ZZ"}, "country"),
        ({"country": "XX"}, "country"),
        ({"currency": "EURO"}, "currency"),
        ({"website": "ana.example"}, "website"),
        ({"kind": "pirate"}, "kind"),
        ({"manager": "otto@tributary.example"}, "manager"),
        ({"parent": "nobody"}, "parent"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 161}, "name"),
    ],
)
def test_each_wrong_field_is_named(mara_api, otto, wrong, field):
    answer = mara_api.post("affiliates", {"email": "new@tributary.example", "name": "New"} | wrong)

    assert answer.status_code == 400
    assert {name for name, _code in errors(answer)} == {field}


def test_affiliates_of_other_programs_look_absent(mara_api, books):
    stranger = make_affiliate(external_id="s-1")
    make_enrollment(stranger, books)

    for name in (stranger.public_id, "s-1"):
        assert mara_api.get(f"affiliates/{name}").status_code == 404
        assert mara_api.patch(f"affiliates/{name}", {"name": "Mine"}).status_code == 404
        assert mara_api.get(f"affiliates/{name}/balance").status_code == 404
        answer = mara_api.post("enrollments", {"affiliate": name, "program": "music"})
        assert errors(answer) == [("affiliate", "not_found")]
    assert mara_api.get("affiliates", external_id="s-1").json()["results"] == []


def test_an_enrollment_is_made_decided_and_listed(mara_api, ana, ella, music):
    affiliate = mara_api.post("affiliates", {"email": "new@tributary.example", "name": "New", "external_id": "n-1"}).json()
    made = mara_api.post("enrollments", {"affiliate": "n-1", "program": "music"})
    assert (made.status_code, made.json()["status"]) == (201, "pending")
    twice = mara_api.post("enrollments", {"affiliate": affiliate["id"], "program": music.public_id})
    assert (twice.status_code, errors(twice)) == (409, [("affiliate", "duplicate")])

    path = f"enrollments/{made.json()['id']}"
    assert mara_api.patch(path, {"status": "approved"}).json()["status"] == "approved"
    suspended = mara_api.patch(path, {"status": "suspended", "reason": "Spam"}).json()
    assert (suspended["status"], suspended["reason"]) == ("suspended", "Spam")
    barred = mara_api.patch(path, {"status": "pending"})
    assert (barred.status_code, errors(barred)) == (409, [("status", "status")])
    waiting = mara_api.get("enrollments", status="pending").json()["results"]
    assert [row["affiliate"] for row in waiting] == [ella.public_id]
    assert [row["id"] for row in mara_api.get("affiliates", program="music", status="suspended").json()["results"]] == [
        affiliate["id"]
    ]


def test_a_reason_belongs_to_a_change_and_is_never_dropped_silently(mara_api, ana):
    path = f"enrollments/{ana.enrollments.get().public_id}"
    spam = {"status": "suspended", "reason": "Spam"}

    for body in ({"reason": "Spam"}, {"reason": "Spam", "status": "approved"}):
        assert errors(mara_api.patch(path, body)) == [("reason", "no_change")]
    assert [mara_api.patch(path, spam).json()["reason"] for _ in range(2)] == ["Spam", "Spam"]  # once more is no other change
    assert errors(mara_api.patch(path, {"reason": None})) == [("reason", "no_change")]
    assert errors(mara_api.patch(path, spam | {"reason": "Fraud"})) == [("reason", "no_change")]
    assert mara_api.get(path).json()["reason"] == "Spam"


def test_what_is_done_by_a_key_is_told_with_its_user(mara_api, mara):
    mara_api.post("affiliates", {"email": "new@tributary.example", "name": "New"})

    assert Event.objects.get(name="affiliate.created").by == mara


def test_a_key_without_the_right_is_refused(jun_api, ana):
    assert jun_api.get(f"affiliates/{ana.public_id}").status_code == 200
    for answer in (
        jun_api.post("affiliates", {"email": "new@tributary.example", "name": "New"}),
        jun_api.patch(f"affiliates/{ana.public_id}", {"name": "Mine"}),
    ):
        assert (answer.status_code, errors(answer)) == (403, [(None, "forbidden")])


def test_one_approved_at_once_gets_a_way_in(mara_api, client):
    mara_api.post("affiliates", {"email": "new@tributary.example", "name": "New", "external_id": "n-1"})
    assert mara_api.post("enrollments", {"affiliate": "n-1", "program": "music", "status": "approved"}).status_code == 201

    (mail,) = mails_to("new@tributary.example")
    assert "You are approved for Music" in mail.subject
    client.post(link_in(mail), {"name": "New", "password": PASSWORD})
    assert client.get("/portal/").status_code == 200


def test_an_application_opens_nothing_of_an_affiliate(as_caller, nils, ana, books):
    make_enrollment(ana, books, "pending")
    make_payout_method(ana, currency="USD")
    api, path = as_caller(nils), f"affiliates/{ana.public_id}"

    assert api.get(path).json()["name"] == "Ana"
    assert api.get(f"{path}/payout-methods").json() == []
    for answer in (
        api.patch(path, {"email": "nils@tributary.example"}),
        api.post(f"{path}/payout-methods", {"type": "paypal", "currency": "EUR", "details": {"email": "nils@tributary.example"}}),
    ):
        assert (answer.status_code, errors(answer)) == (403, [(None, "forbidden")])
