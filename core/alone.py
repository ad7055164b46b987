"""Work that only one process may do at a time, by an advisory lock of PostgreSQL: it goes with its connection, whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def alone(work: str, number: int) -> Iterator[bool]:
    """Whether this connection is the only one at this work now; False does not wait."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s), %s)", [work, number])
        (held,) = cursor.fetchone()
    try:
        yield held
    finally:
        if held and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s), %s)", [work, number])
