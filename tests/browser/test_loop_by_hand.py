"""The loop by hand, as new users would: from an empty Tributary to affiliates who are paid, and to what refunds take back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from playwright.sync_api import Browser, expect

from tests.browser.stage import Person, Stage
from tests.live import LiveStack, processes_of, started_stack

pytestmark = pytest.mark.browser
PASSWORD = "a sentence is easy to remember"
LANDING = "https://shop.example/welcome?ref=1#top"


@pytest.fixture(scope="module")
def live_stack(prepared_data: Path) -> Iterator[LiveStack]:
    """One of its own: the first page of an empty Tributary asks for its first program."""
    with started_stack(prepared_data) as stack:
        yield stack


@pytest.fixture
def stage(live_stack: LiveStack, browser: Browser) -> Stage:
    return Stage(browser, live_stack.base_url)


def test_the_loop_by_hand(stage: Stage, live_stack: LiveStack) -> None:
    ada = first_admin(stage, live_stack)
    mara = appointed(stage, ada, "Mara", "Affiliate manager")
    felix = appointed(stage, ada, "Felix", "Finance")
    a_program_with_an_offer_and_a_rule(mara)
    ana = affiliate(stage, mara, "Ana Weber")
    a_link_with_its_qr_code(ana, live_stack)
    a_payout_method(ana, "Bank transfer", {"Account holder": "Ana Weber", "IBAN": "DE89 3704 0044 0532 0130 00"})
    bao = affiliate(stage, mara, "Bao Nguyen")
    a_payout_method(bao, "PayPal", {"E-mail": "bao@by-hand.example"})
    affiliate(stage, mara, "Citra Lestari")
    shop = Shop(live_stack, a_key(ada))

    a_sale_is_pending_at_once_and_says_why(mara, ana, shop)
    commissions_are_approved_one_many_and_by_filter(mara, ana, shop)
    second = a_part_comes_back(mara, ana, shop)
    a_batch_is_prepared_before_ones_eyes(mara, live_stack)
    finance_approves_and_pays(felix, "€18.33", "bank-order-77")
    the_affiliate_sees_it(ana, ada)
    the_rest_comes_back_and_is_set_off_next(mara, felix, ana, shop, second)
    for person in (ada, ana):
        every_page_of_the_menu(person)

    assert "invariants proved" in live_stack.manage("ledger_verify")
    assert stage.complaints == []


# The people


def first_admin(stage: Stage, live_stack: LiveStack) -> Person:
    account = {"DJANGO_SUPERUSER_EMAIL": "ada@by-hand.example", "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    live_stack.manage("createsuperuser", "--noinput", environ=account)
    ada = stage.person("ada@by-hand.example", PASSWORD)
    ada.open("/")
    ada.open("/manage/")
    ada.sign_in()
    ada.sees("mails are kept here and sent to nobody")
    return ada


def newest_mail(reader: Person, to: str, subject: str) -> None:
    """Open the newest mail to somebody, where mails are kept."""
    reader.open(f"/manage/mails/?q={to}")
    reader.sees("kept here and not sent")
    reader.follow(subject)
    reader.sees(to)


def link_in(mail: Person) -> str:
    return mail.main.locator(".card-body a[href^=http]").first.inner_text()


def appointed(stage: Stage, ada: Person, name: str, role: str) -> Person:
    """Ada appoints somebody, who opens the link of the mail, chooses a password and is in."""
    email = f"{name.lower()}@by-hand.example"
    ada.open("/manage/team/")
    ada.follow("Appoint")
    ada.write("E-mail", email)
    ada.write("Name", name)
    ada.choose("Role", role)
    ada.press("Appoint")
    ada.sees(f"{name} was appointed.")
    newest_mail(ada, email, "You are a member of the affiliate team")

    person = stage.person(email, PASSWORD)
    person.open(link_in(ada))
    person.write("New password", PASSWORD)
    person.write("The same once more", PASSWORD)
    person.press("Save and sign in")
    expect(person.heading).to_have_text(f"Hello {name}")
    return person


def affiliate(stage: Stage, mara: Person, name: str) -> Person:
    """Mara adds an affiliate, who opens the invitation, sets a password and sees the portal."""
    first, email = name.split()[0], f"{name.split()[0].lower()}@by-hand.example"
    mara.open("/manage/affiliates/new/")
    mara.write("Name", name)
    mara.write("E-mail", email)
    mara.press("Add the affiliate")
    mara.sees(f"an invitation went to {email}", "Approved")
    newest_mail(mara, email, f"Invitation to the affiliate account of {name}")

    person = stage.person(email, PASSWORD)
    person.open(link_in(mara))
    person.write("Your name", first)
    person.write("Choose a password", PASSWORD)
    person.press("Join")
    expect(person.heading).to_have_text(f"Hello {first}")
    person.sees("Set where you are paid in EUR", "Make your first link", "Nothing earned yet")
    return person


def a_payout_method(person: Person, way: str, details: dict[str, str]) -> None:
    person.open("/portal/")
    person.follow("Set a payout method", person.main)
    person.follow(way)
    person.write("Password", PASSWORD)
    person.press("Confirm")
    for label, value in details.items():
        person.write(label, value)
    person.press("Save")
    person.sees("For what you earn in EUR", "Active")


# What they set up


def a_program_with_an_offer_and_a_rule(mara: Person) -> None:
    """Each page says what is still missing, until nothing is."""
    mara.follow("Make a program")
    for label, value in {"Name": "Autumn music", "Minimum payout": "10", "Hold": "14", "Window": "30"}.items():
        mara.write(label, value)
    mara.choose("Currency", "EUR · Euro")
    mara.choose("Time zone", "Europe/Berlin")
    mara.press("Make the program")
    mara.sees("What this program still needs", "14 days", "€10.00")

    mara.follow("Add an offer", mara.main)
    mara.write("Name", "Shop")
    mara.write("Landing page", LANDING)
    mara.press("Add the offer")

    mara.follow("Add a rule", mara.main)
    mara.write("Value", "10")
    mara.write("From", f"{datetime.now(UTC) - timedelta(days=40):%Y-%m-%dT%H:%M}")
    mara.press("Add the rule")
    mara.sees("The rule “Every sale” stands.")


def a_link_with_its_qr_code(ana: Person, live_stack: LiveStack) -> None:
    ana.follow("Make a link", ana.main)
    ana.write("Your own code", "by-hand-ana")
    ana.press("Make the link")
    address = f"{live_stack.click_url}/r/by-hand-ana"
    ana.page.get_by_role("button", name="Copy the link").click()
    assert ana.page.evaluate("navigator.clipboard.readText()") == address
    assert ana.page.get_by_alt_text(f"QR code of {address}").evaluate(
        "image => image.decode().then(() => image.naturalWidth > 0)"
    )


def a_key(ada: Person) -> str:
    ada.open("/manage/settings/keys/")
    ada.follow("Make a key", ada.main)
    ada.write("Name", "Shop")
    ada.choose("Role", "Engineer")
    ada.choose("Program", "Autumn music")
    ada.press("Make the key")
    return ada.main.locator("code").first.inner_text()


class Shop:
    """What brings visitors' sales over the API."""

    def __init__(self, live_stack: LiveStack, key: str) -> None:
        self.live_stack, self.headers = live_stack, {"Authorization": f"Bearer {key}"}

    def click(self, code: str) -> str:
        answer = requests.get(f"{self.live_stack.click_url}/r/{code}", allow_redirects=False, timeout=10)
        assert answer.status_code == 302 and answer.headers["Location"].startswith("https://shop.example/welcome?ref=1&")
        [click_id] = parse_qs(urlsplit(answer.headers["Location"]).query)["click_id"]
        return click_id

    def post(self, path: str, **body: object) -> dict:
        answer = requests.post(f"{self.live_stack.base_url}/api/v1{path}", json=body, headers=self.headers, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def sale(self, order: str, amount: str, **more: str) -> str:
        sale = {"event": "sale", "external_id": order, "amount": amount, "currency": "EUR"}
        return self.post("/conversions", program="autumn-music", **sale, **more)["id"]

    def sales(self, code: str, number: int) -> None:
        sale = {"program": "autumn-music", "event": "sale", "amount": "10.00", "currency": "EUR", "click_id": self.click(code)}
        self.post("/conversions/batch", conversions=[{**sale, "external_id": f"{code}-{n}"} for n in range(number)])

    def refund(self, sale: str, refund: str, amount: str) -> None:
        self.post(f"/conversions/{sale}/refunds", external_id=refund, amount=amount, reason="Came back")


# The loop


def a_sale_is_pending_at_once_and_says_why(mara: Person, ana: Person, shop: Shop) -> None:
    shop.sale("order-1", "120.00", click_id=shop.click("by-hand-ana"))
    ana.open("/portal/")
    ana.sees("Pending", "€12.00", "order-1")
    why = "10% of €120.00 (order order-1) is €12.00, by rule “Every sale”, version 1"
    ana.open("/portal/conversions/")
    ana.unfold("Why?")
    ana.sees("The customer came through your link “by-hand-ana”.", why)
    mara.open("/manage/conversions/")
    mara.enter("order-1")
    mara.sees("by-hand-ana", "€12.00")
    mara.open("/manage/commissions/")
    mara.enter("order-1")
    mara.sees("Pending", why, "Nothing yet: the ledger starts at approval.")


def commissions_are_approved_one_many_and_by_filter(mara: Person, ana: Person, shop: Shop) -> None:
    """One, whose hold has begun; two of a coupon, whose hold is over; 60 of a filter, in a program that no longer holds."""
    mara.press("Approve", sure=True)
    mara.sees("1 commission approved.", "14 days after the sale", "Owed to the affiliate")

    mara.open("/manage/affiliates/?q=Bao")
    mara.enter("Bao Nguyen")
    coupon = mara.unfold("Coupon")
    coupon.get_by_label("Coupon").fill("BAO10")
    mara.press("Add the coupon", coupon)
    then = (datetime.now(UTC) - timedelta(days=20)).isoformat()
    shop.sale("bao-1", "30.00", coupon="bao10", occurred_at=then)
    shop.sale("bao-2", "40.00", coupon="bao10", occurred_at=then)
    mara.open("/manage/commissions/?q=Bao")
    mara.page.get_by_label("Select all rows of this page").check()
    mara.press("Approve", sure=True)
    mara.sees("2 commissions approved.")
    expect(mara.row("bao-2")).to_contain_text("Payable")

    mara.open("/manage/programs/autumn-music/edit/")
    mara.write("Hold", "0")
    mara.press("Save")
    mara.open("/manage/affiliates/?q=Citra")
    mara.enter("Citra Lestari")
    link = mara.unfold("Link")
    link.get_by_label("Code").fill("by-hand-citra")
    mara.press("Make the link", link)
    shop.sales("by-hand-citra", 60)
    mara.open("/manage/commissions/?state=pending")
    mara.unfold("Affiliate")
    mara.page.locator("details[open]").get_by_label("Affiliate").select_option(label="Citra Lestari")
    mara.page.locator("details[open]").get_by_role("button", name="Apply").click()
    expect(mara.page.locator("summary").filter(has_text="Citra Lestari")).to_be_visible()  # the list has come anew
    mara.page.get_by_label("Select all rows of this page").check()
    mara.page.get_by_label("All 60 that match").check()
    mara.press("Approve", sure=True)
    mara.sees("60 commissions approved.")


def a_part_comes_back(mara: Person, ana: Person, shop: Shop) -> str:
    """A third of an order, before it is paid: 20.00 × 66.66 ÷ 199.99 is 6.67."""
    second = shop.sale("order-2", "199.99", click_id=shop.click("by-hand-ana"))
    shop.sale("order-3", "50.00", click_id=shop.click("by-hand-ana"))
    mara.open("/manage/commissions/?state=pending")
    mara.page.get_by_label("Select all rows of this page").check()
    mara.press("Approve", sure=True)
    shop.refund(second, "return-1", "66.66")
    mara.open("/manage/commissions/?q=order-2")
    mara.enter("order-2")
    mara.sees("€6.67 of it were taken back after refunds", "return-1", "€13.33")
    ana.open("/portal/money/")
    ana.sees("€18.33", "Taken back by refunds so far: €6.67", "€12.00")
    return second


@contextmanager
def workers_asleep(live_stack: LiveStack) -> Iterator[None]:
    """What a batch waits for: Celery's workers stop breathing, and go on when the context ends."""
    workers = [pid for pid, command in processes_of(Path(live_stack.data)).items() if "config.runtime.worker" in command]
    assert workers
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)


def a_batch_is_prepared_before_ones_eyes(mara: Person, live_stack: LiveStack) -> None:
    """The page follows the worker by itself; then it shows lines, minimums not reached and methods missing."""
    mara.open("/manage/payouts/")
    mara.follow("Prepare a payout", mara.main)
    mara.sees("to 1 affiliate of Autumn music", "Below the program's minimum", "No payout method in this currency")
    with workers_asleep(live_stack):
        mara.press("Prepare this payout")
        mara.sees("Being computed", "You may leave this page and come back")
    mara.sees("You made this batch, so another person approves it")
    mara.look()
    expect(mara.row("Ana Weber")).to_contain_text("€18.33")
    expect(mara.row("Bao Nguyen")).to_contain_text("€7.00 of at least €10.00")
    expect(mara.row("Citra Lestari")).to_contain_text("No payout method in this currency")
    expect(mara.page.get_by_role("button", name="Approve")).to_have_count(0)
    mara.enter("Ana Weber")
    for line in ("€20.00", "€5.00", "−€6.67"):
        expect(mara.row(line)).to_have_count(1)


def finance_approves_and_pays(felix: Person, amount: str, reference: str) -> None:
    felix.open("/manage/")
    felix.sees("made by Mara")
    felix.follow("Approve", felix.main)
    felix.press("Approve", sure=True)
    felix.press("Start the payment", sure=True)
    with felix.page.expect_download() as download:
        felix.page.get_by_role("link", name="Payment file").click()
    [names, payment] = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    paid = dict(zip(names.split(","), payment.split(","), strict=True))
    assert (paid["affiliate"], paid["amount"], paid["account"]) == ("Ana Weber", amount.strip("€"), "DE89370400440532013000")
    panel = felix.unfold("Mark as paid")
    panel.get_by_label("Reference").fill(reference)
    felix.press("Mark as paid", panel, sure=True)
    felix.sees("Marked as paid.", reference, amount)


def the_affiliate_sees_it(ana: Person, ada: Person) -> None:
    newest_mail(ada, "ana@by-hand.example", "Autumn music has paid you €18.33")
    ana.open(link_in(ada))
    ana.sees("Statement", "bank-order-77", "order-2", "€20.00", "return-1", "−€6.67", "€18.33")
    ana.open("/portal/money/")
    ana.enter("€18.33")


def the_rest_comes_back_and_is_set_off_next(mara: Person, felix: Person, ana: Person, shop: Shop, second: str) -> None:
    """13.33 that was paid is owed back, and the next payout of 30.00 takes it."""
    shop.refund(second, "return-2", "133.33")
    ana.open("/portal/money/")
    ana.sees("−€13.33", "set off against what you earn next; you owe nothing")
    shop.sale("order-4", "300.00", click_id=shop.click("by-hand-ana"))
    mara.open("/manage/commissions/?q=order-4")
    mara.enter("order-4")
    mara.press("Approve", sure=True)
    mara.open("/manage/payouts/new/")
    mara.press("Prepare this payout")
    mara.sees("You made this batch")
    finance_approves_and_pays(felix, "€16.67", "bank-order-78")

    ana.open("/portal/money/")
    earlier = ana.row("€18.33").get_by_role("link").first.get_attribute("href") or ""
    ana.enter("€16.67")
    ana.sees("bank-order-78", "€30.00", "return-2", "−€13.33", "€16.67")
    assert earlier.rstrip("/").endswith(ana.row("return-2").get_by_role("link").inner_text())


def every_page_of_the_menu(person: Person) -> None:
    """With the story's data on them; pages that somebody saw on the way are not looked over again."""
    person.open("/manage/" if "/manage/" in person.page.url else "/portal/")
    seen: set[str] = set()
    found = _menu_of(person)
    while left := found - seen:
        path = min(left)
        person.open(path)
        seen.add(path)
        found |= _menu_of(person)  # what stands under an entry is shown once it is opened


def _menu_of(person: Person) -> set[str]:
    links = person.page.get_by_role("navigation", name="Main").first.get_by_role("link")
    return set(links.evaluate_all("links => links.map((link) => link.getAttribute('href'))"))
