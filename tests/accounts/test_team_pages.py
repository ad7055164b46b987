from datetime import timedelta

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ApiKey, Role, RoleAssignment, User
from accounts.services import find_key
from tests.factories import assign, make_user


def queries(browser, path):
    browser.get(path)  # what is kept between requests (content types, sessions) is warm
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert browser.get(path).status_code == 200
    return len(captured)


def test_the_list_shows_roles_and_programs(as_person, hana, mara):
    page = as_person(hana).get("/manage/team/")
    assert "Affiliate manager" in page.content.decode()
    assert "Second factor" in page.content.decode()


def test_colleagues_see_who_works_here_and_no_more(as_person, mara, felix):
    page = as_person(mara).get("/manage/team/").content.decode()
    assert "felix@tributary.example" in page
    assert "Last seen" not in page
    detail = as_person(mara).get(f"/manage/team/{felix.public_id}/").content.decode()
    assert "Take back" not in detail
    assert 'id="history"' not in detail


@pytest.mark.parametrize("path", ["/manage/team/", "/manage/settings/keys/"])
def test_as_many_queries_at_one_as_at_a_hundred_rows(as_person, ada, music, path):
    browser = as_person(ada)
    ApiKey.objects.create(user=ada, name="First", role="support", program=music, start="trb_", hash="f" * 64)
    few = queries(browser, path)
    for number in range(100):
        user = assign(make_user(), Role.SUPPORT, music)
        ApiKey.objects.create(user=user, name=f"Key {number}", role="support", program=music, start="trb_", hash=f"{number:064}")
    assert queries(browser, path) == few
    assert few <= 12


@pytest.mark.parametrize("query", ["role=manager", "program=music", "works_here=yes", "q=mara"])
def test_filters_find_mara_and_leave_nils(as_person, ada, mara, nils, query):
    page = as_person(ada).get(f"/manage/team/?{query}{'&program=music' if query == 'role=manager' else ''}").content.decode()
    assert "mara@tributary.example" in page
    assert ("nils@tributary.example" in page) == (query == "works_here=yes")


def test_former_members_stay_in_the_list(as_person, ada, mara):
    RoleAssignment.objects.filter(user=mara).update(revoked_at="2026-01-01T00:00Z")
    assert "mara@" in as_person(ada).get("/manage/team/?works_here=no").content.decode()


def test_appoint_and_take_back_by_hand(as_person, hana, music):
    browser = as_person(hana)
    page = browser.post(
        "/manage/team/appoint/",
        {"email": "nora@tributary.example", "name": "Nora", "role": "support", "program": music.pk},
        follow=True,
    )
    nora = User.objects.get(email="nora@tributary.example")
    assert page.redirect_chain[-1][0] == f"/manage/team/{nora.public_id}/"
    assert "Nora was appointed: Support, Music" in page.content.decode()

    browser.post(f"/manage/team/{nora.public_id}/roles/", {"role": "quality", "program": music.pk})
    assert nora.assignments.count() == 2

    role = nora.assignments.get(role="support")
    browser.post(f"/manage/team/{nora.public_id}/roles/{role.pk}/revoke/")
    role.refresh_from_db()
    assert role.revoked_by == hana

    browser.post(f"/manage/team/{nora.public_id}/deactivate/")
    assert not User.objects.get(pk=nora.pk).is_active
    browser.post(f"/manage/team/{nora.public_id}/reactivate/")
    assert User.objects.get(pk=nora.pk).is_active


def test_a_head_is_not_offered_admins(as_person, hana, ada):
    page = as_person(hana).get("/manage/team/appoint/").content.decode()
    assert 'value="manager"' in page
    assert 'value="admin"' not in page
    assert as_person(hana).post("/manage/team/appoint/", {"email": "x@tributary.example", "role": "admin"}).status_code == 200
    assert not User.objects.filter(email="x@tributary.example").exists()


def test_a_refusal_is_told_at_its_field(as_person, ada):
    page = as_person(ada).post("/manage/team/appoint/", {"email": "ada@tributary.example", "role": "finance"})
    assert "Nobody appoints themselves" in page.content.decode()


def test_a_role_of_somebody_else_is_not_taken_by_a_crafted_address(as_person, hana, mara, felix):
    role = mara.assignments.get()
    assert as_person(hana).post(f"/manage/team/{felix.public_id}/roles/{role.pk}/revoke/").status_code == 404
    role.refresh_from_db()
    assert role.revoked_at is None


def test_a_key_is_made_shown_once_and_revoked(as_person, ada, music):
    browser = as_person(ada)
    page = browser.post("/manage/settings/keys/new/", {"name": "Shop", "role": "manager", "program": music.pk})
    key = ApiKey.objects.get()
    text = page.context["text"]
    assert text in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert find_key(text) == key
    assert text not in browser.get("/manage/settings/keys/").content.decode()

    browser.post("/manage/settings/keys/revoke/", {"selected": [key.pk]})
    assert find_key(text) is None


def test_a_key_stronger_than_its_user_is_refused_by_the_form(as_person, ada, mara):
    page = as_person(ada).post("/manage/settings/keys/new/", {"name": "Shop", "role": "admin", "user": mara.pk})
    assert "no more than its user" in page.content.decode()
    assert not ApiKey.objects.exists()


def test_the_profile_sets_the_readers_zone(as_person, otto):
    browser = as_person(otto)
    browser.post("/accounts/profile/", {"name": "Otto B.", "time_zone": "Asia/Manila"})
    otto.refresh_from_db()
    assert (otto.name, otto.time_zone) == ("Otto B.", "Asia/Manila")
    assert "Select a valid choice" in browser.post("/accounts/profile/", {"name": "O", "time_zone": "Mars/Base"}).content.decode()


def test_reading_a_page_writes_when_somebody_was_seen_only_now_and_then(as_person, mara):
    browser = as_person(mara)
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        browser.get("/manage/team/")
    with time_machine.travel(start + timedelta(minutes=4), tick=False), CaptureQueriesContext(connection) as captured:
        browser.get("/manage/team/")
    assert not [query["sql"] for query in captured if not query["sql"].startswith("SELECT")]
    assert UserSession.objects.get(user=mara).last_seen_at == start
    with time_machine.travel(start + timedelta(minutes=6), tick=False):
        browser.get("/manage/team/")
    assert UserSession.objects.get(user=mara).last_seen_at == start + timedelta(minutes=6)
