"""Once a payment is started the bank may have paid: what leaves is traced, and nothing of it is paid twice by mistake."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from core.access import AccessError
from core.errors import Conflict
from core.models import Event
from payouts.models import PayoutMethod
from payouts.services import (
    PayoutError,
    approve_batch,
    cancel_batch,
    compute_batch,
    fail_payout,
    hand_out_payment_file,
    mark_batch_paid,
    prepare_batch,
    set_payout_method,
    start_payment,
)
from payouts.verification import verify_ledger
from tests.factories import earn, event_names, owner_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def approved(music, mara, felix, ana, bao):
    """A batch of two payouts that Felix approved."""
    for affiliate in (ana, bao):
        set_payout_method(affiliate, by=owner_of(affiliate), type="paypal", currency="USD", details={"email": affiliate.email})
        earn(music, affiliate, mara)
    batch = compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk)
    return approve_batch(batch, by=felix)


@pytest.fixture
def executing(approved, felix):
    return start_payment(approved, by=felix)


def test_each_download_is_recorded_and_changes_nothing_of_the_batch(approved, felix, hana):
    rows = hand_out_payment_file(approved, "csv", by=felix)
    hand_out_payment_file(approved, "csv", by=hana)

    approved.refresh_from_db()
    assert approved.status == "approved"
    assert [row[2] for row in rows] == ["affiliate", "Ana", "Bao"]
    downloads = Event.objects.about(approved).filter(name="batch.file_handed_out").order_by("pk")
    assert [event.by for event in downloads] == [felix, hana]


def test_a_payment_is_started_once_by_who_approves(approved, mara, felix):
    with pytest.raises(AccessError):
        start_payment(approved, by=mara)

    assert start_payment(approved, by=felix).status == "executing"
    with pytest.raises(Conflict):
        start_payment(approved, by=felix)


def test_a_file_that_was_read_before_the_start_may_be_at_the_bank_too(approved, felix, ana):
    fail_payout(approved.payouts.get(affiliate=ana), by=felix, reason="She asked us to wait")  # nothing has left yet
    hand_out_payment_file(approved, "csv", by=felix)

    with pytest.raises(Conflict, match="the bank may have paid"):
        cancel_batch(approved, by=felix)

    assert cancel_batch(approved, by=felix, not_executed=True).status == "cancelled"
    with pytest.raises(PayoutError, match="no payment file"):
        hand_out_payment_file(approved, "csv", by=felix)
    assert verify_ledger() == []


def test_only_who_approves_gets_the_file(approved, mara):
    with pytest.raises(AccessError):
        hand_out_payment_file(approved, "csv", by=mara)

    approved.refresh_from_db()
    assert approved.status == "approved" and "batch.file_handed_out" not in event_names(approved)


def test_what_the_bank_may_have_paid_is_undone_only_on_somebodys_word(executing, felix, ana):
    payout = executing.payouts.get(affiliate=ana)
    for undo in (
        lambda **word: cancel_batch(executing, by=felix, **word),
        lambda **word: fail_payout(payout, by=felix, reason="Closed account", **word),
    ):
        with pytest.raises(Conflict, match="the bank may have paid"):
            undo()
    assert set(executing.payouts.values_list("status", flat=True)) == {"ready"}

    fail_payout(payout, by=felix, reason="Closed account", not_executed=True)
    cancel_batch(executing, by=felix, not_executed=True)

    assert set(executing.payouts.values_list("status", flat=True)) == {"failed", "cancelled"}
    assert verify_ledger() == []


def test_the_word_of_one_who_does_not_approve_undoes_nothing(executing, mara):
    with pytest.raises(AccessError):
        cancel_batch(executing, by=mara, not_executed=True)


def test_an_executing_batch_is_marked_as_paid_and_keeps_its_file(executing, felix):
    mark_batch_paid(executing, by=felix)

    assert len(hand_out_payment_file(executing, "csv", by=felix)) == 3
    executing.refresh_from_db()
    assert executing.status == "done" and verify_ledger() == []


def test_details_that_nobody_can_read_stop_the_whole_file_and_are_named(approved, felix, bao):
    PayoutMethod.objects.filter(affiliate=bao).update(details=b"of another key")

    with pytest.raises(PayoutError, match=r"payout details of Bao cannot be read") as refusal:
        hand_out_payment_file(approved, "csv", by=felix)

    approved.refresh_from_db()
    assert refusal.value.code == "unreadable_details"
    assert approved.status == "approved" and "batch.file_handed_out" not in event_names(approved)


def test_a_new_secret_key_reads_what_the_former_one_encrypted(approved, felix, settings):
    former = settings.SECRET_KEY
    settings.SECRET_KEY = "another secret key"
    with pytest.raises(PayoutError, match="Ana, Bao"):
        hand_out_payment_file(approved, "csv", by=felix)

    settings.SECRET_KEY_FALLBACKS = [former]
    rows = hand_out_payment_file(approved, "csv", by=felix)

    assert rows[1][7] == "ana@tributary.example"


def test_details_that_nobody_can_read_can_be_set_anew(ana, settings):
    def paypal():
        return set_payout_method(ana, by=owner_of(ana), type="paypal", currency="USD", details={"email": "ana@example.com"})

    before = paypal()
    settings.SECRET_KEY = "another secret key"

    assert paypal() != before
    assert ana.payout_methods.current().count() == 1


# Over the API and on the pages


def told(response) -> str:
    return [str(message) for message in get_messages(response.wsgi_request)][-1]


def test_the_pages_ask_whether_the_bank_has_executed_it(as_person, executing, felix, mara, ana):
    address, browser = f"/manage/payouts/{executing.public_id}/", as_person(felix)
    payout = executing.payouts.get(affiliate=ana)
    statement = f"/manage/payouts/statements/{payout.public_id}/"
    for page in (address, statement):
        assert "The bank has not executed this payment" in browser.get(page).content.decode()
    assert f"{address}cancel/" not in as_person(mara).get(address).content.decode()
    assert "is being paid: say when the money has left" in browser.get("/manage/").content.decode()

    for action, fields in (
        (f"{address}cancel/", {}),
        (f"{address}leave-out/", {"selected": [payout.pk], "reason": "Closed account"}),
        (f"{statement}leave-out/", {"reason": "Closed account"}),
    ):
        assert "The bank may have paid" in told(browser.post(action, fields))
    assert set(executing.payouts.values_list("status", flat=True)) == {"ready"}

    browser.post(f"{statement}leave-out/", {"reason": "Closed account", "not_executed": "on"})
    browser.post(f"{address}cancel/", {"not_executed": "on"})
    executing.refresh_from_db()
    assert executing.status == "cancelled"
    assert set(executing.payouts.values_list("status", flat=True)) == {"failed", "cancelled"}


# When it was paid


def test_nobody_pays_before_the_approval_but_its_day_may_be_given(music, mara, felix, ana, approved):
    music.time_zone = "America/New_York"
    music.save()
    approved.approved_at = datetime(2026, 9, 2, 1, 30, tzinfo=UTC)  # still the first of September in New York
    approved.save()
    day = datetime.combine(datetime(2026, 9, 1), time(), music.zone)
    for wrong in (day - timedelta(days=1), day + timedelta(hours=5), approved.approved_at - timedelta(minutes=1)):
        with pytest.raises(PayoutError, match="before the batch was approved"):
            mark_batch_paid(approved, by=felix, paid_at=wrong)

    assert mark_batch_paid(approved, by=felix, paid_at=day).paid_at == approved.approved_at
    assert set(approved.payouts.values_list("amount", flat=True)) == {Decimal("60")}
