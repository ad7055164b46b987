"""Orders from a CSV file, by the one way in for conversions: restartable, nothing dropped silently.

Every row ends as imported, duplicate (recorded before, with the same content) or rejected with its reason; rejects are also
written to a file beside the input. Rows are worked 5,000 at a time, each set in a transaction: a killed import is started
again and goes on, as what is recorded is a duplicate then.

A last line that no line break ends may be cut within its last value: it is rejected unless that value is known to be whole.

A row is one line: orders have no cell that goes on in the next line, so a stray quotation mark costs its own line and no other.
"""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from itertools import count
from pathlib import Path
from typing import IO, Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.api.fields import EARLIEST
from core.errors import Refusal
from core.exports import defuse
from core.money import currency_digits, parse_amount
from core.rows import in_chunks
from intake.services import Recorded, record_conversions
from programs.models import Program
from tracking.attribution import parse_click_id
from tracking.conversions import ConversionInput

CHUNK = 5000
LONGEST_LINE = 100_000  # characters; of a longer one, such as a picture's, only so much is ever held
SHOWN = 1000  # characters of an unreadable line in the file of rejects
LATEST_YEAR = 2199
REQUIRED = ["order_id", "customer_id", "date", "quantity", "amount_usd"]
OPTIONAL = ["coupon", "click_id", "affiliate"]


class OrdersError(Refusal):
    """A file, or one line of it, that cannot be read as orders."""


@dataclass(slots=True)
class _Line:
    number: int
    cells: list[str]
    size: int
    ended: bool  # with a line break
    closed: bool  # with a quotation mark
    refusal: OrdersError | None = None  # where it cannot be read as cells at all


@dataclass
class Outcome:
    """What became of the file's rows."""

    imported: int = 0
    duplicate: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    rejects_file: Path | None = None

    @property
    def rows(self) -> int:
        return self.imported + self.duplicate + self.rejected


def import_orders(
    path: Path, program: Program, *, by: Any, rejects: Path | None = None, progress: Callable[[int], object] = lambda size: None
) -> Outcome:
    """Import a CSV file of orders. `progress` is told how many bytes were worked; raises OrdersError where it is no such file."""
    outcome = Outcome()
    with _Rejects(rejects or path.with_suffix(".rejects.csv")) as rejected, _open(path) as file:
        columns, delimiter = _head(file)
        for chunk in in_chunks(_lines(file, delimiter), CHUNK):
            _import_chunk(program, chunk, by=by, outcome=outcome, rejected=rejected, columns=columns)
            progress(sum(line.size for line in chunk))
        if outcome.rejected:
            outcome.rejects_file = rejected.path
    return outcome


def _import_chunk(
    program: Program,
    chunk: list[_Line],
    *,
    by: Any,
    outcome: Outcome,
    rejected: _Rejects,
    columns: list[str],
) -> None:
    inputs, lines = [], []
    for line in chunk:
        try:
            if line.refusal:
                raise line.refusal
            inputs.append(_conversion(program, columns, line))
            lines.append(line)
        except Refusal as refusal:
            rejected.write(line, refusal.message, columns)
            outcome.rejected += 1
            outcome.reasons[refusal.message] += 1
    for line, answer in zip(lines, record_conversions(program, inputs, by=by), strict=True):
        if isinstance(answer, Recorded):
            outcome.imported += answer.created
            outcome.duplicate += not answer.created
        else:
            rejected.write(line, answer.refusal.message, columns)
            outcome.rejected += 1
            outcome.reasons[answer.refusal.message] += 1


def _conversion(program: Program, columns: list[str], line: _Line) -> ConversionInput:
    cells = line.cells
    if len(cells) != len(columns):
        raise OrdersError(
            ngettext(
                "This line has %(found)s column, not %(wanted)s: it may be cut, or a comma stands unquoted.",
                "This line has %(found)s columns, not %(wanted)s: it may be cut, or a comma stands unquoted.",
                len(cells),
            )
            % {"found": len(cells), "wanted": len(columns)}
        )
    if not line.ended and not _is_whole(columns[-1], line):
        raise OrdersError(
            _(
                "The file ends in this line, without a line break: it may be cut here. End the file with one, or send this row again."
            )
        )
    row = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
    if "\x00" in "".join(cells):
        raise OrdersError(_("There is a NUL character in this line."))
    if not row["order_id"] or len(row["order_id"]) > 200 or len(row["customer_id"]) > 200:
        raise OrdersError(_("order_id is needed; ids have at most 200 characters."))
    quantity = row["quantity"]
    if quantity and not (quantity.isascii() and quantity.isdigit() and len(quantity) <= 10 and int(quantity) < 2**31):
        raise OrdersError(_("quantity is a whole number."))
    return ConversionInput(
        event="sale",
        external_id=row["order_id"],
        occurred_at=_moment(program, row["date"]),
        amount=parse_amount(row["amount_usd"], "USD", "amount_usd"),
        currency="USD",
        click_id=row.get("click_id", ""),
        coupon=row.get("coupon", ""),
        customer=row["customer_id"],
        affiliate=row.get("affiliate", ""),
        quantity=int(quantity) if quantity else None,
    )


def _is_whole(last_column: str, line: _Line) -> bool:
    """Whether the last cell of a line that no line break ends is known to be whole: it is quoted, or could not go on. Nobody can
    tell 5 from the beginning of 55.00, nor ANA1 from that of ANA10; an amount with both decimals, or a click id, is complete."""
    cell = line.cells[-1].strip()
    if line.closed or (last_column == "click_id" and parse_click_id(cell)):
        return True
    return last_column == "amount_usd" and len(cell.partition(".")[2]) == currency_digits("USD")


def _moment(program: Program, text: str) -> datetime:
    """A day (its first moment in the program's zone) or a moment, in the program's zone where it names none."""
    try:
        if len(text) <= 10:
            moment = datetime.combine(date.fromisoformat(text), time(), program.zone)
        else:
            moment = datetime.fromisoformat(text)
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=program.zone)
        impossible = moment < EARLIEST or moment.year > LATEST_YEAR
    except ValueError:
        raise OrdersError(_("date is a day such as 2026-01-31, or a time such as 2026-01-31T12:00:00+00:00.")) from None
    except OverflowError:
        impossible = True
    if impossible:
        raise OrdersError(_("The year of this date cannot be right."))
    return moment


def _open(path: Path) -> IO[str]:
    """The file as text: UTF-8 with or without a byte order mark, else Latin-1. A file that was cut within its last character
    is UTF-8 all the same; what is left of that character is a lone surrogate."""
    try:
        return path.open(encoding=_encoding(path), errors="surrogateescape", newline="")
    except OSError as error:
        raise OrdersError(_("%(path)s cannot be read: %(why)s.") % {"path": path, "why": error.strerror}) from None


def _encoding(path: Path) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as probe:
        try:
            while part := probe.read(1 << 20):
                decoder.decode(part)
        except UnicodeDecodeError:
            return "latin-1"
    return "utf-8-sig"


def _head(file: IO[str]) -> tuple[list[str], str]:
    """The columns that the first line names, and what stands between them."""
    head = file.readline(LONGEST_LINE).encode(errors="replace").decode()
    if not head.strip():
        raise OrdersError(
            _("The file is empty. Its first line names the columns: %(columns)s.") % {"columns": ",".join(REQUIRED)}
        )
    delimiter = max(",;\t", key=head.count)
    columns = [name.strip().strip('"').lower() for name in head.strip().split(delimiter)]
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise OrdersError(
            _("The first line lacks %(missing)s. It should name: %(columns)s.")
            % {"missing": ", ".join(missing), "columns": ",".join(REQUIRED) + " [" + ",".join(OPTIONAL) + "]"}
        )
    unknown = [name for name in columns if name not in REQUIRED + OPTIONAL]
    if unknown or len(set(columns)) < len(columns):
        raise OrdersError(
            _("The first line has columns that are unknown or named twice: %(names)s.") % {"names": ", ".join(unknown or columns)}
        )
    return columns, delimiter


def _lines(file: IO[str], delimiter: str) -> Iterator[_Line]:
    """Each line below the first that is not blank."""
    for number, (text, size) in enumerate(_texts(file), start=2):
        ended, closed = text.endswith(("\n", "\r")), text.endswith('"')
        try:
            if size > len(text):
                raise csv.Error
            cells = next(csv.reader([text], delimiter=delimiter, strict=True), [])
        except csv.Error:
            why = OrdersError(_("This line cannot be read: a quotation mark stands alone, or it is far too long."))
            yield _Line(number, [text.strip()[:SHOWN]], size, ended, closed, why)
            continue
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            why = OrdersError(_("This line ends within a character: the file is cut."))
            yield _Line(number, cells, size, ended, closed, why)
        elif any(cells):
            yield _Line(number, cells, size, ended, closed)


def _texts(file: IO[str]) -> Iterator[tuple[str, int]]:
    """Each line, or the beginning of one that is too long, and how long it really is."""
    while text := file.readline(LONGEST_LINE):
        part, size = text, len(text)
        while len(part) == LONGEST_LINE and not part.endswith(("\n", "\r")):
            part = file.readline(LONGEST_LINE)
            size += len(part)
        yield text, size


class _Rejects:
    """The file of rejects, made with the first one. One that is there already is kept: the new one gets a number."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: IO[str] | None = None

    def __enter__(self) -> _Rejects:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self.file:
            self.file.close()

    def write(self, line: _Line, reason: str, columns: list[str]) -> None:
        if self.file is None:
            self.file = self._create()
            csv.writer(self.file).writerow([*columns, "line", "reason"])
        padded = (line.cells + [""] * len(columns))[: max(len(columns), len(line.cells))]
        csv.writer(self.file).writerow([*(defuse(cell) for cell in padded), line.number, defuse(reason)])

    def _create(self) -> IO[str]:
        given = self.path
        for number in count(2):
            try:
                return self.path.open("x", encoding="utf-8", errors="backslashreplace", newline="")
            except FileExistsError:
                self.path = given.with_name(f"{given.stem}-{number}{given.suffix}")
        raise AssertionError("numbers do not end")
