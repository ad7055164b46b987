import uuid
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.factories import make_affiliate, make_click, make_link
from tests.pages import assert_same_queries, csv_of, text_of
from tracking.partitions import make_partitions
from tracking.views.clicks import click_days, referring_site

CLICKS = "/manage/clicks/"
TODAY = datetime(2026, 11, 23, 12, tzinfo=UTC).date()


def days(query: str) -> tuple[str, str]:
    with time_machine.travel(datetime(2026, 11, 23, 12, tzinfo=UTC)):
        period = click_days(RequestFactory().get(f"/?{query}"))
    return period.start.isoformat(), period.end.isoformat()


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        ("", "2026-11-17", "2026-11-23"),
        ("day_from=2026-11-20", "2026-11-20", "2026-11-23"),
        ("day_from=2026-01-01", "2026-01-01", "2026-01-31"),
        ("day_to=2026-11-10", "2026-11-04", "2026-11-10"),
        ("day_from=2026-01-01&day_to=2026-11-10", "2026-10-11", "2026-11-10"),
        ("day_from=2026-11-20&day_to=2026-11-10", "2026-11-10", "2026-11-10"),
        ("day_from=2030-01-01", "2026-11-23", "2026-11-23"),
        ("day_from=9999-12-31&day_to=9999-12-31", "2026-11-17", "2026-11-23"),
        ("day_to=0001-01-01", "2026-11-17", "2026-11-23"),
        ("q=ffffffff-ffff-7fff-bfff-ffffffffffff", "2026-11-17", "2026-11-23"),
        ("q=00000000-0000-7000-8000-000000000000", "2026-11-17", "2026-11-23"),
    ],
)
def test_the_days_that_are_read_are_few(query, start, end):
    assert days(query) == (start, end)


def test_a_click_id_finds_its_own_day():
    click_id = uuid.UUID(int=(int(datetime(2026, 3, 1, 10, tzinfo=UTC).timestamp() * 1000) << 80) | (7 << 76) | (2 << 62))

    assert days(f"q={click_id}") == days(f"q=clk_{click_id}") == ("2026-03-01", "2026-03-01")


def test_a_click_stands_with_its_link_affiliate_and_outcome(as_person, mara, music_offer, ana):
    link = make_link(ana, music_offer, code="autumn")
    make_click(link, subs=["newsletter"], referrer="https://blog.example/post?x=1")
    make_click(link, outcome=1, bot=True)

    text = text_of(as_person(mara).get(CLICKS))
    assert "autumn A Ana Credited Person newsletter blog.example" in text
    assert "Link paused Bot" in text
    assert "192.0.2.1" not in text


def test_clicks_are_narrowed_by_link_affiliate_outcome_and_visitor(as_person, mara, music_offer, ana, bao):
    make_click(make_link(ana, music_offer, code="autumn"))
    make_click(make_link(bao, music_offer, code="spring"), outcome=2, bot=True)
    browser = as_person(mara)

    for query in ({"link": "AUTUMN"}, {"affiliate": ana.public_id}, {"outcome": "0"}, {"bot": "no"}):
        rows = csv_of(browser.get(CLICKS, query | {"export": "csv"}))
        assert [row[1] for row in rows[1:]] == ["autumn"]


def test_an_old_click_is_found_by_its_id_alone(as_person, mara, music_offer, ana):
    long_ago = timezone.now() - timedelta(days=200)
    click_id = make_click(make_link(ana, music_offer, code="autumn"), at=long_ago)
    browser = as_person(mara)

    assert "No clicks in these days" in text_of(browser.get(CLICKS))
    assert "autumn" in text_of(browser.get(CLICKS, {"q": str(click_id)}))
    assert "Nothing matches" in text_of(browser.get(CLICKS, {"q": "not-an-id"}))


def test_clicks_of_other_programs_are_not_there(as_person, mara, music, books_offer, ana):
    click_id = make_click(make_link(ana, books_offer, code="bookish"))

    assert "bookish" not in text_of(as_person(mara).get(CLICKS))
    assert "bookish" not in text_of(as_person(mara).get(CLICKS, {"q": str(click_id)}))


def test_only_partitions_of_these_days_are_read(as_person, mara, music_offer, ana):
    make_partitions(TODAY - timedelta(days=60), TODAY + timedelta(days=1))
    with time_machine.travel(datetime(2026, 11, 23, 12, tzinfo=UTC)):
        make_click(make_link(ana, music_offer))
        browser = as_person(mara)
        with CaptureQueriesContext(connection) as queries:
            browser.get(CLICKS)
    reads = [query["sql"] for query in queries if '"tracking_click"."id" >=' in query["sql"]]
    assert len(reads) == 2  # how many, and the rows
    with connection.cursor() as cursor:
        for sql in reads:
            cursor.execute("EXPLAIN " + sql)
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "tracking_click_20261123" in plan
            assert "tracking_click_202610" not in plan


def test_quality_sees_no_clicks(as_person, vera):
    assert as_person(vera).get(CLICKS).status_code == 403


def test_the_list_takes_the_same_queries_for_one_and_for_a_hundred(as_person, mara, music_offer):
    def add(number: int = 99) -> None:
        for _n in range(number):
            make_click(make_link(make_affiliate(), music_offer))

    add(1)
    assert_same_queries(as_person(mara), CLICKS, add)


def test_an_address_that_is_none_has_no_site():
    assert referring_site("http://[broken") == ""
    assert referring_site("https://blog.example:8000/post") == "blog.example"
