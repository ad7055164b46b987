"""How full the team is and will be; who should have a personal manager; what is left at the end of a shift."""

from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from support.growth import forecast, slope
from support.models import ManagerProposal, ManagerRule
from support.queries.team import growth_of, loads
from support.services.managers import propose_managers
from team.models import Capacity, HandoverNote
from team.services import set_capacity
from tests.factories import assign, make_affiliate, make_conversion, make_enrollment, make_user
from tests.factories_support import make_ticket
from tests.factories_team import make_absence, make_cover, make_shift
from tests.pages import text_of

pytestmark = pytest.mark.django_db
STEADY = [2] * 8


def test_at_a_steady_growth_the_weeks_are_counted_that_are_left():
    told = forecast(STEADY, accounts=20, managed=20, applications=4, capacity=30)

    assert (told.carried, told.growth, told.full_in_weeks) == (24, 2, 3)


def test_of_what_comes_managers_carry_the_part_that_they_carry_now():
    assert forecast(STEADY, accounts=40, managed=20, applications=4, capacity=30).full_in_weeks == 6


def test_a_full_team_is_full_now():
    assert forecast(STEADY, accounts=28, managed=28, applications=3, capacity=30).full_in_weeks == 0


def test_few_approvals_say_nothing():
    told = forecast([0, 0, 1, 0, 1, 0, 1, 1], accounts=9, managed=9, applications=0, capacity=30)

    assert (told.enough_data, told.full_in_weeks) == (False, None)


def test_open_applications_count_in_capacity_each_once(as_person, music, books, mara, hana):
    set_capacity(mara, by=hana, accounts=3, open_tickets=25)
    for manager, status in ((mara, "approved"), (mara, "pending"), (None, "pending"), (None, "rejected"), (None, "approved")):
        make_enrollment(make_affiliate(manager=manager), music, status)
    now = timezone.now()

    team = loads(now)

    assert [load.accounts for load in team.people if load.person == mara] == [2]  # an application is work of its manager's
    told = growth_of(team, now)
    assert (told.carried, told.capacity, told.full_in_weeks) == (3, 3, 0)
    assert "make 3, of 3" in text_of(as_person(hana).get("/manage/team/capacity/"))


def test_a_slope_is_that_of_the_line_through_the_points():
    assert slope([1, 3, 5, 7]) == 2
    assert slope([4]) == 0


def test_the_page_tells_who_carries_what_and_when_it_is_too_much(as_person, music, mara, sofia, hana):
    for _number in range(3):
        make_enrollment(make_affiliate(manager=mara), music)
    covered = make_affiliate(manager=hana)
    make_enrollment(covered, music)
    make_cover(covered, make_absence(hana), mara)
    make_ticket(assignee=mara)

    page = as_person(sofia).get("/manage/team/capacity/").content.decode()

    assert "4 / 30" in page and "1 / 25" in page
    assert "Too few affiliates were approved" in page


def test_what_somebody_carries_is_set_on_a_page(as_person, hana, mara, music):
    as_person(hana).post(
        f"/manage/team/capacity/{mara.public_id}/",
        {"accounts": 12, "open_tickets": 9, "languages": ["de", "en"], "programs": [music.pk]},
    )

    capacity = Capacity.objects.get(person=mara)
    assert (capacity.accounts, capacity.open_tickets, capacity.languages) == (12, 9, ["de", "en"])


def test_a_rule_proposes_and_a_person_grants(as_person, music, mara, hana, ana, bao):
    make_conversion(music, ana, amount="600.00")
    make_conversion(music, bao, amount="400.00")
    ManagerRule.objects.create(name="Large", program=music, revenue="500")

    assert (propose_managers(), propose_managers()) == (1, 0)
    proposal = ManagerProposal.objects.get()
    page = as_person(hana).get("/manage/team/managers/").content.decode()
    assert "Ana" in page and "600" in page
    as_person(hana).post(f"/manage/team/managers/{proposal.public_id}/", {"word": "grant", "manager": mara.pk})

    ana.refresh_from_db()
    proposal.refresh_from_db()
    assert (ana.manager, proposal.state, proposal.decided_by) == (mara, "granted", hana)


def test_what_was_declined_is_not_proposed_again_so_soon(as_person, music, hana, ana):
    ana.tags = ["vip"]
    ana.save()
    ManagerRule.objects.create(name="VIP", program=music, tag="vip")
    propose_managers()
    proposal = ManagerProposal.objects.get()

    as_person(hana).post(f"/manage/team/managers/{proposal.public_id}/", {"word": "decline"})

    assert propose_managers() == 0
    ManagerProposal.objects.update(decided_at=timezone.now() - timedelta(days=91))
    assert propose_managers() == 1


def test_a_rule_asks_for_something(as_person, music, hana):
    page = as_person(hana).post("/manage/team/managers/", {"name": "All", "program": music.pk, "days": 30})

    assert b"Ask for something" in page.content
    assert not ManagerRule.objects.exists()


def test_what_is_left_at_the_end_of_a_shift_is_listed_and_read_by_who_comes(as_person, music, sofia, mara, nils, ana):
    ticket = make_ticket(ana, music, assignee=sofia, subject="Coupon does not work")
    browser = as_person(sofia)
    assert b"Coupon does not work" in browser.get("/manage/team/handover/").content
    browser.post("/manage/team/handover/", {"duty": "support", "text": "Ana waits for the shop."})

    note = HandoverNote.objects.get()
    assert note.tickets == [ticket.pk]
    page = as_person(mara).get("/manage/team/handover/").content.decode()
    assert "Ana waits for the shop." in page and "Coupon does not work" in page
    assert "Coupon does not work" not in as_person(nils).get("/manage/team/handover/").content.decode()
    assert b"handed over to whoever comes" in as_person(mara).get("/manage/team/handover/reminder/").content
    as_person(mara).post(f"/manage/team/handover/{note.public_id}/read/")
    assert b"handed over to whoever comes" not in as_person(mara).get("/manage/team/handover/reminder/").content


def test_the_sheet_tells_what_is_open_in_each_account(as_person, music, mara, hana):
    account = make_affiliate(name="Ana", manager=mara, note="Likes short answers")
    make_enrollment(account, music)
    make_ticket(account, music, subject="Where is my payout")
    lena = assign(make_user("lena@tributary.example", "Lena"), "manager", music)
    absence = make_absence(mara)
    make_cover(account, absence, lena)

    page = as_person(lena).get(f"/manage/team/absences/{absence.public_id}/sheet/").content.decode()

    assert "Ana → Lena" in page and "Likes short answers" in page and "Where is my payout" in page
    assert "Handover sheet" in as_person(hana).get(f"/manage/team/absences/{absence.public_id}/").content.decode()


def test_capacity_and_handover_ask_as_much_at_one_as_at_fifty(as_person, music, mara, hana):
    browser = as_person(hana)

    def queries(url):
        browser.get(url)
        with CaptureQueriesContext(connection) as found:
            assert browser.get(url).status_code == 200
        return len(found)

    def grow(times):
        for _number in range(times):
            person = assign(make_user(), "manager", music)
            make_enrollment(make_affiliate(manager=person), music)
            ticket = make_ticket(make_affiliate(), music, assignee=hana)
            HandoverNote.objects.create(person=person, duty="support", text="Note", tickets=[ticket.pk])
            Capacity.objects.create(person=person)

    pages = ["/manage/team/capacity/", "/manage/team/handover/"]
    grow(1)
    few = [queries(page) for page in pages]
    grow(49)
    assert [queries(page) for page in pages] == few
    assert max(few) <= 12


def test_who_leaves_something_is_reminded_of_the_note_at_the_end_of_their_shift(as_person, music, sofia, mara, ana):
    today = datetime(2026, 11, 24, tzinfo=UTC)
    make_shift(sofia, start_time=time(8), minutes=240, first_day=today.date())
    make_ticket(ana, music, assignee=sofia, at=today)

    def told(minutes, person=sofia):
        with time_machine.travel(today + timedelta(hours=12, minutes=minutes), tick=False):
            browser = as_person(person)
            assert "/manage/team/handover/reminder/" in browser.get("/manage/").content.decode()
            return browser.get("/manage/team/handover/reminder/").content.decode()

    assert "Your shift" not in told(-31)
    assert "Your shift ends" in told(-29) and "1 open ticket is yours" in told(-29)
    assert "Your shift has ended" in told(5)
    assert "Your shift" not in told(61)
    assert "Your shift" not in told(-29, mara)
    with time_machine.travel(today + timedelta(hours=11, minutes=45), tick=False):
        as_person(sofia).post("/manage/team/handover/", {"duty": "support", "text": "Ana waits."})
    assert "Your shift" not in told(5)
    assert "handed over to whoever comes" in told(5, mara)
