"""Orders from a CSV file, by the one way in for conversions: restartable, nothing dropped silently.

Every row ends as imported, duplicate (recorded before, with the same content) or rejected with its reason; rejects are also
written to a file beside the input. Rows are worked 5,000 at a time, each set in a transaction: a killed import is started
again and goes on, as what is recorded is a duplicate then.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import IO, Any

from django.utils.translation import gettext as _

from core.errors import Refusal
from core.money import parse_amount
from core.rows import in_chunks
from intake.services import Recorded, record_conversions
from programs.models import Program
from tracking.conversions import ConversionInput

CHUNK = 5000
REQUIRED = ["order_id", "customer_id", "date", "quantity", "amount_usd"]
OPTIONAL = ["coupon", "click_id", "affiliate"]


class OrdersError(Refusal):
    """A file that cannot be read as orders."""


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
    rejects = rejects or path.with_suffix(".rejects.csv")
    with _Rejects(rejects) as rejected, _open(path) as file:
        reader, columns = _reader(file)
        for chunk in in_chunks(_rows(reader, columns), CHUNK):
            _import_chunk(program, chunk, by=by, outcome=outcome, rejected=rejected, columns=columns)
            progress(sum(size for _line, _cells, size in chunk))
    if outcome.rejected:
        outcome.rejects_file = rejects
    return outcome


def _import_chunk(
    program: Program,
    chunk: list[tuple[int, list[str], int]],
    *,
    by: Any,
    outcome: Outcome,
    rejected: _Rejects,
    columns: list[str],
) -> None:
    inputs, lines = [], []
    for line, cells, _size in chunk:
        try:
            inputs.append(_conversion(program, columns, cells))
            lines.append((line, cells))
        except Refusal as refusal:
            rejected.write(line, cells, refusal.message, columns)
            outcome.rejected += 1
            outcome.reasons[refusal.message] += 1
    for (line, cells), answer in zip(lines, record_conversions(program, inputs, by=by), strict=True):
        if isinstance(answer, Recorded):
            outcome.imported += answer.created
            outcome.duplicate += not answer.created
        else:
            rejected.write(line, cells, answer.refusal.message, columns)
            outcome.rejected += 1
            outcome.reasons[answer.refusal.message] += 1


def _conversion(program: Program, columns: list[str], cells: list[str]) -> ConversionInput:
    if len(cells) != len(columns):
        raise OrdersError(
            _("This line has %(found)d columns, not %(wanted)d: it may be cut, or a comma stands unquoted.")
            % {"found": len(cells), "wanted": len(columns)}
        )
    row = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
    if "\x00" in "".join(cells):
        raise OrdersError(_("There is a NUL character in this line."))
    if not row["order_id"] or len(row["order_id"]) > 200 or len(row["customer_id"]) > 200:
        raise OrdersError(_("order_id is needed; ids have at most 200 characters."))
    quantity = row["quantity"]
    if quantity and not (quantity.isascii() and quantity.isdigit() and int(quantity) < 2**31):
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


def _moment(program: Program, text: str) -> datetime:
    """A day (its first moment in the program's zone) or a moment, in the program's zone where it names none."""
    try:
        if len(text) <= 10:
            return datetime.combine(date.fromisoformat(text), time(), program.zone)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise OrdersError(_("date is a day such as 2026-01-31, or a time such as 2026-01-31T12:00:00+00:00.")) from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=program.zone)


def _open(path: Path) -> IO[str]:
    """The file as text: UTF-8 with or without a byte order mark, else Latin-1."""
    try:
        with path.open("rb") as probe:
            decoder = io.TextIOWrapper(probe, encoding="utf-8", errors="strict")
            while decoder.read(1 << 20):
                pass
        encoding = "utf-8-sig"
    except UnicodeDecodeError:
        encoding = "latin-1"
    except OSError as error:
        raise OrdersError(_("%(path)s cannot be read: %(why)s.") % {"path": path, "why": error.strerror}) from None
    return path.open(encoding=encoding, newline="")


def _reader(file: IO[str]) -> tuple[Iterator[list[str]], list[str]]:
    head = file.readline()
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
    return csv.reader(file, delimiter=delimiter), columns


def _rows(reader: Iterator[list[str]], columns: list[str]) -> Iterator[tuple[int, list[str], int]]:
    """(line number, cells, size in bytes) of each row that is not blank."""
    for number, cells in enumerate(reader, start=2):
        if any(cells):
            yield number, cells, sum(map(len, cells)) + len(columns)


class _Rejects:
    """The file of rejects, made with the first one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: IO[str] | None = None

    def __enter__(self) -> _Rejects:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self.file:
            self.file.close()

    def write(self, line: int, cells: list[str], reason: str, columns: list[str]) -> None:
        if self.file is None:
            self.file = self.path.open("w", encoding="utf-8", newline="")
            csv.writer(self.file).writerow([*columns, "line", "reason"])
        padded = (cells + [""] * len(columns))[: max(len(columns), len(cells))]
        csv.writer(self.file).writerow([*padded, line, reason])
