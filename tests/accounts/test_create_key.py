from datetime import date

import pytest
from django.core.management import CommandError, call_command

from accounts.models import ApiKey, RoleAssignment, User
from accounts.services import PeopleError, create_key, find_key, revoke_key, revoke_role
from core.access import AccessError, Can
from tests.factories import event_names


def test_a_key_is_shown_once_and_only_its_hash_is_kept(ada, mara, music):
    key, text = create_key(mara, name="Shop", role="manager", program=music, by=ada)

    assert text.startswith("trb_")
    assert len(text) >= 47
    assert text not in str(ApiKey.objects.values().get())
    assert find_key(text) == key
    assert event_names(key) == ["api_key.created"]


def test_a_key_holds_what_its_role_and_its_user_both_allow(ada, mara, music, books):
    _key, text = create_key(mara, name="Reader", role="quality", program=music, by=ada)

    rights = find_key(text).user._rights
    assert rights.has(Can.SEE, music.pk)
    assert not rights.has(Can.SEE, books.pk)
    assert not rights.has(Can.DECIDE_COMMISSIONS, music.pk)


@pytest.mark.parametrize("role", ["admin", "finance", "head"])
def test_a_key_stronger_than_its_user_is_refused(ada, mara, music, role):
    with pytest.raises(PeopleError, match="no more than its user"):
        create_key(mara, name="Shop", role=role, program=music, by=ada)


def test_a_key_for_all_programs_needs_a_user_for_all(ada, mara):
    with pytest.raises(PeopleError, match="no more than its user"):
        create_key(mara, name="Shop", role="manager", by=ada)


def test_a_key_loses_what_its_user_loses(ada, hana, mara, music):
    _key, text = create_key(mara, name="Shop", role="manager", program=music, by=ada)
    revoke_role(mara.assignments.get(), by=hana)

    assert not find_key(text).user._rights.has(Can.SEE)


def test_a_revoked_key_opens_nothing(ada, mara, music):
    key, text = create_key(mara, name="Shop", role="manager", program=music, by=ada)
    revoke_key(key, by=ada)

    assert find_key(text) is None
    assert find_key("trb_") is None
    assert find_key("") is None


def test_only_admins_make_and_revoke_keys(ada, hana, mara, music):
    key, _text = create_key(mara, name="Shop", role="manager", program=music, by=ada)
    for person in (hana, mara):
        with pytest.raises(AccessError):
            create_key(mara, name="Mine", role="manager", program=music, by=person)
        with pytest.raises(AccessError):
            revoke_key(key, by=person)


def test_the_command_prints_a_key_of_a_service_as_the_last_word(music, capsys):
    call_command("api_key_create", "--name", "Shop", "--role", "manager", "--program", "music")

    key = find_key(capsys.readouterr().out.split()[-1])
    assert key.user.is_service
    assert not key.user.has_usable_password()
    assert RoleAssignment.objects.get(user=key.user).program == music
    assert key.user._rights.has(Can.RECORD_CONVERSIONS, music.pk)


def test_the_command_makes_a_key_for_a_person(mara, capsys):
    call_command(
        "api_key_create", "--name", "Shop", "--role", "manager", "--program", "music", "--user", "MARA@tributary.example"
    )

    assert find_key(capsys.readouterr().out.split()[-1]).user == mara


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--role", "king"], "no role 'king'"),
        (["--role", "manager", "--program", "nowhere"], "no program 'nowhere'"),
        (["--role", "manager", "--user", "nobody@tributary.example"], "no user"),
        (["--role", "admin", "--user", "mara@tributary.example"], "no more than its user"),
    ],
)
def test_the_command_refuses_in_one_line_and_leaves_nothing(mara, arguments, told):
    people = User.objects.count()
    with pytest.raises(CommandError, match=told) as refused:
        call_command("api_key_create", "--name", "Shop", *arguments)

    assert "\n" not in str(refused.value)
    assert (ApiKey.objects.count(), User.objects.count()) == (0, people)


def test_the_list_says_which_keys_their_users_roles_no_longer_leave_anything(as_person, ada, music, mara):
    create_key(mara, name="Reports", role="manager", program=music, by=ada)
    page = as_person(ada).get("/manage/settings/keys/").content.decode()
    assert "Active" in page
    assert "API keys," in page

    mara.assignments.update(ends_on=date(2020, 1, 1))
    page = as_person(ada).get("/manage/settings/keys/").content.decode()
    assert "Role ended" in page
    assert "chip-done" not in page
