"""What comes in while a draft waits for its approval: seen by the approver, never paid twice, never lost."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.access import AccessError
from core.errors import Conflict
from intake.services import record_refund
from payouts.changes import changes_since
from payouts.models import PayoutBatch
from payouts.services import (
    PayoutError,
    approve_batch,
    compute_batch,
    fail_payout,
    mark_batch_paid,
    prepare_batch,
    recompute_batch,
    set_payout_method,
)
from payouts.verification import verify_ledger
from tests.factories import earn, event_names, make_affiliate, owner_of

pytestmark = pytest.mark.django_db


def paypal(affiliate, email=""):
    details = {"email": email or affiliate.email}
    set_payout_method(affiliate, by=owner_of(affiliate), type="paypal", currency="USD", details=details)


def refund(commission, amount, by, number="r1"):
    record_refund(commission.conversion, external_id=number, amount=Decimal(amount), by=by)


def seen(batch) -> list[tuple]:
    return [(change.name, change.computed, change.now, change.holds_up) for change in changes_since(batch)]


def told(response) -> str:
    return [str(message) for message in get_messages(response.wsgi_request)][-1]


@pytest.fixture
def draft(music, mara, ana, bao, citra):
    """By Mara: Ana and Bao are paid 60.00 each; Citra, who has no method, is left for later."""
    for affiliate in (ana, bao):
        paypal(affiliate)
    for affiliate in (ana, bao, citra):
        earn(music, affiliate, mara)
    return compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk)


def test_an_untouched_draft_has_no_changes(draft):
    assert seen(draft) == []


def test_refunds_are_seen_paid_as_computed_and_taken_off_the_next_payout(draft, music, mara, felix, ana):
    refund(ana.commissions.get(), "100.00", mara)
    assert seen(draft) == [("Ana", Decimal(60), Decimal(54), False)]

    mark_batch_paid(approve_batch(draft, by=felix), by=felix)

    assert draft.payouts.get(affiliate=ana).amount == Decimal(60)
    earn(music, ana, mara, "30.00")
    later = compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk)
    assert later.payouts.get(affiliate=ana).amount == Decimal(24)
    assert verify_ledger() == []


def test_whoever_would_not_be_paid_by_now_holds_up_the_approval_until_left_out(draft, music, mara, felix, ana, bao):
    refund(ana.commissions.get(), "1000.00", mara)
    bao.enrollments.update(status="suspended")
    assert seen(draft) == [("Ana", 60, 0, True), ("Bao", 60, 0, True)]
    with pytest.raises(PayoutError, match=r"Ana \(Refunds took back.*Bao \(The affiliate is suspended") as refusal:
        approve_batch(draft, by=felix)
    assert refusal.value.code == "changed"

    fail_payout(draft.payouts.get(affiliate=ana), by=felix, reason="All of it came back")
    bao.enrollments.update(status="approved")

    assert approve_batch(draft, by=felix).status == "approved"
    assert verify_ledger() == []


def test_another_method_holds_it_up_however_long_ago_it_was_set(draft, felix, ana):
    paypal(ana, "new@tributary.example")
    assert [change.exceptions for change in changes_since(draft)] == [["method_cooling_off"]]

    ana.payout_methods.current().update(usable_from=timezone.now() - timedelta(days=1))

    [change] = changes_since(draft)
    assert (change.exceptions, change.elsewhere, change.holds_up) == ([], True, True)
    with pytest.raises(PayoutError, match="The payout method was changed"):
        approve_batch(draft, by=felix)


def test_what_could_be_paid_by_now_is_told_and_waits_for_the_next_one(draft, music, mara, felix, ana, citra, dmitri):
    paypal(citra)
    paypal(dmitri)
    earn(music, ana, mara, "7.00")
    earn(music, dmitri, mara, "40.00")

    assert seen(draft) == [("Ana", 60, 67, False), ("Dmitri", 0, 40, False), ("Citra", 0, 60, False)]
    approve_batch(draft, by=felix)
    later = compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk)
    assert dict(later.payouts.filter(status="ready").values_list("affiliate__name", "amount")) == {"Dmitri": 40, "Citra": 60}


def test_computed_again_it_is_another_batch_with_what_has_come_in(draft, music, mara, felix, hana, ana, citra):
    refund(ana.commissions.get(), "100.00", mara)
    paypal(citra)

    again = compute_batch(recompute_batch(draft, by=felix).pk)

    draft.refresh_from_db()
    assert (draft.status, again.status, again.created_by) == ("cancelled", "draft", felix)
    assert (again.program, again.currency, again.cutoff) == (draft.program, draft.currency, draft.cutoff)
    assert dict(again.payouts.values_list("affiliate__name", "amount")) == {"Ana": 54, "Bao": 60, "Citra": 60}
    assert seen(again) == []
    assert "batch.recomputed" in event_names(draft) and "batch.recomputed" in event_names(again)
    with pytest.raises(AccessError, match="second person"):
        approve_batch(again, by=felix)
    with pytest.raises(Conflict):
        approve_batch(draft, by=hana)
    with pytest.raises(Conflict):
        recompute_batch(draft, by=felix)
    assert approve_batch(again, by=hana).status == "approved"
    assert verify_ledger() == []


# On the batch's page


def test_the_page_says_what_changed_before_anybody_approves(as_person, draft, mara, felix, ana, bao):
    address = f"/manage/payouts/{draft.public_id}/"
    assert "Changed since it was computed" not in as_person(felix).get(address).content.decode()
    refund(ana.commissions.get(), "100.00", mara)

    text = as_person(felix).get(address).content.decode()
    assert "Changed since it was computed" in text and "$54.00" in text and "−$6.00" in text
    assert "the next payout takes them off" in text and "It can be approved" in text and f"{address}approve/" in text

    paypal(bao, "new@tributary.example")
    text = as_person(felix).get(address).content.decode()
    assert "It cannot be approved like this" in text and "holds up the approval" in text and f"{address}approve/" not in text
    assert "Bao (The payout method was changed" in told(as_person(felix).post(f"{address}approve/"))


def test_the_page_computes_it_again(as_person, draft, mara, ana, sofia):
    refund(ana.commissions.get(), "100.00", mara)
    address = f"/manage/payouts/{draft.public_id}/"
    assert f"{address}recompute/" not in as_person(sofia).get(address).content.decode()
    assert "You are its maker" in as_person(mara).get(address).content.decode()

    answer = as_person(mara).post(f"{address}recompute/")

    again = PayoutBatch.objects.exclude(pk=draft.pk).get()
    assert answer.url == f"/manage/payouts/{again.public_id}/"
    text = as_person(mara).get(address).content.decode()
    assert f"{draft.public_id} is cancelled, {again.public_id} is in its place" in text
    assert "somebody was here before" in told(as_person(mara).post(f"{address}recompute/"))


def test_the_page_asks_as_often_for_many_changes_as_for_one(as_person, music, mara, felix):
    browser = as_person(felix)

    def queries(batch):
        address = f"/manage/payouts/{batch.public_id}/"
        browser.get(address)
        with CaptureQueriesContext(connection) as found:
            page = browser.get(address)
        return len(found), len(page.context["changes"]), page.context["more_changes"]

    counts = []
    for number in (1, 24):
        affiliates = [make_affiliate(owner=True) for _ in range(number)]
        commissions = []
        for affiliate in affiliates:
            paypal(affiliate)
            commissions.append(earn(music, affiliate, mara))
        batch = compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk)
        for commission in commissions:
            refund(commission, "100.00", mara)
        counts.append(queries(batch))
        approve_batch(batch, by=felix)

    (one, *few), (many, shown, more) = counts
    assert few == [1, 0] and shown + more >= 24 and shown == 20
    assert one == many <= 12
