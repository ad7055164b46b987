"""The affiliate's money, payouts and statements in the portal."""

import csv
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from commissions.models import Commission
from commissions.services import approve_commissions
from intake.services import record_conversions, record_refund
from payouts.models import Payout
from payouts.prospects import prospects
from payouts.queries import balances
from payouts.services import (
    approve_batch,
    cancel_batch,
    compute_batch,
    fail_payout,
    mark_batch_paid,
    prepare_batch,
    set_payout_method,
)
from payouts.services.batches import tell_payout
from tests.factories import (
    mails_to,
    make_affiliate,
    make_batch,
    make_commission,
    make_conversion,
    make_coupon,
    make_member,
    make_payout,
    make_program,
    make_rule,
    owner_of,
)
from tests.portal import MOST_QUERIES, file_of, member, queries_of, text_of
from tracking.conversions import ConversionInput
from tracking.models import Conversion

MONEY = "/portal/money/"


@pytest.fixture
def paid(music, mara, felix, ana):
    """Two statements: three sales and a refund of before; then a sale and a refund of one that was paid before."""
    make_rule(music, name="Standard", value="10")
    make_coupon(ana, music, code="ANA10")
    set_payout_method(ana, by=owner_of(ana), type="paypal", currency="USD", details={"email": "ana@tributary.example"})
    _earn(music, mara, {"order-1": "100.00", "order-2": "33.33", "order-3": "250.00"}, refund=("order-3", "r-1", "25.00"))
    first = _pay(music, mara, felix)
    _earn(music, mara, {"order-4": "400.00"}, refund=("order-2", "r-2", "11.11"))
    return first, _pay(music, mara, felix)


def _earn(music, mara, sales, refund):
    at = timezone.now() - timedelta(days=60)
    rows = [ConversionInput("sale", order, at, Decimal(amount), "USD", coupon="ANA10") for order, amount in sales.items()]
    record_conversions(music, rows, by=mara)
    order, number, amount = refund
    record_refund(Conversion.objects.get(external_id=order), external_id=number, amount=Decimal(amount), by=mara)
    approve_commissions(list(Commission.objects.pending().values_list("pk", flat=True)), by=mara)


def _pay(music, mara, felix) -> Payout:
    batch = compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk)
    mark_batch_paid(approve_batch(batch, by=felix), by=felix, reference="bank 7")
    return batch.payouts.get()


def test_a_statement_lists_every_commission_and_refund_with_the_exact_sum(paid, ana, as_person):
    first, second = paid

    page = text_of(as_person(ana).get(f"/portal/payouts/{first.public_id}/"))
    for told in ("Music", "PayPal a•••@tributary.example", "bank 7", first.public_id, "order-1", "order-2", "order-3", "r-1"):
        assert told in page, told
    for sum_told in ("$10.00", "$3.33", "$25.00", "$38.33", "−$2.50", "$35.83", "in this statement"):
        assert sum_told in page, sum_told
    assert "order-4" not in page

    page = text_of(as_person(ana).get(f"/portal/payouts/{second.public_id}/"))
    assert f'<a href="/portal/payouts/{first.public_id}/">' in page  # the payout that had paid what the refund takes back
    for sum_told in ("$40.00", "−$1.11", "$38.89"):
        assert sum_told in page, sum_told


def test_a_refund_after_payment_is_told_beside_its_order_until_a_payout_took_it_off(paid, ana, mara, as_person):
    def why(order: str) -> str:
        return text_of(as_person(ana).get(f"/portal/conversions/?q={order}"))

    assert "comes off your next payout" not in why("order-2") + why("order-3")  # the second statement took it off
    record_refund(Conversion.objects.get(external_id="order-1"), external_id="r-3", amount=Decimal("50.00"), by=mara)

    assert "It had been paid before the refund: $5.00 comes off your next payout." in why("order-1")


def test_a_payments_day_is_the_programs_whoever_reads_it(ana, as_person):
    tokyo = make_program(time_zone="Asia/Tokyo")
    midnight = datetime(2026, 3, 2, tzinfo=ZoneInfo("Asia/Tokyo"))  # 1 March where Ana is, in UTC
    payout = make_payout(make_batch(tokyo, status="done"), ana, "60.00", "paid", paid_at=midnight)

    tell_payout(payout)
    assert "was paid on 2 March 2026." in mails_to(ana.email)[0].body
    for path in (f"/portal/payouts/{payout.public_id}/", MONEY):
        page = text_of(as_person(ana).get(path))
        assert "Mar 2, 2026" in page
        assert "Mar 1, 2026" not in page


def test_the_statements_file_adds_up_to_the_payout(paid, ana, as_person):
    for payout in paid:
        lines = csv.DictReader(file_of(as_person(ana).get(f"/portal/payouts/{payout.public_id}/?export=csv")))
        rows = list(lines)
        assert sum(Decimal(row["sum"]) for row in rows) == payout.amount
        assert {row["sum_currency"] for row in rows} == {"USD"}
    refund = rows[-1]
    assert (refund["order"], refund["refund"], refund["amount"], refund["sum"], refund["earlier_payout"]) == (
        "order-2",
        "r-2",
        "11.11",
        "-1.11",
        paid[0].public_id,
    )


def test_a_statement_stays_as_it_was_after_later_refunds(paid, ana, mara, as_person):
    path = f"/portal/payouts/{paid[0].public_id}/?export=csv"
    before = file_of(as_person(ana).get(path))

    record_refund(Conversion.objects.get(external_id="order-1"), external_id="late", amount=Decimal("50.00"), by=mara)

    assert file_of(as_person(ana).get(path)) == before
    assert "−$5.00" in text_of(as_person(ana).get(MONEY))  # what was refunded after payment is set off next


def test_the_money_page_shows_balances_and_every_payout(paid, ana, as_person):
    page = text_of(as_person(ana).get(MONEY))

    for told in ("$74.72", "$35.83", "$38.89", "Paid to PayPal a•••@tributary.example."):
        assert told in page, told


def test_a_payout_that_is_being_prepared_shows_its_amount_alone(music, ana, as_person):
    make_rule(music)
    payout = make_payout(make_batch(music), ana, "50.00")
    commission = make_commission(make_conversion(music, ana, external_id="order-9"), decision="approved", amount="50.00")
    payout.lines.create(commission=commission, amount="50.00")
    client, path = as_person(ana), f"/portal/payouts/{payout.public_id}/"

    page = text_of(client.get(path))

    assert "Being prepared" in page and "$50.00" in page
    assert "order-9" not in page
    assert client.get(f"{path}?export=csv").status_code == 404
    assert "Being prepared" in text_of(client.get(MONEY))


@pytest.mark.parametrize(
    ("exception", "told"),
    [
        ("not_approved", "You were suspended in this program"),
        ("below_minimum", "Below the program’s minimum: carried to the next payout."),
        ("not_positive", "set off against what you earn next"),
        ("no_method", "There was no payout method in USD"),
        ("method_cooling_off", "The payout method had just been changed"),
    ],
)
def test_what_was_left_for_later_is_explained(exception, told, music, ana, as_person):
    payout = make_payout(make_batch(music), ana, "5.00", "skipped", exceptions=[exception])

    assert told in text_of(as_person(ana).get(MONEY))
    assert told in text_of(as_person(ana).get(f"/portal/payouts/{payout.public_id}/"))


def test_a_failed_payout_tells_its_reason_and_a_cancelled_batch_nothing(music, ana, bao, mara, felix, as_person):
    make_rule(music, value="10")
    for affiliate in (ana, bao):
        make_coupon(affiliate, music, code=affiliate.name)
        set_payout_method(affiliate, by=owner_of(affiliate), type="manual", currency="USD", details={})
    at = timezone.now() - timedelta(days=60)
    rows = [ConversionInput("sale", code, at, Decimal(900), "USD", coupon=code) for code in ("Ana", "Bao")]
    record_conversions(music, rows, by=mara)
    approve_commissions(list(Commission.objects.pending().values_list("pk", flat=True)), by=mara)
    batch = compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk)
    failed, cancelled = batch.payouts.get(affiliate=ana), batch.payouts.get(affiliate=bao)

    fail_payout(failed, by=mara, reason="The account is closed.")
    assert "Reason: The account is closed." in text_of(as_person(ana).get(MONEY))
    cancel_batch(batch, by=mara)

    assert "No payouts yet" in text_of(as_person(bao).get(MONEY))
    assert as_person(bao).get(f"/portal/payouts/{cancelled.public_id}/").status_code == 404


def test_the_next_payout_says_how_much_is_missing_and_when_more_comes(music, ana, as_person):
    make_rule(music)
    make_commission(make_conversion(music, ana), decision="approved", amount="13.80")
    soon = timezone.now() + timedelta(days=3)
    make_commission(make_conversion(music, ana), decision="approved", amount="30.00", payable_at=soon)
    make_commission(make_conversion(music, ana), decision="approved", amount="1.00", payable_at=soon + timedelta(days=9))

    page = text_of(as_person(ana).get(MONEY))

    assert "$6.20" in page and "to go until the minimum of" in page
    assert "$31.00" in page and f'datetime="{soon:%Y-%m-%d}"' in page


def test_what_is_being_paid_just_now_comes_before_what_comes_after(music, ana, as_person):
    make_payout(make_batch(music), ana, "42.00")

    page = text_of(as_person(ana).get("/portal/"))
    page = page[page.index("Next payout") :]

    assert page.index("$42.00") < page.index("You get a mail once it has been paid.") < page.index("The one after")


def test_what_is_due_without_a_method_asks_for_one(music, ana, as_person):
    make_rule(music)
    make_commission(make_conversion(music, ana), decision="approved", amount="25.00")

    assert "there is no payout method in USD" in text_of(as_person(ana).get(MONEY))
    leader = text_of(member(ana, "leader").get(MONEY))
    assert "An owner or a finance person of your account can set one." in leader
    assert "/portal/payout-method/" not in leader


def test_another_affiliates_payout_is_not_there(paid, bao, as_person):
    for payout in paid:
        assert as_person(bao).get(f"/portal/payouts/{payout.public_id}/").status_code == 404
        assert as_person(bao).get(f"/portal/payouts/{payout.public_id}/?export=csv").status_code == 404
    assert paid[0].public_id not in text_of(as_person(bao).get(MONEY))


@pytest.mark.parametrize(("function", "may"), [("owner", True), ("finance", True), ("leader", True), ("marketing", False)])
def test_who_sees_the_money(function, may, paid, ana):
    client = member(ana, function)

    for path in (MONEY, f"/portal/payouts/{paid[0].public_id}/", f"/portal/payouts/{paid[0].public_id}/?export=csv"):
        assert client.get(path).status_code == (200 if may else 403), path
    assert (f'href="{MONEY}"' in text_of(client.get("/portal/links/"))) is may


def test_whoever_belongs_to_no_affiliate_is_refused(paid, otto, felix, as_person):
    for person in (otto, felix):
        for path in (MONEY, f"/portal/payouts/{paid[0].public_id}/"):
            assert as_person(person).get(path).status_code == 403


def test_somebody_in_two_accounts_sees_one_at_a_time(paid, ana, bao, as_person):
    """The one chosen in the session; the other's statement is not there."""
    make_member(bao, owner_of(ana))
    client = as_person(owner_of(ana))
    path = f"/portal/payouts/{paid[0].public_id}/"
    assert client.get(path).status_code == 200

    session = client.session
    session["affiliate"] = bao.pk
    session.save()

    assert client.get(path).status_code == 404


def test_the_pages_run_as_many_queries_for_a_hundred_rows_as_for_one(music, ana, as_person):
    make_rule(music)
    client, counts = as_person(ana), {}
    for number in (1, 100):
        payout = make_payout(make_batch(music, status="done"), ana, "1.00", "paid")
        while payout.lines.count() < number:
            commission = make_commission(make_conversion(music, ana), decision="approved")
            payout.lines.create(commission=commission, amount=commission.amount)
        while ana.payouts.count() < number:
            make_payout(make_batch(music, status="done"), ana, "1.00", "paid")
        counts[number] = [queries_of(client, path) for path in (MONEY, f"/portal/payouts/{payout.public_id}/")]

    assert counts[1] == counts[100]
    assert max(counts[1]) <= MOST_QUERIES


def test_next_payouts_add_up_to_the_balances(paid, ana, music, mara):
    """The two statements of SQL say the same of what is open."""
    record_refund(Conversion.objects.get(external_id="order-1"), external_id="late", amount=Decimal("50.00"), by=mara)
    _earn(music, mara, {"order-5": "70.00"}, refund=("order-5", "r-5", "7.00"))
    later = make_commission(make_conversion(music, ana), decision="approved", amount="9.00")
    Commission.objects.filter(pk=later.pk).update(payable_at=timezone.now() + timedelta(days=5))
    make_commission(make_conversion(music, ana), amount="3.00")

    [balance] = balances(ana.pk)
    [prospect] = prospects(ana.pk, [music], [])

    assert (prospect.payable, prospect.on_its_way, prospect.preparing) == (balance.payable, balance.approved, balance.in_payout)
    assert (prospect.payable, prospect.on_its_way) == (Decimal("1.30"), Decimal("9.00"))


def test_each_program_has_its_own_next_payout(music, ana, as_person):
    films = make_program("films", name="Films", currency="EUR", minimum_payout="0")
    make_rule(films)
    make_commission(make_conversion(films, ana), decision="approved", amount="4.00")

    page = text_of(as_person(ana).get(MONEY))

    assert "Films" in page and "€4.00" in page
    assert "$20.00" in page  # of Music nothing is earned yet


def test_a_new_affiliate_is_taught(db, as_person):
    page = text_of(as_person(make_affiliate("new@tributary.example", "New", owner=True)).get(MONEY))

    assert "No payouts yet" in page and "No payout method yet" in page
