"""Performance counts every click and conversion once, in the program's days and currency."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commissions.performance import performance, totals
from core.rows import select_rows
from intake.services import record_conversions, record_refund
from tests.factories import make_click, make_conversion, make_coupon, make_link, make_rule
from tracking.conversions import ConversionInput
from tracking.models import Conversion
from tracking.partitions import make_partitions

pytestmark = pytest.mark.django_db
DAY = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)


def sale(external_id, amount="100.00", currency="USD", at=DAY, **fields):
    return ConversionInput("sale", external_id, at, Decimal(amount), currency, **fields)


@pytest.fixture
def world(music, music_offer, mara, ana, bao):
    make_rule(music)
    link = make_link(ana, music_offer)
    make_coupon(bao, music, code="BAO")
    clicks = [make_click(link, at=DAY - timedelta(minutes=n), visitor=n % 2, subs=["spring"]) for n in range(1, 4)]
    make_click(link, at=DAY, outcome=1)  # paused: recorded, never credited
    make_click(link, at=DAY, bot=True)  # a robot: recorded, never counted
    record_conversions(
        music,
        [
            sale("by click", click_id=str(clicks[0])),
            sale("by coupon", "50.00", coupon="BAO"),
            sale("nobody's", "7.00"),
            sale("nothing", "0.00", coupon="BAO"),
            sale("euros", "900.00", "EUR", coupon="BAO"),
        ],
        by=mara,
    )
    record_refund(Conversion.objects.get(external_id="by click"), external_id="r", amount=Decimal("40.00"), by=mara)
    return link


def numbers(row):
    return row.clicks, row.unique_clicks, row.conversions, row.amount, row.refunded, row.commission


def test_by_affiliate(world, music, ana, bao):
    rows = {row.key: numbers(row) for row in performance(music, "affiliate")}

    assert rows == {
        str(ana.pk): (3, 2, 1, Decimal(100), Decimal(40), Decimal(10)),
        str(bao.pk): (0, 0, 3, Decimal(50), Decimal(0), Decimal(5)),
        "": (0, 0, 1, Decimal(7), Decimal(0), Decimal(0)),
    }


@pytest.mark.parametrize("group_by", ["day", "offer", "link", "sub1"])
def test_every_grouping_adds_up_to_the_whole(world, music, group_by):
    rows = [numbers(row) for row in performance(music, group_by)]

    assert tuple(map(sum, zip(*rows, strict=True))) == numbers(totals(music))


def test_rates_are_per_click_and_nothing_where_there_were_none(world, music, ana, bao):
    rows = {row.key: row for row in performance(music, "affiliate")}

    assert (rows[str(ana.pk)].epc, rows[str(ana.pk)].conversion_rate) == (Decimal("3.3333"), Decimal("0.3333"))
    assert (rows[str(bao.pk)].epc, rows[str(bao.pk)].conversion_rate) == (0, 0)


def test_coupons_and_returning_customers_make_clicks_convert_no_better(world, music, ana):
    before = totals(music)
    make_conversion(music, ana, "9.00", source="coupon")
    make_conversion(music, ana, "9.00", source="customer")

    after = totals(music)
    assert (after.conversions, after.conversion_rate) == (before.conversions + 2, before.conversion_rate)


def test_days_are_the_programs_and_bounds_are_inclusive(world, music):
    assert [row.key for row in performance(music, "day")] == ["2026-03-01"]
    music.time_zone = "Europe/Berlin"
    music.save()
    assert [row.key for row in performance(music, "day", date(2026, 3, 2), date(2026, 3, 2))] == ["2026-03-02"]
    assert performance(music, "day", date(2026, 3, 3)) == performance(music, "day", None, date(2026, 3, 1)) == []


def test_another_programs_numbers_stay_out(world, music, books, mara):
    assert numbers(totals(books)) == (0, 0, 0, 0, 0, 0)
    assert totals(music, affiliates=[0]).clicks == 0


def test_an_empty_program_has_one_row_of_nothing(books):
    assert totals(books, timezone.now().date()).currency == "EUR"


def test_no_more_days_of_clicks_are_touched_than_the_program_is_old(world, music):
    """Each day is a table with two indexes, all of which a plan locks: PostgreSQL has 6,400 locks unless told otherwise."""
    now = timezone.now()
    music.created_at, first = now - timedelta(days=3), now.date() - timedelta(days=30)
    make_partitions(first, now.date())
    for bounds in [(), (first, now.date() + timedelta(days=9))]:
        with CaptureQueriesContext(connection) as queries:
            performance(music, "day", *bounds)
        days = re.findall(
            r"tracking_click_(\d{8})", "".join(plan for (plan,) in select_rows(f"EXPLAIN {queries[-1]['sql']}", []))
        )
        assert f"{now - timedelta(days=4):%Y%m%d}" == min(days) and max(days) <= f"{now + timedelta(days=1):%Y%m%d}"


def test_rows_come_a_few_at_a_time_from_either_end(world, music):
    keys = [row.key for row in performance(music, "affiliate")]

    assert [row.key for row in performance(music, "affiliate", limit=2)] == keys[:2]
    assert [row.key for row in performance(music, "affiliate", limit=2, after_key=keys[0])] == keys[1:]
    assert [row.key for row in performance(music, "affiliate", limit=2, from_the_end=True)] == keys[1:]
    assert [row.key for row in performance(music, "affiliate", limit=2, before_key=keys[2], from_the_end=True)] == keys[:2]
