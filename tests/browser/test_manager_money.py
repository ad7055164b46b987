"""The money's way in a real browser, under the content security policy: from reviewing commissions to marking a batch as paid."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from commissions.models import Commission
from commissions.services import approve_commissions, hold_commissions
from payouts.models import PayoutBatch
from payouts.services import set_payout_method
from tests.browser.stage import look_over, too_wide
from tests.factories import make_batch, make_commission, make_conversion, make_rule, owner_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def opened(open_page) -> Callable[..., Page]:
    def open_for(person, width: int = 1440, **options) -> Page:
        return open_page(person, viewport={"width": width, "height": 900}, **options)

    return open_for


@pytest.fixture
def reviewed(music, ana, bao):
    """Sixty pending commissions of Ana's, one of Bao's."""
    make_rule(music)
    sold = timezone.now() - timedelta(days=60)
    for affiliate in [*[ana] * 60, bao]:
        make_commission(make_conversion(music, affiliate, occurred_at=sold))


def confirm(page: Page, words: str | re.Pattern[str]) -> None:
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(words)
    dialog.locator("[data-confirm-yes]").click()


def test_commissions_are_filtered_explained_rejected_and_approved_by_filter(opened, mara, ana, reviewed):
    page = opened(mara)
    page.goto("/manage/")
    page.get_by_role("link", name="61 commissions to review").click()
    expect(page.get_by_role("link", name="Pending")).to_have_attribute("aria-current", "page")

    page.get_by_text("Why?", exact=True).first.click()
    expect(page.get_by_text("10% of $100.00").first).to_be_visible()

    page.locator("summary", has_text="Affiliate").click()
    page.locator("select[name=affiliate]").select_option(label="Ana")
    page.get_by_role("button", name="Apply").locator("visible=true").click()
    expect(page.locator(".listing-count")).to_have_text("1–50 of 60")
    assert f"affiliate={ana.public_id}" in page.url and "state=pending" in page.url

    page.locator("input[name=selected]").first.check()
    page.locator(".bulk-bar summary", has_text="Reject").click()
    page.get_by_label("Reason").locator("visible=true").select_option("test_order")
    page.get_by_role("button", name="Reject").locator("visible=true").last.click()
    confirm(page, "Reject 1 commission for good?")
    expect(page.get_by_text("1 commission rejected.")).to_be_visible()
    assert f"affiliate={ana.public_id}" in page.url

    page.locator("input[name=selected]").first.check()
    page.get_by_label("All 59 that match").check()
    page.get_by_role("button", name="Approve").click()
    confirm(page, "Approve 59 commissions?")
    expect(page.get_by_text("59 commissions approved.")).to_be_visible()
    assert sorted(Commission.objects.values_list("decision", flat=True)) == ["approved"] * 59 + ["pending", "rejected"]


def test_a_payout_from_its_count_to_the_marking_as_paid(opened, music, mara, felix, ana, reviewed):
    set_payout_method(ana, by=owner_of(ana), type="paypal", currency="USD", details={"email": ana.email})
    approve_commissions(list(Commission.objects.values_list("pk", flat=True)), by=mara)
    page = opened(mara)

    page.goto("/manage/payouts/")
    page.get_by_role("link", name="Prepare a payout").first.click()
    expect(page.get_by_text("$600.00")).to_be_visible()
    page.get_by_label("Currency").fill("EUR")
    page.get_by_label("Payable until").focus()
    expect(page.get_by_text("Nothing is payable in Music until then")).to_be_visible()
    page.get_by_label("Currency").fill("")
    page.get_by_label("Payable until").focus()
    page.get_by_role("button", name="Prepare this payout").click()
    expect(page.get_by_text("You made this batch, so another person approves it")).to_be_visible()
    expect(page.get_by_text("$10.00 of at least $20.00")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    address = page.url

    page = opened(felix)
    page.goto(address)
    page.get_by_role("button", name="Approve").click()
    confirm(page, "Approve $600.00 to 1 affiliate of Music?")
    page.get_by_role("button", name="Start the payment").click()
    confirm(page, "Start the payment of $600.00 to 1 affiliate?")
    expect(page.get_by_text("Hand the payment file to the bank")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Payment file").click()
    [_heading, line] = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert ",600.00,USD,paypal,," in line and "ana@tributary.example" in line

    page.locator("summary", has_text="Mark as paid").click()
    page.get_by_label("Reference").fill("SEPA 2026-11")
    page.get_by_role("button", name="Mark as paid").click()
    confirm(page, "Mark $600.00 to 1 affiliate as paid? The affiliate is told by mail.")
    expect(page.get_by_text("Marked as paid.")).to_be_visible()
    assert PayoutBatch.objects.get().status == "done"


def test_the_progress_of_a_batch_goes_on_by_itself_until_its_result_stands_there(opened, music, mara):
    batch = make_batch(music, by=mara, status="computing", affiliates_total=300, affiliates_done=100)
    page = opened(mara)
    page.goto(f"/manage/payouts/{batch.public_id}/")
    expect(page.get_by_text("100 of 300 affiliates")).to_be_visible()

    PayoutBatch.objects.filter(pk=batch.pk).update(affiliates_done=200)
    expect(page.get_by_text("200 of 300 affiliates")).to_be_visible()
    PayoutBatch.objects.filter(pk=batch.pk).update(status="draft", affiliates_done=300)
    expect(page.get_by_text("Nobody can be paid with this batch")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel the batch")).to_be_visible()


def test_home_draws_what_is_asked_for_and_fits_a_phone(opened, music, mara, ana):
    make_rule(music)
    make_commission(make_conversion(music, ana))
    page = opened(mara, width=390, color_scheme="dark")
    page.goto("/manage/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello Mara")
    expect(page.locator(".chart-canvas canvas")).to_be_visible()
    page.get_by_role("link", name="Clicks").first.click()
    expect(page.locator(".chart-legend")).to_contain_text("Clicks before")
    assert not too_wide(page)


def test_without_a_script_everything_can_be_read_and_prepared(opened, music, mara, ana, reviewed):
    set_payout_method(ana, by=owner_of(ana), type="paypal", currency="USD", details={"email": ana.email})
    approve_commissions(list(Commission.objects.values_list("pk", flat=True)), by=mara)
    page = opened(mara, java_script_enabled=False)

    page.goto("/manage/payouts/new/")
    page.get_by_label("Currency").fill("EUR")
    page.get_by_role("button", name="Count").click()
    assert "Nothing is payable in Music" in page.content()
    page.get_by_label("Currency").fill("USD")
    page.get_by_role("button", name="Count").click()
    page.get_by_role("button", name="Prepare this payout").click()
    assert "$600.00" in page.content()


def test_what_the_loop_by_hand_does_not_come_to_can_be_read_by_all(opened, music, hana, mara, ana, reviewed):
    [first, *others] = Commission.objects.order_by("pk")
    held = others.pop()
    hold_commissions([held.pk], by=mara, reason_code="fraud_check")
    approve_commissions([first.pk, *(commission.pk for commission in others[:40])], by=mara)
    page, found = opened(hana), {}
    for address in (f"commissions/{held.public_id}", "ledger/accounts", "ledger/proof"):
        page.goto(f"/manage/{address}/")
        found[address] = look_over(page)
    assert not any(found.values()), found
