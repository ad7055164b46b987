"""The team's rooms: who sees what, and what happens by the buttons."""

from datetime import date, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from affiliates.models import Cover
from team.models import Absence, Coverage, Shift, ShiftChange
from tests.factories import assign, make_affiliate, make_enrollment, make_user
from tests.factories_team import make_absence, make_shift

pytestmark = pytest.mark.django_db
TODAY = timezone.now().date()
TOMORROW = TODAY + timedelta(days=1)


def test_an_empty_roster_teaches_how_to_plan(as_person, hana, music):
    page = as_person(hana).get("/manage/team/roster/")

    assert b"Until the first one is planned" in page.content
    assert b"Plan a shift" in page.content


def test_a_shift_is_planned_in_the_words_of_people(as_person, hana, sofia):
    answer = as_person(hana).post(
        "/manage/team/roster/shifts/new/",
        {
            "person": sofia.pk,
            "duty": "support",
            "start_time": "22:00",
            "end_time": "06:00",
            "weekdays": ["0", "1", "2", "3", "4", "5", "6"],
            "every": "1",
            "first_day": TODAY.isoformat(),
            "time_zone": "Asia/Manila",
        },
    )

    assert answer.status_code == 302, answer.content
    shift = Shift.objects.get()
    assert (shift.minutes, shift.time_zone, shift.rule) == (480, "Asia/Manila", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU")


def test_the_week_shows_who_is_there_who_is_away_and_who_has_no_shift(as_person, hana, sofia, mara, felix):
    make_shift(sofia, start_time=time(9), minutes=480)
    make_shift(mara, "manager")
    make_absence(mara, TODAY, TODAY + timedelta(days=9))

    page = as_person(hana).get("/manage/team/roster/").content.decode()

    assert "09:00–17:00" in page
    assert "Away" in page
    assert "Without a shift" in page and "Felix" in page
    assert "Duty officer, Music" in page


def test_a_week_takes_as_many_queries_for_one_shift_as_for_fifty(as_person, hana, sofia, music):
    browser = as_person(hana)
    make_shift(sofia)
    make_absence(sofia)

    def queries(url):
        browser.get(url)
        with CaptureQueriesContext(connection) as found:
            assert browser.get(url).status_code == 200
        return len(found)

    pages = ["/manage/team/roster/", "/manage/team/roster/gaps/", "/manage/team/shifts/", "/manage/team/absences/"]
    few = [queries(page) for page in pages]
    for number in range(50):
        person = assign(make_user(), "support", music)
        make_shift(person, start_time=time(number % 24), minutes=60)
        make_absence(person, TODAY + timedelta(days=1), state="asked" if number % 2 else "approved")
    assert [queries(page) for page in pages] == few
    assert max(few) <= 14  # the gaps, with the choices of their form


def test_the_gaps_are_drawn_and_told(as_person, hana, sofia):
    make_shift(sofia, start_time=time(6), minutes=60 * 18)

    page = as_person(hana).get("/manage/team/roster/gaps/").content.decode()

    assert "hour-none" in page and "hour-staffed" in page
    assert "Plan somebody" in page


def test_what_is_asked_for_is_set_by_who_plans(as_person, hana, sofia):
    as_person(sofia).post("/manage/team/roster/gaps/", {"duty": "engineer"})
    assert not Coverage.objects.exists()

    browser = as_person(hana)
    browser.post("/manage/team/roster/gaps/", {"duty": "engineer"})
    browser.post("/manage/team/roster/gaps/", {"duty": "engineer"})
    coverage = Coverage.objects.get()
    browser.post(f"/manage/team/roster/gaps/{coverage.pk}/drop/")
    assert not Coverage.objects.exists()


def test_a_swap_goes_its_way_by_the_buttons(as_person, hana, sofia, mara):
    shift = make_shift(sofia)
    url = f"/manage/team/shifts/{shift.public_id}/{TOMORROW}/swap/"
    assert b"Swap a shift" in as_person(sofia).get(url).content
    as_person(sofia).post(url, {"taker": mara.pk, "in_return": "", "note": "Dentist"})
    change = ShiftChange.objects.get()

    page = as_person(mara).get("/manage/team/shifts/").content.decode()
    assert "Asked of you" in page and "Dentist" in page
    said = as_person(mara).post(f"/manage/team/swaps/{change.public_id}/", {"word": "accept"}, follow=True).content.decode()
    assert "once whoever plans the team has approved it. Until then it is Sofia’s." in said
    assert b"For you to approve" in as_person(hana).get("/manage/team/shifts/").content
    as_person(hana).post(f"/manage/team/swaps/{change.public_id}/", {"word": "approve"})

    change.refresh_from_db()
    assert change.state == "approved"


def test_one_occurrence_is_cancelled_and_a_shift_ended(as_person, hana, sofia):
    shift = make_shift(sofia)
    browser = as_person(hana)
    page = f"/manage/team/roster/shifts/{shift.public_id}/"
    assert b"Not on this day" in browser.get(f"{page}?day={TOMORROW}").content

    browser.post(f"{page}cancel/", {"day": TOMORROW.isoformat(), "note": "Holiday"})
    browser.post(f"{page}end/", {"last_day": (TOMORROW + timedelta(days=3)).isoformat()})

    assert ShiftChange.objects.get().day == TOMORROW
    shift.refresh_from_db()
    assert shift.last_day == TOMORROW + timedelta(days=3)


def test_vacation_is_asked_decided_and_its_accounts_are_handed_over_and_back(as_person, music, mara, hana):
    lena = assign(make_user("lena@tributary.example", "Lena"), "manager", music)
    account = make_affiliate(name="Ana", manager=mara)
    make_enrollment(account, music)
    days = {"first_day": TODAY.isoformat(), "last_day": (TODAY + timedelta(days=13)).isoformat()}
    as_person(mara).post("/manage/team/absences/", {"kind": "vacation", **days})
    absence = Absence.objects.get()
    head = as_person(hana)
    assert b"For you to decide" in head.get("/manage/team/absences/").content
    decided = head.post(f"/manage/team/absences/{absence.public_id}/decide/", {"word": "approve"})

    page = head.get(decided["Location"]).content.decode()
    assert "Who takes which account" in page and "Ana" in page
    head.post(f"/manage/team/absences/{absence.public_id}/spread/", {f"to-{account.pk}": str(lena.pk)})
    cover = Cover.objects.get()
    assert (cover.to_person, cover.started_at is not None) == (lena, True)
    assert b"Give back now" in head.get(decided["Location"]).content
    head.post(f"/manage/team/covers/{cover.pk}/end/")
    cover.refresh_from_db()
    assert cover.ended_at is not None


def test_why_somebody_is_away_is_for_them_and_those_who_plan(as_person, sofia, mara, hana):
    absence = make_absence(mara, kind="sick", note="Operation")

    page = f"/manage/team/absences/{absence.public_id}/"
    assert b"Sick" not in as_person(sofia).get(page).content
    assert b"Sick" not in as_person(sofia).get("/manage/team/absences/").content.split(b"Ask for days off")[0]
    assert b"Operation" not in as_person(sofia).get("/manage/team/absences/").content
    assert b"Sick" in as_person(hana).get(page).content
    assert b"Sick" in as_person(mara).get(page).content


def test_sick_leave_is_told_by_oneself(as_person, sofia):
    as_person(sofia).post("/manage/team/absences/", {"kind": "sick", "first_day": TODAY, "last_day": TODAY})

    assert Absence.objects.get().state == "approved"


def test_who_has_had_no_full_leave_is_warned(as_person, mara, music):
    mara.date_joined = datetime.combine(date(2020, 1, 1), time(), tzinfo=timezone.get_default_timezone())
    mara.save()

    assert b"Without two weeks of vacation" in as_person(mara).get("/manage/team/absences/").content
