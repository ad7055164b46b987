"""Fifty at the same moment from eight connections: a sale and a refund come in once, whatever else bears their name."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from commissions.models import Commission
from commissions.services import approve_commissions
from core.errors import Refusal
from core.models import Event
from intake.services import Recorded, record_conversions, record_refund
from payouts.verification import verify_ledger
from tests.factories import make_coupon, make_rule
from tracking.conversions import ConversionInput
from tracking.models import Conversion, Refund

pytestmark = pytest.mark.django_db(transaction=True)


def fifty(act: Callable[[int], Any]) -> list[Any]:
    """What `act(0)` to `act(49)` answered or refused with, each on one of eight connections."""

    def run(number: int) -> Any:
        try:
            return act(number)
        except Refusal as refusal:
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(run, range(50)))


@pytest.fixture
def bring(music, mara, ana):
    """Ana's sale "o1", of another amount where one is given; she earns ten percent."""
    make_rule(music)
    make_coupon(ana, music, code="ANA")
    now = timezone.now()

    def bring(amount: str = "100.00"):
        row = ConversionInput("sale", "o1", now, Decimal(amount), "USD", coupon="ANA", customer="c1")
        return record_conversions(music, [row], by=mara)[0]

    return bring


def test_the_same_sale_is_one(bring):
    answers = fifty(lambda _n: bring())

    assert {answer.id for answer in answers} == {Conversion.objects.get().pk}
    assert [answer.created for answer in answers].count(True) == 1
    assert Commission.objects.count() == Event.objects.filter(name="conversion.recorded").count() == 1


def test_of_two_contents_under_one_name_the_first_stands_and_the_other_is_a_conflict(bring):
    answers = fifty(lambda n: bring(("100.00", "200.00")[n % 2]))

    sale = Conversion.objects.get()
    winner = 0 if sale.amount == 100 else 1
    taken = [answer for n, answer in enumerate(answers) if n % 2 == winner]
    refused = [answer.refusal.code for n, answer in enumerate(answers) if n % 2 != winner]
    assert all(isinstance(answer, Recorded) and answer.id == sale.pk for answer in taken)
    assert [answer.created for answer in taken].count(True) == 1
    assert refused == ["other_content"] * 25
    assert Commission.objects.get().amount == sale.amount / 10


def test_the_same_refund_is_one(bring, mara):
    sale = Conversion.objects.get(pk=bring().id)
    approve_commissions([Commission.objects.get().pk], by=mara)

    answers = fifty(lambda _n: record_refund(sale, external_id="r", amount=Decimal("30.00"), by=mara))

    assert {refund.pk for refund, _created in answers} == {Refund.objects.get().pk}
    assert [created for _refund, created in answers].count(True) == 1
    assert Commission.objects.get().reversed == Decimal("3.00")
    assert verify_ledger() == []


def test_refunds_take_no_more_than_there_is(bring, mara):
    sale = Conversion.objects.get(pk=bring().id)
    approve_commissions([Commission.objects.get().pk], by=mara)

    answers = fifty(lambda n: record_refund(sale, external_id=f"r{n}", amount=Decimal("3.00"), by=mara))

    refused = [answer.code for answer in answers if isinstance(answer, Refusal)]
    assert refused == ["beyond_what_is_left"] * (50 - 33)
    assert Conversion.objects.get().refunded == sum(Refund.objects.values_list("amount", flat=True)) == Decimal("99.00")
    assert Commission.objects.get().reversed == Decimal("9.90")
    assert verify_ledger() == []
