"""Lists and refunds in a real browser, under the content security policy: views saved by the keyboard or without a script, and a
refund that says what it does while it is filled in."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from affiliates.models import Function
from affiliates.services import invite_member
from commissions.models import Commission
from tests.browser.stage import look_over
from tests.factories import make_commission, make_conversion, make_rule

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LIST = "/manage/commissions/"


@pytest.fixture
def sales(music, ana, bao):
    make_rule(music)
    sold = timezone.now() - timedelta(days=2)
    for affiliate in (ana, bao):
        make_commission(make_conversion(music, affiliate, external_id=f"order-of-{affiliate}", occurred_at=sold))


def test_a_view_is_saved_by_the_keyboard_and_found_above_its_list(open_page, mara, sales):
    page = open_page(mara)
    page.goto(f"{LIST}?state=pending")
    page.get_by_placeholder("Affiliate or whole order number").type("Bao")
    expect(page.locator("tbody tr")).to_have_count(1)

    page.locator(".views-menu summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("Bao to review")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved as “Bao to review”.")).to_be_visible()

    page.goto(LIST)
    expect(page.locator("tbody tr")).to_have_count(2)
    saved = page.get_by_role("navigation", name="Saved views").get_by_role("link", name="Bao to review")
    saved.click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?state=pending&q=Bao$"))
    expect(saved).to_have_attribute("aria-current", "page")
    page.locator(".views-menu summary").click()
    assert look_over(page) == []

    page.get_by_role("button", name="Delete the view Bao to review").click()
    page.get_by_role("dialog").locator("[data-confirm-yes]").click()
    expect(page.get_by_text("The view “Bao to review” is deleted.")).to_be_visible()
    expect(saved).to_have_count(0)


def test_views_are_saved_and_renamed_without_a_script(open_page, mara, sales):
    page = open_page(mara, java_script_enabled=False)
    page.goto(f"{LIST}?state=pending")
    page.locator(".views-menu summary").click()
    page.get_by_label("Save this view").fill("To review")
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator(".views-menu summary").click()
    page.get_by_label("Name of the view To review").fill("Review these")
    page.get_by_role("button", name="Rename").click()

    expect(page.get_by_role("link", name="Review these")).to_have_attribute("aria-current", "page")


def test_what_is_asked_agrees_with_how_many_are_chosen(open_page, mara, sales):
    page = open_page(mara)
    page.goto(f"{LIST}?state=pending")
    page.get_by_role("checkbox", name="Select Bao, $10.00").check()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#confirm-question")).to_contain_text("Approve 1 commission? It is owed")
    assert look_over(page) == []
    page.get_by_role("dialog").get_by_role("button", name="Keep it as it is").click()

    page.get_by_role("checkbox", name="Select all rows of this page").check()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#confirm-question")).to_contain_text("Approve 2 commissions? Each is owed")


def test_a_mail_is_read_as_its_reader_sees_it(open_page, mara, ana):
    invite_member(ana, "fay@tributary.example", [Function.MARKETING], by=mara)
    page = open_page(mara)
    page.goto("/manage/mails/")
    page.get_by_role("row", name="fay@tributary.example").get_by_role("link").click()

    expect(page.frame_locator("iframe").get_by_role("link", name="Open the page")).to_be_visible()
    expect(page.get_by_role("region", name="As text")).to_contain_text("/invitations/")
    assert look_over(page) == []


def test_rows_are_named_to_those_who_hear_their_checkboxes(open_page, mara, sales):
    page = open_page(mara)
    page.goto(LIST)

    expect(page.get_by_role("checkbox", name="Select Bao, $10.00")).to_have_count(1)


def test_a_refund_says_what_it_does_while_it_is_filled_in(open_page, mara, sales):
    page = open_page(mara)
    page.goto("/manage/conversions/")
    page.get_by_role("link", name="order-of-Ana").click()
    page.get_by_role("link", name="Refund").click()
    effect = page.get_by_role("region", name="What it does")
    expect(effect).to_contain_text("$10.00 USD")

    page.get_by_label("Amount in USD").fill("25")
    page.keyboard.press("Tab")
    expect(effect).to_contain_text("$2.50 USD")
    assert look_over(page) == []

    page.get_by_role("button", name="Record this refund").click()
    expect(page.get_by_text("Refund of $25.00 recorded.")).to_be_visible()
    assert Commission.objects.get(affiliate__name="Ana").reversed == Decimal("2.50")
