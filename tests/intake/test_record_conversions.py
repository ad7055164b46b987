"""Conversions come in: once, whoever brings them how often; credited by evidence; nothing dropped."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from affiliates.models import Enrollment
from commissions.models import Commission
from core.errors import Conflict
from core.models import Event
from intake.services import (
    IntakeError,
    Recorded,
    Rejected,
    credit_late_clicks,
    record_conversions,
    record_refund,
)
from payouts.verification import verify_ledger
from tests.factories import make_affiliate, make_click, make_coupon, make_link, make_rule
from tracking.conversions import ConversionInput
from tracking.models import Click, Conversion, Customer
from tracking.partitions import make_partitions

NOW = timezone.now()


def sale(external_id: str = "order-1", amount: str = "100.00", **fields) -> ConversionInput:
    fields = {"occurred_at": NOW - timedelta(hours=1), "currency": "USD", "event": "sale", **fields}
    return ConversionInput(external_id=external_id, amount=Decimal(amount), **fields)


def record(program, by, *rows):
    return record_conversions(program, rows, by=by)


@pytest.fixture
def rule(music):
    return make_rule(music)


@pytest.mark.django_db
class TestAttribution:
    def credited(self, program, by, row) -> tuple:
        [answer] = record(program, by, row)
        conversion = Conversion.objects.get(pk=answer.id)
        return conversion.affiliate, conversion.source, conversion.reason

    def test_a_click_within_the_window_credits_its_affiliate(self, music, music_offer, mara, ana):
        click = make_click(make_link(ana, music_offer), at=NOW - timedelta(days=44))

        assert self.credited(music, mara, sale(click_id=str(click))) == (ana, "click", "click")

    def test_a_click_older_than_the_window_credits_nobody_and_says_so(self, music, music_offer, mara, ana):
        click = make_click(make_link(ana, music_offer), at=NOW - timedelta(days=46))

        assert self.credited(music, mara, sale(click_id=str(click))) == (None, "", "click_expired")

    def test_a_sale_before_its_click_credits_nobody(self, music, music_offer, mara, ana):
        click = make_click(make_link(ana, music_offer), at=NOW - timedelta(minutes=30))

        assert self.credited(music, mara, sale(click_id=str(click))) == (None, "", "click_after_sale")

    def test_a_shop_that_cuts_the_seconds_off_still_credits_the_click(self, music, music_offer, mara, ana):
        click = make_click(make_link(ana, music_offer), at=NOW.replace(microsecond=700_000))

        assert self.credited(music, mara, sale(click_id=str(click), occurred_at=NOW.replace(microsecond=0)))[0] == ana

    def test_a_click_of_another_program_is_foreign(self, music, books_offer, mara, ana):
        click = make_click(make_link(ana, books_offer), at=NOW - timedelta(days=1))

        assert self.credited(music, mara, sale(click_id=str(click))) == (None, "", "click_of_another_program")

    @pytest.mark.parametrize("given", ["0192f0c0-0000-7000-8000-000000000000", "nonsense", "1" * 4000, "{}", "тест"])
    def test_an_unknown_click_credits_nobody(self, music, mara, given):
        assert self.credited(music, mara, sale(click_id=given)) == (None, "", "click_unknown")

    def test_a_click_through_a_paused_link_was_never_credited(self, music, music_offer, mara, ana):
        click = make_click(make_link(ana, music_offer), at=NOW - timedelta(days=1), outcome=1)

        assert self.credited(music, mara, sale(click_id=str(click))) == (None, "", "click_not_credited")

    def test_a_click_of_the_future_credits_nobody(self, music, music_offer, mara, ana):
        click = make_click(make_link(ana, music_offer), at=NOW + timedelta(days=3))  # a click server's clock was wrong

        assert self.credited(music, mara, sale(click_id=str(click))) == (None, "", "click_after_sale")

    def test_a_click_that_is_gone_is_unknown(self, music, music_offer, mara, ana):
        click = make_click(make_link(ana, music_offer), at=NOW - timedelta(days=1))
        Click.objects.filter(pk=click).delete()  # as when its day's partition was dropped

        assert self.credited(music, mara, sale(click_id=str(click))) == (None, "", "click_unknown")

    def test_pausing_a_link_takes_nothing_from_the_clicks_before(self, music, music_offer, mara, ana):
        link = make_link(ana, music_offer)
        click = make_click(link, at=NOW - timedelta(days=1))
        type(link).objects.update(status="paused")

        assert self.credited(music, mara, sale(click_id=str(click))) == (ana, "click", "click")

    def test_a_suspended_affiliate_stops_earning_at_that_moment(self, music, music_offer, mara, ana):
        click = make_click(make_link(ana, music_offer), at=NOW - timedelta(days=1))
        Enrollment.objects.filter(affiliate=ana, program=music).update(status="suspended")

        assert self.credited(music, mara, sale(click_id=str(click))) == (None, "", "affiliate_not_approved")

    def test_a_coupon_counts_in_any_case_where_the_click_does_not_hold(self, music, mara, bao):
        make_coupon(bao, music, code="Bao10")

        assert self.credited(music, mara, sale(coupon="bAO10", click_id="nonsense")) == (bao, "coupon", "coupon")
        assert Conversion.objects.get().given["tried"] == ["click_unknown"]

    @pytest.mark.parametrize(("code", "given"), [("Straße10", "straße10"), ("ışık", "ışık"), ("ǆ5", "ǆ5")])
    def test_a_coupon_of_any_script_is_found(self, music, mara, bao, code, given):
        make_coupon(bao, music, code=code)

        assert self.credited(music, mara, sale(coupon=given))[0] == bao

    def test_a_paused_coupon_and_one_that_is_gone_credit_nobody(self, music, mara, bao):
        make_coupon(bao, music, code="BAO10", status="paused")

        assert self.credited(music, mara, sale("o1", coupon="BAO10")) == (None, "", "coupon_paused")
        assert self.credited(music, mara, sale("o2", coupon="GONE")) == (None, "", "coupon_unknown")

    def test_a_coupon_of_another_program_is_none(self, music, books, mara, ana):
        make_coupon(ana, books, code="ANA10")

        assert self.credited(music, mara, sale(coupon="ANA10")) == (None, "", "coupon_unknown")

    def test_a_coupon_of_a_suspended_affiliate_credits_nobody(self, music, mara, ana):
        make_coupon(ana, music, code="ANA10")
        Enrollment.objects.filter(affiliate=ana, program=music).update(status="suspended")

        assert self.credited(music, mara, sale(coupon="ANA10")) == (None, "", "affiliate_not_approved")

    def test_a_later_sale_follows_the_customers_first_affiliate(self, music, mara, ana):
        make_coupon(ana, music, code="ANA")
        self.credited(music, mara, sale("o1", coupon="ANA", customer="c1"))

        assert self.credited(music, mara, sale("o2", customer="c1")) == (ana, "customer", "customer")

    def test_a_sale_from_before_the_tie_does_not_follow_it(self, music, mara, ana):
        make_coupon(ana, music, code="ANA")
        self.credited(music, mara, sale("o1", coupon="ANA", customer="c1"))

        old = sale("o0", customer="c1", occurred_at=NOW - timedelta(days=700))
        assert self.credited(music, mara, old) == (None, "", "sale_before_tie")

    def test_under_last_click_a_new_click_wins_over_the_tie_and_under_first_click_the_tie_wins(
        self, music, music_offer, mara, ana, bao
    ):
        make_coupon(ana, music, code="ANA")
        click = str(make_click(make_link(bao, music_offer), at=NOW - timedelta(days=1)))
        self.credited(music, mara, sale("o1", coupon="ANA", customer="c1"))

        assert self.credited(music, mara, sale("o2", click_id=click, customer="c1"))[0] == bao
        music.attribution_model = "first_click"
        music.save()
        assert self.credited(music, mara, sale("o3", click_id=click, customer="c1"))[0] == ana
        assert Customer.objects.get().affiliate == ana

    def test_within_one_set_the_earliest_ties_the_customer_whatever_the_order_of_rows(self, music, mara, ana, bao):
        make_coupon(ana, music, code="ANA")
        make_coupon(bao, music, code="BAO")
        late = sale("late", coupon="BAO", customer="c1", occurred_at=NOW - timedelta(hours=2))
        early = sale("early", coupon="ANA", customer="c1", occurred_at=NOW - timedelta(hours=3))
        plain = sale("plain", customer="c1")

        record(music, mara, plain, late, early)

        assert Conversion.objects.get(external_id="plain").affiliate == ana


@pytest.mark.django_db
class TestLateClicks:
    """Sales whose click was still in a click server's spool when they came."""

    @pytest.fixture
    def spooled(self, music_offer, ana):
        """A click of Ana's that is not in the table yet; calling it brings the click there."""
        click = Click.objects.get(pk=make_click(make_link(ana, music_offer), at=NOW - timedelta(days=1)))
        Click.objects.all().delete()
        return click

    def test_they_are_credited_once_the_click_is_there(self, music, rule, mara, ana, spooled):
        record(music, mara, sale("o1", click_id=str(spooled.pk), customer="c1"), sale("o2", click_id="nonsense"))
        assert (credit_late_clicks(music), Commission.objects.count()) == (0, 0)

        spooled.save(force_insert=True)
        assert (credit_late_clicks(music), credit_late_clicks(music)) == (1, 0)

        conversion = Conversion.objects.get(external_id="o1")
        assert (conversion.affiliate, conversion.source, conversion.click_id) == (ana, "click", spooled.pk)
        assert conversion.commissions.get().amount == Decimal("10.00")
        assert Customer.objects.get().affiliate == ana

    def test_refunds_that_came_meanwhile_take_back_their_part(self, music, rule, mara, spooled):
        [answer] = record(music, mara, sale("o1", click_id=str(spooled.pk)))
        for n in range(2):
            record_refund(Conversion.objects.get(pk=answer.id), external_id=f"r{n}", amount=Decimal(50), by=mara)
        spooled.save(force_insert=True)

        assert credit_late_clicks(music) == 1
        commission = Commission.objects.get()
        assert (commission.reversed, commission.reversals.count()) == (commission.amount, 2)
        assert verify_ledger() == []

    def test_a_thousand_hopeless_ones_keep_none_waiting(self, music, rule, mara, spooled):
        foreign = [sale(f"f{n}", click_id=f"0192f0c0-0000-7000-8000-{n:012d}") for n in range(1001)]
        record(music, mara, *foreign, sale("o1", click_id=str(spooled.pk)))
        spooled.save(force_insert=True)

        assert credit_late_clicks(music) == 1

    def test_to_look_for_them_touches_the_days_that_can_hold_one_and_no_other(self, music, mara, spooled):
        make_partitions(NOW.date() - timedelta(days=40), NOW.date() + timedelta(days=10))
        record(music, mara, sale("o1", click_id=str(spooled.pk)))
        noon = NOW.replace(hour=12)
        with CaptureQueriesContext(connection) as queries:
            credit_late_clicks(music, now=noon)

        [statement] = [query["sql"] for query in queries if "awaited_click_id IS NOT NULL" in query["sql"]]
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {statement}")
            plan = " ".join(line for (line,) in cursor.fetchall())
        touched = set(re.findall(r"tracking_click_(\d{8}|other)(?= )", plan))
        assert touched == {f"{noon - timedelta(days=back):%Y%m%d}" for back in range(15)}

    def test_one_that_does_not_hold_waits_no_more(self, music, rule, mara, spooled):
        record(music, mara, sale("o1", click_id=str(spooled.pk), occurred_at=NOW - timedelta(days=5)))
        spooled.save(force_insert=True)

        assert credit_late_clicks(music) == 0
        conversion = Conversion.objects.get()
        assert (conversion.reason, conversion.awaited_click_id) == ("click_after_sale", None)


@pytest.mark.django_db
class TestOnce:
    def test_a_replay_is_the_same_conversion_and_changes_nothing(self, music, rule, mara, ana):
        make_coupon(ana, music, code="ANA")
        [first] = record(music, mara, sale(coupon="ANA"))
        [again] = record(music, mara, sale(coupon="ana"))

        assert (again.id, again.created) == (first.id, False)
        assert Commission.objects.count() == Event.objects.filter(name="conversion.recorded").count() == 1

    @pytest.mark.parametrize(
        "other",
        [
            {"amount": "100.01"},
            {"currency": "EUR"},
            {"coupon": "OTHER"},
            {"click_id": "another"},
            {"customer": "somebody"},
            {"items": [{"sku": "1", "quantity": 1, "amount": "100.00"}]},
        ],
    )
    def test_other_content_under_the_same_id_is_a_conflict(self, music, mara, other):
        record(music, mara, sale())

        [answer] = record(music, mara, sale(**other))

        assert isinstance(answer, Rejected) and isinstance(answer.refusal, Conflict)
        assert Conversion.objects.count() == 1

    def test_another_event_under_the_same_id_is_another_conversion(self, music, mara):
        assert [a.created for a in record(music, mara, sale(), sale(event="lead"))] == [True, True]

    def test_one_bad_row_of_a_thousand_harms_no_other(self, music, rule, mara, ana):
        make_coupon(ana, music, code="ANA")
        rows = [sale(f"o{n}", coupon="ANA") for n in range(999)]
        rows.insert(500, sale("future", occurred_at=NOW + timedelta(days=1)))

        answers = record(music, mara, *rows)

        assert [isinstance(answer, Recorded) for answer in answers].count(False) == 1
        assert isinstance(answers[500].refusal, IntakeError)
        assert Commission.objects.count() == 999

    def test_the_same_row_twice_in_one_set_counts_once(self, music, mara):
        answers = record(music, mara, sale(), sale(), sale(amount="3.00"))

        assert [a.created for a in answers[:2]] == [True, False] and answers[0].id == answers[1].id
        assert isinstance(answers[2], Rejected)


@pytest.mark.django_db
class TestPricing:
    def test_another_currency_is_kept_unpriced(self, music, rule, mara, ana):
        make_coupon(ana, music, code="ANA")

        [answer] = record(music, mara, sale(coupon="ANA", currency="EUR"))

        conversion = Conversion.objects.get(pk=answer.id)
        assert (conversion.status, conversion.affiliate, conversion.commissions.count()) == ("unpriced", ana, 0)

    def test_a_sale_of_nothing_earns_nothing_by_percentage_but_a_flat_rate(self, music, rule, mara, ana):
        make_coupon(ana, music, code="ANA")
        record(music, mara, sale("o1", "0.00", coupon="ANA"))
        assert Commission.objects.count() == 0

        make_rule(music, type="flat", value="2.50", priority=1)
        record(music, mara, sale("o2", "0.00", coupon="ANA"))
        assert Commission.objects.get().amount == Decimal("2.50")

    def test_halves_are_rounded_to_even_cents(self, music, rule, mara, ana):
        make_coupon(ana, music, code="ANA")
        record(music, mara, sale("o1", "0.25", coupon="ANA"), sale("o2", "0.35", coupon="ANA"))

        assert list(Commission.objects.order_by("conversion__external_id").values_list("amount", flat=True)) == [
            Decimal("0.02"),
            Decimal("0.04"),
        ]

    def test_a_sale_without_amount_or_currency_is_refused(self, music, mara):
        without = ConversionInput("sale", "o1", NOW, currency="USD")
        bare = ConversionInput("lead", "o2", NOW, amount=Decimal(1))

        assert [answer.refusal.field for answer in record(music, mara, without, bare)] == ["amount", "currency"]


@pytest.mark.django_db
class TestRefunds:
    @pytest.fixture
    def conversion(self, music, rule, mara, ana):
        make_coupon(ana, music, code="ANA")
        [answer] = record(music, mara, sale(coupon="ANA", amount="99.99"))
        return Conversion.objects.get(pk=answer.id)

    def test_many_small_refunds_reverse_exactly_the_commission(self, conversion, mara):
        for n in range(9):
            record_refund(conversion, external_id=f"r{n}", amount=Decimal("11.11"), by=mara)

        commission = Commission.objects.get()
        assert commission.reversed == commission.amount == Decimal("10.00")
        assert Conversion.objects.get().status == "refunded"

    def test_more_than_is_left_is_refused(self, conversion, mara):
        record_refund(conversion, external_id="r1", amount=Decimal("60.00"), by=mara)

        with pytest.raises(Conflict, match="39.99 USD"):
            record_refund(conversion, external_id="r2", amount=Decimal("40.00"), by=mara)

    def test_the_same_refund_again_is_the_same_and_with_another_amount_a_conflict(self, conversion, mara):
        first, created = record_refund(conversion, external_id="r1", amount=Decimal(5), by=mara)
        again, created_again = record_refund(conversion, external_id="r1", amount=Decimal(5), by=mara)

        assert (first, created, created_again) == (again, True, False)
        with pytest.raises(Conflict):
            record_refund(conversion, external_id="r1", amount=Decimal(6), by=mara)

    def test_a_refund_that_says_it_came_before_its_sale_is_taken_at_the_sales_time(self, conversion, mara):
        early = NOW - timedelta(days=2)
        refund, created = record_refund(conversion, external_id="r1", amount=Decimal(5), by=mara, occurred_at=early)

        assert created and refund.occurred_at == conversion.occurred_at


@pytest.mark.django_db
def test_a_set_of_a_thousand_takes_as_many_queries_as_one_of_three_hundred(music, mara, django_assert_max_num_queries):
    make_rule(music)
    make_coupon(make_affiliate(), music, code="ANA")

    def queries(prefix: str, count: int) -> int:
        with django_assert_max_num_queries(40) as captured:
            record(music, mara, *[sale(f"{prefix}{n}", coupon="ANA", customer=f"{prefix}{n}") for n in range(count)])
        return len(captured)

    queries("rights are read once", 1)
    assert queries("a", 1000) == queries("b", 300)
