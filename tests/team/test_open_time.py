"""Open time, by examples that a person can check on a calendar; the property over random calendars is with the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from team.hours import add_open_time, holidays_of, open_between
from team.models import Calendar

NINE_TO_FIVE = [[[540, 1020]]] * 5 + [[], []]
BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)


def berlin(*args: int) -> datetime:
    return datetime(*args, tzinfo=BERLIN)


def office(**fields) -> Calendar:
    return Calendar(**{"time_zone": "Europe/Berlin", "weekly_hours": NINE_TO_FIVE, **fields})


def test_around_the_clock_every_minute_counts():
    assert open_between(None, berlin(2026, 3, 28, 20), berlin(2026, 3, 29, 20)) == 23 * HOUR
    assert add_open_time(None, berlin(2026, 3, 28, 20), 2 * HOUR) == berlin(2026, 3, 28, 22)


def test_a_weekend_is_not_counted():
    assert open_between(office(), berlin(2026, 11, 20, 16), berlin(2026, 11, 23, 10)) == 2 * HOUR
    assert add_open_time(office(), berlin(2026, 11, 20, 16), 2 * HOUR) == berlin(2026, 11, 23, 10)


def test_what_is_used_up_at_closing_time_is_due_then_and_not_next_morning():
    assert add_open_time(office(), berlin(2026, 11, 20, 16), HOUR) == berlin(2026, 11, 20, 17)


def test_a_holiday_is_closed_unless_we_work_on_it_and_an_own_closed_day_wins():
    christmas = (berlin(2026, 12, 25), berlin(2026, 12, 26))

    assert open_between(office(), *christmas) == 8 * HOUR
    assert open_between(office(holidays_country="DE"), *christmas) == timedelta()
    assert open_between(office(holidays_country="DE", open_days=[date(2026, 12, 25)]), *christmas) == 8 * HOUR
    both = office(open_days=[date(2026, 12, 25)], closed_days=[date(2026, 12, 25)])
    assert open_between(both, *christmas) == timedelta()


def test_a_regions_holiday_is_its_own():
    epiphany = date(2027, 1, 6)

    assert epiphany in holidays_of("DE", "BY", 2027)
    assert epiphany not in holidays_of("DE", "", 2027)
    assert holidays_of("ZZ", "", 2027) == {} == holidays_of("DE", "no such region", 2027)


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 29), 3), (date(2026, 10, 25), 5), (date(2026, 10, 26), 4)],
    ids=["an hour is skipped", "an hour comes twice", "an ordinary day"],
)
def test_hours_at_night_are_as_long_as_the_wall_clock_shows_them(day, hours):
    nights = office(weekly_hours=[[[0, 240]]] * 7)
    start = datetime(day.year, day.month, day.day, tzinfo=BERLIN)

    assert open_between(nights, start, start + timedelta(days=1)) == hours * HOUR


def test_a_calendar_that_is_never_open_gives_no_time_and_takes_none_to_say_so():
    for never in (office(weekly_hours=[]), office(weekly_hours=[[]] * 7), office(weekly_hours=[[[60, 60]]] * 7)):
        assert add_open_time(never, datetime(2026, 1, 1, tzinfo=UTC), HOUR) is None
        assert open_between(never, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)) == timedelta()


def test_a_start_in_the_past_of_its_end_counts_nothing():
    assert open_between(None, berlin(2026, 3, 2), berlin(2026, 3, 1)) == timedelta()
    assert open_between(office(), berlin(2026, 3, 3), berlin(2026, 3, 2)) == timedelta()
