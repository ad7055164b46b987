"""An import that meets another one, that is killed, or that is fed without end: every order comes in exactly once."""

import os
import signal
import tracemalloc
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import Sum

from commissions.models import Commission
from core.models import Event
from intake import imports
from intake.imports import import_orders
from intake.services import record_conversions
from payouts.verification import verify_ledger
from tests.at_once import at_once
from tests.factories import make_coupon, make_rule
from tracking.models import Conversion

HEAD = "order_id,customer_id,date,quantity,amount_usd,coupon\n"
ORDERS = 400


@pytest.fixture
def orders(tmp_path, music, ana) -> Path:
    """Orders of 1.00, 2.00, … by a few customers whom Ana brought; sets of fifty."""
    make_rule(music)
    make_coupon(ana, music, code="ANA")
    path = tmp_path / "orders.csv"
    path.write_text(HEAD + "".join(f"o{n},c{n % 7},2026-01-31,1,{n}.00,ANA\n" for n in range(1, ORDERS + 1)))
    return path


@pytest.fixture(autouse=True)
def small_sets(monkeypatch):
    monkeypatch.setattr("intake.imports.CHUNK", 50)


def assert_all_are_in_once(path: Path) -> None:
    amounts = [Decimal(line.split(",")[4]) for line in path.read_text().splitlines()[1:]]
    assert Conversion.objects.count() == Commission.objects.count() == len(amounts)
    assert Conversion.objects.aggregate(sum=Sum("amount"))["sum"] == sum(amounts)
    assert Commission.objects.aggregate(sum=Sum("amount"))["sum"] == sum(amounts) / 10
    assert Event.objects.filter(name="conversion.recorded").count() == len(amounts)
    assert verify_ledger() == []


@pytest.mark.django_db(transaction=True)
def test_imports_of_the_same_orders_at_once_bring_each_of_them_once(orders, tmp_path, music, mara):
    head, *lines = orders.read_text().splitlines()
    backwards = tmp_path / "backwards.csv"
    backwards.write_text("\n".join([head, *reversed(lines)]) + "\n")
    outcomes = []

    def bring(path: Path) -> None:
        outcomes.append(import_orders(path, music, by=mara))

    assert at_once(*[partial(bring, orders)] * 3, partial(bring, backwards)) == [None] * 4

    assert [(outcome.rows, outcome.rejected) for outcome in outcomes] == [(ORDERS, 0)] * 4
    assert sum(outcome.imported for outcome in outcomes) == ORDERS
    assert_all_are_in_once(orders)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("within_a_set", [True, False])
def test_an_import_that_was_killed_goes_on_where_it_was(orders, music, mara, monkeypatch, within_a_set):
    """The child is a process of its own; SIGKILL meets it while its fourth set is written, or once that is committed."""
    sets = []

    def killed(*_args, **_options) -> None:
        sets.append(1)
        if len(sets) == 4:
            os.kill(os.getpid(), signal.SIGKILL)

    def write_and_be_killed(*args, **options):
        answers = record_conversions(*args, **options)
        killed()
        return answers

    connection.close()  # parent and child each make one of their own
    child = os.fork()
    if child == 0:
        try:
            if within_a_set:
                from django.db import transaction

                def in_one(*args, **options):
                    with transaction.atomic():
                        return write_and_be_killed(*args, **options)

                monkeypatch.setattr(imports, "record_conversions", in_one)
                import_orders(orders, music, by=mara)
            else:
                import_orders(orders, music, by=mara, progress=killed)
        finally:
            os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    committed = 150 if within_a_set else 200

    again = import_orders(orders, music, by=mara)

    assert (again.imported, again.duplicate, again.rejected) == (ORDERS - committed, committed, 0)
    assert_all_are_in_once(orders)


@pytest.mark.django_db
def test_a_file_of_any_length_is_held_a_set_at_a_time(tmp_path, music, mara):
    path = tmp_path / "orders.csv"
    path.write_text(HEAD + "".join(f"o{n},c{n},2026-01-31,1,{n}.00,\n" for n in range(2000)))
    peaks = []

    def look(_size: int) -> None:
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.reset_peak()

    tracemalloc.start()
    try:
        outcome = import_orders(path, music, by=mara, progress=look)
    finally:
        tracemalloc.stop()

    assert outcome.imported == 2000 and len(peaks) == 40
    assert peaks[-1] < peaks[4] + 500_000


@pytest.mark.django_db
def test_a_line_without_end_is_not_held_and_costs_no_other(tmp_path, music, mara):
    path = tmp_path / "orders.csv"
    with path.open("w") as file:
        file.write(f"{HEAD}first,c1,2026-01-31,1,5.00,\n")
        for _ in range(30):
            file.write("x" * 1_000_000)
        file.write("\nlast,c1,2026-01-31,1,5.00,\n")

    tracemalloc.start()
    try:
        outcome = import_orders(path, music, by=mara)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert (outcome.imported, outcome.rejected) == (2, 1)
    assert "far too long" in outcome.rejects_file.read_text() and outcome.rejects_file.stat().st_size < 2000
    assert peak < 10_000_000
