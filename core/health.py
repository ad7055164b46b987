"""Whether everything that Tributary needs is alive. Higher apps register checks of their own in their `apps.py`."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.core.cache import cache
from django.db import connection

SILENT_SECONDS = 30

Check = Callable[[], str]
_checks: dict[str, Check] = {}


def register_check(name: str, check: Check) -> None:
    """`check` returns what is wrong in a few words, or "" where all is well."""
    _checks[name] = check


def health() -> dict[str, str]:
    """Each part with what is wrong with it, "" where it is well. A check that raises is a part that is not well."""
    return {name: _result(check) for name, check in _checks.items()}


def _result(check: Check) -> str:
    try:
        return check()
    except Exception as error:  # whatever a broken part raises, the answer says so
        return f"{type(error).__name__}"


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _redis() -> str:
    cache.set("health", "1", timeout=60)
    return "" if cache.get("health") == "1" else "does not keep what it is given"


def show_life(part: str) -> None:
    """The two workers and beat call this every few seconds, whatever their tasks do (config.celery)."""
    cache.set(f"alive:{part}", time.time(), timeout=None)


def _silence_of(part: str) -> str:
    shown = cache.get(f"alive:{part}")
    if shown is None:
        return "no sign of life yet"
    age = time.time() - shown
    return "" if age < SILENT_SECONDS else f"last sign of life {age:.0f} s ago"


register_check("database", _database)
register_check("redis", _redis)
register_check("worker", lambda: _silence_of("worker"))
register_check("post", lambda: _silence_of("post"))
register_check("beat", lambda: _silence_of("beat"))
