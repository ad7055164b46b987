from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Role, RoleAssignment, User
from accounts.services import PeopleError, appoint_person, create_key, deactivate_person, find_key, reactivate_person, revoke_role
from core.access import AccessError, Can, rights_of
from core.models import Event
from tests.factories import PASSWORD, assign, event_names, link_in, mails_to, make_user


def can(user, capability, program=None):
    return rights_of(User.objects.get(pk=user.pk)).has(capability, program.pk if program else None)


def test_an_appointment_holds_from_now_on_and_is_logged(hana, otto, music, books):
    appoint_person(otto, Role.MANAGER, music, by=hana)

    assert can(otto, Can.DECIDE_COMMISSIONS, music)
    assert not can(otto, Can.SEE, books)
    event = Event.objects.get()
    assert (event.name, event.by, event.data["program"]) == ("role.granted", hana, "Music")


def test_an_unknown_address_is_invited_to_choose_a_password(ada):
    appoint_person("New@Tributary.example", Role.SUPPORT, by=ada, name="Nora")

    user = User.objects.get(email="new@tributary.example")
    assert not user.has_usable_password()
    browser = Client()
    page = browser.get(link_in(mails_to(user.email)[0]), follow=True)
    browser.post(page.redirect_chain[-1][0], {"password1": "eight words are enough", "password2": "eight words are enough"})
    user.refresh_from_db()
    assert user.check_password("eight words are enough")
    again = Client().get(link_in(mails_to(user.email)[0]), follow=True)
    assert again.context["token_fail"]


def test_nobody_appoints_or_removes_themselves(ada, hana):
    second = assign(make_user(), Role.ADMIN)
    with pytest.raises(PeopleError, match="themselves"):
        appoint_person(ada, Role.FINANCE, by=ada)
    with pytest.raises(PeopleError, match="themselves"):
        appoint_person("ADA@tributary.example", Role.FINANCE, by=ada)
    with pytest.raises(PeopleError, match="themselves"):
        revoke_role(ada.assignments.get(), by=ada)
    with pytest.raises(PeopleError, match="themselves"):
        deactivate_person(ada, by=ada)
    assert second.assignments.get().revoked_at is None
    assert event_names() == []


@pytest.mark.parametrize("role", [Role.ADMIN, Role.HEAD])
def test_a_head_makes_and_removes_no_admins_and_no_heads(hana, otto, role):
    with pytest.raises(AccessError):
        appoint_person(otto, role, by=hana)
    held = assign(make_user(), role)
    with pytest.raises(AccessError):
        revoke_role(held.assignments.get(), by=hana)
    with pytest.raises(AccessError):
        deactivate_person(held, by=hana)


@pytest.mark.parametrize("name", ["mara", "felix", "sofia", "jun", "vera", "otto"])
def test_others_appoint_nobody(request, music, name):
    somebody = request.getfixturevalue(name)
    person = assign(make_user(), Role.SUPPORT, music)
    with pytest.raises(AccessError):
        appoint_person(make_user(), Role.SUPPORT, music, by=somebody)
    with pytest.raises(AccessError):
        revoke_role(person.assignments.get(), by=somebody)
    with pytest.raises(AccessError):
        deactivate_person(person, by=somebody)


def test_a_head_of_one_program_appoints_in_it_alone(otto, music, books):
    head = assign(make_user(), Role.HEAD, music)
    appoint_person(otto, Role.MANAGER, music, by=head)
    for program in (books, None):
        with pytest.raises(AccessError):
            appoint_person(otto, Role.MANAGER, program, by=head)


def test_a_role_taken_back_is_gone_and_stays_readable(hana, mara, music):
    revoke_role(mara.assignments.get(), by=hana)

    assert not can(mara, Can.SEE)
    assert RoleAssignment.objects.get(user=mara).revoked_by == hana
    with pytest.raises(PeopleError, match="already"):
        revoke_role(mara.assignments.get(), by=hana)


def test_an_end_date_is_the_last_day(ada, otto, music):
    today = datetime.now(UTC).date()
    appoint_person(otto, Role.ENGINEER, music, today, by=ada)
    assert can(otto, Can.SEE_TRACKING, music)
    RoleAssignment.objects.filter(user=otto).update(ends_on=today - timedelta(days=1))
    assert not can(otto, Can.SEE_TRACKING, music)
    with pytest.raises(PeopleError, match="over"):
        appoint_person(otto, Role.ENGINEER, music, today - timedelta(days=1), by=ada)

    appoint_person(otto, Role.ENGINEER, music, today + timedelta(days=30), by=ada)  # the ended one makes room
    assert can(otto, Can.SEE_TRACKING, music)
    with pytest.raises(PeopleError, match="holds this role"):
        appoint_person(otto, Role.ENGINEER, music, today + timedelta(days=30), by=ada)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_last_day_is_one_day_for_whoever_appoints_wherever_they_live(ada, otto, music, zone):
    today = datetime.now(UTC).date()
    with timezone.override(zone):
        appoint_person(otto, Role.ENGINEER, music, today, by=ada)
        assert can(otto, Can.SEE_TRACKING, music)
        with pytest.raises(PeopleError, match="over"):
            appoint_person(otto, Role.ENGINEER, music, today - timedelta(days=1), by=ada)


def test_one_admin_always_stays(ada):
    second = assign(make_user(), Role.ADMIN)
    revoke_role(ada.assignments.get(), by=second)
    third = assign(make_user(), Role.ADMIN, ends_on=datetime.now(UTC).date())  # will be gone tomorrow: not the one who stays
    with pytest.raises(PeopleError, match="last admin"):
        revoke_role(second.assignments.get(), by=third)
    with pytest.raises(PeopleError, match="last admin"):
        deactivate_person(second, by=third)
    with pytest.raises(PeopleError, match="last admin"):
        appoint_person(second, Role.ADMIN, ends_on=datetime.now(UTC).date(), by=third)


def test_an_admin_is_admin_of_everything(ada, otto, music):
    with pytest.raises(PeopleError, match="everything"):
        appoint_person(otto, Role.ADMIN, music, by=ada)


def test_a_deactivated_person_is_signed_out_and_their_keys_stop(hana, ada, mara, music):
    _key, text = create_key(mara, name="Shop", role="manager", program=music, by=ada)
    browser = Client()
    browser.post("/accounts/login/", {"login": mara.email, "password": PASSWORD})
    assert browser.session.get("_auth_user_id") == str(mara.pk)
    browser.get("/accounts/sessions/")

    deactivate_person(mara, by=hana)

    assert "_auth_user_id" not in browser.session
    assert find_key(text) is None
    reactivate_person(mara, by=hana)
    assert find_key(text) is not None
    assert can(mara, Can.SEE, music)
    assert event_names(mara) == ["api_key.created", "person.deactivated", "person.reactivated"]
