"""A manager's first day in a real browser: a program with all it needs, an affiliate, a decision, a link and a new rate."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Role
from affiliates.models import Affiliate
from commissions.models import RuleVersion
from programs.models import Program, TermsVersion
from tests.browser.stage import comes_true, look_over
from tests.factories import (
    assign,
    make_affiliate,
    make_coupon,
    make_enrollment,
    make_offer,
    make_program,
    make_rule,
    make_user,
)
from tracking.models import Link

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_page, transactional_db) -> Page:
    """Where the head of affiliates is signed in."""
    hana = make_user("hana@tributary.example", "Hana")
    assign(hana, Role.HEAD)
    page = open_page(hana)
    page.goto("/manage/programs/")
    return page


def confirm(page: Page, button: str) -> None:
    """Say yes to what is asked before something cannot be undone."""
    page.locator("dialog[open]").get_by_role("button", name=button).click()


def test_a_program_an_offer_a_rule_and_an_affiliate_by_hand(page):
    page.get_by_role("link", name="Make the first program").click()
    page.get_by_label("Name", exact=True).fill("Autumn music")
    page.get_by_label("Minimum payout").fill("20")
    page.get_by_role("button", name="Make the program").click()

    page.wait_for_url("**/manage/programs/autumn-music/")
    page.get_by_role("region", name="What this program still needs").get_by_role("link", name="Add an offer").click()
    page.get_by_label("Name", exact=True).fill("The shop")
    page.get_by_label("Landing page").fill("https://music.example/shop")
    page.get_by_role("button", name="Add the offer").click()

    page.get_by_role("link", name="Add a rule").first.click()
    page.get_by_label("Value").fill("10")
    page.get_by_role("button", name="Add the rule").click()
    expect(page.get_by_role("link", name="Every sale")).to_be_visible()

    page.get_by_role("link", name="Add an affiliate").click()
    page.get_by_label("Name", exact=True).fill("Ana")
    page.get_by_label("E-mail").fill("ana@tributary.example")
    page.get_by_label("Country").select_option(label="Germany")
    expect(page.get_by_label("Program optional")).to_have_value(str(Program.objects.get().pk))
    page.get_by_role("button", name="Add the affiliate").click()

    expect(page.get_by_text("an invitation went to ana@tributary.example")).to_be_visible()
    ana = Affiliate.objects.get()
    assert ana.enrollments.get().status == "approved"
    page.locator("summary", has_text="Link").click()
    page.get_by_label("Code").fill("autumn")
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("img", name="/r/autumn")).to_be_visible()
    assert comes_true(page, "document.querySelector('img.qr').naturalWidth > 0")
    assert Link.objects.get().affiliate == ana


def test_an_application_is_read_and_rejected_with_a_reason_and_taken_up_again(page):
    fay = make_affiliate("fay@tributary.example", "Fay")
    make_enrollment(fay, make_program("music", name="Music"), "pending", pitch="I review records.")
    page.get_by_role("link", name="Enrollments").click()
    expect(page.get_by_text("I review records.")).to_be_visible()
    page.get_by_role("link", name="Fay").click()

    page.locator("summary", has_text="Reject").click()
    page.get_by_label("Why").fill("No website yet")
    page.get_by_role("button", name="Reject").last.click()
    expect(page.locator("#confirm-question")).to_have_text(
        "Reject Fay for Music? Applicants get a mail. It can be taken up again later."
    )
    confirm(page, "Reject")
    expect(page.get_by_text("Because: No website yet")).to_be_visible()

    page.get_by_role("button", name="Take up again").click()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Fay is now approved in Music")).to_be_visible()


def test_a_refused_form_is_mended_where_it_is_wrong(page):
    page.goto("/manage/affiliates/new/")
    page.get_by_label("Name", exact=True).fill("Ana")
    page.get_by_role("button", name="Add the affiliate").click()

    expect(page.get_by_label("E-mail")).to_be_focused()


def test_many_are_approved_from_the_list(page):
    music = make_program("music", name="Music")
    for name in ("Ana", "Bao", "Citra"):
        make_enrollment(make_affiliate(f"{name.lower()}@tributary.example", name), music, "pending")
    page.goto("/manage/enrollments/")

    page.locator("[data-pick-all]").check()
    expect(page.get_by_text("3 selected")).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#confirm-question")).to_contain_text("Approve 3 enrollments?")
    confirm(page, "Approve")
    expect(page.get_by_text("3 enrollments approved")).to_be_visible()


def test_a_search_narrows_the_list_without_a_new_page(page):
    music = make_program("music", name="Music")
    for name in ("Ana", "Bao"):
        make_enrollment(make_affiliate(f"{name.lower()}@tributary.example", name), music)
    page.goto("/manage/affiliates/")
    page.evaluate("window.still = true")

    page.route("**/*?q=ana", lambda route: None)  # its answer never comes: the next search takes its place
    search = page.get_by_placeholder("Name, e-mail or external id")
    with page.expect_request("**/*?q=ana"):
        search.fill("ana")
    search.fill("bao")
    expect(page.get_by_role("link", name="Ana", exact=True)).to_have_count(0)
    expect(page).to_have_url(re.compile(r"\?q=bao$"))
    assert page.evaluate("window.still")


def test_a_new_rate_is_shown_before_it_is_in_force(page):
    music = make_program("music", name="Music")
    make_offer(music)
    rule = make_rule(music, name="Standard", value="10")
    page.goto(f"/manage/rules/{rule.public_id}/")
    page.get_by_role("link", name="Change what it pays").click()
    page.get_by_label("Value").fill("12.5")
    page.get_by_role("button", name="See what changes").click()

    expect(page.get_by_role("heading", name="What this changes")).to_be_visible()
    assert RuleVersion.objects.count() == 1
    page.get_by_role("button", name="Put it in force").click()
    expect(page.get_by_text("Version 2 of “Standard” stands.")).to_be_visible()
    assert RuleVersion.objects.count() == 2


def test_what_the_loop_by_hand_does_not_come_to_can_be_read_by_all(page):
    music = make_program("music", name="Music", summary="Records", description="All of them.")
    TermsVersion.objects.create(program=music, number=1, text="No spam.", published_at=timezone.now())
    rule = make_rule(music)
    ana = make_affiliate("ana@tributary.example", "Ana", owner=True, website="https://ana.example/", note="Call on Mondays")
    make_enrollment(ana, music, pitch="I review records.")
    make_coupon(ana, music)
    paths = [
        "/apply/music/", "/apply/music/thanks/", f"/manage/affiliates/{ana.public_id}/", "/manage/programs/music/terms/new/",
        f"/manage/rules/{rule.public_id}/", f"/manage/rules/{rule.public_id}/revise/", "/manage/links/new/", "/manage/coupons/new/",
    ]  # fmt: skip
    found = {}
    for path in paths:
        page.goto(path)
        assert page.locator("h1").count() == 1, path
        found[path] = look_over(page)
    assert not any(found.values()), found
