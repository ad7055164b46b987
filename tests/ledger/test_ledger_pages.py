"""The ledger's pages: what accounts hold, every transfer, and the proof."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from intake.services import record_refund
from payouts.services import approve_batch, compute_batch, mark_batch_paid, prepare_batch, set_payout_method
from payouts.verification import INVARIANTS
from tests.factories import earn, make_affiliate, make_commission, make_conversion, owner_of

pytestmark = pytest.mark.django_db
LIST = "/manage/ledger/"


def shown(response) -> list:
    return [row.object for row in response.context["listing"].rows]


@pytest.fixture
def history(music, mara, felix, ana, bao):
    """Ana was paid 40.00 and is owed 25.00; of Bao's 30.00 a third was taken back."""
    set_payout_method(ana, by=owner_of(ana), type="paypal", currency="USD", details={"email": ana.email})
    earn(music, ana, mara, "40.00")
    batch = compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk)
    mark_batch_paid(approve_batch(batch, by=felix), by=felix)
    earn(music, ana, mara, "25.00")
    reversed_one = earn(music, bao, mara, "30.00", sale="100.00")
    record_refund(reversed_one.conversion, external_id="r1", amount=Decimal("33.33"), by=mara)


def test_the_page_says_in_words_that_it_balances(as_person, felix, history):
    text = as_person(felix).get(LIST).content.decode()
    assert "$85.00 were earned: $45.00 are owed, $0.00 are in payouts not paid yet, $40.00 are paid." in text


def test_transfers_are_found_by_kind_affiliate_and_cause(as_person, felix, ana, bao, history):
    browser = as_person(felix)

    def kinds(**query):
        return sorted(transfer.kind for transfer in shown(browser.get(LIST, query)))

    assert kinds() == ["earned", "earned", "earned", "paid", "reserved", "reversed"]
    assert kinds(kind="earned") == ["earned"] * 3
    assert kinds(affiliate=bao.public_id) == ["earned", "reversed"]
    assert kinds(affiliate=ana.public_id, kind="paid") == ["paid"]
    first = shown(browser.get(LIST, {"sort": "at"}))[0]
    assert [transfer.key for transfer in shown(browser.get(LIST, {"q": first.key}))] == [first.key]
    assert kinds(at_from=timezone.localdate().isoformat()) == ["paid", "reserved", "reversed"]


def test_a_transfer_leads_to_its_cause(as_person, felix, ana, history):
    text = as_person(felix).get(LIST).content.decode()
    commission = ana.commissions.first()
    assert f'href="/manage/commissions/{commission.public_id}/"' in text
    assert f'href="/manage/payouts/statements/{ana.payouts.get().public_id}/"' in text


def test_causes_are_told_in_words_and_found_by_their_ids(as_person, felix, ana, bao, history):
    browser = as_person(felix)
    commission, payout = bao.commissions.get(), ana.payouts.get()
    reversal = commission.reversals.get()
    text = browser.get(LIST).content.decode()
    for words in (
        f"Commission {commission.public_id}",
        f"Refund of a commission {reversal.public_id}",
        f"Payout {payout.public_id}",
    ):
        assert words in text
    assert f"commission:{commission.pk}" not in text

    def found(text):
        return sorted(transfer.kind for transfer in shown(browser.get(LIST, {"q": text})))

    assert found(commission.public_id) == ["earned"]
    assert found(reversal.public_id) == ["reversed"]
    assert found(payout.public_id) == ["paid", "reserved"]
    assert found("com_nothing") == []
    file = b"".join(browser.get(LIST, {"export": "csv"}).streaming_content).decode("utf-8-sig")
    assert f"Commission {commission.public_id}" in file and f"commission:{commission.pk}" in file


def test_accounts_hold_what_came_in_less_what_went_out(as_person, felix, history):
    accounts = shown(as_person(felix).get(f"{LIST}accounts/"))
    held = {(account.kind, str(account.affiliate or "")): account.balance for account in accounts}

    assert held == {
        ("expense", ""): Decimal("-85"),
        ("paid_out", ""): Decimal("40"),
        ("owed", "Ana"): Decimal("25"),
        ("in_payout", "Ana"): Decimal("0"),
        ("owed", "Bao"): Decimal("20"),
    }
    assert sum(held.values()) == 0


def test_the_proof_names_every_statement_and_that_it_holds(as_person, felix, history):
    page = as_person(felix).get(f"{LIST}proof/")
    text = page.content.decode()

    assert "Everything holds." in text
    assert text.count("Holds</span>") == len(INVARIANTS)


def test_a_broken_statement_is_shown_with_its_rows_to_those_who_see_every_program(as_person, felix, hana, music, ana):
    broken = make_commission(make_conversion(music, ana), decision="approved", amount="12.34")  # a row alone: never posted

    for person, sees_rows in ((hana, True), (felix, False)):
        text = as_person(person).get(f"{LIST}proof/").content.decode()
        assert "1 statement does not hold" in text
        assert ("12.3400" in text) == sees_rows, broken.pk


def test_another_programs_ledger_is_not_there(as_person, nils, history):
    browser = as_person(nils)
    page = browser.get(LIST)

    assert shown(page) == [] and page.context["sheets"] == []
    assert shown(browser.get(f"{LIST}accounts/")) == []


@pytest.mark.parametrize(
    ("role", "sees", "proves"),
    [("hana", 200, 200), ("felix", 200, 200), ("mara", 200, 403), ("sofia", 200, 403), ("jun", 403, 403)],
)
def test_who_reads_and_who_proves(request, as_person, role, sees, proves):
    browser = as_person(request.getfixturevalue(role))
    assert browser.get(LIST).status_code == browser.get(f"{LIST}accounts/").status_code == sees
    assert browser.get(f"{LIST}proof/").status_code == proves
    if sees == 200:
        assert (f"{LIST}proof/" in browser.get(LIST).content.decode()) == (proves == 200)


def test_pages_take_as_many_queries_at_one_row_as_at_a_hundred(as_person, hana, mara, music, books, nils, ana):
    browser = as_person(hana)
    earn(music, ana, hana, "10.00")

    def counts() -> list[int]:
        found = []
        for address in (LIST, f"{LIST}accounts/"):
            browser.get(address)
            with CaptureQueriesContext(connection) as queries:
                browser.get(address)
            found.append(len(queries))
        return found

    one = counts()
    for _ in range(55):
        earn(music, make_affiliate(), hana, "10.00")
        earn(books, ana, hana, "10.00")
    assert one == counts()
    assert max(one) <= 12
