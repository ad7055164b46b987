"""Signing in as people do it: allauth's own pages, with our mails and rules."""

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.test import Client

from accounts.models import User
from core.models import Mail
from tests.factories import PASSWORD, link_in, mails_to
from tests.portal import text_of

NEW = "another quite long sentence"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1"


@pytest.fixture(autouse=True)
def _mails_are_kept(settings):
    """As in production; pytest-django would put its own mailbox there."""
    settings.EMAIL_BACKEND = "core.mail.KeepingBackend"


def signed_in(email: str, password: str) -> bool:
    browser = Client()
    browser.post("/accounts/login/", {"login": email, "password": password})
    return "_auth_user_id" in browser.session


def test_an_email_in_any_case_and_a_password_open_the_door(mara):
    assert signed_in("Mara@Tributary.example", PASSWORD)
    assert not signed_in("mara@tributary.example", "wrong")


def test_nobody_signs_up_by_themselves(client, db):
    client.post("/accounts/signup/", {"email": "x@tributary.example", "password1": NEW, "password2": NEW})
    assert not User.objects.exists()


@pytest.mark.parametrize("reason", ["inactive", "unverified", "no password", "service"])
def test_who_does_not_come_in(mara, reason):
    if reason == "inactive":
        mara.is_active = False
    if reason == "unverified":
        EmailAddress.objects.filter(user=mara).update(verified=False)
    if reason in ("no password", "service"):
        mara.is_service = reason == "service"
        mara.set_unusable_password()
    mara.save()
    assert not signed_in(mara.email, PASSWORD)


def test_a_forgotten_password_is_set_anew_by_a_mail_once(client, mara):
    client.post("/accounts/password/reset/", {"email": mara.email})
    (mail,) = mails_to(mara.email)
    link = link_in(mail)

    form = client.get(link, follow=True)
    client.post(form.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})

    assert signed_in(mara.email, NEW)
    assert not signed_in(mara.email, PASSWORD)
    assert Client().get(link, follow=True).context["token_fail"]


def test_asking_for_an_unknown_address_answers_the_same(client, mara):
    known = client.post("/accounts/password/reset/", {"email": mara.email})
    unknown = client.post("/accounts/password/reset/", {"email": "nobody@tributary.example"})
    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)


def test_a_reset_ends_other_sessions(as_person, client, mara):
    elsewhere = as_person(mara)
    assert elsewhere.get("/accounts/profile/").status_code == 200
    client.post("/accounts/password/reset/", {"email": mara.email})
    form = client.get(link_in(mails_to(mara.email)[0]), follow=True)
    client.post(form.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})

    assert elsewhere.get("/accounts/profile/").status_code == 302


def test_a_changed_address_counts_once_it_is_confirmed(client, otto):
    client.post("/accounts/login/", {"login": otto.email, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/email/", {"action_add": "", "email": "otto@new.example"})
    otto.refresh_from_db()
    assert otto.email == "otto@tributary.example"

    link = link_in(mails_to("otto@new.example")[0])
    client.get(link)  # a mail scanner's visit confirms nothing
    assert not EmailAddress.objects.get(email="otto@new.example").verified
    client.post(link)
    assert EmailAddress.objects.get(email="otto@new.example").verified


def test_a_wrong_password_may_not_be_tried_for_ever(client, mara):
    for _try in range(6):
        client.post("/accounts/login/", {"login": mara.email, "password": "wrong"})
    page = client.post("/accounts/login/", {"login": mara.email, "password": PASSWORD})
    assert "Too many failed tries" in page.content.decode()
    assert "_auth_user_id" not in client.session


@pytest.fixture
def browsers(mara) -> tuple[Client, Client]:
    """Mara at her desk and on her phone."""
    agents = ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", PHONE)
    here, there = (Client(headers={"User-Agent": agent}) for agent in agents)
    for browser in (here, there):
        browser.post("/accounts/login/", {"login": mara.email, "password": PASSWORD})
    return here, there


def test_sessions_are_told_in_words_and_all_others_are_ended_at_once(browsers):
    here, there = browsers
    page = text_of(here.get("/accounts/sessions/"))
    assert "Firefox on Linux" in page and "Safari on iOS" in page and "Mozilla" not in re.sub("<[^>]*>", "", page)
    assert page.count("This one") == 1

    here.post("/accounts/sessions/")

    assert there.get("/accounts/profile/").status_code == 302
    assert here.get("/accounts/profile/").status_code == 200


def test_one_session_is_ended_and_nobody_elses(browsers, mara, as_person, otto):
    here, there = browsers
    ended = UserSession.objects.get(user=mara, user_agent=PHONE)

    assert as_person(otto).post(f"/accounts/sessions/{ended.pk}/end/").status_code == 404
    assert here.get(f"/accounts/sessions/{ended.pk}/end/").status_code == 405
    assert there.get("/accounts/profile/").status_code == 200

    assert "Safari on iOS is signed out" in text_of(here.post(f"/accounts/sessions/{ended.pk}/end/", follow=True))
    assert there.get("/accounts/profile/").status_code == 302
    assert here.get("/accounts/profile/").status_code == 200


@pytest.mark.parametrize("agent", ["", "curl/8.5.0", "x" * 5000, "<script>alert(1)</script>"])
def test_a_browser_that_says_nothing_known_breaks_no_page(mara, agent):
    browser = Client(headers={"User-Agent": agent})
    browser.post("/accounts/login/", {"login": mara.email, "password": PASSWORD})
    page = browser.get("/accounts/sessions/")
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()


def test_mails_lead_to_our_own_address_whatever_host_was_asked(client, mara, settings):
    client.post("/accounts/password/reset/", {"email": mara.email}, headers={"Host": "127.0.0.1"})
    mail = Mail.objects.get()
    assert mail.subject == "Choose a new password"
    assert f"{settings.BASE_URL}/accounts/password/reset/key/" in mail.body
    assert "127.0.0.1" not in mail.body
    assert mail.about == []


def test_a_changed_password_is_told(client, mara):
    client.post("/accounts/login/", {"login": mara.email, "password": PASSWORD})
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    mail = mails_to(mara.email)[0]
    assert mail.subject == "Your password was changed"
    assert "An unknown browser" in mail.body and "/accounts/password/reset/" in mail.body
    assert client.get("/accounts/profile/").status_code == 200


@pytest.mark.parametrize("where", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"])
def test_a_sign_in_never_leads_to_another_site(client, mara, where):
    answer = client.post("/accounts/login/", {"login": mara.email, "password": PASSWORD, "next": where})
    assert answer.status_code == 302
    assert "evil" not in answer.url and "javascript" not in answer.url


def test_too_many_tries_are_told_on_a_page_of_ours(client, db):
    answers = [client.post("/accounts/password/reset/", {"email": f"{n}@tributary.example"}) for n in range(21)]
    assert answers[-1].status_code == 429
    assert "Wait a few minutes" in answers[-1].content.decode()


def test_the_cookie_of_a_session_is_for_this_site_and_no_script(client, mara, settings):
    client.post("/accounts/login/", {"login": mara.email, "password": PASSWORD})
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"


def test_sign_in_is_asked_for_in_one_word_everywhere(client, mara):
    pages = ["/accounts/login/", "/accounts/password/reset/"]
    assert all("E-mail" in text_of(client.get(path)) for path in pages)
    client.post("/accounts/login/", {"login": mara.email, "password": PASSWORD})
    assert re.search(r"\bEmail\b", text_of(client.get("/accounts/email/"))) is None
