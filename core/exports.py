"""Tables as files: CSV and XLSX of any length, streamed, with cells that no spreadsheet mistakes for a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.functional import Promise

from core.xlsx import stream_book

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
_CHUNK = 500


def defuse(cell: Any) -> Any:
    """The cell with text that a spreadsheet would run as a formula made plain by a leading apostrophe (OWASP, "CSV injection").

    Numbers stay numbers, also negative ones written as text; lazy texts and other objects become text.
    """
    if cell is None or isinstance(cell, (bool, int, float, Decimal)):
        return cell
    if isinstance(cell, Promise) or not isinstance(cell, str):
        cell = str(cell)
    if cell.startswith(_DANGEROUS) and not _is_number(cell):
        return f"'{cell}"
    return cell


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-").replace(".", "", 1)
    return digits.isascii() and digits.isdigit()


class _Echo:
    """What csv.writer writes into: hands the line back."""

    def write(self, line: str) -> str:
        return line


def stream_csv(rows: Iterable[Sequence[Any]], columns: Sequence[Any], filename: str) -> StreamingHttpResponse:
    """The rows as UTF-8 CSV with a BOM (spreadsheets need it), sent while they are read. Times are RFC 3339."""
    writer = csv.writer(_Echo())

    def lines() -> Iterator[str]:
        yield "\ufeff" + writer.writerow([defuse(column) for column in columns])
        chunk: list[str] = []
        for row in rows:
            chunk.append(writer.writerow([_csv_cell(cell) for cell in row]))
            if len(chunk) >= _CHUNK:
                yield "".join(chunk)
                chunk.clear()
        yield "".join(chunk)

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}.csv"'
    return response


def _csv_cell(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="seconds")
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    return defuse(cell)


def stream_xlsx(rows: Iterable[Sequence[Any]], columns: Sequence[Any], filename: str) -> StreamingHttpResponse:
    """The rows as XLSX, sent while they are read; more rows than a sheet holds go on in the next sheet."""
    book = stream_book([defuse(str(column)) for column in columns], ([_xlsx_cell(cell) for cell in row] for row in rows))
    response = StreamingHttpResponse(book, content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    response["Content-Disposition"] = f'attachment; filename="{filename}.xlsx"'
    return response


def _xlsx_cell(cell: Any) -> Any:
    if isinstance(cell, datetime):  # a spreadsheet knows no zones: the reader's own, as on the page
        return timezone.make_naive(cell) if timezone.is_aware(cell) else cell
    return cell if isinstance(cell, date) else defuse(cell)
