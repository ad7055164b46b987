"""Who gets a ticket, why, and what happens when nobody is there."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
import time_machine

from affiliates.services import end_covers, spread_accounts
from support.errors import TicketError
from support.models import Level, Message, Ticket
from support.queries.care import care_of
from support.services import add_task, assign, receive
from support.services.assignment import assign_ticket, assign_waiting, hand_back, hand_over, sweep_tickets
from team.services import set_capacity
from tests.factories import assign as give_role
from tests.factories import make_affiliate, make_enrollment, make_user
from tests.factories_support import make_channel, make_message, make_ticket
from tests.factories_team import make_absence, make_shift

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
MORNING = {"start_time": time(8), "minutes": 480}
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def account(music, mara):
    affiliate = make_affiliate(name="Ana", manager=mara)
    make_enrollment(affiliate, music)
    return affiliate


def asked(affiliate, program, type="technical", **fields):
    ticket = make_ticket(affiliate, program, type=type, **fields)
    make_message(ticket)
    return ticket


def owner_of(ticket):
    return Ticket.objects.get(pk=ticket.pk).assignee


def test_a_simple_question_goes_to_support_the_rest_to_the_personal_manager(music, account, mara, sofia):
    simple, hard = asked(account, music, "question"), asked(account, music, "claim")

    assert assign_waiting() == 2

    assert (owner_of(simple), owner_of(hard)) == (sofia, mara)
    assert Ticket.objects.get(pk=simple.pk).assigned_reason.startswith("A simple question. Sofia is on duty (Support)")
    assert Ticket.objects.get(pk=hard.pk).assigned_reason == "Mara looks after this affiliate."


def test_a_fresh_installation_with_an_admin_alone_works(music, ada):
    ticket = asked(make_affiliate(), music, "question")

    assign_waiting()

    assert owner_of(ticket) == ada


def test_a_question_that_went_up_a_level_is_simple_no_more(music, account, mara, sofia):
    ticket = asked(account, music, "question", level=Level.ENGINEER)

    assert assign_ticket(ticket).assignee == mara


def test_without_a_personal_manager_it_belongs_to_the_support_pool(music, mara, sofia):
    affiliate = make_affiliate()
    ticket = assign_ticket(asked(affiliate, music, "claim"))

    assert ticket.assignee == sofia
    assert "support pool" in ticket.assigned_reason
    assert care_of(affiliate).person is None
    assert "support team" in care_of(affiliate).sentence


def test_off_shift_the_manager_gets_nothing_and_whoever_covers_is_told_why(music, account, mara, sofia):
    make_shift(mara, "manager", start_time=time(18), minutes=60)
    make_shift(sofia, "support", **MORNING)

    ticket = assign_ticket(asked(account, music, "claim"))

    assert ticket.assignee == sofia
    assert ticket.assigned_reason.startswith("Mara looks after this affiliate, but is off shift until Mon, Nov 23, 6:00")


def test_on_vacation_the_manager_gets_nothing(music, account, mara, sofia):
    make_absence(mara, date(2026, 11, 20), date(2026, 11, 30))

    ticket = assign_ticket(asked(account, music, "claim"))

    assert ticket.assignee == sofia
    assert "is away until Tue, Dec 1" in ticket.assigned_reason


def test_a_full_manager_is_covered_by_who_has_room_and_keeps_it_where_nobody_has(music, account, mara, sofia, hana):
    for person in (mara, sofia, hana):
        set_capacity(person, by=give_role(make_user(), "admin"), accounts=30, open_tickets=1)
    asked(account, music, assignee=mara)

    first = assign_ticket(asked(account, music, "claim"))
    second = assign_ticket(asked(account, music, "claim"))

    assert {first.assignee, second.assignee} == {sofia, hana}
    assert first.assigned_reason.startswith("Mara looks after this affiliate, but is full. ")
    last = assign_ticket(asked(account, music, "claim"))
    assert (last.assignee, last.assigned_reason) == (mara, "Mara looks after this affiliate; everybody who is there is full.")


def test_it_goes_to_who_speaks_the_language_knows_the_program_and_has_least_to_do(music, account, sofia):
    german, busy, idle = (
        give_role(make_user(f"{name}@tributary.example", language=language), "support", music)
        for name, language in (("greta", "de"), ("bela", "de"), ("ida", "en"))
    )
    make_ticket(account, music, assignee=busy)

    assert assign_ticket(asked(account, music, "question", language="de")).assignee == german
    assert assign_ticket(asked(account, music, "question", language="en")).assignee in (sofia, idle)


def test_only_who_may_answer_in_the_program_gets_it(books, nils, sofia, mara):
    ticket = assign_ticket(asked(make_affiliate(), books, "question"))

    assert ticket.assignee == nils


def test_a_shift_at_one_door_gets_what_comes_through_it(music, sofia, mara):
    make_shift(sofia, channel_kind="telegram")
    make_shift(mara, "support", channel_kind="email")
    mail, chat = make_channel(music, "email"), make_channel(music, "telegram")

    assert assign_ticket(asked(make_affiliate(), music, "question", channel=mail)).assignee == mara
    assert assign_ticket(asked(make_affiliate(), music, "question", channel=chat)).assignee == sofia


def test_whoever_covers_an_account_gets_what_is_its_managers(music, account, mara, hana):
    lena = give_role(make_user("lena@tributary.example", "Lena"), "manager", music)
    give_role(make_user(), "manager", music)
    vacation = make_absence(mara, date(2026, 11, 23), date(2026, 11, 30))
    spread_accounts(vacation, by=hana, chosen={account.pk: lena.pk})

    assert assign_ticket(asked(account, music, "claim")).assignee == lena
    assert care_of(account).sentence == "Lena looks after you while Mara is away."


def test_what_its_owner_left_goes_to_who_is_there_only_if_it_is_due_before_they_are_back(music, account, mara, sofia):
    make_shift(mara, "manager", start_time=time(20), minutes=60)
    make_shift(sofia, "support", **MORNING)
    soon = asked(account, music, assignee=mara, next_due=NOW + HOUR)
    late = asked(account, music, assignee=mara, next_due=NOW + 20 * HOUR)

    assert sweep_tickets() == 1

    assert (owner_of(soon), owner_of(late)) == (sofia, mara)
    assert "after this is due" in Ticket.objects.get(pk=soon.pk).assigned_reason


def test_what_belongs_to_somebody_who_may_not_answer_any_more_finds_an_owner(music, account, sofia):
    gone = make_user()
    ticket = asked(account, music, assignee=gone)

    sweep_tickets()

    assert owner_of(ticket) != gone
    assert "may not answer any more" in Ticket.objects.get(pk=ticket.pk).assigned_reason


def test_what_waits_for_the_affiliate_stays_with_its_owner(music, account, mara, sofia):
    make_absence(mara, date(2026, 11, 20), date(2026, 11, 30))
    ticket = make_ticket(account, music, assignee=mara, status="pending")

    assert sweep_tickets() == 0
    assert owner_of(ticket) == mara


def test_outside_everyones_hours_the_affiliate_is_told_once_when_they_will_be_answered(music, account, mara, sofia):
    make_shift(sofia, "support", start_time=time(18), minutes=240)
    ticket = asked(account, music, "question")

    sweep_tickets()
    sweep_tickets()

    told = Message.objects.get(ticket=ticket, direction="auto")
    assert "we are back on Mon, Nov 23, 6:00 PM" in told.body_text.replace("\u202f", " ")
    ticket.refresh_from_db()
    assert (ticket.assignee, ticket.status, ticket.first_replied_at) == (None, "new", None)
    assert ticket.told_until == NOW + 8 * HOUR


@pytest.mark.parametrize(("language", "told"), [("en", "You have no personal manager: the support team"), ("de", "persönlich")])
def test_who_belongs_to_the_support_pool_is_told_so_in_the_first_word(music, sofia, mara, language, told):
    make_shift(sofia, "support", start_time=time(18), minutes=240)
    pooled, managed = (make_affiliate(owner=True, language=language, manager=manager) for manager in (None, mara))
    of_pool, of_manager = (asked(affiliate, music, "question") for affiliate in (pooled, managed))

    sweep_tickets()

    first, second = (Message.objects.get(ticket=ticket, direction="auto").body_text for ticket in (of_pool, of_manager))
    assert told in first and told not in second
    assert "18:00" in first or "6:00" in first


def test_in_the_next_gap_they_are_told_again(music, account, mara, sofia):
    make_shift(sofia, "support", start_time=time(11), minutes=60)
    ticket = asked(account, music, "question")
    sweep_tickets()
    with time_machine.travel(NOW + 3 * HOUR, tick=False):
        receive(ticket, text="Hello?", author=None)
        sweep_tickets()

    assert Message.objects.filter(ticket=ticket, direction="auto").count() == 2


def test_a_machine_is_told_nothing(music, account, sofia):
    make_shift(sofia, "support", start_time=time(18), minutes=240)
    ticket = make_ticket(account, music)
    receive(ticket, text="I am out of office", automatic="reply")

    sweep_tickets()

    assert not Message.objects.filter(direction="auto").exists()


def test_the_time_is_told_in_the_affiliates_zone(music, mara, sofia):
    affiliate = make_affiliate("bao@tributary.example", owner=True)
    affiliate.members.get().user.__class__.objects.filter(email="bao@tributary.example").update(time_zone="Asia/Ho_Chi_Minh")
    make_shift(sofia, "support", start_time=time(18), minutes=240)
    ticket = asked(affiliate, music, "question")

    sweep_tickets()

    text = Message.objects.get(ticket=ticket, direction="auto").body_text.replace("\u202f", " ")
    assert "Tue, Nov 24, 1:00 AM (Asia/Ho_Chi_Minh)" in text


def test_what_nobody_can_take_holds_up_nothing_else(music, books, sofia, monkeypatch):
    monkeypatch.setattr("support.services.assignment.AT_ONCE", 2)
    for _number in range(3):
        asked(make_affiliate(), books, next_due=NOW - HOUR)
    ticket = asked(make_affiliate(), music, next_due=NOW + HOUR)

    sweep_tickets()

    assert owner_of(ticket) == sofia


def test_a_sweep_with_nothing_to_do_asks_as_much_at_one_ticket_as_at_a_hundred(
    music, account, mara, sofia, django_assert_max_num_queries
):
    for _number in range(100):
        asked(account, music, assignee=mara)

    with django_assert_max_num_queries(13):
        assert sweep_tickets() == 0


def test_nobody_is_given_work_off_shift_but_one_may_take_it(music, account, mara, sofia):
    make_shift(mara, "manager")
    ticket = asked(account, music)

    with pytest.raises(TicketError, match="not on duty"):
        assign(ticket, sofia, by=mara, reason="")
    assert assign(ticket, sofia, by=sofia, reason="").assignee == sofia


def test_a_covered_account_comes_back_with_its_tickets_and_tasks(music, account, mara, hana):
    lena = give_role(make_user("lena@tributary.example", "Lena"), "manager", music)
    vacation = make_absence(mara, date(2026, 11, 23), date(2026, 11, 30))
    task = add_task(asked(account, music, assignee=mara), "Ask the shop", owner=mara, due_at=NOW + 5 * HOUR, by=mara)
    (cover,) = spread_accounts(vacation, by=hana, chosen={account.pk: lena.pk})
    hand_over(cover.pk)
    task.refresh_from_db()
    assert task.owner == lena
    waiting = assign_ticket(asked(account, music, "claim"))
    answered = make_ticket(account, music, assignee=lena, status="pending", assigned_at=NOW + HOUR)
    assert waiting.assignee == lena

    with time_machine.travel(datetime(2026, 12, 1, 9, tzinfo=UTC), tick=False):
        end_covers()
        hand_back(cover.pk)

    assert (owner_of(waiting), owner_of(answered)) == (mara, mara)
    task.refresh_from_db()
    assert task.owner == mara
