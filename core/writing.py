"""Rows that are written as a set.

Within `written_together` a new row, or a change of one, waits, and all of them go to the database with one statement for each table: when
the set ends, or before any statement that speaks of one of these tables. So whatever is asked meanwhile is answered as if each had
been written at once, and nothing has to know that it was not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db import connection, models

from core.rows import savepoints, select_rows, update_rows

Row = TypeVar("Row", bound=models.Model)


class _Waiting:
    def __init__(self, kinds: Collection[type[models.Model]], block: int) -> None:
        self.depth, self.block, self.busy = savepoints(), block, False
        # In the order in which others refer to them.
        self.new: dict[type[models.Model], dict[int, Any]] = {kind: {} for kind in kinds}
        self.changed: dict[type[models.Model], dict[int, tuple[Any, set[str]]]] = {kind: {} for kind in kinds}
        self.numbers: dict[type[models.Model], Iterator[int]] = {}
        self.tables = re.compile(rf"\ASAVEPOINT|\b({'|'.join(kind._meta.db_table for kind in kinds)})\b")

    def takes(self, row: models.Model) -> bool:
        """What is written within a savepoint of its own is undone with that alone, and written there."""
        return type(row) in self.new and savepoints() == self.depth

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Around every statement of the connection (Django's documentation, "Database instrumentation")."""
        if not self.busy and self.tables.search(str(sql)):
            self.write()
        return execute(sql, params, many, context)

    def number(self, kind: type[models.Model]) -> int:
        """The next one of the table's sequence, taken in blocks; those that are left over are never given."""
        found = next(self.numbers.get(kind, iter(())), None)
        if found is None:
            sequence = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
            with self._undisturbed():
                taken = select_rows(sequence, [kind._meta.db_table, self.block])
            self.numbers[kind] = iter([number for (number,) in taken])
            found = next(self.numbers[kind])
        return found

    def write(self) -> None:
        with self._undisturbed():
            for kind, rows in self.new.items():
                if rows:
                    kind._default_manager.bulk_create(rows.values())
                    rows.clear()
            for kind, changes in self.changed.items():
                if changes:
                    names = sorted({name for _row, changed in changes.values() for name in changed})
                    fields: list[Any] = [kind._meta.get_field(name) for name in names]
                    columns = {field.column: field.db_type(connection) for field in fields}
                    values = [(pk, *(getattr(row, field.attname) for field in fields)) for pk, (row, _names) in changes.items()]
                    update_rows(kind._meta.db_table, columns, values)
                    changes.clear()

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        self.busy, before = True, self.busy
        try:
            yield
        finally:
            self.busy = before


_current: ContextVar[_Waiting | None] = ContextVar("written_together", default=None)


@contextmanager
def written_together(*kinds: type[models.Model], block: int) -> Iterator[None]:
    """In one transaction: rows of these models are written as a set; first those to which the others refer. `block`: about how many
    of one there will be."""
    waiting = _Waiting(kinds, block)
    token = _current.set(waiting)
    try:
        with connection.execute_wrapper(waiting):
            yield
            waiting.write()
    finally:
        _current.reset(token)


def insert(row: Row) -> Row:
    """INSERT this new row, or let it wait with its set; it has its number at once."""
    waiting = _current.get()
    if waiting is None or not waiting.takes(row):
        row.save(force_insert=True)
    else:
        row.pk = waiting.number(type(row))
        waiting.new[type(row)][row.pk] = row
    return row


def update(row: models.Model, names: Iterable[str]) -> None:
    """UPDATE these fields of the row, which the caller has locked, or let that wait with its set."""
    waiting, names = _current.get(), set(names)
    if not names or is_waiting(row):
        return
    if waiting is None or not waiting.takes(row):
        row.save(update_fields=names)
    else:
        waiting.changed[type(row)].setdefault(row.pk, (row, set()))[1].update(names)


def is_waiting(row: models.Model) -> bool:
    """Whether a new row is not in the database yet; then none is that refers to it."""
    waiting = _current.get()
    return waiting is not None and row.pk in waiting.new.get(type(row), ())


def new_rows(kind: type[Row]) -> list[Row]:
    """Those that wait, in the order in which they were made."""
    waiting = _current.get()
    return list(waiting.new[kind].values()) if waiting is not None and kind in waiting.new else []
