"""Bring the database, the translations and the static files to this version: `python -m config.runtime.prepare`, at every start."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.env import CHECKOUT, BadEnvironment
from config.runtime.translations import compile_catalogs

START_LOCK = 7_311_873_201  # one number for all who prepare this database


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.db import OperationalError

    django.setup()
    check_queue()
    try:
        with one_at_a_time():
            migrate()
    except OperationalError as error:
        raise BadEnvironment(f"the database does not do as it is asked (DATABASE_URL): {str(error).splitlines()[0]}") from error
    compile_catalogs(CHECKOUT / "locale")
    collect_static()


def check_queue() -> None:
    """A wrong password or address is told now, not by every process later."""
    from django.core.cache import cache
    from redis.exceptions import RedisError

    try:
        cache.get("alive")
    except RedisError as error:
        raise BadEnvironment(f"Redis does not do as it is asked (REDIS_URL): {error}") from error


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Servers on several machines may start at once on one database."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [START_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [START_LOCK])


def migrate() -> None:
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        print(f"Database: {len(plan)} migrations", flush=True)
        call_command("migrate", verbosity=0, interactive=False)


def collect_static() -> None:
    """Collect the static files again when any of them may have changed."""
    from django.conf import settings
    from django.core.management import call_command

    stamp = Path(settings.STATIC_ROOT) / ".stamp"
    current = _fingerprint(settings.BASE_DIR)
    if stamp.exists() and stamp.read_text() == current:
        return
    print("Static files", flush=True)
    call_command("collectstatic", verbosity=0, interactive=False)
    stamp.write_text(current)


def _fingerprint(checkout: Path) -> str:
    """Our own files by name, size and time; those of packages by the lists that pin them."""
    digest = hashlib.sha256()
    for name in ("requirements.txt", "package-lock.json", "config/settings.py", "config/static_files.py"):
        digest.update((checkout / name).read_bytes())
    for path in sorted((checkout / "static").rglob("*")):
        state = path.stat()
        digest.update(f"{path} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
