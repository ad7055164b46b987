"""The affiliate's offers and conversions in the portal."""

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from commissions.rates import rates_of
from programs.services import publish_terms
from tests.factories import (
    make_batch,
    make_commission,
    make_conversion,
    make_coupon,
    make_enrollment,
    make_link,
    make_offer,
    make_payout,
    make_program,
    make_rule,
    make_rule_version,
)
from tests.portal import MOST_QUERIES, file_of, member, queries_of, text_of

LIST = "/portal/conversions/"


@pytest.fixture
def sale(ana, music, music_offer):
    """A sale of Ana's by her link: 10% of 80.00, not decided yet."""
    make_rule(music, name="Standard", value="10")
    link = make_link(ana, music_offer, code="mine")
    conversion = make_conversion(music, ana, "80.00", external_id="order-7", link=link, subs=["summer"])
    return make_commission(conversion, amount="8.00").conversion


def test_a_conversion_tells_why_it_is_theirs_and_what_it_earns(sale, ana, as_person):
    page = text_of(as_person(ana).get(LIST))

    assert "order-7" in page
    assert "The customer came through your link “mine”. Its sub1 was “summer”." in page
    assert "10% of $80.00 (order order-7) is $8.00, by rule “Standard”" in page
    assert "The program has yet to check it." in page


@pytest.mark.parametrize(
    ("change", "state", "told"),
    [
        ({"decision": "on_hold", "reason_code": "fraud_check", "note": "secret"}, "on_hold", "the traffic is being checked"),
        ({"decision": "rejected", "reason_code": "cancelled_order", "note": "secret"}, "rejected", "the order was cancelled"),
        ({"decision": "rejected", "reason_code": "other", "note": "secret"}, "rejected", "ask your manager for the reason"),
        ({"decision": "approved", "payable_at": datetime(2090, 5, 4, tzinfo=UTC)}, "approved", "becomes payable on May 4, 2090"),
        ({"decision": "approved"}, "payable", "The next payout takes it."),
        ({"reversed": Decimal("8.00")}, "reversed", "Refunds took all of it back."),
    ],
)
def test_every_state_is_told_and_filtered_and_notes_stay_with_the_team(change, state, told, sale, ana, as_person):
    commission = sale.commissions.get()
    for name, value in change.items():
        setattr(commission, name, value)
    if commission.decision in ("approved", "rejected"):
        commission.decided_at = timezone.now()
    if commission.decision == "approved" and commission.payable_at is None:
        commission.payable_at = timezone.now()
    commission.save()
    client = as_person(ana)

    page = text_of(client.get(LIST, {"state": state}))

    assert "order-7" in page and told in page
    assert "secret" not in page
    assert "order-7" not in text_of(client.get(LIST, {"state": "pending"}))


@pytest.mark.parametrize(("status", "state"), [("ready", "in_payout"), ("paid", "paid")])
def test_what_a_payout_holds_is_in_payout_and_then_paid(status, state, sale, ana, music, as_person):
    commission = sale.commissions.get()
    commission.decision, commission.decided_at, commission.payable_at = "approved", timezone.now(), timezone.now()
    commission.save()
    payout = make_payout(make_batch(music), ana, "8.00", status)
    payout.lines.create(commission=commission, amount="8.00")

    assert "order-7" in text_of(as_person(ana).get(LIST, {"state": state}))


def test_what_earned_nothing_says_so(ana, music, as_person):
    make_conversion(music, ana, external_id="no-rule")
    make_conversion(music, ana, external_id="in-euros", currency="EUR")

    page = text_of(as_person(ana).get(LIST, {"state": "none"}))

    assert "no rule of the program pays for it" in page
    assert "It came in EUR, while the program counts in USD." in page


def test_refunds_are_taken_off_what_is_shown(sale, ana, as_person):
    sale.refunded = Decimal("20.00")
    sale.save()
    sale.commissions.update(reversed=Decimal("2.00"))

    lines = file_of(as_person(ana).get(f"{LIST}?export=csv"))

    columns = dict(zip(*csv.reader(lines), strict=True))
    assert (columns["Order"], columns["Earned"], columns["State"], columns["Amount"], columns["Refunded"]) == (
        "order-7",
        "6.00",
        "pending",
        "80.00",
        "20.00",
    )


def test_filters_by_day_link_sub_id_and_order(sale, ana, music, music_offer, as_person):
    other = make_link(ana, music_offer, code="other")
    old = timezone.now() - timedelta(days=40)
    make_conversion(music, ana, external_id="order-8", link=other, subs=["winter"], occurred_at=old)
    client = as_person(ana)
    day = f"{timezone.now():%Y-%m-%d}"

    for query in ({"date_from": day}, {"link": "mine"}, {"sub1": "summer"}, {"q": "order-7"}):
        page = text_of(client.get(LIST, query))
        assert "order-7" in page and "order-8" not in page, query


def test_several_programs_are_told_apart(sale, ana, as_person):
    films = make_program("films", name="Films")
    make_conversion(films, ana, external_id="order-film")
    client = as_person(ana)

    page = text_of(client.get(LIST, {"program": "films"}))

    assert "order-film" in page and "order-7" not in page


def test_nothing_of_anybody_else_is_listed(sale, bao, music, as_person):
    make_commission(make_conversion(music, bao, external_id="baos-order"))

    page = text_of(as_person(bao).get(LIST))

    assert "baos-order" in page and "order-7" not in page
    assert "Nothing matches" in text_of(as_person(bao).get(LIST, {"q": "order-7"}))
    assert file_of(as_person(bao).get(f"{LIST}?link=mine&export=csv"))[1].split(",")[1] == "baos-order"


@pytest.mark.parametrize("function", ["owner", "marketing", "finance", "leader"])
def test_everybody_in_the_account_sees_them(function, sale, ana):
    client = member(ana, function)

    assert "order-7" in text_of(client.get(LIST))
    assert ("Make a link" in text_of(client.get("/portal/offers/"))) is (function != "finance")


def test_whoever_belongs_to_no_affiliate_is_refused(otto, felix, as_person):
    for person in (otto, felix):
        for path in (LIST, "/portal/offers/"):
            assert as_person(person).get(path).status_code == 403


def test_offers_say_what_they_pay_this_affiliate(ana, bao, music, music_offer, as_person):
    standard = make_rule(music, value="10")
    make_rule_version(standard, number=2, value="12", starts_at=timezone.now() + timedelta(days=1))  # not in force yet
    make_rule(music, value="15", affiliate=ana)
    make_rule(music, event="lead", type="flat", value="2.50", offer=music_offer)
    make_rule(music, event="install", value="9", archived_at=timezone.now())

    assert [(r.event, r.text, r.own) for r in rates_of(ana.pk, [music_offer], timezone.now())[music_offer.pk]] == [
        ("sale", "15%", True),
        ("lead", "$2.50", False),
    ]
    assert [r.text for r in rates_of(bao.pk, [music_offer], timezone.now())[music_offer.pk]] == ["10%", "$2.50"]
    assert "15%" in text_of(as_person(ana).get("/portal/offers/"))
    assert "15%" not in text_of(as_person(bao).get("/portal/offers/"))


def test_the_terms_stand_beside_the_offers_with_the_version_that_was_agreed_to(ana, hana, music, music_offer, as_person):
    page = "/portal/offers/"
    assert "The terms of Music" not in text_of(as_person(ana).get(page))
    first = publish_terms(music, "No bidding.", by=hana)
    ana.enrollments.update(terms=first, terms_at=timezone.now())
    assert "you agreed to it on" in text_of(as_person(ana).get(page))

    publish_terms(music, "No bidding, no pop-ups.", by=hana)

    told = text_of(as_person(ana).get(page))
    assert "no pop-ups" in told and "version 2" in told
    assert "you agreed to version 1 on" in told


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("pending", "Your application is being read."),
        ("rejected", "did not admit you"),
        ("suspended", "What you earned stays yours."),
        ("terminated", "Ended."),
    ],
)
def test_a_program_that_is_not_open_to_them_tells_why(status, told, ella, music_offer, as_person):
    ella.enrollments.update(status=status)

    page = text_of(as_person(ella).get("/portal/offers/"))

    assert told in page
    assert "Music shop" not in page


def test_the_pages_run_as_many_queries_for_a_hundred_rows_as_for_one(ana, music, as_person):
    make_rule(music)
    client, counts = as_person(ana), {}
    for number in (1, 100):
        while ana.conversions.count() < number:
            offer = make_offer(music)
            make_commission(make_conversion(music, ana, link=make_link(ana, offer), coupon=make_coupon(ana, music)))
        counts[number] = [queries_of(client, path) for path in (LIST, f"{LIST}?state=pending&q=order", "/portal/offers/")]

    assert counts[1] == counts[100]
    assert max(counts[1]) <= MOST_QUERIES


def test_an_affiliate_in_no_program_is_taught(as_person, ella):
    ella.enrollments.all().delete()

    assert "No programs yet" in text_of(as_person(ella).get("/portal/offers/"))
    assert "No conversions yet" in text_of(as_person(ella).get(LIST))
    make_enrollment(ella, make_program("films", name="Films"))
    assert "no open offers" in text_of(as_person(ella).get("/portal/offers/"))
