"""Rows in sets: one statement over thousands of them, without an object for each."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from psycopg2.extras import execute_values

COPY_FROM = 200  # rows: from here on COPY is quicker than a long INSERT


def insert_rows(
    table: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    on_conflict: str = "",
    returning: Sequence[str] = (),
) -> list[tuple[Any, ...]]:
    """INSERT these rows in the caller's transaction; returns what `returning` names, for the rows that were inserted.

    Values: None, str, int, Decimal, bool, datetime, UUID; lists of str are text arrays, dicts are JSON. Many rows go by COPY.
    Table and columns are names from code, never from input.
    """
    if not rows:
        return []
    tail = (f" ON CONFLICT {on_conflict}" if on_conflict else "") + (f" RETURNING {', '.join(returning)}" if returning else "")
    names = ", ".join(columns)
    # What psycopg2 raises by itself comes out as Django's errors, as everywhere.
    with connection.cursor() as cursor, connection.wrap_database_errors:
        if len(rows) >= COPY_FROM:
            target = table if not tail else f"{table}_incoming"
            if tail:
                cursor.execute(f"CREATE TEMPORARY TABLE {target} ON COMMIT DROP AS SELECT {names} FROM {table} WITH NO DATA")
            cursor.cursor.copy_expert(f"COPY {target} ({names}) FROM STDIN", io.StringIO("".join(map(_copy_line, rows))))
            if tail:
                cursor.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {target}{tail}")
                inserted: list[tuple[Any, ...]] = cursor.fetchall() if returning else []
                cursor.execute(f"DROP TABLE {target}")
                return inserted
            return []
        bound = [[json.dumps(value) if isinstance(value, dict) else value for value in row] for row in rows]
        statement = f"INSERT INTO {table} ({names}) VALUES %s{tail}"
        return execute_values(cursor.cursor, statement, bound, page_size=COPY_FROM, fetch=bool(returning)) or []


def update_rows(table: str, columns: dict[str, str], rows: Sequence[Sequence[Any]]) -> None:
    """UPDATE these rows, each its own values: first its `id`, then one for each of `columns`, which names their types. One
    statement. Names and types are from code, never from input."""
    if not rows:
        return
    names = ", ".join(f"{name} = new.{name}" for name in columns)
    template = f"(%s::bigint, {', '.join(f'%s::{kind}' for kind in columns.values())})"
    statement = f"UPDATE {table} SET {names} FROM (VALUES %s) AS new (id, {', '.join(columns)}) WHERE {table}.id = new.id"
    with connection.cursor() as cursor, connection.wrap_database_errors:
        execute_values(cursor.cursor, statement, rows, template=template, page_size=len(rows))


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _copy_line(row: Sequence[Any]) -> str:
    return "\t".join(map(_copy_value, row)) + "\n"


def _copy_value(value: Any) -> str:
    """COPY's text format (PostgreSQL's documentation, COPY, "Text Format")."""
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value if value.isalnum() else value.translate(_ESCAPES)
    if isinstance(value, dict):
        return json.dumps(value).translate(_ESCAPES)
    if isinstance(value, list):
        quoted = ('"' + str(item).replace("\\", "\\\\").replace('"', '\\"') + '"' for item in value)
        return ("{" + ",".join(quoted) + "}").translate(_ESCAPES)
    return str(value)


def select_rows(statement: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
    """The rows that a statement of our own answers with; values are bound."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def savepoints() -> int:
    """How many savepoints the connection is in; blocks without one (None) are undone with what surrounds them."""
    return sum(each is not None for each in connection.savepoint_ids)


@contextmanager
def statements_within(seconds: float) -> Iterator[None]:
    """A transaction (or a part of the caller's) in which a statement that takes longer is given up: OperationalError."""
    with transaction.atomic():
        ((before,),) = select_rows("SELECT current_setting('statement_timeout')")
        select_rows("SELECT set_config('statement_timeout', %s, true)", [f"{seconds * 1000:.0f}ms"])
        yield
        select_rows("SELECT set_config('statement_timeout', %s, true)", [before])


def in_chunks(rows: Iterable[Any], size: int) -> Iterable[list[Any]]:
    """Lists of `size` rows, the last one shorter."""
    chunk: list[Any] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) >= size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
