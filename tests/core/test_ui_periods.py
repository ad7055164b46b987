"""Periods: what the address asks for, and what it is compared with."""

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.template import Context, Template
from django.test import RequestFactory

from core.ui import Period

TODAY = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(TODAY, tick=False):
        yield


def period(query: str = "", **options) -> Period:
    return Period.from_request(RequestFactory().get(f"/?{query}"), **options)


def days(asked: Period) -> tuple[date, date]:
    return asked.start, asked.end


@pytest.mark.parametrize(
    ("query", "start", "end", "before_start", "before_end"),
    [
        ("", date(2026, 3, 2), date(2026, 3, 31), date(2026, 1, 31), date(2026, 3, 1)),
        ("period=7", date(2026, 3, 25), date(2026, 3, 31), date(2026, 3, 18), date(2026, 3, 24)),
        ("period=month", date(2026, 3, 1), date(2026, 3, 31), date(2026, 2, 1), date(2026, 2, 28)),
        ("period=last_month", date(2026, 2, 1), date(2026, 2, 28), date(2026, 1, 1), date(2026, 1, 31)),
        ("from=2026-03-01&to=2026-03-10", date(2026, 3, 1), date(2026, 3, 10), date(2026, 2, 19), date(2026, 2, 28)),
        ("from=2026-03-10&to=2026-03-01", date(2026, 3, 1), date(2026, 3, 10), date(2026, 2, 19), date(2026, 2, 28)),
    ],
)
def test_a_period_and_the_one_before_it(query, start, end, before_start, before_end):
    asked = period(query)

    assert days(asked) == (start, end)
    assert days(asked.previous) == (before_start, before_end)


@pytest.mark.parametrize(
    "query", ["period=9999", "period=x", "from=2026-03-01", "from=31.3.2026&to=x", "from=2026-02-30&to=2026-03-01"]
)
def test_what_cannot_be_read_is_the_default(query):
    assert period(query).key == "30"


def test_a_period_of_centuries_is_cut():
    assert period("from=0001-01-01&to=2026-03-01").days <= 3661


def test_today_is_the_readers_today():
    with time_machine.travel(datetime(2026, 3, 31, 20, 0, tzinfo=UTC), tick=False):
        assert period("period=7", zone="Asia/Jakarta").end == date(2026, 4, 1)


def test_bounds_are_instants_of_the_zone_over_a_change_of_the_clock():
    start, end = Period("custom", date(2026, 3, 29), date(2026, 3, 29)).bounds("Europe/Berlin")

    assert (end.astimezone(UTC) - start.astimezone(UTC)).total_seconds() == 23 * 3600


def test_the_picker_keeps_what_else_is_in_the_address():
    request = RequestFactory().get("/?sort=-name&page=3&period=7")
    page = Template("{% period_picker period %}").render(Context({"request": request, "period": Period.from_request(request)}))

    assert "?sort=-name&amp;period=90" in page
    assert "page=3" not in page
    assert "?sort=-name&amp;period=7&amp;compare=no" in page
