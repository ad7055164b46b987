"""Clicks into PostgreSQL, a batch at a time: one COPY, one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

COLUMNS = (
    "id", "at", "link_id", "affiliate_id", "offer_id", "program_id", "outcome",
    "bot", "visitor", "ip", "user_agent", "referrer", "url", "subs", "previous",
)  # fmt: skip
URL = COLUMNS.index("url")
_LIST = ", ".join(COLUMNS)
Row = tuple[str, datetime, int, int, int, int, int, bool, int, str, str, str, str, list[str] | None, str | None]

CONNECT_SECONDS = 1.5
COMMIT_SECONDS = 2.0  # visitors wait no longer for PostgreSQL; then the spool takes their clicks

# What a row does that can never be committed, as PostgreSQL and as the encoder say it.
BAD_ROW = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError, TypeError, OverflowError)
# What PostgreSQL does when it is away, slow, full or read-only.
AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
TOO_SLOW = (TimeoutError, asyncpg.QueryCanceledError)


async def connect(url: str) -> Any:
    """A connection whose statements give up on the server's side a little before the caller does on ours."""
    settings = {"application_name": "tributary clicks", "statement_timeout": str(int(COMMIT_SECONDS * 1000))}
    async with asyncio.timeout(CONNECT_SECONDS):
        return await asyncpg.connect(url, server_settings=settings)


async def close(connection: Any) -> None:
    try:
        await connection.close(timeout=1)
    except AWAY:
        connection.terminate()


async def commit(connection: Any, rows: Sequence[Row]) -> list[Row]:
    """Commit new clicks; returns those that PostgreSQL can never take, which harm no other.

    Raises one of AWAY otherwise, and then nobody knows whether the batch is committed: only `commit_again` may follow.
    """
    try:
        async with asyncio.timeout(COMMIT_SECONDS + 0.2):
            await connection.copy_records_to_table("tracking_click", records=rows, columns=COLUMNS)
        return []
    except asyncpg.UniqueViolationError:
        return await commit_again(connection, rows)
    except BAD_ROW as error:
        return await _halve(commit, connection, rows, error)


async def commit_again(connection: Any, rows: Sequence[Row]) -> list[Row]:
    """Commit clicks of which some may be there already; the same promise as `commit`."""
    try:
        async with asyncio.timeout(COMMIT_SECONDS + 0.2), connection.transaction():
            await connection.execute("CREATE TEMPORARY TABLE click_again (LIKE tracking_click) ON COMMIT DROP")
            await connection.copy_records_to_table("click_again", records=rows, columns=COLUMNS)
            await connection.execute(
                f"INSERT INTO tracking_click ({_LIST}) SELECT {_LIST} FROM click_again ON CONFLICT DO NOTHING"
            )
        return []
    except BAD_ROW as error:
        return await _halve(commit_again, connection, rows, error)


async def _halve(way: Any, connection: Any, rows: Sequence[Row], error: Exception) -> list[Row]:
    """The batch again in two halves, and so on, until the bad rows stand alone."""
    if connection.is_closed():  # then it was no row's fault, however it was said
        raise ConnectionError("the connection was lost") from error
    if len(rows) == 1:
        return list(rows)
    middle = len(rows) // 2
    return [*await way(connection, rows[:middle]), *await way(connection, rows[middle:])]
