"""The affiliate's own profile in the portal."""

import pytest

from affiliates.services import update_affiliate
from core.access import AccessError
from tests.factories import event_names, make_member, make_user, owner_of
from tests.portal import MOST_QUERIES, member, queries_of, text_of

PAGE = "/portal/account/"
FIELDS = {"name": "Ana’s blog", "kind": "video", "website": "https://ana.example/", "country": "AT"}


def test_owners_keep_up_their_profile(ana, as_person):
    answer = as_person(ana).post(PAGE, FIELDS)

    assert answer.url == PAGE
    ana.refresh_from_db()
    assert {name: getattr(ana, name) for name in FIELDS} == FIELDS
    assert event_names(ana) == ["affiliate.updated"]
    assert "Ana’s blog" in text_of(as_person(ana).get(PAGE))


@pytest.mark.parametrize(
    ("field", "value"), [("name", ""), ("website", "javascript:alert(1)"), ("country", "XX"), ("kind", "king")]
)
def test_what_cannot_be_right_is_told_at_its_field(field, value, ana, as_person):
    page = text_of(as_person(ana).post(PAGE, {**FIELDS, field: value}))

    assert f'id="id_{field}_error"' in page
    ana.refresh_from_db()
    assert ana.name == "Ana"


def test_nothing_else_is_changed_by_it(ana, mara, as_person):
    as_person(ana).post(PAGE, {**FIELDS, "email": "new@tributary.example", "note": "mine", "manager": mara.pk})

    ana.refresh_from_db()
    assert (ana.email, ana.note, ana.manager) == ("ana@tributary.example", "", None)


@pytest.mark.parametrize(("function", "may"), [("owner", True), ("leader", True), ("marketing", False), ("finance", False)])
def test_who_changes_it(function, may, ana):
    client = member(ana, function)

    assert ('name="website"' in text_of(client.get(PAGE))) is may
    assert client.post(PAGE, FIELDS).status_code == (302 if may else 403)
    ana.refresh_from_db()
    assert (ana.name == "Ana’s blog") is may


def test_the_service_lets_their_own_people_change_only_what_is_theirs(ana, bao, music):
    owner, writer = owner_of(ana), make_member(ana, make_user(), "marketing").user

    update_affiliate(ana, by=owner, website="https://ana.example/")
    for by, fields in ((owner, {"email": "x@tributary.example"}), (owner, {"note": "x"}), (writer, {"name": "x"})):
        with pytest.raises(AccessError):
            update_affiliate(ana, by=by, **fields)
    with pytest.raises(AccessError):
        update_affiliate(bao, by=owner, name="x")


def test_it_leads_to_the_persons_own_sign_in(ana, as_person):
    page = text_of(as_person(ana).get(PAGE))

    for path in ("/accounts/profile/", "/accounts/password/change/", "/accounts/2fa/", "/accounts/sessions/"):
        assert f'href="{path}"' in page
        assert as_person(ana).get(path).status_code == 200


def test_whoever_belongs_to_no_affiliate_is_refused(otto, as_person):
    assert as_person(otto).get(PAGE).status_code == 403
    assert as_person(otto).post(PAGE, FIELDS).status_code == 403


def test_the_page_runs_few_queries(ana, as_person):
    assert queries_of(as_person(ana), PAGE) <= MOST_QUERIES
