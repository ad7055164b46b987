"""Planning, swapping and days off: who may decide what, and what holds afterwards."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from core.access import AccessError
from core.errors import Conflict
from team.errors import TeamError
from team.models import Absence, HandoverNote, ShiftChange
from team.queries import on_duty
from team.services import (
    answer_swap,
    ask_absence,
    cancel_turn,
    decide_absence,
    decide_swap,
    end_absence,
    end_shift,
    plan_shift,
    propose_swap,
    set_capacity,
    withdraw_swap,
    write_handover,
)
from team.shifts import weekly
from tests.factories import assign, event_names, make_program, make_user
from tests.factories_team import make_absence, make_shift

pytestmark = pytest.mark.django_db
TOMORROW = timezone.now().date() + timedelta(days=1)
NOON = datetime.combine(TOMORROW, time(12), tzinfo=UTC)
PLAN = {"first_day": TOMORROW, "start_time": time(9), "minutes": 480}


def test_the_head_plans_a_shift_in_the_persons_zone(hana, sofia):
    sofia.time_zone = "Asia/Manila"
    sofia.save()

    shift = plan_shift(sofia, "support", by=hana, rule=weekly(range(7)), **PLAN)

    assert shift.time_zone == "Asia/Manila"
    assert event_names() == ["shift.planned"]
    assert on_duty(datetime.combine(TOMORROW, time(2), tzinfo=UTC)) == [sofia]


def test_nobody_plans_who_may_not(mara, sofia):
    with pytest.raises(AccessError):
        plan_shift(sofia, "support", by=mara, **PLAN)


def test_who_plans_one_program_plans_those_who_work_there_alone(music, books, sofia):
    head = assign(make_user(), "head", music)
    plan_shift(sofia, "support", by=head, **PLAN)

    assign(sofia, "support", books)
    with pytest.raises(AccessError):
        plan_shift(sofia, "support", by=head, **PLAN)


def test_a_rule_that_is_none_is_refused_in_words(hana, sofia):
    with pytest.raises(TeamError, match="RFC 5545") as refused:
        plan_shift(sofia, "support", by=hana, rule="FREQ=HOURLY", **PLAN)
    assert refused.value.field == "rule"


def test_who_does_not_work_here_has_no_shift(hana, otto):
    with pytest.raises(TeamError, match="does not work here"):
        plan_shift(otto, "support", by=hana, **PLAN)


def test_a_shift_that_was_ended_keeps_what_has_been(hana, sofia):
    shift = make_shift(sofia)

    end_shift(shift, TOMORROW - timedelta(days=1), by=hana)

    assert on_duty(NOON - timedelta(days=1)) == [sofia]
    assert on_duty(NOON) == []


def test_one_occurrence_is_cancelled_and_the_next_takes_place(hana, sofia):
    shift = make_shift(sofia)

    cancel_turn(shift, TOMORROW, by=hana, note="Move to the new office")

    assert on_duty(NOON) == []
    assert on_duty(NOON + timedelta(days=1)) == [sofia]
    with pytest.raises(TeamError):
        cancel_turn(make_shift(sofia, rule="", first_day=TOMORROW), TOMORROW + timedelta(days=1), by=hana)


def test_a_swap_is_asked_accepted_and_approved(hana, sofia, mara):
    shift = make_shift(sofia)

    change = propose_swap(shift, TOMORROW, mara, by=sofia, note="Dentist")
    assert on_duty(NOON) == [sofia]
    answer_swap(change, True, by=mara)
    assert on_duty(NOON) == [sofia]
    decide_swap(change, True, by=hana)

    assert on_duty(NOON) == [mara]
    assert on_duty(NOON + timedelta(days=1)) == [sofia]
    assert event_names() == ["swap.proposed", "swap.accepted", "swap.approved"]


def test_an_exchange_is_decided_as_one(hana, sofia, mara):
    own, other = make_shift(sofia), make_shift(mara, "manager")
    change = propose_swap(own, TOMORROW, mara, by=sofia, in_return=(other, TOMORROW + timedelta(days=1)))

    answer_swap(change, True, by=mara)
    decide_swap(change, True, by=hana)

    assert on_duty(NOON, duty="support") == [mara]
    assert on_duty(NOON + timedelta(days=1), duty="manager") == [sofia]


def test_what_was_taken_can_be_handed_on(hana, sofia, mara, vera, music):
    shift = make_shift(sofia)
    third = assign(make_user(), "support", music)
    for holder, taker in ((sofia, mara), (mara, third)):
        change = propose_swap(shift, TOMORROW, taker, by=holder)
        answer_swap(change, True, by=taker)
        decide_swap(change, True, by=hana)

    assert on_duty(NOON) == [third]
    assert list(ShiftChange.objects.order_by("pk").values_list("state", flat=True)) == ["replaced", "approved"]


def test_nobody_gives_away_what_is_not_theirs_nor_answers_for_another(sofia, mara, hana):
    shift = make_shift(sofia)
    with pytest.raises(AccessError):
        propose_swap(shift, TOMORROW, mara, by=mara)
    change = propose_swap(shift, TOMORROW, mara, by=sofia)
    with pytest.raises(AccessError):
        answer_swap(change, True, by=sofia)
    with pytest.raises(Conflict):
        decide_swap(change, True, by=hana)  # nobody has accepted yet
    with pytest.raises(Conflict):
        propose_swap(shift, TOMORROW, mara, by=sofia)
    withdraw_swap(change, by=sofia)
    propose_swap(shift, TOMORROW, mara, by=sofia)


def test_a_shift_that_has_begun_is_not_swapped(sofia, mara):
    with pytest.raises(TeamError, match="begun"):
        propose_swap(make_shift(sofia), TOMORROW - timedelta(days=2), mara, by=sofia)


def test_vacation_is_asked_for_and_approved_by_somebody_else(hana, ada, mara):
    absence = ask_absence(mara, "vacation", TOMORROW, TOMORROW + timedelta(days=13), by=mara)
    assert absence.state == "asked"
    with pytest.raises(AccessError):
        decide_absence(absence, True, by=mara)

    decide_absence(absence, True, by=hana)

    assert Absence.objects.get().state == "approved"
    with pytest.raises(Conflict):
        decide_absence(absence, False, by=hana)
    with pytest.raises(AccessError, match="own days off"):
        decide_absence(ask_absence(hana, "vacation", TOMORROW, TOMORROW, by=hana), True, by=hana)


def test_who_plans_alone_decides_about_themselves(ada):
    absence = ask_absence(ada, "vacation", TOMORROW, TOMORROW, by=ada)

    assert decide_absence(absence, True, by=ada).state == "approved"


def test_sick_leave_holds_at_once(sofia):
    make_shift(sofia)
    ask_absence(sofia, "sick", TOMORROW, TOMORROW, by=sofia)

    assert on_duty(NOON) == []


def test_days_are_taken_once(mara):
    ask_absence(mara, "vacation", TOMORROW, TOMORROW + timedelta(days=5), by=mara)

    with pytest.raises(Conflict, match="already"):
        ask_absence(mara, "other", TOMORROW + timedelta(days=5), TOMORROW + timedelta(days=6), by=mara)
    with pytest.raises(IntegrityError, match="absence_one_at_a_time"):
        make_absence(mara, TOMORROW)


def test_back_sooner_than_planned(mara, hana):
    absence = make_absence(mara, TOMORROW - timedelta(days=3), TOMORROW + timedelta(days=10))

    end_absence(absence, TOMORROW - timedelta(days=2), by=mara)

    absence.refresh_from_db()
    assert absence.last_day == TOMORROW - timedelta(days=2)
    with pytest.raises(TeamError):
        end_absence(absence, TOMORROW, by=mara)


def test_an_absence_before_its_first_day_is_withdrawn(mara):
    absence = ask_absence(mara, "vacation", TOMORROW, TOMORROW, by=mara)

    assert end_absence(absence, TOMORROW - timedelta(days=1), by=mara).state == "withdrawn"


def test_what_one_carries_is_set_by_who_plans(hana, mara, music):
    capacity = set_capacity(mara, by=hana, accounts=12, open_tickets=8, languages=["de", "en", "de"], programs=[music])

    assert (capacity.accounts, capacity.languages, list(capacity.programs.all())) == (12, ["de", "en"], [music])
    with pytest.raises(AccessError):
        set_capacity(mara, by=mara, accounts=1, open_tickets=1)


def test_a_handover_that_is_written_again_within_the_hour_takes_its_place(sofia):
    write_handover(sofia, "support", "Ana waits for her coupon.", tickets=[1], promises=[])
    write_handover(sofia, "support", "Ana has her coupon.", tickets=[], promises=[])

    assert HandoverNote.objects.get().text == "Ana has her coupon."


def test_a_persons_zone_decides_when_days_begin(sofia, mara):
    sofia.time_zone = "Asia/Manila"
    sofia.save()
    make_shift(sofia)
    make_shift(mara)
    ask_absence(sofia, "sick", date(2026, 11, 25), date(2026, 11, 25), by=sofia)

    assert on_duty(datetime(2026, 11, 24, 15, 59, tzinfo=UTC)) == [sofia, mara]
    assert on_duty(datetime(2026, 11, 24, 16, tzinfo=UTC)) == [mara]


def test_programs_that_are_closed_ask_for_nobody(music, sofia):
    from team.queries import gaps

    make_shift(sofia)
    make_program(status="closed")

    assert gaps(NOON)[0].gaps == []
