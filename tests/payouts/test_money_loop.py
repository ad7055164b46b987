"""From a click to a paid affiliate, by the services alone."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from commissions.models import Commission
from commissions.queries import with_state
from commissions.services import approve_commissions
from core.access import AccessError
from core.errors import Conflict
from core.events import deliver_due
from core.models import Mail
from intake.services import Recorded, record_conversions, record_refund
from payouts.queries import Balance, balances
from payouts.services import approve_batch, compute_batch, mark_batch_paid, prepare_batch, set_payout_method
from payouts.verification import verify_ledger
from tests.factories import make_click, make_coupon, make_link, make_rule, owner_of
from tracking.conversions import ConversionInput
from tracking.models import Conversion

pytestmark = pytest.mark.django_db


def sale(number: int, amount: str = "100.00", **fields) -> ConversionInput:
    fields.setdefault("occurred_at", timezone.now() - timedelta(days=60))
    return ConversionInput(event="sale", external_id=f"order-{number}", amount=Decimal(amount), currency="USD", **fields)


def states(affiliate) -> list[str]:
    return list(with_state(Commission.objects.filter(affiliate=affiliate)).order_by("pk").values_list("state", flat=True))


def test_from_a_coupon_to_a_paid_affiliate_with_refunds_before_and_after(music, mara, felix, ana):
    make_rule(music)
    make_coupon(ana, music, code="ANA10")
    set_payout_method(ana, by=owner_of(ana), type="paypal", currency="USD", details={"email": "ana@tributary.example"})

    answers = record_conversions(music, [sale(1, coupon="ana10"), sale(2, "33.33", coupon="ANA10")], by=mara)
    assert all(isinstance(answer, Recorded) and answer.created for answer in answers)
    assert states(ana) == ["pending", "pending"]
    first, second = Conversion.objects.order_by("pk")
    record_refund(first, external_id="r1", amount=Decimal("30.00"), by=mara)
    assert balances(ana.pk) == [Balance("USD", pending=Decimal("10.33"), reversed=Decimal("3.00"))]

    ids = list(Commission.objects.values_list("pk", flat=True))
    assert approve_commissions(ids, by=mara) == 2
    assert states(ana) == ["payable", "payable"]
    batch = prepare_batch(music, "USD", timezone.now(), by=mara)
    batch = compute_batch(batch.pk)
    [payout] = batch.payouts.all()
    # 10.00 + 3.33 - 3.00 is below the minimum of 20.00: nothing is taken
    assert (payout.status, payout.amount, payout.exceptions) == ("skipped", Decimal("10.33"), ["below_minimum"])

    music.minimum_payout = 0
    music.save()
    batch = compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk)
    assert [line.amount for line in batch.payouts.get().lines.all()] == [Decimal("10"), Decimal("3.33"), Decimal("-3")]
    assert states(ana) == ["in_payout", "in_payout"]
    with pytest.raises(AccessError):
        approve_batch(batch, by=mara)
    approve_batch(batch, by=felix)
    mark_batch_paid(batch, by=felix, reference="bank 1")
    with pytest.raises(Conflict):
        mark_batch_paid(batch, by=felix)
    assert states(ana) == ["paid", "paid"]
    deliver_due()
    assert [mail.to for mail in Mail.objects.filter(subject__contains="has paid you")] == ["ana@tributary.example"]

    record_refund(second, external_id="r2", amount=Decimal("33.33"), by=mara)
    assert balances(ana.pk) == [Balance("USD", payable=Decimal("-3.33"), paid=Decimal("10.33"), reversed=Decimal("6.33"))]
    assert verify_ledger() == []


def test_whoever_made_a_batch_never_approves_it(music, felix, hana, ana):
    make_rule(music)
    make_coupon(ana, music, code="ANA10")
    set_payout_method(ana, by=owner_of(ana), type="manual", currency="USD", details={"instructions": "in cash"})
    record_conversions(music, [sale(1, "500.00", coupon="ANA10")], by=hana)
    approve_commissions(Commission.objects.values_list("pk", flat=True), by=hana)
    batch = compute_batch(prepare_batch(music, "USD", timezone.now(), by=felix).pk)

    with pytest.raises(AccessError, match="second person"):
        approve_batch(batch, by=felix)

    assert approve_batch(batch, by=hana).status == "approved"


def test_a_click_credits_its_affiliate(music, music_offer, mara, bao):
    make_rule(music)
    link = make_link(bao, music_offer)
    click = make_click(link, at=timezone.now() - timedelta(days=61), subs=["summer"])

    record_conversions(music, [sale(1, click_id=f"clk_{click}", customer="c1"), sale(2, customer="c1")], by=mara)

    by_click, by_customer = Conversion.objects.order_by("external_id")
    assert (by_click.affiliate, by_click.source, by_click.click_id, by_click.subs) == (bao, "click", click, ["summer"])
    assert (by_customer.affiliate, by_customer.source, by_customer.link) == (bao, "customer", link)
