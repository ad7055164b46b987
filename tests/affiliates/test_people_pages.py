import pytest

from accounts.models import User
from affiliates.models import Function, Invitation
from affiliates.services import invite_member
from tests.factories import PASSWORD, link_in, mails_to, make_member, make_user, owner_of


@pytest.fixture
def link(mara, ana):
    """The path of a link that invites Fay to Ana's account."""
    invite_member(ana, "fay@tributary.example", [Function.MARKETING], by=mara)
    return link_in(mails_to("fay@tributary.example")[0])


def test_an_invited_person_joins_and_lands_in_the_portal(client, link, ana):
    page = client.get(link)
    assert "Join Ana" in page.content.decode()

    page = client.post(link, {"name": "Fay", "password": PASSWORD})

    assert page.url == "/portal/"
    fay = User.objects.get(email="fay@tributary.example")
    assert client.session["_auth_user_id"] == str(fay.pk)
    assert fay.memberships.get().affiliate == ana
    assert client.get(link).status_code == 404


def test_reading_the_link_uses_nothing_up(client, link):
    client.get(link)
    client.head(link)
    assert Invitation.objects.get().accepted_at is None


def test_a_weak_password_is_told_at_the_field(client, link):
    page = client.post(link, {"name": "Fay", "password": "password"})
    assert "too common" in page.content.decode()
    assert "_auth_user_id" not in client.session


def test_an_account_with_a_password_is_asked_to_sign_in_and_then_joins(client, mara, ana, otto):
    invite_member(ana, otto.email, [Function.OWNER], by=mara)
    link = link_in(mails_to(otto.email)[0])

    assert f"/accounts/login/?next={link}" in client.get(link).content.decode()
    client.post(link, {"name": "Thief", "password": "another long sentence"})
    otto.refresh_from_db()
    assert otto.check_password(PASSWORD)
    assert not otto.memberships.exists()

    client.force_login(otto)
    assert client.post(link).url == "/portal/"
    assert otto.memberships.get().affiliate == ana


def test_somebody_else_who_is_signed_in_is_asked_to_sign_out(as_person, link, bao):
    browser = as_person(bao)
    assert "Sign out first" in browser.get(link).content.decode()
    assert browser.post(link, {"name": "Fay", "password": PASSWORD}).status_code == 200
    assert Invitation.objects.get().accepted_at is None


def test_a_wrong_link_says_what_to_do(client, db):
    page = client.get("/portal/invitations/nothing")
    assert page.status_code == 404
    assert "Ask whoever invited you" in page.content.decode()


def test_an_owner_invites_changes_and_removes(as_person, ana):
    browser = as_person(ana)
    assert (
        "invitation went to"
        in browser.post(
            "/portal/people/invite/", {"email": "gil@tributary.example", "functions": ["finance"]}, follow=True
        ).content.decode()
    )
    assert "gil@tributary.example" in browser.get("/portal/people/").content.decode()
    browser.post(f"/portal/people/invitations/{Invitation.objects.get().pk}/revoke/")
    assert Invitation.objects.get().revoked_at is not None

    gil = make_member(ana, make_user(name="Gil"), Function.MARKETING)
    browser.post(f"/portal/people/{gil.user.public_id}/", {"functions": ["finance"]})
    gil.refresh_from_db()
    assert gil.functions == ["finance"]
    browser.post(f"/portal/people/{gil.user.public_id}/remove/")
    gil.refresh_from_db()
    assert gil.removed_at is not None


def test_the_last_owner_is_told_why_they_stay(as_person, ana):
    page = as_person(ana).post(f"/portal/people/{owner_of(ana).public_id}/remove/", follow=True)
    assert "needs an owner" in page.content.decode()


def test_others_see_the_people_and_change_nothing(as_person, ana):
    gil = make_member(ana, make_user(name="Gil"), Function.MARKETING).user
    browser = as_person(gil)
    page = browser.get("/portal/people/").content.decode()
    assert "Ana" in page
    assert "Take out" not in page
    assert browser.post("/portal/people/invite/", {"email": "x@tributary.example", "functions": ["owner"]}).status_code == 403
    assert browser.post(f"/portal/people/{gil.public_id}/", {"functions": ["owner"]}).status_code == 403


def test_another_affiliates_people_are_not_there(as_person, ana, bao):
    browser = as_person(ana)
    stranger = owner_of(bao).public_id
    assert browser.get(f"/portal/people/{stranger}/").status_code == 404
    assert browser.post(f"/portal/people/{stranger}/remove/").status_code == 404


def test_somebody_who_belongs_to_two_chooses_and_functions_follow(as_person, ana, bao):
    both = make_user(name="Both")
    make_member(ana, both, Function.OWNER)
    make_member(bao, both, Function.MARKETING)
    browser = as_person(both)
    assert browser.get("/portal/people/").context["request"].affiliate == ana

    browser.post("/portal/switch/", {"affiliate": bao.public_id})

    assert browser.get("/portal/people/").context["request"].affiliate == bao
    assert browser.post("/portal/people/invite/", {"email": "x@tributary.example", "functions": ["owner"]}).status_code == 403


def test_nobody_switches_to_a_strangers_affiliate(as_person, ana, bao):
    assert as_person(ana).post("/portal/switch/", {"affiliate": bao.public_id}).status_code == 404


@pytest.mark.parametrize(("who", "to"), [("mara", "/manage/"), ("ana", "/portal/")])
def test_a_sign_in_leads_to_ones_own_home(request, client, who, to):
    somebody = request.getfixturevalue(who)
    page = client.post("/accounts/login/", {"login": somebody.email, "password": PASSWORD})
    assert page.url == "/accounts/welcome/"
    assert client.get(page.url).url == to


def test_somebody_who_belongs_nowhere_is_told_so_kindly(as_person, otto):
    page = as_person(otto).get("/accounts/welcome/")
    assert page.status_code == 200
    assert "belongs to no affiliate and to no team yet" in page.content.decode()


def test_money_without_a_second_factor_is_reminded(as_person, ada, felix, sofia):
    def reminded(person):
        browser = as_person(person)
        browser.get("/accounts/welcome/")
        return "second factor" in browser.get("/accounts/profile/").content.decode().partition("</main>")[0].partition("<main")[2]

    assert reminded(ada)
    assert reminded(felix)
    assert not reminded(sofia)
