"""Who is on duty, who comes next, where nobody is, and who answers for it."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from team.models import Calendar, Coverage
from team.queries import (
    absence_at,
    duty_officer,
    gaps,
    load_roster,
    may_be_notified,
    next_on_duty,
    on_duty,
    shift_end,
    without_full_leave,
)
from team.roster import Ask, Roster, Turn, hours_of
from team.shifts import weekly
from tests.factories import assign, make_user
from tests.factories_support import make_channel
from tests.factories_team import make_absence, make_shift

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_without_any_shift_everybody_who_may_answer_is_on_the_duties_of_their_role(music, mara, sofia, vera, otto):
    assert on_duty(MONDAY, duty="support") == [sofia]
    assert on_duty(MONDAY, duty="manager", program=music.pk) == [mara]
    assert set(on_duty(MONDAY)) == {mara, sofia}


def test_without_any_shift_a_duty_that_is_nobodys_is_everybodys(music, ada):
    assert on_duty(MONDAY, duty="support", program=music.pk) == [ada]


def test_once_a_shift_is_planned_only_who_has_one_is_on_duty(music, mara, sofia):
    make_shift(sofia, start_time=time(9), minutes=60 * 8)

    assert on_duty(MONDAY) == [sofia]
    assert on_duty(MONDAY + 12 * HOUR) == []


def test_on_leave_nobody_is_on_duty_and_nothing_notifies_them(music, sofia, mara):
    sofia.time_zone = "Asia/Manila"
    sofia.save()
    make_absence(sofia, date(2026, 11, 23))

    assert on_duty(MONDAY, duty="support") == [mara] or on_duty(MONDAY, duty="support") == []
    assert not may_be_notified(sofia, MONDAY)
    assert may_be_notified(mara, MONDAY)
    # Manila's Monday ends at 16:00 UTC.
    assert absence_at(sofia, datetime(2026, 11, 23, 15, 59, tzinfo=UTC)) is not None
    assert may_be_notified(sofia, datetime(2026, 11, 23, 16, tzinfo=UTC))


def test_an_absence_that_is_only_asked_for_is_none(sofia):
    make_absence(sofia, date(2026, 11, 23), state="asked")

    assert may_be_notified(sofia, MONDAY)


def test_a_shift_of_a_program_counts_where_its_person_may_answer(music, books, sofia, nils):
    make_shift(sofia)
    make_shift(nils, "support", program=books)

    assert on_duty(MONDAY, duty="support", program=music.pk) == [sofia]
    assert on_duty(MONDAY, duty="support", program=books.pk) == [nils]


def test_a_shift_at_one_door_is_not_there_for_another(music, sofia):
    make_shift(sofia, channel_kind="telegram")

    assert on_duty(MONDAY, channel="telegram") == [sofia]
    assert on_duty(MONDAY, channel="email") == []


def test_who_comes_next_is_told_with_the_time(music, sofia, mara):
    make_shift(sofia, start_time=time(18), minutes=240)
    make_shift(mara, start_time=time(17), minutes=60, rule=weekly([1]))

    assert next_on_duty(MONDAY, program=music.pk) == (MONDAY + 8 * HOUR, sofia)
    assert next_on_duty(MONDAY + 24 * HOUR, program=music.pk) == (MONDAY + 31 * HOUR, mara)
    assert next_on_duty(MONDAY, duty="engineer") is None


def test_the_gaps_of_two_weeks_are_told_before_they_happen(music, sofia):
    make_shift(sofia, start_time=time(6), minutes=60 * 18)

    (lane,) = gaps(datetime(2026, 11, 23, tzinfo=UTC))

    assert len(lane.gaps) == 14
    assert lane.gaps[0].start == datetime(2026, 11, 23, tzinfo=UTC)
    assert lane.gaps[0].end == datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert lane.gaps[0].programs == {music.pk}


def test_a_program_in_which_nobody_of_the_shift_may_answer_has_a_gap(music, books, sofia):
    make_shift(sofia)

    (lane,) = gaps(MONDAY)

    assert [(gap.start, gap.end, gap.programs) for gap in lane.gaps] == [(MONDAY, MONDAY + timedelta(days=14), {books.pk})]


def test_vacation_tears_a_gap(music, sofia):
    make_shift(sofia)
    make_absence(sofia, date(2026, 11, 25), date(2026, 11, 26))

    (lane,) = gaps(MONDAY)

    assert [(gap.start.day, gap.end.day) for gap in lane.gaps] == [(25, 27)]


def test_where_shifts_are_limited_to_a_door_the_others_are_missed(music, sofia):
    make_shift(sofia, channel_kind="telegram")
    for kind in ("email", "telegram"):
        make_channel(music, kind)
    make_channel(music, "phone", status="closed")

    (lane,) = gaps(MONDAY)

    assert [gap.doors for gap in lane.gaps] == [{"email", "portal"}]


def test_a_door_that_a_program_does_not_have_is_missed_there_only_by_who_asks_for_it(music, books, sofia, hana):
    make_shift(sofia, channel_kind="portal")
    make_shift(hana, channel_kind="portal")
    make_channel(books, "phone")

    (lane,) = gaps(MONDAY)
    assert [(gap.doors, gap.programs) for gap in lane.gaps] == [({"phone"}, {books.pk})]

    Coverage.objects.create(duty="support", program=music, channel_kind="telegram")
    (asked,) = gaps(MONDAY)
    assert [(gap.doors, gap.programs) for gap in asked.gaps] == [({"telegram"}, {music.pk})]


def test_a_shift_ends_where_nothing_of_the_person_follows(music, sofia, mara):
    make_shift(sofia, start_time=time(8), minutes=120)
    make_shift(sofia, start_time=time(10), minutes=60)
    make_shift(mara, start_time=time(8), minutes=600)
    day = datetime(2026, 11, 24, tzinfo=UTC)

    assert shift_end(sofia, day + timedelta(hours=9, minutes=30), day + timedelta(hours=10, minutes=30)) is None
    assert shift_end(sofia, day + timedelta(hours=10), day + timedelta(hours=11)) == day + timedelta(hours=11)
    assert shift_end(sofia, day + timedelta(hours=11), day + timedelta(hours=12)) is None


def test_only_the_hours_that_are_asked_for_can_be_missing(music, sofia, mara):
    office = Calendar.objects.create(name="Office", weekly_hours=[[[540, 1020]]] * 5 + [[], []])
    Coverage.objects.create(duty="support", calendar=office)
    make_shift(sofia, start_time=time(9), minutes=240, rule=weekly(range(5)))

    (lane,) = gaps(datetime(2026, 11, 23, tzinfo=UTC))

    assert len(lane.gaps) == 10
    assert {(gap.start.hour, gap.end.hour) for gap in lane.gaps} == {(13, 17)}


def test_the_duty_officer_is_the_manager_on_duty(music, mara, hana, ada):
    make_shift(mara, "manager")

    officer = duty_officer(MONDAY, music)

    assert officer.person == mara
    assert "manager on duty" in officer.reason


def test_else_the_deputy_then_the_head_then_an_admin(music, mara, sofia, hana, ada):
    make_shift(mara, "manager")
    absence = make_absence(mara, date(2026, 11, 20), date(2026, 11, 27), deputy=sofia)
    assert duty_officer(MONDAY, music).person == sofia

    absence.deputy = None
    absence.save()
    assert duty_officer(MONDAY, music).person == hana

    make_absence(hana, date(2026, 11, 23))
    assert duty_officer(MONDAY, music).person == ada

    make_absence(ada, date(2026, 11, 23))
    assert duty_officer(MONDAY, music).person == ada  # somebody always is


def test_who_had_no_two_weeks_in_a_piece_is_told(music, ada):
    today = date(2026, 11, 23)
    joined = datetime(2024, 1, 1, tzinfo=UTC)
    tired, rested, new, planned = (
        assign(make_user(f"{name}@tributary.example", date_joined=joined if name != "new" else MONDAY), "support", music)
        for name in ("tired", "rested", "new", "planned")
    )
    make_absence(tired, date(2026, 5, 1), date(2026, 5, 7))
    make_absence(tired, date(2025, 1, 1), date(2025, 1, 20))
    make_absence(rested, date(2026, 5, 1), date(2026, 5, 7))
    make_absence(rested, date(2026, 5, 8), date(2026, 5, 14))
    make_absence(planned, date(2026, 12, 20), date(2027, 1, 4))

    assert [(found.person, found.last) for found in without_full_leave(today)] == [(tired, date(2025, 1, 20))]


def test_a_roster_is_read_in_as_many_queries_for_one_shift_as_for_a_hundred(music, sofia, mara, django_assert_num_queries):
    make_shift(sofia)
    with django_assert_num_queries(4):
        load_roster(MONDAY, MONDAY + timedelta(days=7))
    for number in range(100):
        make_shift(mara, start_time=time(number % 24))
        make_absence(make_user(), deputy=sofia)
    with django_assert_num_queries(4):
        load_roster(MONDAY, MONDAY + timedelta(days=7))


# A property: whoever stands in a minute is in no gap of it, and every minute without somebody is in one.

minutes = st.integers(0, 180)
spans = st.tuples(minutes, minutes).map(lambda pair: (min(pair), max(pair) + 1))


def instant(minute: int) -> datetime:
    return MONDAY + timedelta(minutes=minute)


turns = st.builds(
    lambda span, person, duty, program, channel, cancelled: Turn(
        1, MONDAY.date(), instant(span[0]), instant(span[1]), duty, person, person, program, channel, cancelled
    ),
    spans,
    st.integers(1, 3),
    st.sampled_from(["support", "manager"]),
    st.sampled_from([None, 1, 2]),
    st.sampled_from(["", "email", "telegram"]),
    st.booleans(),
)
aways = st.dictionaries(
    st.integers(1, 3), st.lists(spans.map(lambda span: (instant(span[0]), instant(span[1]))), max_size=2), max_size=2
)


@given(st.lists(turns, max_size=6), aways)
def test_gaps_and_duty_are_two_sides_of_every_minute(found, away):
    answering = {1: None, 2: frozenset({1})}  # 3 may not answer at all
    roster = Roster(instant(0), instant(181), found, away, answering)
    ask = Ask("support", [1, 2], ["email", "telegram"], [(instant(0), instant(181))])
    missing = roster.gaps(ask)

    for minute in range(0, 181, 7):
        at = instant(minute)
        lacking = {
            (program, door)
            for program in ask.programs
            for door in ask.doors
            if not any(
                turn.duty == "support"
                and turn.start <= at < turn.end
                and not turn.cancelled
                and turn.program in (None, program)
                and turn.channel in ("", door)
                and (turn.person == 1 or (turn.person == 2 and program == 1))
                and not any(start <= at < end for start, end in away.get(turn.person, []))
                for turn in found
            )
        }
        told = [gap for gap in missing if gap.start <= at < gap.end]
        assert {program for program, _door in lacking} == {p for gap in told for p in gap.programs}
        assert {door for _program, door in lacking} == {d for gap in told for d in gap.doors}
        assert len(told) <= 1


def test_an_hour_is_told_by_how_much_of_what_is_asked_is_missing():
    ask = Ask("support", [1], [""], [(instant(60), instant(180))])
    shift = Turn(1, MONDAY.date(), instant(0), instant(90), "support", 1, 1)
    roster = Roster(instant(0), instant(180), [shift], {}, {1: None})

    told = hours_of(roster.gaps(ask), ask.spans, [(instant(60 * h), instant(60 * h + 60)) for h in range(3)])

    assert list(told) == ["", "part", "none"]
