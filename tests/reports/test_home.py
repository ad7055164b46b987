"""The team's home: what needs me now, by what I may settle; and the program's days against those before."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.events import record
from core.models import Event, EventDelivery, Mail
from support.models import Escalation
from team.models import ShiftChange
from tests.factories import (
    assign,
    make_affiliate,
    make_batch,
    make_click,
    make_commission,
    make_conversion,
    make_enrollment,
    make_link,
    make_offer,
    make_payout,
    make_payout_method,
    make_program,
    make_refund,
    make_reversal,
    make_rule,
    make_user,
)
from tests.factories_knowledge import make_article
from tests.factories_support import make_channel, make_inbound, make_outgoing, make_ticket
from tests.factories_team import make_absence, make_shift

pytestmark = pytest.mark.django_db
HOME = "/manage/"


def needs(response) -> list[tuple[str, str]]:
    return [(need.title, need.detail) for need in response.context["needs"]]


def titles(response) -> list[str]:
    return [title for title, _detail in needs(response)]


@pytest.fixture
def running(music, music_offer, ana):
    """Music has all it needs to earn: an offer, a rule, an approved affiliate."""
    make_rule(music)
    return music


# What needs me


def test_each_thing_that_waits_stands_with_its_sum_and_leads_to_its_list(as_person, mara, running, ana, bao, ella):
    make_commission(make_conversion(running, ana), amount="10.00")
    partly = make_commission(make_conversion(running, bao), amount="5.00")
    make_reversal(partly, make_refund(partly.conversion, "50.00"), "2.50")
    whole = make_commission(make_conversion(running, bao), amount="7.00")
    make_reversal(whole, make_refund(whole.conversion, "100.00"), "7.00")
    make_commission(make_conversion(running, ana), decision="on_hold", amount="3.00")
    make_commission(make_conversion(running, ana), decision="approved")
    make_conversion(running, ana, currency="GBP")
    page = as_person(mara).get(HOME)

    assert needs(page) == [
        ("1 affiliate wants to join", ""),
        ("2 commissions to review", "$12.50"),
        ("1 commission on hold", "$3.00"),
        ("1 conversion in a currency that its program has no rate for", ""),
    ]
    browser = as_person(mara)
    counts = [browser.get(need.url).context["listing"].count for need in page.context["needs"]]
    assert counts == [1, 2, 1, 1]


def test_currencies_stand_beside_each_other_and_are_never_added(as_person, hana, running, books, ana):
    make_rule(books)
    make_commission(make_conversion(running, ana), amount="10.00")
    make_commission(make_conversion(books, ana), amount="7.00")

    assert ("2 commissions to review", "€7.00 · $10.00") in needs(as_person(hana).get(HOME))


def test_a_batch_asks_each_for_their_next_step(as_person, mara, felix, sofia, running):
    draft = make_batch(running, by=mara)
    make_payout(draft, amount="40.00")
    make_payout(draft, amount="25.00")
    approved = make_batch(running, by=mara, status="approved")
    make_payout(approved, amount="30.00")
    make_batch(running, by=mara, status="computing")
    make_batch(running, by=mara, status="done")

    sums = ("$65.00 to 2 affiliates", "$30.00 to 1 affiliate", "")
    assert needs(as_person(felix).get(HOME)) == [
        ("Payout of Music to approve, made by Mara", sums[0]),
        ("Payout of Music is approved: the money can leave", sums[1]),
        ("Payout of Music is being computed", sums[2]),
    ]
    own = as_person(mara).get(HOME)
    assert titles(own)[0] == "Payout of Music waits for approval by another person"
    assert [need.label for need in own.context["needs"]] == ["", "", ""]  # nothing there that she could do
    assert needs(as_person(sofia).get(HOME)) == []


def test_a_batch_of_nothing_asks_to_be_cancelled(as_person, mara, felix, running):
    make_batch(running, by=mara)

    for person in (mara, felix):
        assert titles(as_person(person).get(HOME))[0] == "Payout of Music has nothing to pay: cancel it"


def test_money_that_is_payable_asks_for_a_batch_while_there_is_none(as_person, mara, felix, sofia, running, ana, bao, citra):
    for affiliate, amount in ((ana, "30.00"), (bao, "25.50"), (citra, "40.00")):
        make_commission(make_conversion(running, affiliate), decision="approved", amount=amount)
    make_commission(make_conversion(running, ana), decision="approved", payable_at=timezone.now() + timedelta(days=1))
    for affiliate in (ana, bao):
        make_payout_method(affiliate)
    expected = ("$55.50 payable to 2 affiliates of Music", "1 more has no payout method")

    page = as_person(felix).get(HOME)
    assert needs(page) == [expected]
    assert needs(as_person(mara).get(HOME)) == [expected]
    assert needs(as_person(sofia).get(HOME)) == []
    counted = as_person(felix).get(page.context["needs"][0].url)
    assert counted.context["preview"].ready.amount == Decimal("55.50")

    make_batch(running, by=mara)
    assert expected not in needs(as_person(felix).get(HOME))


def test_payable_money_of_other_currencies_and_programs_stands_on_its_own(as_person, hana, felix, running, books, ana):
    make_rule(books)
    for currency in ("EUR", "USD"):
        make_payout_method(ana, currency=currency)
    for program, amount in ((running, "30.00"), (books, "70.00")):
        make_commission(make_conversion(program, ana), decision="approved", amount=amount)

    theirs = ("$30.00 payable to 1 affiliate of Music", "")
    assert theirs in needs(as_person(hana).get(HOME))
    assert ("€70.00 payable to 1 affiliate of Books", "") in needs(as_person(hana).get(HOME))
    assert needs(as_person(felix).get(HOME)) == [theirs]


def test_admins_see_mails_that_failed_lately(as_person, ada, hana, running):
    for subject, days in (("Now", 1), ("Long ago", 30)):
        at = timezone.now() - timedelta(days=days)
        Mail.objects.create(to="x@y.example", sender="t@y.example", subject=subject, body="", status="failed", created_at=at)
    page = as_person(ada).get(HOME)

    assert titles(page) == ["1 mail could not be sent"]
    assert "Now" in as_person(ada).get(page.context["needs"][0].url).content.decode()
    assert titles(as_person(hana).get(HOME)) == []


def test_admins_see_stuck_events_and_where_mails_are_kept(as_person, ada, hana, running):
    with transaction.atomic():
        record("program.updated", running)
    EventDelivery.objects.create(event=Event.objects.get(), receiver="somewhere.gone", attempts=3)
    page = as_person(ada).get(HOME)

    assert titles(page) == ["1 event could not be delivered"]
    listed = as_person(ada).get(page.context["needs"][0].url)
    assert listed.status_code == 200 and "somewhere.gone" in listed.content.decode()
    assert "mails are kept here and sent to nobody" in page.content.decode()

    other = as_person(hana).get(HOME)
    assert titles(other) == [] and "mails are kept here" not in other.content.decode()


def test_no_note_about_mails_where_a_server_sends_them(as_person, ada, running, monkeypatch):
    monkeypatch.setattr(settings, "MAIL_SERVER", {"host": "mail.example"})
    assert as_person(ada).get(HOME).context["mails_note"] is None


def test_a_new_installation_asks_for_the_first_program(as_person, ada):
    text = as_person(ada).get(HOME).content.decode()
    assert "Make the first program" in text and 'href="/manage/programs/new/"' in text


def test_a_new_program_says_what_it_lacks_until_it_has_it(as_person, mara, music, jun):
    browser = as_person(mara)
    lacks = ["Music has no offer yet", "Music has no rule yet: it pays for nothing", "Music has no affiliate yet"]
    page = browser.get(HOME)
    assert titles(page) == lacks
    assert [need.url for need in page.context["needs"]] == [
        "/manage/programs/music/offers/new/",
        "/manage/programs/music/rules/new/",
        "/manage/affiliates/new/",
    ]
    assert titles(as_person(jun).get(HOME)) == []

    make_offer(music)
    make_rule(music)
    make_enrollment(make_affiliate(), music)
    assert titles(browser.get(HOME)) == []
    assert "Nothing waits for you." in browser.get(HOME).content.decode()


def test_what_waits_in_another_program_is_nobody_elses_business(as_person, nils, running, ana, ella, books):
    make_offer(books)
    make_rule(books)
    make_enrollment(make_affiliate(), books)
    make_commission(make_conversion(running, ana))
    make_conversion(running, ana, currency="GBP")
    make_batch(running)
    page = as_person(nils).get(HOME)

    assert needs(page) == []
    assert page.context["program"] == books and "Music" not in page.content.decode()
    assert as_person(nils).get(HOME, {"program": "music"}).context["program"] == books


# What waits beside the tickets


def test_what_could_not_be_filed_or_delivered_stands_with_its_list(as_person, mara, hana, running):
    channel = make_channel(running, kind="email", receive_error="No such host", receive_error_since=timezone.now())
    make_inbound(channel, status="quarantined", reason="No sender")
    make_inbound(channel, status="quarantined", reason="No sender", dismissed_at=timezone.now(), dismissed_by=mara)
    make_outgoing(channel, status="failed")
    make_outgoing(channel, status="unknown")

    page = as_person(hana).get(HOME)
    assert titles(page) == ["1 channel does not work", "1 message could not be filed", "2 replies were not delivered"]
    counts = [as_person(hana).get(need.url).context["listing"].count for need in page.context["needs"]]
    assert counts == [1, 1, 2]


def test_swaps_days_off_and_questions_stand_with_whoever_decides(as_person, mara, hana, sofia, jun, running, ana):
    shift = make_shift(sofia)
    day = timezone.localdate() + timedelta(days=2)
    swap = ShiftChange.objects.create(shift=shift, day=day, taken_by=mara, asked_by=sofia)
    make_absence(sofia, state="asked")
    question = {"level": "engineer", "question": "Why?", "accept_due": timezone.now()}
    Escalation.objects.create(ticket=make_ticket(ana, running), asked_by=sofia, holder=jun, **question)

    assert titles(as_person(mara).get(HOME)) == ["You are asked to take 1 shift"]
    assert titles(as_person(hana).get(HOME)) == ["1 request for days off"]
    asked = as_person(jun).get(HOME)
    assert titles(asked) == ["1 colleague’s question is with you"]
    assert as_person(jun).get(asked.context["needs"][0].url).context["listing"].count == 1

    swap.state = "accepted"
    swap.save()
    assert titles(as_person(mara).get(HOME)) == []
    assert titles(as_person(hana).get(HOME)) == ["1 swap of shifts to approve", "1 request for days off"]


def test_articles_that_are_overdue_stand_with_their_owner(as_person, mara, hana, running):
    make_article(running, owner=mara, status="published", review_by=timezone.localdate() - timedelta(days=1))
    make_article(running, owner=mara, status="published", review_by=timezone.localdate())

    assert titles(as_person(mara).get(HOME)) == ["1 article is overdue for a review"]
    assert titles(as_person(hana).get(HOME)) == []


# This period against the last


def test_the_period_stands_beside_the_one_before(as_person, mara, running, music_offer, ana):
    link = make_link(ana, music_offer)
    now = timezone.now()
    for days, amount in ((1, "100.00"), (2, "50.00"), (9, "75.00"), (20, "999.00")):
        make_click(link, at=now - timedelta(days=days))
        make_commission(
            make_conversion(running, ana, amount, occurred_at=now - timedelta(days=days)), amount=Decimal(amount) / 10
        )
    make_click(link, at=now - timedelta(days=3))
    page = as_person(mara).get(HOME, {"period": "7"})

    assert [(m.key, m.now, m.before) for m in page.context["measures"]] == [
        ("clicks", 3, 1),
        ("conversions", 2, 1),
        ("amount", Decimal("150.00"), Decimal("75.00")),
        ("commission", Decimal("15.00"), Decimal("7.50")),
    ]
    chart = page.context["chart"]
    assert [sum(series.values) for series in chart.series] == [Decimal("150.00"), Decimal("15.00"), Decimal("75.00")]
    assert len(chart.labels) == 7 and chart.currency == "USD"
    assert "+100%" in page.content.decode()

    alone = as_person(mara).get(HOME, {"period": "7", "compare": "no", "show": "clicks"})
    assert [m.before for m in alone.context["measures"]] == [None] * 4
    assert [sum(series.values) for series in alone.context["chart"].series] == [3]


@pytest.mark.parametrize(
    "query",
    [{"period": "last_month"}, {"period": "month"}, {"from": "2024-02-28", "to": "2024-03-01"}, {"period": "x", "show": "y"}],
)
def test_every_period_draws_as_many_days_as_it_has(as_person, mara, running, query):
    page = as_person(mara).get(HOME, query)
    days = page.context["period"].days
    assert {len(series.values) for series in page.context["chart"].series} == {days}


def test_the_program_is_chosen_by_the_address_and_has_its_own_currency(as_person, hana, running, books, ana):
    make_conversion(running, ana, "100.00")
    make_conversion(books, ana, "40.00")
    browser = as_person(hana)

    assert browser.get(HOME).context["program"] == books  # the first by name
    chosen = browser.get(HOME, {"program": "music"})
    assert chosen.context["program"] == running
    assert [m.now for m in chosen.context["measures"] if m.key == "amount"] == [Decimal("100.00")]
    assert "?program=books" in chosen.content.decode()


@pytest.mark.parametrize(
    ("role", "measures"),
    [("felix", ["clicks", "conversions", "amount", "commission"]), ("jun", ["clicks", "conversions"]), ("vera", None)],
)
def test_money_is_for_those_who_see_it(request, as_person, running, ana, role, measures):
    make_commission(make_conversion(running, ana, "123.45"), amount="12.34")
    page = as_person(request.getfixturevalue(role)).get(HOME, {"show": "amount"})

    assert [m.key for m in page.context["measures"]] == measures if measures else "measures" not in page.context
    text = page.content.decode()
    assert ("$" in text) == bool(measures and "amount" in measures)
    assert needs(page) == []


def test_otto_is_refused_and_strangers_are_asked_to_sign_in(as_person, client, otto, running):
    assert as_person(otto).get(HOME).status_code == 403
    assert client.get(HOME).url == "/accounts/login/?next=/manage/"


def test_home_takes_as_many_queries_at_one_row_as_at_a_hundred(as_person, ada, mara, running, music_offer, ana):
    link = make_link(ana, music_offer)
    browser = as_person(ada)

    def add() -> None:
        make_click(link)
        make_commission(make_conversion(running, ana, link=link))
        make_enrollment(make_affiliate(), running, "pending")
        make_conversion(running, ana, currency="GBP")
        make_payout(make_batch(running, by=make_user()))

    def count() -> int:
        browser.get(HOME)
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(HOME).status_code == 200
        return len(queries)

    add()
    one = count()
    for number in range(60):
        add()
        assign(ada, "manager", make_program(f"other-{number}"))
    assert one == count() <= 12  # one of them is for the menu
