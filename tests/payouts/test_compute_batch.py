"""Batches under attack: two workers at once, a killed one, a task that comes twice, a change at the wrong moment."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commissions.models import Commission
from commissions.services import approve_commissions
from core.errors import Conflict
from core.models import Mail
from intake.services import record_conversions
from payouts.models import BatchStatus, Payout, PayoutBatch, PayoutLine
from payouts.services import (
    MethodError,
    PayoutError,
    approve_batch,
    batches,
    cancel_batch,
    compute_batch,
    computing,
    fail_payout,
    hand_out_payment_file,
    mark_batch_paid,
    method_details,
    prepare_batch,
    set_payout_method,
)
from payouts.verification import verify_ledger
from tests.factories import make_affiliate, make_coupon, make_rule, owner_of
from tracking.conversions import ConversionInput

NOW = timezone.now()


@pytest.mark.django_db
def test_a_batch_says_of_no_day_to_come_that_it_covers_it(music, mara):
    batch = prepare_batch(music, "USD", NOW + timedelta(days=40), by=mara, now=NOW)

    assert batch.cutoff == NOW


@pytest.mark.django_db
def test_a_batch_is_in_a_currency_that_the_program_earns_in(music, mara):
    with pytest.raises(PayoutError, match="Music earns in USD alone."):
        prepare_batch(music, "EUR", NOW, by=mara)


def earn(program, by, affiliates, amount="300.00", prefix="o"):
    """Every affiliate gets an approved, payable commission of ten percent."""
    program.hold_days = 0
    program.save()
    if not program.rules.exists():
        make_rule(program)
    rows = []
    for n, affiliate in enumerate(affiliates):
        coupon = affiliate.coupons.first() or make_coupon(affiliate, program)
        rows.append(ConversionInput("sale", f"{prefix}{n}", NOW - timedelta(hours=1), Decimal(amount), "USD", coupon=coupon.code))
    record_conversions(program, rows, by=by)
    approve_commissions(Commission.objects.pending().values_list("pk", flat=True), by=by)


def payable_affiliates(count):
    affiliates = [make_affiliate(owner=True) for _ in range(count)]
    for affiliate in affiliates:
        set_payout_method(affiliate, by=owner_of(affiliate), type="manual", currency="USD", details={})
    return affiliates


@pytest.fixture
def no_worker(monkeypatch):
    """Batches wait: the test is the worker."""
    monkeypatch.setattr(batches, "send_soon", lambda *_: None)


@pytest.mark.django_db(transaction=True)
def test_two_workers_on_two_batches_take_each_commission_once(music, mara, monkeypatch, no_worker):
    monkeypatch.setattr(computing, "CHUNK", 3)
    earn(music, mara, payable_affiliates(10))
    ids = [prepare_batch(music, "USD", timezone.now(), by=mara).pk for _ in range(2)]

    def compute(pk):
        try:
            return compute_batch(pk).status
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as workers:
        assert set(workers.map(compute, ids * 2)) == {BatchStatus.DRAFT}

    assert PayoutLine.objects.count() == 10
    assert sum(Payout.objects.filter(status="ready").values_list("amount", flat=True)) == Decimal("300.00")
    assert verify_ledger() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("line", ["_judge", "_write_payouts", "post_payouts", "record"])
def test_a_worker_killed_at_any_line_leaves_nothing_half_and_the_next_goes_on(music, mara, monkeypatch, no_worker, line):
    monkeypatch.setattr(computing, "CHUNK", 3)
    earn(music, mara, payable_affiliates(7))
    batch = prepare_batch(music, "USD", timezone.now(), by=mara)
    real, calls = getattr(computing, line), []

    def killed(*args, **kwargs):
        calls.append(1)
        if len(calls) == (1 if line == "record" else 2):
            raise SystemExit("killed")
        return real(*args, **kwargs)

    monkeypatch.setattr(computing, line, killed)
    with pytest.raises(SystemExit):
        compute_batch(batch.pk)
    assert verify_ledger() == []

    batch = compute_batch(batch.pk)
    assert (batch.status, batch.affiliates_done, batch.affiliates_total) == ("draft", 7, 7)
    assert PayoutLine.objects.count() == 7
    assert verify_ledger() == []


@pytest.mark.django_db
def test_what_is_payable_is_read_once_however_many_hundreds_there_are(music, mara, monkeypatch, no_worker):
    """The rest of the statements name the affiliates that they read: a batch of twice as many takes twice as long."""
    earn(music, mara, payable_affiliates(7))

    def statements(chunk):
        monkeypatch.setattr(computing, "CHUNK", chunk)
        batch = prepare_batch(music, "USD", timezone.now(), by=mara)
        with CaptureQueriesContext(connection) as queries:
            compute_batch(batch.pk)
        cancel_batch(batch, by=mara)
        asked = [query["sql"] for query in queries if "FROM share" in query["sql"]]
        return [("ANY(ARRAY[" in sql.split("judged AS")[0].split("share AS")[1]) for sql in asked], len(queries)

    whole, one_go = statements(100)
    parts, seven_goes = statements(1)
    assert (whole.count(False), parts.count(False)) == (1, 1)
    assert (whole.count(True), parts.count(True)) == (1, 7)
    assert seven_goes - one_go <= 6 * one_go


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["method", "enrollment"])
def test_a_change_at_the_very_moment_of_the_approval_is_waited_for_and_seen(music, mara, felix, no_worker, what):
    """Both are in hand at once on two connections; the change comes first."""
    [affiliate] = payable_affiliates(1)
    earn(music, mara, [affiliate])
    batch = compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk)

    def approve():
        try:
            return approve_batch(batch, by=felix).status
        except PayoutError as refusal:
            return refusal.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            if what == "method":
                details = {"email": "new@tributary.example"}
                set_payout_method(affiliate, by=owner_of(affiliate), type="paypal", currency="USD", details=details)
            else:
                affiliate.enrollments.update(status="suspended")
            answer = other.submit(approve)
            with pytest.raises(TimeoutError):
                answer.result(timeout=1.5)  # it waits for what is being changed
        assert answer.result(timeout=20) == "changed"
    batch.refresh_from_db()
    assert batch.status == BatchStatus.DRAFT


@pytest.mark.django_db(transaction=True)
def test_a_change_after_the_approval_has_begun_waits_for_it(music, mara, felix, no_worker):
    [affiliate] = payable_affiliates(1)
    earn(music, mara, [affiliate])
    batch = compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk)

    def change():
        try:
            details = {"email": "new@tributary.example"}
            set_payout_method(affiliate, by=owner_of(affiliate), type="paypal", currency="USD", details=details)
            return PayoutBatch.objects.get().status
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            approve_batch(batch, by=felix)
            answer = other.submit(change)
            with pytest.raises(TimeoutError):
                answer.result(timeout=1.5)
        assert answer.result(timeout=20) == BatchStatus.APPROVED
    assert [row[5] for row in hand_out_payment_file(batch, "csv", by=felix)][1:] == ["manual"]


@pytest.mark.django_db
class TestBatch:
    def test_it_tells_apart_what_is_ready_below_the_minimum_and_without_a_method(self, music, mara, ana, bao, citra):
        earn(music, mara, [ana, citra])
        earn(music, mara, [bao], amount="100.00", prefix="small")
        for affiliate in (ana, bao):
            set_payout_method(affiliate, by=owner_of(affiliate), type="manual", currency="USD", details={})

        batch = compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk)

        found = {p.affiliate: (p.status, p.exceptions) for p in batch.payouts.select_related("affiliate")}
        assert found == {ana: ("ready", []), bao: ("skipped", ["below_minimum"]), citra: ("skipped", ["no_method"])}

    def test_a_cutoff_in_the_future_takes_nothing_that_is_still_held(self, music, mara, ana):
        set_payout_method(ana, by=owner_of(ana), type="manual", currency="USD", details={})
        make_rule(music)
        make_coupon(ana, music, code="ANA")
        record_conversions(music, [ConversionInput("sale", "o", NOW, Decimal(900), "USD", coupon="ANA")], by=mara)
        approve_commissions(Commission.objects.values_list("pk", flat=True), by=mara)

        batch = compute_batch(prepare_batch(music, "USD", timezone.now() + timedelta(days=365), by=mara).pk)

        assert not batch.payouts.exists()

    def test_a_changed_method_cools_off_and_the_old_addresses_are_told(self, music, mara, ana):
        earn(music, mara, [ana])
        for iban in ("DE89370400440532013000", "DE02120300000000202051"):
            details = {"account_holder": "Ana", "iban": iban}
            set_payout_method(ana, by=owner_of(ana), type="bank_transfer", currency="USD", details=details)

        batch = compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk)

        assert batch.payouts.get().exceptions == ["method_cooling_off"]
        mail = Mail.objects.get(to=ana.email)
        assert "DE•• •••• 3000" in mail.body and "DE•• •••• 2051" in mail.body and "DE89" not in mail.body

    def test_a_method_changed_after_the_computation_stops_the_approval_until_the_payout_is_left_out(
        self, music, mara, felix, ana, bao
    ):
        for affiliate in (ana, bao):
            set_payout_method(affiliate, by=owner_of(affiliate), type="manual", currency="USD", details={})
        earn(music, mara, [ana, bao])
        batch = compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk)
        set_payout_method(ana, by=owner_of(ana), type="paypal", currency="USD", details={"email": "new@tributary.example"})

        with pytest.raises(PayoutError, match="Ana"):
            approve_batch(batch, by=felix)
        fail_payout(batch.payouts.get(affiliate=ana), by=felix, reason="New payout method")
        approve_batch(batch, by=felix)

        assert [row[2] for row in hand_out_payment_file(batch, "csv", by=felix)][1:] == ["Bao"]
        assert verify_ledger() == []

    def test_a_cancelled_batch_gives_everything_back(self, music, mara, felix, ana):
        set_payout_method(ana, by=owner_of(ana), type="manual", currency="USD", details={})
        earn(music, mara, [ana])
        first = compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk)
        cancel_batch(first, by=mara)
        with pytest.raises(Conflict):
            approve_batch(first, by=felix)

        second = compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk)
        approve_batch(second, by=felix)
        mark_batch_paid(second, by=felix)

        assert second.payouts.get().status == "paid"
        assert verify_ledger() == []

    def test_there_is_no_payment_file_before_a_second_person_approved(self, music, mara, felix, ana):
        batch = compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk)

        with pytest.raises(PayoutError, match="second person"):
            hand_out_payment_file(batch, "csv", by=felix)

    def test_nobody_pays_in_the_future(self, music, mara, felix, ana):
        set_payout_method(ana, by=owner_of(ana), type="manual", currency="USD", details={})
        earn(music, mara, [ana])
        batch = approve_batch(compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk), by=felix)

        with pytest.raises(PayoutError, match="future"):
            mark_batch_paid(batch, by=felix, paid_at=timezone.now() + timedelta(days=1))


@pytest.mark.django_db
class TestMethods:
    def test_details_are_encrypted_from_the_first_row_and_masked_everywhere(self, ana):
        details = {"account_holder": "Ana", "iban": "DE89 3704 0044 0532 0130 00"}
        method = set_payout_method(ana, by=owner_of(ana), type="bank_transfer", currency="EUR", details=details)

        assert b"DE89" not in bytes(method.details) and method.hint == "DE•• •••• 3000"
        assert method_details(method)["iban"] == "DE89370400440532013000"

    @pytest.mark.parametrize(
        "type, details, field",
        [
            ("bank_transfer", {"account_holder": "Ana", "iban": "DE89370400440532013001"}, "iban"),
            ("bank_transfer", {"account_holder": "", "iban": "DE89370400440532013000"}, "account_holder"),
            ("paypal", {"email": "nobody"}, "email"),
            ("barter", {}, "type"),
            ("paypal", {"email": "a@b.example", "iban": "x"}, "details"),
        ],
    )
    def test_what_cannot_be_paid_to_is_refused(self, ana, type, details, field):
        with pytest.raises(MethodError) as refusal:
            set_payout_method(ana, by=owner_of(ana), type=type, currency="USD", details=details)

        assert refusal.value.field == field

    def test_the_same_details_again_are_no_change(self, ana):
        first = set_payout_method(ana, by=owner_of(ana), type="manual", currency="USD", details={"instructions": "cash"})
        again = set_payout_method(ana, by=owner_of(ana), type="manual", currency="USD", details={"instructions": "cash"})

        assert first == again and Mail.objects.count() == 0

    def test_another_affiliates_person_may_not_set_it(self, ana, bao):
        with pytest.raises(Exception, match="owners and finance"):
            set_payout_method(ana, by=owner_of(bao), type="manual", currency="USD", details={})


def test_the_database_refuses_an_approver_who_made_the_batch(db, music, mara):
    from django.db import IntegrityError

    with pytest.raises(IntegrityError, match="batch_approved_by_a_second_person"):
        PayoutBatch.objects.create(
            program=music, currency="USD", cutoff=NOW, created_by=mara, approved_by=mara, approved_at=NOW, status="approved"
        )
