"""Orders from files as people have them: with marks, semicolons, Latin-1, cut off, hostile."""

import csv
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from intake.imports import OrdersError, import_orders
from tests.factories import make_coupon, make_rule
from tests.spellings import NO_NUMBERS
from tracking.models import Conversion

HEAD = "order_id,customer_id,date,quantity,amount_usd"
pytestmark = pytest.mark.django_db


@pytest.fixture
def bring(tmp_path, music, mara):
    def bring(content: str | bytes, **options):
        path = tmp_path / "orders.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_orders(path, music, by=mara, **options)

    return bring


def test_rows_become_sales(bring, music, ana):
    make_rule(music)
    make_coupon(ana, music, code="ANA")

    outcome = bring(f"{HEAD},coupon\no1,c1,2026-01-31,2,12.50,ANA\no2,c2,2026-02-01T10:00:00+02:00,1,3.00,\n")

    assert (outcome.imported, outcome.duplicate, outcome.rejected) == (2, 0, 0)
    first, second = Conversion.objects.order_by("external_id")
    assert (first.event, first.amount, first.currency, first.quantity, first.affiliate) == (
        "sale",
        Decimal("12.5"),
        "USD",
        2,
        ana,
    )
    assert first.occurred_at.isoformat() == "2026-01-31T00:00:00+00:00"
    assert second.occurred_at.isoformat() == "2026-02-01T08:00:00+00:00"
    assert first.commissions.get().amount == Decimal("1.25")


def test_a_second_import_of_the_same_file_changes_nothing(bring):
    content = f"{HEAD}\no1,c1,2026-01-31,2,12.50\n"
    bring(content)
    outcome = bring(content)

    assert (outcome.imported, outcome.duplicate) == (0, 1)


@pytest.mark.parametrize(
    "content",
    [
        f"\ufeff{HEAD}\no1,c1,2026-01-31,2,12.50\n",
        f"{HEAD.replace(',', ';')}\no1;c1;2026-01-31;2;12.50\n",
        f'{HEAD}\r\n"o1","c1",2026-01-31,2,12.50\r\n\r\n'.encode(),
        f"{HEAD}\no1,Käthe,2026-01-31,2,12.50\n".encode("latin-1"),
        "amount_usd,quantity,date,customer_id,order_id\n12.50,2,2026-01-31,c1,o1\n",
    ],
    ids=["byte order mark", "semicolons", "quotes and CRLF", "Latin-1", "other order of columns"],
)
def test_files_as_spreadsheets_write_them_are_read(bring, content):
    assert bring(content).imported == 1
    assert Conversion.objects.get().external_id == "o1"


@pytest.mark.parametrize(
    "line, why",
    [
        ("o1,c1,2026-01-31,2,12.505", "2 decimals"),
        *((f'o1,c1,2026-01-31,2,"{number}"', "digits with a point") for number in [*NO_NUMBERS, ""]),
        ("o1,c1,2026-01-31,２,5.00", "whole number"),
        ("o1,c1,２０２６-01-31,2,5.00", "date is a day"),
        ("o1,c1,31.01.2026,2,5.00", "date is a day"),
        ("o1,c1,2026-01-31,two,5.00", "whole number"),
        ("o1,c1,2026-01-31", "3 columns, not 5"),
        ("o1", "1 column, not 5"),
        (",c1,2026-01-31,2,5.00", "order_id is needed"),
        ("o1,c1,2099-01-31,2,5.00", "future"),
        ("o1,c1,2999-01-31,2,5.00", "year"),
        ("o1,c1,0001-01-01,2,5.00", "year"),
        ("o1,c1,1989-12-31,2,5.00", "year"),
        ("o1,c1,0001-01-01T00:00:00+14:00,2,5.00", "year"),
        ("o1,c1,9999-12-31T23:59:59-14:00,2,5.00", "year"),
        (f"o1,c1,2026-01-31,{'9' * 5000},5.00", "whole number"),
        (f"o1,{'c' * 200_000},2026-01-31,2,5.00", "far too long"),
        ('o1,"c1,2026-01-31,2,5.00', "quotation mark"),
        ('o1,c1,2026-01-31,2,"5.00', "quotation mark"),
    ],
)
def test_a_bad_row_is_rejected_with_its_reason_and_the_others_come_in(bring, tmp_path, line, why):
    outcome = bring(f"{HEAD}\ngood,c1,2026-01-31,2,5.00\n{line}\n")

    assert (outcome.imported, outcome.rejected) == (1, 1)
    [reject] = list(csv.DictReader((tmp_path / "orders.rejects.csv").open()))
    assert why in reject["reason"] and reject["line"] == "3"


@pytest.mark.parametrize(
    "content, why",
    [
        ("", "empty"),
        ("order_id,date\n1,2\n", "lacks customer_id, quantity, amount_usd"),
        (f"{HEAD},colour\n", "unknown"),
        (f"{HEAD},date\n", "named twice"),
    ],
)
def test_a_file_that_is_no_orders_file_is_refused_whole(bring, content, why):
    with pytest.raises(OrdersError, match=why):
        bring(content)


def test_a_file_that_was_cut_in_the_middle_loses_only_its_last_line(bring):
    outcome = bring(f"{HEAD}\no1,c1,2026-01-31,2,5.00\no2,c1,2026-01-3")

    assert (outcome.imported, outcome.rejected) == (1, 1)


@pytest.mark.parametrize("cut", ["", "1", "11", "11.", "11.7"])
def test_a_file_cut_within_its_last_amount_brings_no_wrong_amount_and_comes_in_when_whole(bring, tmp_path, cut):
    first = bring(f"{HEAD}\no1,c1,2026-01-31,2,5.00\no2,c1,2026-01-31,2,{cut}")
    assert (first.imported, first.rejected) == (1, 1)
    [reject] = list(csv.DictReader((tmp_path / "orders.rejects.csv").open()))
    assert reject["order_id"] == "o2" and "it may be cut here" in reject["reason"]

    whole = bring(f"{HEAD}\no1,c1,2026-01-31,2,5.00\no2,c1,2026-01-31,2,11.77\n")
    assert (whole.imported, whole.duplicate, whole.rejected) == (1, 1, 0)
    assert Conversion.objects.get(external_id="o2").amount == Decimal("11.77")


def test_a_last_value_that_could_not_go_on_needs_no_line_break(bring):
    assert bring(f"{HEAD}\no1,c1,2026-01-31,2,11.77").imported == 1
    assert bring(f'{HEAD}\no2,c1,2026-01-31,2,"11.7"').imported == 1
    assert bring(f"{HEAD},click_id\no3,c1,2026-01-31,2,11.77,01890a5d-ac96-774b-bcce-b302099a8057").imported == 1


@pytest.mark.parametrize("cell", ["", "ANA1", "01890a5d-ac96-774b"])
def test_a_last_coupon_that_may_be_cut_credits_nobody(bring, cell):
    outcome = bring(f"{HEAD},coupon\no1,c1,2026-01-31,2,11.77,{cell}")

    assert (outcome.imported, outcome.rejected) == (0, 1)


def test_a_missing_amount_and_one_too_large_are_told_as_such(bring):
    outcome = bring(f"{HEAD}\no1,c1,2026-01-31,2,\no2,c1,2026-01-31,2,1000000000000000\no3,c1,2026-01-31,2,1.5x\n")

    missing, large, other = outcome.reasons
    assert "missing" in missing and "too large" in large and "at most 12" in large and "missing" not in other


def test_a_huge_file_is_read_in_sets(bring, monkeypatch):
    monkeypatch.setattr("intake.imports.CHUNK", 100)
    seen = []

    outcome = bring(HEAD + "\n" + "".join(f"o{n},c{n},2026-01-31,1,1.00\n" for n in range(250)), progress=seen.append)

    assert outcome.imported == 250 and len(seen) == 3


def test_the_command_says_what_became_of_the_rows(tmp_path, music, capsys):
    path = tmp_path / "orders.csv"
    path.write_text(f"{HEAD}\no1,c1,2026-01-31,2,5.00\no2,c1,2026-01-31,2,x")

    call_command("orders_import", str(path), program="music")

    out = capsys.readouterr().out
    assert "2 rows: 1 imported, 0 duplicate, 1 rejected" in out and "orders.rejects.csv" in out
    assert "without a line break: it may be cut here" in out


@pytest.mark.parametrize(
    "arguments, why", [(["nowhere.csv", "--program", "music"], "no file"), ([__file__, "--program", "none"], "no program")]
)
def test_the_command_names_what_is_not_there(music, arguments, why):
    with pytest.raises(CommandError, match=why):
        call_command("orders_import", *arguments)


def test_cells_with_formulas_come_in_as_text(bring):
    bring(f'{HEAD}\n"=cmd()",c1,2026-01-31,2,5.00\n')

    assert Conversion.objects.get().external_id == "=cmd()"  # exports defuse it (core.exports)


@pytest.mark.parametrize("broken", ['o1,"c1,2026-01-31,2,5.00', f"o1,{'c' * 200_000},2026-01-31,2,5.00"])
def test_a_line_that_cannot_be_read_costs_no_other(bring, broken):
    outcome = bring(f"{HEAD}\n{broken}\ngood,c1,2026-01-31,2,5.00\nlast,c1,2026-01-31,2,5.00\n")

    assert (outcome.imported, outcome.rejected) == (2, 1)


def test_a_file_cut_within_a_character_is_still_utf_8(bring):
    content = f"{HEAD}\no1,Käthe,2026-01-31,2,5.00\no2,K\u00e4".encode()[:-1]

    outcome = bring(content)

    assert (outcome.imported, outcome.rejected) == (1, 1)
    assert Conversion.objects.get().customer.external_id == "Käthe"
    assert "within a character" in outcome.rejects_file.read_text()


def test_rejects_are_plain_text_and_never_overwritten(bring, tmp_path):
    first = bring(f"{HEAD}\n=cmd(),+c1,2026-01-31,two,5.00\n")
    second = bring(f"{HEAD}\no2,c1,2026-01-31,two,5.00\n")

    assert [path.name for path in (first.rejects_file, second.rejects_file)] == ["orders.rejects.csv", "orders.rejects-2.csv"]
    [row] = list(csv.DictReader(first.rejects_file.open()))
    assert (row["order_id"], row["customer_id"], row["line"]) == ("'=cmd()", "'+c1", "2")
