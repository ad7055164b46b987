"""Shifts by the wall clock, against an oracle that reads the clock minute by minute."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from team.shifts import Occurrence, Plan, both, check_rule, merged, occurrences, weekdays_of, weekly, without

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Manila", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kolkata"]
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
days = st.dates(date(2025, 1, 1), date(2026, 12, 1))
plans = st.builds(
    Plan,
    time_zone=st.sampled_from(ZONES),
    first_day=days,
    start_time=st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    minutes=st.integers(1, 1440),
    rule=st.one_of(
        st.just(""),
        st.just("FREQ=DAILY"),
        st.just("FREQ=DAILY;INTERVAL=3"),
        st.sets(st.integers(0, 6), min_size=1).map(weekly),
        st.just("FREQ=MONTHLY;BYDAY=1MO"),
    ),
)


def at(*parts, zone="UTC"):
    return datetime(*parts, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def test_a_night_shift_ends_by_the_clock_on_the_wall_when_the_clocks_change():
    nights = Plan("Europe/Berlin", date(2026, 3, 1), time(22), 480, "FREQ=DAILY")

    spring = occurrences(nights, at(2026, 3, 28, 20), at(2026, 3, 28, 23, 30))
    autumn = occurrences(nights, at(2026, 10, 24, 20, 30), at(2026, 10, 24, 23))

    assert [o.end - o.start for o in spring] == [timedelta(hours=7)]
    assert [o.end - o.start for o in autumn] == [timedelta(hours=9)]
    assert spring[0].end == at(2026, 3, 29, 6, zone="Europe/Berlin")


def test_a_shift_that_began_yesterday_is_found_today():
    nights = Plan("UTC", date(2026, 1, 1), time(22), 480, "FREQ=DAILY")

    assert [o.day for o in occurrences(nights, at(2026, 1, 5, 3), at(2026, 1, 5, 4))] == [date(2026, 1, 4)]


def test_a_shift_that_does_not_repeat_takes_place_once():
    once = Plan("UTC", date(2026, 1, 5), time(9), 60)

    assert occurrences(once, at(2026, 1, 1), at(2026, 2, 1)) == [
        Occurrence(date(2026, 1, 5), at(2026, 1, 5, 9), at(2026, 1, 5, 10))
    ]


def test_every_second_week_is_counted_from_the_first_day():
    mondays = Plan("UTC", date(2026, 1, 5), time(9), 60, weekly([0], every=2))

    assert [o.day.day for o in occurrences(mondays, at(2026, 1, 1), at(2026, 2, 1))] == [5, 19]


@pytest.mark.parametrize(
    "rule",
    ["HOURLY", "FREQ=HOURLY", "FREQ=DAILY;BYHOUR=1,2", "FREQ=WEEKLY;BYDAY=XX", "FREQ=DAILY;UNTIL=20260101T000000Z", "x=y"],
)
def test_a_rule_that_does_not_repeat_by_whole_days_is_refused(rule):
    with pytest.raises(ValueError):
        check_rule(rule)


@given(st.sets(st.integers(0, 6), min_size=1), st.integers(1, 4))
def test_a_weekly_rule_is_read_back_as_it_was_written(weekdays, every):
    check_rule(weekly(weekdays, every))

    assert weekdays_of(weekly(weekdays, every)) == (sorted(weekdays), every)


@given(st.sampled_from(ZONES), days, st.lists(st.integers(0, 1439), min_size=1, max_size=5, unique=True))
def test_shifts_that_follow_each_other_leave_no_hole_whatever_the_clocks_do(zone, first, cuts):
    cuts = sorted(cuts)
    plans = [
        Plan(zone, first - 3 * DAY, time(cut // 60, cut % 60), (after - cut) % 1440 or 1440, "FREQ=DAILY")
        for cut, after in zip(cuts, cuts[1:] + cuts[:1], strict=True)
    ]
    start = datetime.combine(first, time(), tzinfo=UTC)
    window = (start, start + 4 * DAY)

    covered = [(o.start, o.end) for plan in plans for o in occurrences(plan, *window)]

    assert without([window], covered) == []


@given(plans, days)
def test_a_window_shows_what_a_wider_one_shows_of_it(plan, first):
    start = datetime.combine(first, time(), tzinfo=UTC)
    wide = occurrences(plan, start - 20 * DAY, start + 20 * DAY)

    narrow = occurrences(plan, start, start + DAY)

    assert narrow == [o for o in wide if o.start < start + DAY and o.end > start]
    assert all(plan.first_day <= o.day for o in wide)


minutes = st.integers(0, 300)
spans = st.lists(
    st.tuples(minutes, minutes).map(lambda pair: tuple(at(2026, 1, 1) + m * MINUTE for m in sorted(pair))), max_size=6
)


def told(found):
    """The minutes that lie in any of the spans."""
    return {
        m for start, end in found for m in range(int((start - at(2026, 1, 1)) / MINUTE), int((end - at(2026, 1, 1)) / MINUTE))
    }


@given(spans, spans)
def test_spans_are_sets_of_minutes(some, others):
    assert told(merged(some)) == told(some)
    assert told(without(some, others)) == told(some) - told(others)
    assert told(both(some, others)) == told(some) & told(others)
    ends = merged(some)
    assert all(a[1] < b[0] for a, b in zip(ends, ends[1:], strict=False))
