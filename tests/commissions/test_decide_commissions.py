"""Decisions on commissions: by one person, once, with a reason; holds that daylight saving does not move."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from commissions.models import Commission
from commissions.queries import explain_commission, in_states, with_state
from commissions.services import (
    CommissionError,
    approve_commissions,
    archive_rule,
    create_rule,
    hold_commissions,
    reject_commissions,
    release_commissions,
    revise_rule,
)
from core.access import AccessError
from intake.services import record_conversions, record_refund
from ledger.models import Transfer
from payouts.verification import verify_ledger
from tests.factories import event_names, make_commission, make_conversion, make_coupon, make_rule
from tracking.conversions import ConversionInput
from tracking.models import Conversion

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def earn(music, mara, ana):
    """One pending commission of ten percent for Ana, from a sale at a moment."""
    make_rule(music)
    make_coupon(ana, music, code="ANA")

    def earn(at: datetime | None = None, amount: str = "100.00", order: str = "o1") -> Commission:
        row = ConversionInput("sale", order, at or timezone.now(), Decimal(amount), "USD", coupon="ANA")
        [answer] = record_conversions(music, [row], by=mara)
        return Commission.objects.get(conversion=answer.id)

    return earn


def state_of(commission: Commission) -> str:
    return with_state(Commission.objects.filter(pk=commission.pk)).get().state


def test_approval_posts_what_is_owed_and_tells_the_timeline(earn, mara, ana):
    commission = earn()

    assert approve_commissions([commission.pk], by=mara) == 1

    [transfer] = Transfer.objects.all()
    assert (transfer.key, transfer.amount, transfer.credit.affiliate) == (f"commission:{commission.pk}", Decimal(10), ana)
    assert event_names(commission) == ["conversion.recorded", "commission.approved"]
    assert verify_ledger() == []


def test_a_second_approval_is_refused_and_changes_nothing(earn, mara):
    commission = earn()
    approve_commissions([commission.pk], by=mara)

    with pytest.raises(CommissionError, match="decided by someone else"):
        approve_commissions([commission.pk], by=mara)
    assert Transfer.objects.count() == 1


def test_one_that_was_decided_meanwhile_keeps_the_whole_selection_from_being_decided(earn, mara):
    first, second = earn(), earn(order="o2")
    reject_commissions([first.pk], by=mara, reason_code="test_order")

    with pytest.raises(CommissionError):
        approve_commissions([first.pk, second.pk], by=mara)
    assert state_of(second) == "pending"


def test_nothing_chosen_is_refused(mara):
    with pytest.raises(CommissionError, match="at least one"):
        approve_commissions([], by=mara)


def test_another_programs_manager_decides_nothing_here(earn, nils):
    with pytest.raises(CommissionError, match="not yours"):
        approve_commissions([earn().pk], by=nils)


def test_who_only_sees_the_program_is_told_that_this_is_not_for_them(earn, sofia):
    commission = earn()

    with pytest.raises(AccessError):
        approve_commissions([commission.pk], by=sofia)
    assert state_of(commission) == "pending"


def test_rejection_and_hold_need_a_reason(earn, mara):
    commission = earn()
    for decide in (reject_commissions, hold_commissions):
        with pytest.raises(CommissionError, match="Say why"):
            decide([commission.pk], by=mara, reason_code="")


def test_what_is_on_hold_can_be_released_approved_or_rejected(earn, mara):
    commission = earn(datetime(2026, 1, 1, tzinfo=UTC))
    hold_commissions([commission.pk], by=mara, reason_code="fraud_check", note="Ten in one minute.")
    assert state_of(commission) == "on_hold"
    release_commissions([commission.pk], by=mara)
    assert state_of(commission) == "pending"
    hold_commissions([commission.pk], by=mara, reason_code="fraud_check")
    approve_commissions([commission.pk], by=mara)
    assert state_of(commission) == "payable"


def test_a_rejected_commission_earns_nothing_and_is_not_reversed_by_refunds(earn, mara):
    commission = earn()
    reject_commissions([commission.pk], by=mara, reason_code="self_referral")
    record_refund(Conversion.objects.get(), external_id="r", amount=Decimal(50), by=mara)

    commission.refresh_from_db()
    assert (commission.reversed, Transfer.objects.count()) == (0, 0)


def test_a_hold_lasts_whole_days_of_24_hours_across_daylight_saving(earn, mara):
    """Berlin's clocks go forward on 29 March 2026 at 02:00: thirty days after 02:30 of 27 February there is no 02:30."""
    sold = datetime(2026, 2, 27, 2, 30, tzinfo=BERLIN)
    commission = earn(sold)
    approve_commissions([commission.pk], by=mara, at=sold + timedelta(days=1))

    commission.refresh_from_db()
    assert commission.payable_at == datetime(2026, 3, 29, 1, 30, tzinfo=UTC) == sold.astimezone(UTC) + timedelta(days=30)
    with time_machine.travel(commission.payable_at - timedelta(seconds=1), tick=False):
        assert state_of(commission) == "approved"
    with time_machine.travel(commission.payable_at, tick=False):
        assert state_of(commission) == "payable"


def test_states_leave_no_commission_out_and_count_none_twice(earn, music, mara):
    for decision in ("pending", "on_hold", "approved", "rejected"):
        make_commission(make_conversion(music), decision=decision)
    make_commission(make_conversion(music), decision="approved", payable_at=timezone.now() + timedelta(days=5))
    everything = Commission.objects.all()

    states = ["pending", "on_hold", "approved", "payable", "in_payout", "paid", "rejected", "reversed"]
    assert sum(in_states(everything, [state]).count() for state in states) == everything.count() == 5


class TestRules:
    def test_a_new_version_counts_from_its_start_and_leaves_what_was_earned(self, music, mara, ana):
        make_coupon(ana, music, code="ANA")
        start = datetime(2026, 1, 1, tzinfo=UTC)
        rule = create_rule(music, by=mara, name="Sales", event="sale", type="percentage", value=Decimal(10), starts_at=start)
        revise_rule(rule, by=mara, type="percentage", value=Decimal(5), starts_at=start + timedelta(days=10))
        days = [-1, 0, 9, 10, 30]
        rows = [ConversionInput("sale", f"o{d}", start + timedelta(days=d), Decimal(100), "USD", coupon="ANA") for d in days]
        record_conversions(music, rows, by=mara)

        earned = dict(Commission.objects.values_list("conversion__external_id", "amount"))
        assert earned == {"o0": 10, "o9": 10, "o10": 5, "o30": 5}

    def test_no_change_of_rules_reaches_a_commission_that_is_written(self, earn, music, mara, ana):
        commission = earn()
        before = Commission.objects.filter(pk=commission.pk).values().get(), explain_commission(commission)
        rule = music.rules.get()
        revise_rule(rule, by=mara, type="flat", value=Decimal(1))
        higher = {"event": "sale", "type": "percentage", "value": Decimal(50)}
        create_rule(music, by=mara, name="Higher", priority=9, affiliate=ana, **higher)  # in force for orders of the past too
        archive_rule(rule, by=mara)
        replayed = ConversionInput("sale", "o1", commission.occurred_at, Decimal(100), "USD", coupon="ANA")
        record_conversions(music, [replayed], by=mara)

        commission = Commission.objects.get()
        assert (Commission.objects.values().get(), explain_commission(commission)) == before
        approve_commissions([commission.pk], by=mara)
        record_refund(commission.conversion, external_id="r", amount=Decimal(50), by=mara)
        assert [(t.kind, t.amount) for t in Transfer.objects.order_by("pk")] == [("earned", 10), ("reversed", 5)]
        assert verify_ledger() == []

    def test_a_first_version_without_a_start_prices_orders_of_the_past(self, music, mara, ana):
        make_coupon(ana, music, code="ANA")
        create_rule(music, by=mara, name="Sales", event="sale", type="flat", value=Decimal(3))
        record_conversions(
            music, [ConversionInput("sale", "o", datetime(1997, 1, 1, tzinfo=UTC), Decimal(9), "USD", coupon="ANA")], by=mara
        )

        commission = Commission.objects.select_related("conversion", "rule_version__rule").get()
        assert explain_commission(commission).endswith("in force since the beginning.")

    def test_an_archived_rule_wins_nothing_new(self, earn, music, mara):
        archive_rule(music.rules.get(), by=mara)
        row = ConversionInput("sale", "o1", timezone.now(), Decimal(100), "USD", coupon="ANA")
        record_conversions(music, [row], by=mara)

        assert not Commission.objects.exists()

    @pytest.mark.parametrize(
        "type, value, field",
        [
            ("percentage", "101", "value"),
            ("percentage", "-1", "value"),
            ("percentage", "NaN", "value"),
            ("flat", "1.005", "value"),
            ("per_click", "1", "type"),
        ],
    )
    def test_values_that_cannot_be_are_refused(self, music, mara, type, value, field):
        with pytest.raises(CommissionError) as refusal:
            create_rule(music, by=mara, name="x", event="sale", type=type, value=Decimal(value))
        assert refusal.value.field == field

    def test_a_version_cannot_start_before_the_last_one(self, music, mara):
        rule = make_rule(music, starts_at=timezone.now())
        with pytest.raises(CommissionError, match="after the last"):
            revise_rule(rule, by=mara, type="flat", value=Decimal(1), starts_at=timezone.now() - timedelta(days=1))


def test_the_explanation_tells_amount_rule_version_and_refund(earn, mara):
    commission = earn(amount="49.90")
    record_refund(commission.conversion, external_id="r", amount=Decimal("49.90"), by=mara)

    commission = Commission.objects.select_related("conversion", "rule_version__rule").get()
    sentence = explain_commission(commission)
    assert "10% of $49.90 (order o1) is $4.99" in sentence
    assert "version 1" in sentence and "$4.99 of it were taken back" in sentence
