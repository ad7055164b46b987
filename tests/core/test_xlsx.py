"""XLSX that is sent while its rows are read."""

import io
import zipfile
from datetime import date, datetime
from decimal import Decimal

import pytest
from django.http import StreamingHttpResponse
from openpyxl import load_workbook

from core import xlsx
from core.exports import stream_xlsx


def opened(chunks):
    return load_workbook(io.BytesIO(b"".join(chunks)))


def cells(sheet):
    return [[cell.value for cell in row] for row in sheet.rows]


def test_the_first_bytes_leave_before_the_first_row_is_made_and_rows_leave_as_they_come():
    made = []

    def rows():
        for number in range(5_000):
            made.append(number)
            yield [number, f"text {number * 7919}"]

    book = xlsx.stream_book(["Number", "Text"], rows())
    assert next(book)
    assert not made
    sizes = [len(chunk) for chunk in book]
    assert sum(size > 0 for size in sizes) > 2
    assert len(made) == 5_000


def test_numbers_times_days_and_texts_stay_what_they_are():
    row = [
        1,
        Decimal("40.00"),
        Decimal("-1250"),
        0.5,
        True,
        datetime(2026, 2, 28, 13, 5, 9),
        date(2026, 2, 28),
        'ö <&> "',
        None,
        "",
    ]
    sheet = opened(xlsx.stream_book(list("abcdefghij"), [row])).active

    assert cells(sheet)[1] == [
        1,
        40,
        -1250,
        0.5,
        True,
        datetime(2026, 2, 28, 13, 5, 9),
        datetime(2026, 2, 28),
        'ö <&> "',
        None,
        None,
    ]
    formats = [cell.number_format for cell in sheet[2]]
    assert formats[1:3] == ["0.00", "0"]
    assert formats[5:7] == ["yyyy-mm-dd hh:mm:ss", "yyyy-mm-dd"]
    assert sheet.freeze_panes == "A2"
    assert sheet["A1"].font.b


def test_what_no_sheet_can_hold_as_such_does_not_spoil_the_file():
    row = ["a\x00\x0bb\ud800", "x" * 40_000, 10**18, Decimal("NaN"), float("inf"), " kept "]
    shown = cells(opened(xlsx.stream_book([""] * 6, [row])).active)[1]

    assert shown == ["ab", "x" * xlsx.MOST_TEXT, "1000000000000000000", "NaN", "inf", " kept "]


def test_rows_beyond_a_sheet_go_on_in_the_next_under_the_same_heading(monkeypatch):
    monkeypatch.setattr(xlsx, "MOST_ROWS", 2)
    book = opened(xlsx.stream_book(["Number"], ([number] for number in range(5))))

    assert [cells(sheet) for sheet in book] == [[["Number"], [0], [1]], [["Number"], [2], [3]], [["Number"], [4]]]


def test_a_sheet_ends_before_it_is_too_large_for_the_zip(monkeypatch):
    monkeypatch.setattr(xlsx, "MOST_BYTES", 1)
    monkeypatch.setattr(xlsx, "_CHUNK", 3)
    book = opened(xlsx.stream_book(["Number"], ([number] for number in range(5))))

    assert [cells(sheet) for sheet in book] == [[["Number"], [0], [1], [2]], [["Number"], [3], [4]]]


def test_a_list_without_rows_is_a_sheet_with_its_heading():
    assert cells(opened(xlsx.stream_book(["Number"], [])).active) == [["Number"]]


def test_a_file_whose_rows_broke_off_does_not_open():
    def rows():
        yield [1]
        raise RuntimeError("the database is gone")

    sent = []
    with pytest.raises(RuntimeError):
        sent.extend(xlsx.stream_book(["Number"], rows()))
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(b"".join(sent)))


def test_formulas_are_defused():
    response = stream_xlsx([["=1+1", "-5", "@x"]], ["=heading"], "list")

    assert isinstance(response, StreamingHttpResponse)
    assert response["Content-Disposition"] == 'attachment; filename="list.xlsx"'
    assert cells(opened(response.streaming_content).active) == [["'=heading", None, None], ["'=1+1", "-5", "'@x"]]
