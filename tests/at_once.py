"""What several people do at the same moment, each over a connection of their own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection

from core.errors import Refusal


def at_once(*actions: Callable[[], Any]) -> list[str | None]:
    """Run these in threads that start together; the code of what each refused, or None."""
    barrier = Barrier(len(actions))

    def run(action: Callable[[], Any]) -> str | None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=10)
            action()
        except Refusal as refusal:
            return refusal.code
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))
