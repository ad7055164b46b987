"""Second factors in a real browser, under the content security policy that every page has."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from playwright.sync_api import Page, expect

from tests.browser.stage import sign_in
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_page, transactional_db) -> Page:
    return open_page()


def confirm(page: Page) -> None:
    """What changes how one signs in asks for the password once more."""
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def sign_out(page: Page) -> None:
    page.context.clear_cookies()


def code_now(secret: str) -> str:
    counter = next(iter(yield_hotp_counters_from_time()))
    return format_hotp_value(hotp_value(secret, counter))


def test_an_authenticator_app_and_recovery_codes(page, transactional_db):
    user = make_user("felix@tributary.example", "Felix")
    sign_in(page, user.email, "/accounts/2fa/")
    page.get_by_role("link", name="Set up").click()
    confirm(page)
    secret = page.locator("code.secret").inner_text()
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_text("This code is wrong")).to_be_visible()
    assert page.locator("code.secret").inner_text() == secret  # a slip of the finger needs no second scan
    page.get_by_label("Code").fill(code_now(secret))
    page.get_by_role("button", name="Turn it on").click()
    page.wait_for_url("**/recovery-codes/")
    assert secret not in str(Authenticator.objects.get(user=user, type="totp").data)
    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    assert page.locator(".codes code").all_inner_texts() == codes

    sign_out(page)
    sign_in(page, user.email, "/accounts/profile/")
    page.wait_for_url("**/2fa/authenticate/")
    page.goto("/accounts/profile/")
    assert page.url.endswith("/2fa/authenticate/")  # the password alone opens nothing
    page.get_by_label("Code").fill(codes[0])
    page.get_by_label("Code").press("Enter")
    page.wait_for_url("**/accounts/profile/")


def test_password_and_code_open_the_door_without_a_script(open_page, transactional_db):
    user = make_user("felix@tributary.example", "Felix")
    TOTP.activate(user, generate_totp_secret())
    [code, *_rest] = RecoveryCodes.activate(user).get_unused_codes()
    page = open_page(java_script_enabled=False)
    page.goto("/accounts/login/?next=/accounts/sessions/")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()  # it would do nothing
    sign_in(page, user.email, "/accounts/sessions/")
    expect(page.get_by_role("button", name="Use a passkey or security key")).to_be_hidden()
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Chrome on Linux")).to_be_visible()


def test_a_passkey_is_added_and_signs_in(page, transactional_db):
    user = make_user("ada@tributary.example", "Ada")
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    sign_in(page, user.email, "/accounts/2fa/webauthn/add/")
    confirm(page)
    page.get_by_label("Name").fill("Laptop")
    page.get_by_label("Sign in with it alone").check()
    page.get_by_role("button", name="Add it").click()
    page.wait_for_url(lambda url: "/add/" not in url)
    page.goto("/accounts/2fa/webauthn/")
    expect(page.get_by_role("main")).to_contain_text("Laptop")
    assert Authenticator.objects.filter(user=user, type="webauthn").count() == 1

    sign_out(page)
    page.goto("/accounts/login/?next=/accounts/profile/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/accounts/profile/")
    assert page.get_by_label("Name").input_value() == "Ada"
