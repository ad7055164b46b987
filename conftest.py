"""Tests run on embedded servers of their own, in a temporary data folder; every worker has its own database and Valkey number.

The migrations run once, into a template (`tests.template`); each worker's database is a copy of it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from config.env import CHECKOUT
from config.runtime.checks import CALLERS_OWN, chromium
from config.runtime.translations import compile_catalogs
from tests import template
from tests.live import live_stack, prepared_data  # noqa: F401

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
SHARED = {  # files whose tests share started servers, and which
    "tests/api/test_schemathesis.py": "live_stack",
    "tests/journeys/test_click_to_paid.py": "live_stack",
    "tests/journeys/test_contract.py": "live_stack",
    "tests/journeys/test_three_doors.py": "live_stack",
    "tests/runtime/test_server.py": "pair",
}
_servers = None
_migrating = None


def _settle() -> None:
    """Before any other conftest imports a model: our own data folder and settings. The servers start later."""
    if not WORKER:
        for name in CALLERS_OWN:
            os.environ.pop(name, None)
        os.environ["TRIBUTARY_DATA"] = tempfile.mkdtemp(prefix="trb-test-", dir="/tmp")  # short: sockets live in it
        os.makedirs(os.path.join(os.environ["TRIBUTARY_DATA"], "static"))
    number = int(WORKER.removeprefix("gw")) + 1 if WORKER else 0
    os.environ["REDIS_URL"] = f"unix://{os.environ['TRIBUTARY_DATA']}/run/valkey.sock?db={number}"
    import django
    from django.conf import settings

    assert not settings.configured  # with REDIS_URL of another worker
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"  # nothing is collected
    settings.CELERY_TASK_ALWAYS_EAGER = True  # the journeys run real workers
    settings.CELERY_TASK_EAGER_PROPAGATES = True
    django.setup()
    # Workers inherit the environment, and pytest-django would read their settings before this file has set their REDIS_URL.
    del os.environ["DJANGO_SETTINGS_MODULE"]


_settle()


def pytest_configure(config: pytest.Config) -> None:
    global _servers, _migrating
    if not WORKER:
        compile_catalogs(CHECKOUT / "locale")
        _servers = _start_servers(Path(os.environ["TRIBUTARY_DATA"]))
        if config.getoption("numprocesses", None):
            _migrating = template.make_meanwhile()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _migrating is not None:
        _migrating.kill()
        _migrating.wait()
    if _servers is not None:
        from config.runtime.claims import release

        _servers.stop()
        release(_servers.lock)
        shutil.rmtree(_servers.data, ignore_errors=True)


def _start_servers(data: Path):
    from config.runtime.claims import make_data_folder, take_lock
    from config.runtime.embedded import EmbeddedServers

    make_data_folder(data)
    lock = take_lock(data, "command")
    assert lock is not None
    servers = EmbeddedServers(data, durable=False, lock=lock)
    servers.start()
    return servers


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Browser tests need Chromium, except in CI, where nothing is skipped.

    What takes long begins first, or one worker would be at it when the other has nothing left: started servers, then browsers."""
    if not chromium() and not os.environ.get("CI"):
        absent = [item for item in items if item.get_closest_marker("browser")]
        config.hook.pytest_deselected(items=absent)
        items[:] = [item for item in items if item not in absent]
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    fixtures = getattr(item, "fixturenames", ())
    if "prepared_data" in fixtures:
        return 0 if "live_stack" in fixtures else 1
    return 2 if item.get_closest_marker("browser") else 3


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Each test goes to the worker that is free, but those that share started servers go to one. (xdist's own groups are marks
    that it writes into the tests' ids, which pytest 9.2 no longer takes.)"""
    from xdist.scheduler import LoadScopeScheduling

    class Sharing(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return SHARED.get(nodeid.partition("::")[0], nodeid)

    config.option.loadscopereorder = False
    return Sharing(config, log)


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_blocker):
    """This worker's database: a copy of the template."""
    from django.db import connection
    from django.test import TransactionTestCase

    name = f"test_{WORKER or 'main'}"
    with django_db_blocker.unblock():
        with template.made():
            template.create_database(name, template.TEMPLATE)
        connection.settings_dict["NAME"] = name
        kept = _tables_with_rows(connection)
        TransactionTestCase._fixture_teardown = lambda self: _empty_tables(connection, kept)
    yield  # blocked again: a test that asks for no database gets none
    with django_db_blocker.unblock():
        connection.close()


def _tables(cursor) -> list[str]:
    cursor.execute(
        "SELECT oid::regclass::text FROM pg_class"
        " WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace"
    )
    return [table for (table,) in cursor.fetchall()]


def _tables_with_rows(connection) -> set[str]:
    """What the migrations themselves wrote, such as content types: a test that commits leaves it alone."""
    with connection.cursor() as cursor:
        filled = set()
        for table in _tables(cursor):
            cursor.execute(f"SELECT EXISTS (SELECT FROM {table})")
            if cursor.fetchone()[0]:
                filled.add(table)
        return filled


def _empty_tables(connection, kept: set[str]) -> None:
    """After a test that committed. Django's TRUNCATE would be refused by append-only tables and touch each day's partition;
    as a replica, the session fires no triggers, foreign keys' included."""
    from django.db import transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(";".join(f"DELETE FROM {table}" for table in _tables(cursor) if table not in kept))


@pytest.fixture(autouse=True)
def _empty_cache():
    """Throttles, caches and queues start empty in every test."""
    from django.core.cache import cache

    cache.clear()
