"""Rows in sets: one statement over thousands of them, without an object for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from psycopg2.extras import execute_values


def insert_rows(
    table: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    on_conflict: str = "",
    returning: Sequence[str] = (),
    template: str | None = None,
) -> list[tuple[Any, ...]]:
    """INSERT these rows in the caller's transaction; returns what `returning` names, for the rows that were inserted.

    Names come from code, never from input; values are bound.
    """
    if not rows:
        return []
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES %s"
    if on_conflict:
        statement += f" ON CONFLICT {on_conflict}"
    if returning:
        statement += f" RETURNING {', '.join(returning)}"
    with connection.cursor() as cursor:
        found = execute_values(cursor.cursor, statement, rows, template=template, page_size=2000, fetch=bool(returning))
    return found or []


def select_rows(statement: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def in_chunks(rows: Iterable[Any], size: int) -> Iterable[list[Any]]:
    chunk: list[Any] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) >= size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
