"""Claims for sales that never came in: decided to be theirs, they are recorded like any order, and earn by the rules of their time."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from commissions.models import Commission
from core.errors import Conflict, Refusal
from core.events import deliver_due
from intake.services import Rejected, record_conversions, record_refund
from payouts.verification import verify_ledger
from support.models import MissingSale, Ticket
from support.services.claims import decide_claim
from support.services.missing_sales import Sale, raise_missing_sale, say_what_it_is_about
from tests.factories import make_commission, make_conversion, make_coupon, make_rule, owner_of
from tests.factories_support import make_ticket
from tests.pages import text_of
from tracking.conversions import ConversionInput
from tracking.models import Conversion


@pytest.fixture
def sale():
    return Sale("A-100", timezone.now() - timedelta(days=3), Decimal("80.00"), "USD")


@pytest.fixture
def missing(music, ana, sale):
    make_rule(music, value="10")
    return raise_missing_sale(ana, music, sale, by=owner_of(ana), text="My cousin bought it")


def test_decided_it_comes_in_by_the_door_of_all_orders_and_earns_by_the_rule_of_its_time(music, ana, mara, sale, missing):
    rule = make_rule(music, value="50", starts_at=timezone.now() - timedelta(days=1))  # of now, not of the sale

    made = decide_claim(missing, "correct", by=mara, reason="We found the order.", sale=sale)

    conversion = Conversion.objects.get(external_id="A-100")
    commission = conversion.commissions.get()
    assert (conversion.affiliate, conversion.source, conversion.reason) == (ana, "claim", "claim")
    assert conversion.given["claim"] == missing.public_id
    assert (commission.amount, commission.decision) == (Decimal("8.00"), "approved")
    assert commission.rule_version.rule != rule
    missing.refresh_from_db()
    assert (made.amount, made.outcome, missing.about_commission, missing.status) == (
        Decimal(8),
        "corrected",
        commission,
        "resolved",
    )
    assert "$8.00" in missing.messages.get(direction="out").body_text
    assert verify_ledger() == []


def test_the_order_is_recorded_once_however_often_it_is_claimed_or_told(music, ana, bao, mara, sale, missing):
    theirs = raise_missing_sale(bao, music, sale, by=owner_of(bao), text="It is mine")
    decide_claim(missing, "correct", by=mara, reason="Found.", sale=sale)

    with pytest.raises(Refusal, match="recorded already, as cnv_.*, credited to Ana"):
        decide_claim(theirs, "correct", by=mara, reason="Found.", sale=sale)
    told = ConversionInput("sale", "A-100", sale.occurred_at, sale.amount, "USD")
    (again,) = record_conversions(music, [told], by=mara)  # the shop, at last
    assert (again.created, Conversion.objects.count(), Commission.objects.count()) == (False, 1, 1)


def test_the_shop_tells_a_claimed_order_at_last_and_the_decided_money_stands(music, ana, mara, sale, missing):
    decide_claim(missing, "correct", by=mara, reason="Found.", sale=sale)
    told = ConversionInput(
        "sale", "A-100", sale.occurred_at, Decimal("90.00"), "USD", customer="c-1", quantity=2, metadata={"shop": "north"}
    )
    for _again in range(2):
        (answer,) = record_conversions(music, [told], by=mara)
        assert (answer.created, answer.id) == (False, Conversion.objects.get().pk)

    conversion = Conversion.objects.get()
    assert (conversion.amount, conversion.affiliate, conversion.commissions.get().amount) == (Decimal(80), ana, Decimal(8))
    assert (conversion.customer.external_id, conversion.customer.affiliate, conversion.quantity) == ("c-1", None, 2)
    assert conversion.given["metadata"] == {"shop": "north"}
    deliver_due()
    task = missing.tasks.get()
    assert task.owner == mara and "tells 90.00 USD" in task.title and "with 80.00 USD" in task.title
    (other,) = record_conversions(music, [replace(told, amount=Decimal("95.00"))], by=mara)
    assert isinstance(other, Rejected) and other.refusal.code == "other_content"
    assert verify_ledger() == []


def test_the_shop_tells_a_claimed_order_as_it_was_decided_and_nobody_has_to_look(music, mara, sale, missing):
    decide_claim(missing, "correct", by=mara, reason="Found.", sale=sale)
    told = ConversionInput("sale", "A-100", sale.occurred_at, sale.amount, "USD", coupon="SPRING")

    first, second = record_conversions(music, [told, replace(told, coupon="OTHER")], by=mara)

    assert not first.created and isinstance(second, Rejected)
    deliver_due()
    assert Conversion.objects.get().given["coupon"] == "SPRING" and not missing.tasks.exists()


def test_an_order_that_came_in_and_was_nobody_s_is_credited_as_it_came_and_refunds_take_their_part(
    music, ana, mara, sale, missing
):
    told = ConversionInput("sale", "A-100", sale.occurred_at, Decimal("60.00"), "USD", coupon="NOBODYS")
    record_conversions(music, [told], by=mara)
    conversion = Conversion.objects.get()
    record_refund(conversion, external_id="part", amount=Decimal("15.00"), by=mara)

    made = decide_claim(missing, "correct", by=mara, reason="Found.", sale=sale)

    conversion.refresh_from_db()
    assert (conversion.affiliate, conversion.reason, conversion.given["tried"]) == (ana, "claim", ["coupon_unknown"])
    commission = conversion.commissions.get()
    assert (commission.amount, commission.reversed, made.amount) == (Decimal("6.00"), Decimal("1.50"), Decimal("4.50"))
    (again,) = record_conversions(music, [told], by=mara)
    assert not again.created and verify_ledger() == []


def test_it_joins_what_is_open_about_the_order_and_becomes_a_claim_about_what_came_in_meanwhile(music, ana, sale, missing):
    assert raise_missing_sale(ana, music, sale, by=owner_of(ana), text="Any news?") == missing
    other = replace(sale, order="A-101")
    commission = make_commission(make_conversion(music, ana, external_id="A-101"))
    assert raise_missing_sale(ana, music, other, by=owner_of(ana), text="And this?").about_commission == commission


def test_what_came_with_it_tells_whose_it_is_before_the_decision_does(music, ana, bao, mara, sale, missing):
    own, others = make_coupon(ana, music), make_coupon(bao, music)
    with pytest.raises(Refusal, match="credited to Bao"):
        decide_claim(missing, "correct", by=mara, reason="Found.", sale=replace(sale, coupon=others.code))
    assert not Conversion.objects.exists()
    decide_claim(missing, "correct", by=mara, reason="Found.", sale=replace(sale, coupon=own.code))
    assert Conversion.objects.get().source == "coupon"


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"currency": "EUR"}, "earn nothing.*no rate"),
        ({"amount": None}, "Give the amount"),
        ({"amount": Decimal("1.001")}, "Give the amount"),
        ({"event": "lead"}, "No rule of that time"),
    ],
)
def test_what_would_earn_nothing_is_not_recorded(mara, sale, missing, wrong, match):
    with pytest.raises(Refusal, match=match):
        decide_claim(missing, "correct", by=mara, reason="Found.", sale=replace(sale, **wrong))
    assert not Conversion.objects.exists()


def test_who_is_not_approved_earns_nothing_by_a_decision(music, ana, mara, sale, missing):
    ana.enrollments.update(status="suspended")
    with pytest.raises(Conflict, match="credited to nobody.*not approved"):
        decide_claim(missing, "correct", by=mara, reason="Found.", sale=sale)


def test_what_was_asked_in_a_message_is_tied_to_what_it_is_about(music, ana, bao, mara):
    ticket = make_ticket(ana, music, type="claim")
    with pytest.raises(Refusal, match="about no commission, payout or order yet"):
        decide_claim(ticket, "uphold", by=mara, reason="x")
    theirs = make_commission(make_conversion(music, bao))
    with pytest.raises(Refusal, match="no such commission"):
        say_what_it_is_about(ticket, theirs.public_id, by=mara)
    say_what_it_is_about(ticket, "A-7", by=mara)
    assert MissingSale.objects.get(ticket=ticket).order == "A-7"
    own = make_commission(make_conversion(music, ana))
    assert say_what_it_is_about(ticket, own.public_id, by=mara).about_commission == own
    with pytest.raises(Refusal, match="already"):
        say_what_it_is_about(ticket, "A-8", by=mara)


def test_the_pages_tell_claim_and_decide(music, ana, mara, as_person):
    make_rule(music, value="10")
    told = {
        "program": music.pk,
        "order": "A-9",
        "occurred_at": "2026-01-05T12:00",
        "sold": "50.00",
        "currency": "usd",
        "text": "Mine",
    }
    answer = as_person(ana).post("/portal/claims/missing/", told)
    assert answer.status_code == 302, text_of(answer)
    ticket = Ticket.objects.get()
    client = as_person(mara)
    page = client.get(f"/manage/inbox/{ticket.public_id}/decide/").content.decode()
    assert 'value="A-9"' in page and "Record the sale" in page
    decided = {**told, "kind": "correct", "reason": "Found", "currency": "USD"}
    answer = client.post(f"/manage/inbox/{ticket.public_id}/decide/", decided)
    assert answer.status_code == 302, text_of(answer)
    conversion = Conversion.objects.get()
    assert ticket.public_id in client.get(f"/manage/conversions/{conversion.public_id}/").content.decode()
