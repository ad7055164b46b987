"""XLSX written while its rows are read: a zip that is streamed, a sheet of plain cells. Nothing waits for the last row.

Libraries keep the book, in memory or in a file, until it is complete. What is written is the least that ECMA-376 asks of a book:
texts in their cells, numbers with their decimals, days and times of the reader's wall clock.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from typing import Any
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

MOST_ROWS = 1_048_575  # that a sheet holds below its heading
MOST_BYTES = 2**30  # of a sheet: from 2 GiB on, the zip would need a form that not every reader takes
MOST_TEXT = 32_767  # characters that a cell holds
MOST_DIGITS = 10**15  # whole numbers from here on would lose digits: they are written as text
_CHUNK = 500
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 — a sheet knows no zones
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")  # what looks like Excel's own escape of a character

_HEAD, _TIME, _DAY, _WHOLE = 1, 2, 3, 4  # numbers of styles; _WHOLE + n has n decimals
_DECIMALS = 4
_FORMATS = ["yyyy-mm-dd hh:mm:ss", "yyyy-mm-dd", "0", *(f"0.{'0' * digits}" for digits in range(1, _DECIMALS + 1))]

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_CONTENT_TYPES = (
    f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Default Extension="xml" ContentType="{_TYPE}.worksheet+xml"/>'  # sheets: how many, only the last row tells
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>'
)
_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}"><numFmts count="{len(_FORMATS)}">'
    + "".join(f'<numFmt numFmtId="{164 + n}" formatCode="{code}"/>' for n, code in enumerate(_FORMATS))
    + '</numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    f'<cellXfs count="{2 + len(_FORMATS)}"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    + "".join(
        f'<xf numFmtId="{164 + n}" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
        for n in range(len(_FORMATS))
    )
    + '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


class _Outlet(io.RawIOBase):
    """What the zip is written into: keeps what has not been sent yet. It cannot go back, so the zip does without."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.written.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self.written)
        self.written.clear()
        return taken


def stream_book(heading: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The book's bytes. Cells: None, str, bool, numbers, days, times without a zone. What a sheet cannot hold goes on in the next."""
    outlet, left = _Outlet(), iter(rows)
    with ZipFile(outlet, "w", ZIP_DEFLATED, compresslevel=1) as book:
        book.writestr("[Content_Types].xml", _CONTENT_TYPES)
        book.writestr("_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")]))
        book.writestr("xl/styles.xml", _STYLES)
        yield outlet.take()
        sheets, first = 0, next(left, None)
        while first is not None or not sheets:
            sheets += 1
            with book.open(f"xl/worksheets/sheet{sheets}.xml", "w") as sheet:
                sheet.write(_sheet_start(heading))
                here = islice(chain([first] if first is not None else [], left), MOST_ROWS)
                number, size = 2, 0
                while size < MOST_BYTES and (chunk := list(islice(here, _CHUNK))):
                    size += sheet.write("".join([_row(n, row) for n, row in enumerate(chunk, number)]).encode())
                    number += len(chunk)
                    yield outlet.take()
                sheet.write(b"</sheetData></worksheet>")
            first = next(left, None)
        names = [f"sheet{n}" for n in range(1, sheets + 1)]
        book.writestr("xl/workbook.xml", _workbook(names))
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            _relations([*(("worksheet", f"worksheets/{name}.xml") for name in names), ("styles", "styles.xml")]),
        )
    yield outlet.take()


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    inner = "".join(
        f'<Relationship Id="rId{n}" Type="{_RELATIONS}/{kind}" Target="{target}"/>' for n, (kind, target) in enumerate(targets, 1)
    )
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{inner}</Relationships>'


def _workbook(names: Sequence[str]) -> str:
    inner = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(names, 1))
    return f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{inner}</sheets></workbook>'


def _sheet_start(heading: Sequence[str]) -> bytes:
    wide = f'<cols><col min="1" max="{len(heading)}" width="20" customWidth="1"/></cols>' if heading else ""
    pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    cells = "".join(_text(label, _HEAD) for label in heading)
    start = f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
    return f'{start}{wide}<sheetData><row r="1">{cells}</row>'.encode()


def _row(number: int, cells: Sequence[Any]) -> str:
    """Cells stand in their order: they need no addresses of their own."""
    return f'<row r="{number}">{"".join([_cell(cell) for cell in cells])}</row>'


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return f'<c t="b"><v>{value:d}</v></c>'
    if isinstance(value, int):
        return f"<c><v>{value}</v></c>" if abs(value) < MOST_DIGITS else _text(str(value))
    if isinstance(value, Decimal) and value.is_finite():
        decimals = -int(value.as_tuple().exponent)
        style = f' s="{_WHOLE + decimals}"' if 0 <= decimals <= _DECIMALS else ""
        return f"<c{style}><v>{value:f}</v></c>"
    if isinstance(value, datetime):
        return f'<c s="{_TIME}"><v>{(value - _EPOCH).total_seconds() / 86400:.10f}</v></c>'
    if isinstance(value, date):
        return f'<c s="{_DAY}"><v>{value.toordinal() - _EPOCH.toordinal()}</v></c>'
    if isinstance(value, float) and value - value == 0:  # neither NaN nor endless
        return f"<c><v>{value!r}</v></c>"
    return _text(str(value))


def _text(value: str, style: int = 0) -> str:
    text = escape(_ESCAPED.sub("_x005F_", _NOT_XML.sub("", value[:MOST_TEXT])))
    return f'<c t="inlineStr"{f""" s="{style}" """ if style else ""}><is><t xml:space="preserve">{text}</t></is></c>'
