"""Signing in as people do it: allauth's own pages, with our mails and rules."""

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from accounts.models import User
from core.models import Mail
from tests.factories import PASSWORD, link_in, mails_to

NEW = "another quite long sentence"


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
    assert "Too many failed login attempts" in page.content.decode()
    assert "_auth_user_id" not in client.session


def test_other_sessions_can_be_ended(mara):
    here, there = Client(), Client()
    for browser in (here, there):
        browser.post("/accounts/login/", {"login": mara.email, "password": PASSWORD})
    assert here.get("/accounts/sessions/").content.decode().count("127.0.0.1") == 2
    here.post("/accounts/sessions/")
    assert there.get("/accounts/profile/").status_code == 302
    assert here.get("/accounts/profile/").status_code == 200


def test_mails_lead_to_our_own_address_whatever_host_was_asked(client, mara, settings):
    client.post("/accounts/password/reset/", {"email": mara.email}, headers={"Host": "127.0.0.1"})
    mail = Mail.objects.get()
    assert mail.subject == "A new password"
    assert f"{settings.BASE_URL}/accounts/password/reset/key/" in mail.body
    assert "127.0.0.1" not in mail.body
    assert mail.about == []


def test_a_changed_password_is_told(client, mara):
    client.post("/accounts/login/", {"login": mara.email, "password": PASSWORD})
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    assert "password" in mails_to(mara.email)[0].subject.lower()
    assert client.get("/accounts/profile/").status_code == 200
