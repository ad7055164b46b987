"""An affiliate's first day, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from payouts.services import set_payout_method
from tests.browser.stage import look_over, sign_in
from tests.factories import (
    PASSWORD,
    make_batch,
    make_click,
    make_commission,
    make_conversion,
    make_payout,
    make_rule,
    owner_of,
)
from tracking.models import Link

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_page, transactional_db, music_offer, ana) -> Page:
    """Ana, signed in by the form, on her home page."""
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    sign_in(page, "ana@tributary.example", "/portal/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello Ana")
    return page


def test_from_the_first_sign_in_to_a_link_with_its_qr_code(page: Page):
    page.get_by_role("link", name="Make a link").click()
    destination, told = page.get_by_label("Page to link to"), page.locator("#told")
    destination.fill("https://elsewhere.example/")
    expect(told).to_contain_text("may not be linked to this address")
    destination.fill("https://music.example/jazz")
    expect(told).to_contain_text("This page may be linked to.")
    page.get_by_label("Your own code").fill("ana-jazz")
    expect(told).to_contain_text("/r/ana-jazz")
    page.get_by_role("button", name="Make the link").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("ana-jazz")
    page.get_by_label("sub1").fill("summer sale")
    page.get_by_role("button", name="Put them in the link").click()
    page.get_by_role("button", name="Copy the link").click()
    address = f"{Link.objects.get().url}?sub1=summer+sale"
    assert page.evaluate("navigator.clipboard.readText()") == address
    assert page.get_by_alt_text(f"QR code of {address}").evaluate("image => image.decode().then(() => image.naturalWidth > 0)")

    page.get_by_role("button", name="Pause").click()
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(page.get_by_text("The link is paused")).to_be_visible()
    assert Link.objects.get().status == "paused"


def test_the_payout_method_asks_who_one_is(page: Page, ana):
    page.get_by_role("link", name="Set a payout method").click()
    page.get_by_role("link", name="Bank transfer").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()

    page.get_by_label("Account holder").fill("Ana Weber")
    page.get_by_label("IBAN").fill("DE89 3704 0044 0532 0130 01")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("not a valid IBAN")).to_be_visible()
    page.get_by_label("IBAN").fill("DE89 3704 0044 0532 0130 00")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("heading", name="Bank transfer DE•• •••• 3000")).to_be_visible()
    assert ana.payout_methods.get().hint == "DE•• •••• 3000"


@pytest.fixture
def busy(ana, music, music_offer) -> None:
    """Something on every page."""
    make_rule(music)
    link = Link.objects.create(affiliate=ana, offer=music_offer, code="ana-jazz")
    make_click(link)
    set_payout_method(ana, by=owner_of(ana), type="paypal", currency="USD", details={"email": "ana@tributary.example"})
    payout = make_payout(make_batch(music, status="done"), ana, "10.00", "paid")
    for number in range(3):
        sale = make_conversion(music, ana, "1234.50", external_id=f"a-rather-long-order-number-{number}", link=link, subs=["x"])
        commission = make_commission(sale, decision="approved", amount="10.00")
        if number == 0:
            payout.lines.create(commission=commission, amount="10.00")
    make_payout(make_batch(music), ana, "5.00", "skipped", exceptions=["below_minimum"])


def test_what_the_loop_by_hand_does_not_come_to_can_be_used_by_everybody(page: Page, busy):
    """A busy home page, and what is about the person who signs in."""
    names = ["profile", "email", "password/change", "sessions", "2fa", "2fa/totp/activate", "2fa/webauthn/add"]
    found = {}
    for path in ("/portal/", "/portal/money/", *(f"/accounts/{name}/" for name in names)):
        page.goto(path)
        found[path] = look_over(page)
    assert not any(found.values()), found


def test_pages_read_without_a_script(page: Page, busy):
    state, browser = page.context.storage_state(), page.context.browser
    plain = browser.new_context(java_script_enabled=False, base_url=page.url, storage_state=state)
    reader = plain.new_page()
    read = {
        "/portal/": "Your money",
        "/portal/conversions/": "a-rather-long-order-number-0",
        "/portal/links/new/": "music.example",
    }
    for path, told in read.items():
        reader.goto(path)
        expect(reader.get_by_text(told).first).to_be_visible()
    reader.goto("/portal/conversions/")
    reader.locator("summary", has_text="Why?").first.click()
    expect(reader.get_by_text("The customer came through your link “ana-jazz”").first).to_be_visible()
    plain.close()
