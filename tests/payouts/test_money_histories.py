"""Random histories of the money against a small model in plain Python.

The model knows nothing of tables: it keeps each conversion's amount and refunds, each commission's state, and what is in
which payout. After every history every affiliate's balance, every commission's state and the ledger's own proof must agree; and what is
payable must be the same in every place that tells it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commissions.models import Commission
from commissions.queries import with_state
from commissions.services import approve_commissions, hold_commissions, reject_commissions
from core.errors import Refusal
from intake.services import record_conversions, record_refund
from payouts.changes import changes_since
from payouts.models import PayoutBatch
from payouts.previews import preview_batch
from payouts.prospects import prospects
from payouts.queries import Balance, balances_of
from payouts.services import (
    approve_batch,
    cancel_batch,
    compute_batch,
    fail_payout,
    hand_out_payment_file,
    mark_batch_paid,
    prepare_batch,
    recompute_batch,
    set_payout_method,
    start_payment,
)
from payouts.verification import verify_ledger
from tests.factories import make_coupon, make_rule, owner_of
from tracking.conversions import ConversionInput
from tracking.models import Conversion

CENT = Decimal("0.01")
RATE = Decimal("7.5")
MINIMUM = Decimal("20.00")


@dataclass
class Sale:
    affiliate: int
    amount: Decimal
    refunded: Decimal = Decimal(0)
    decision: str = "pending"
    refunds: list[tuple[int, Decimal]] = field(default_factory=list)  # (payout or -1 while open, what it took back)
    payout: int = -1

    @property
    def commission(self) -> Decimal:
        return (self.amount * RATE / 100).quantize(CENT, ROUND_HALF_EVEN)

    @property
    def reversed(self) -> Decimal:
        return sum((amount for _payout, amount in self.refunds), Decimal(0))


@dataclass
class Model:
    """What the program owes, by the contract's words."""

    sales: dict[str, Sale] = field(default_factory=dict)
    payouts: dict[int, tuple[int, Decimal, str]] = field(default_factory=dict)  # number → affiliate, amount, status
    read: set[int] = field(default_factory=set)  # batches whose payment the bank may have in hand

    def refund(self, order: str, amount: Decimal) -> None:
        sale = self.sales[order]
        sale.refunded += amount
        if sale.decision != "rejected":
            whole = (sale.commission * sale.refunded / sale.amount).quantize(CENT, ROUND_HALF_EVEN)
            if whole > sale.reversed:
                sale.refunds.append((-1, whole - sale.reversed))

    def open_of(self, affiliate: int) -> Decimal:
        total = Decimal(0)
        for sale in self.sales.values():
            if sale.affiliate == affiliate and sale.decision == "approved":
                total += sale.commission if sale.payout < 0 else 0
                total -= sum((amount for payout, amount in sale.refunds if payout < 0), Decimal(0))
        return total

    def take(self, affiliate: int, payout: int, *, back: bool = False) -> None:
        old, new = (payout, -1) if back else (-1, payout)
        for sale in self.sales.values():
            if sale.affiliate == affiliate and sale.decision == "approved":
                sale.payout = new if sale.payout == old else sale.payout
                sale.refunds = [(new if at == old else at, amount) for at, amount in sale.refunds]

    def balance(self, affiliate: int) -> dict[str, Decimal]:
        mine = [sale for sale in self.sales.values() if sale.affiliate == affiliate and sale.decision != "rejected"]
        paid = [(amount, status) for who, amount, status in self.payouts.values() if who == affiliate]
        return {
            "pending": sum((s.commission - s.reversed for s in mine if s.decision in ("pending", "on_hold")), Decimal(0)),
            "approved": Decimal(0),  # the program has no hold
            "payable": self.open_of(affiliate),
            "in_payout": sum((amount for amount, status in paid if status == "ready"), Decimal(0)),
            "paid": sum((amount for amount, status in paid if status == "paid"), Decimal(0)),
            "reversed": sum((s.reversed for s in mine), Decimal(0)),
        }


orders = st.integers(0, 11).map(lambda n: f"o{n}")
steps = st.one_of(
    st.tuples(st.just("sale"), orders, st.integers(0, 2), st.decimals("0.00", "900.00", places=2)),
    st.tuples(st.just("refund"), orders, st.decimals("0.01", "400.00", places=2)),
    st.tuples(st.just("approve"), st.sets(orders, min_size=1)),
    st.tuples(st.just("reject"), st.sets(orders, min_size=1, max_size=2)),
    st.tuples(st.just("hold"), st.sets(orders, min_size=1, max_size=2)),
    st.just(("compute",)),
    st.just(("approve batch",)),
    st.just(("compute again",)),
    st.just(("start",)),
    st.just(("read file",)),
    st.just(("pay",)),
    st.just(("cancel",)),
    st.tuples(st.just("fail"), st.integers(0, 2)),
)


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(history=st.lists(steps, min_size=4, max_size=30))
def test_any_history_leaves_the_balances_that_the_model_has(history, music, mara, felix, ana, bao, citra, undone):
    with undone():
        world = World(music, mara, felix, [ana, bao, citra])
        for step, *values in history:
            getattr(world, step.replace(" ", "_"))(*values)
        world.check()


class World:
    def __init__(self, music, mara, felix, affiliates) -> None:
        music.hold_days, music.minimum_payout = 0, MINIMUM
        music.save()
        make_rule(music, value=RATE)
        self.music, self.mara, self.felix, self.affiliates, self.model = music, mara, felix, affiliates, Model()
        for affiliate in affiliates:
            make_coupon(affiliate, music, code=f"C{affiliate.pk}")
        for affiliate in affiliates[:2]:  # the third has no payout method
            set_payout_method(affiliate, by=owner_of(affiliate), type="manual", currency="USD", details={})

    def sale(self, order, who, amount):
        affiliate = self.affiliates[who]
        at = timezone.now() - timedelta(hours=1)
        row = ConversionInput("sale", order, at, amount, "USD", coupon=f"C{affiliate.pk}")
        record_conversions(self.music, [row, row], by=self.mara)
        self.model.sales.setdefault(order, Sale(affiliate.pk, amount))

    def refund(self, order, amount):
        conversion = Conversion.objects.filter(external_id=order).first()
        if conversion is None:
            return
        external_id = f"{order}-{conversion.refunds.count()}"
        try:
            record_refund(conversion, external_id=external_id, amount=amount, by=self.mara)
        except Refusal:
            assert amount > self.model.sales[order].amount - self.model.sales[order].refunded
            return
        record_refund(conversion, external_id=external_id, amount=amount, by=self.mara)  # again: nothing new
        self.model.refund(order, amount)

    def _decide(self, orders, decision, decide):
        undecided = [o for o in orders if o in self.model.sales and self.model.sales[o].decision in ("pending", "on_hold")]
        ids = list(Commission.objects.filter(conversion__external_id__in=undecided).values_list("pk", flat=True))
        if ids:
            decide(ids)
            with pytest.raises(Refusal):
                decide([*ids, 0])  # one that is not there: nothing is decided
        for order in undecided:
            self.model.sales[order].decision = decision

    def approve(self, orders):
        self._decide(orders, "approved", lambda ids: approve_commissions(ids, by=self.mara))

    def reject(self, orders):
        self._decide(orders, "rejected", lambda ids: reject_commissions(ids, by=self.mara, reason_code="test_order"))

    def hold(self, orders):
        self._decide(orders, "on_hold", lambda ids: hold_commissions(ids, by=self.mara, reason_code="fraud_check"))

    def compute(self):
        foreseen = preview_batch(self.music, "USD", timezone.now())
        expected = {affiliate.pk: self._foreseen(affiliate) for affiliate in self.affiliates}
        batch = prepare_batch(self.music, "USD", timezone.now(), by=self.mara)
        compute_batch(batch.pk)
        compute_batch(batch.pk)  # the task came twice
        self._computed(batch)
        told = {(p.exceptions or [""])[0]: (0, Decimal(0)) for p in batch.payouts.all()}
        for payout in batch.payouts.all():
            reason = (payout.exceptions or [""])[0]
            told[reason] = (told[reason][0] + 1, told[reason][1] + payout.amount)
            amount, exceptions = expected.pop(payout.affiliate_id)
            assert (payout.amount, payout.exceptions) == (amount, exceptions)
        assert not any(amount for amount, _exceptions in expected.values())
        outcomes = [foreseen.ready, *foreseen.left] if foreseen.ready.affiliates else foreseen.left
        assert {o.exception: (o.affiliates, o.amount) for o in outcomes} == told

    def _foreseen(self, affiliate):
        """What the affiliate is told of the next payout, which is what its balance says too."""
        [prospect] = prospects(affiliate.pk, [self.music], [])
        [balance] = balances_of([affiliate.pk])[affiliate.pk] or [Balance("USD")]
        assert (prospect.payable, prospect.on_its_way, prospect.preparing) == (
            balance.payable,
            balance.approved,
            balance.in_payout,
        )
        assert prospect.due == (balance.payable >= MINIMUM)
        return prospect.payable, prospect.exceptions

    def _computed(self, batch):
        for payout in batch.payouts.all():
            amount = self.model.open_of(payout.affiliate_id)
            assert payout.amount == amount
            ready = amount >= MINIMUM and payout.affiliate_id != self.affiliates[2].pk
            assert (payout.status == "ready") == ready
            if ready:
                self.model.payouts[payout.pk] = (payout.affiliate_id, amount, "ready")
                self.model.take(payout.affiliate_id, payout.pk)

    def _last(self, *statuses):
        return PayoutBatch.objects.filter(status__in=statuses).order_by("-pk").first()

    def approve_batch(self):
        """It is approved unless refunds since have left somebody in it with less than is paid."""
        if batch := self._last("draft"):
            ready = list(batch.payouts.filter(status="ready"))
            now = {payout: payout.amount + self._since(payout) for payout in ready}
            if ready and all(amount >= MINIMUM for amount in now.values()):
                approve_batch(batch, by=self.felix)
            else:
                with pytest.raises(Refusal):
                    approve_batch(batch, by=self.felix)
            lower = {(change.affiliate_id, change.payable) for change in changes_since(batch) if change.computed}
            assert lower == {(p.affiliate_id, now[p]) for p in ready if now[p] != p.amount}

    def _since(self, payout):
        """What is open beside what the payout holds."""
        return self.model.open_of(payout.affiliate_id)

    def compute_again(self):
        if batch := self._last("draft"):
            ready = list(batch.payouts.filter(status="ready"))
            again = recompute_batch(batch, by=self.mara)
            for payout in ready:
                self._back(payout)
            compute_batch(again.pk)
            self._computed(again)
            assert changes_since(again) == []

    def start(self):
        if batch := self._last("approved"):
            start_payment(batch, by=self.felix)
            self.model.read.add(batch.pk)
            with pytest.raises(Refusal):
                start_payment(batch, by=self.felix)

    def read_file(self):
        if batch := self._last("approved", "executing", "done"):
            columns, *rows = hand_out_payment_file(batch, "csv", by=self.felix)
            found = {row[0]: Decimal(row[3]) for row in rows}
            assert found == {p.public_id: p.amount for p in batch.payouts.filter(status__in=["ready", "paid"])}
            assert hand_out_payment_file(batch, "csv", by=self.felix) == [columns, *rows]
            before = batch.status
            batch.refresh_from_db()
            assert batch.status == before
            self.model.read.add(batch.pk)

    def pay(self):
        if batch := self._last("approved", "executing"):
            mark_batch_paid(batch, by=self.felix)
            with pytest.raises(Refusal):
                mark_batch_paid(batch, by=self.felix)
            for payout in batch.payouts.filter(status="paid"):
                self.model.payouts[payout.pk] = (payout.affiliate_id, payout.amount, "paid")

    def cancel(self):
        if batch := self._last("draft", "approved", "executing"):
            ready = list(batch.payouts.filter(status="ready"))
            self._undo(batch, lambda **word: cancel_batch(batch, by=self.felix, **word))
            for payout in ready:
                self._back(payout)

    def fail(self, who):
        batch = self._last("draft", "approved", "executing")
        payout = batch and batch.payouts.filter(status="ready", affiliate=self.affiliates[who]).first()
        if payout:
            self._undo(batch, lambda **word: fail_payout(payout, by=self.felix, reason="The bank refused it.", **word))
            self._back(payout)

    def _undo(self, batch, undo):
        """What the bank may have in hand is undone only on somebody's word."""
        if batch.pk in self.model.read:
            with pytest.raises(Refusal):
                undo()
            undo(not_executed=True)
        else:
            undo()

    def _back(self, payout):
        self.model.take(payout.affiliate_id, payout.pk, back=True)
        del self.model.payouts[payout.pk]

    def check(self):
        found = balances_of([affiliate.pk for affiliate in self.affiliates])
        for affiliate in self.affiliates:
            wanted = self.model.balance(affiliate.pk)
            [have] = found[affiliate.pk] or [None]
            self._foreseen(affiliate)
            if have is None:
                assert not any(wanted.values())
            else:
                assert {name: getattr(have, name) for name in wanted} == wanted
        for commission in with_state(Commission.objects.select_related("conversion")):
            sale = self.model.sales[commission.conversion.external_id]
            assert (commission.amount, commission.reversed) == (sale.commission, sale.reversed)
            assert commission.state == self._state(sale)
        assert verify_ledger() == []

    def _state(self, sale):
        if sale.decision == "rejected":
            return "rejected"
        if sale.reversed == sale.commission:
            return "reversed"
        if sale.decision != "approved":
            return sale.decision
        if sale.payout < 0:
            return "payable"
        return {"ready": "in_payout", "paid": "paid"}[self.model.payouts[sale.payout][2]]
