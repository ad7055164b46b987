"""Money under eight hands at once: one decision wins, nothing is reversed or paid twice, and the ledger's proof holds."""

from decimal import Decimal
from functools import partial

import pytest
from django.utils import timezone

from commissions.models import Commission, Decision, Reversal
from commissions.services import approve_commissions, reject_commissions
from intake.services import record_conversions, record_refund
from payouts.models import BatchStatus, Payout, PayoutBatch
from payouts.services import approve_batch, cancel_batch, mark_batch_paid, prepare_batch, set_payout_method
from payouts.verification import verify_ledger
from tests.at_once import at_once
from tests.factories import make_coupon, make_rule, owner_of
from tracking.conversions import ConversionInput
from tracking.models import Conversion

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def commissions(music, mara, ana) -> list[int]:
    """Eight pending commissions of 10.00 for Ana, who can be paid."""
    music.hold_days, music.minimum_payout = 0, 0
    music.save()
    make_rule(music)
    make_coupon(ana, music, code="ANA")
    set_payout_method(ana, by=owner_of(ana), type="manual", currency="USD", details={})
    now = timezone.now()
    rows = [ConversionInput("sale", f"o{n}", now, Decimal("99.99"), "USD", coupon="ANA") for n in range(8)]
    record_conversions(music, rows, by=mara)
    return list(Commission.objects.order_by("pk").values_list("pk", flat=True))


def refund(conversion: Conversion, number: int, amount: str, by) -> None:
    record_refund(conversion, external_id=f"r{number}", amount=Decimal(amount), by=by)


def test_one_decision_wins(commissions, mara):
    approve = [partial(approve_commissions, commissions, by=mara)] * 4
    reject = [partial(reject_commissions, list(reversed(commissions)), by=mara, reason_code="other")] * 4

    assert sorted(at_once(*approve, *reject), key=str) == [None, *["decided"] * 7]
    assert len(set(Commission.objects.values_list("decision", flat=True))) == 1
    assert verify_ledger() == []


def test_refunds_and_approvals_cross_without_a_lost_cent(commissions, mara):
    conversions = list(Conversion.objects.order_by("pk"))
    refunds = [partial(refund, conversions[n], 1, "33.33", mara) for n in range(7)]

    assert at_once(*refunds, partial(approve_commissions, commissions, by=mara)) == [None] * 8
    assert sum(Reversal.objects.values_list("amount", flat=True)) == 7 * Decimal("3.33")
    assert verify_ledger() == []


def test_refunds_of_one_sale_take_back_no_more_than_all_of_it(commissions, mara):
    sale = Conversion.objects.earliest("pk")
    refused = at_once(
        *(partial(refund, sale, number, "30.00", mara) for number in range(4)), *[partial(refund, sale, 9, "9.99", mara)] * 4
    )

    assert refused.count("beyond_what_is_left") == 1 and refused.count(None) == 7
    assert Commission.objects.get(conversion=sale).reversed == Decimal("10.00")
    assert verify_ledger() == []


def test_a_batch_is_approved_cancelled_or_paid_once(commissions, music, mara, felix, hana):
    approve_commissions(commissions, by=mara)
    batch = prepare_batch(music, "USD", timezone.now(), by=mara)  # computed at once, as tests run tasks
    assert PayoutBatch.objects.get(pk=batch.pk).status == BatchStatus.DRAFT

    approvals = [partial(approve_batch, batch, by=felix)] * 4 + [partial(approve_batch, batch, by=hana)] * 4
    assert sorted(at_once(*approvals), key=str) == [None, *["state"] * 7]
    ends = [partial(mark_batch_paid, batch, by=felix)] * 4 + [partial(cancel_batch, batch, by=felix)] * 4
    assert sorted(at_once(*ends), key=str) == [None, *["state"] * 7]
    assert verify_ledger() == []


def test_batches_refunds_and_cancels_cross(commissions, music, mara, felix):
    approve_commissions(commissions, by=mara)
    first = prepare_batch(music, "USD", timezone.now(), by=mara)
    conversions = list(Conversion.objects.order_by("pk"))
    others = [partial(refund, conversions[n], 1, "50.00", mara) for n in range(4)]
    others += [partial(prepare_batch, music, "USD", timezone.now(), by=felix)] * 3

    assert at_once(partial(cancel_batch, first, by=felix), *others) == [None] * 8
    prepare_batch(music, "USD", timezone.now(), by=mara)  # takes what nobody has taken in the meantime
    held = sum(Payout.objects.filter(status="ready").values_list("amount", flat=True))
    assert held <= 8 * Decimal("10.00")
    assert set(Commission.objects.values_list("decision", flat=True)) == {Decision.APPROVED}
    assert verify_ledger() == []
