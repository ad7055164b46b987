"""The migrated database that each worker's is a copy of: made once in a run of tests, beside the collection of the tests."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.env import CHECKOUT

TEMPLATE = "tributary_template"


def _folder() -> Path:
    return Path(os.environ["TRIBUTARY_DATA"])


def make_meanwhile() -> subprocess.Popen[bytes]:
    """Begin in a process of its own. It holds the lock from now on, and whoever needs the template waits for it."""
    with _lock() as lock:
        return subprocess.Popen([sys.executable, "-m", "tests.template"], cwd=CHECKOUT, pass_fds=(lock,))


@contextmanager
def made() -> Iterator[None]:
    """Alone with the template, which is made now unless it is there."""
    with _lock():
        if not (_folder() / "template-done").exists():
            _make()
        yield


@contextmanager
def _lock() -> Iterator[int]:
    with open(_folder() / "template.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def _make() -> None:
    from django.core.management import call_command
    from django.db import connection

    own = connection.settings_dict["NAME"]
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
    create_database(TEMPLATE, "template0")
    connection.settings_dict["NAME"] = TEMPLATE
    call_command("migrate", verbosity=0, interactive=False)
    connection.close()
    connection.settings_dict["NAME"] = own
    (_folder() / "template-done").touch()


def create_database(name: str, template: str) -> None:
    from django.db import connection

    with connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")


if __name__ == "__main__":
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    _make()
