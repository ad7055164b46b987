"""The embedded servers keep to themselves, survive whatever a killed run left, and end with their owner."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest

from config.env import CHECKOUT, BadEnvironment, embedded_database_url, socket_folder
from config.runtime import embedded
from config.runtime.claims import make_data_folder, owner, release, take_lock
from config.runtime.embedded import EmbeddedServers
from tests.live import processes_of, wait_for

USE_SERVERS = """
import sys
from config.runtime.embedded import servers_for_this_run
with servers_for_this_run():
    print("ready", flush=True)
    sys.stdin.readline()
print("done", flush=True)
"""


@pytest.fixture(scope="module")
def made_once() -> Iterator[Path]:
    """A data folder whose cluster exists; a test copies it instead of making one."""
    folder = Path(tempfile.mkdtemp(prefix="trb-made-", dir="/tmp"))
    with running(folder):
        pass
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def data(made_once: Path) -> Iterator[Path]:
    parent = Path(tempfile.mkdtemp(prefix="trb-run-", dir="/tmp"))
    shutil.copytree(made_once, parent / "my data", ignore=shutil.ignore_patterns("*.sock", ".s.PGSQL*"))
    yield parent / "my data"
    wait_for(lambda: not processes_of(parent))
    shutil.rmtree(parent)


@contextmanager
def running(folder: Path, **options: bool) -> Iterator[EmbeddedServers]:
    make_data_folder(folder)
    lock = taken_lock(folder)
    servers = EmbeddedServers(folder, durable=False, lock=lock, **options)
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()
        release(lock)


def taken_lock(folder: Path) -> int:
    """The lock, as soon as the last process of an earlier run has let it go."""
    locks: list[int] = []

    def taken() -> bool:
        if (lock := take_lock(folder, "command")) is not None:
            locks.append(lock)
        return bool(locks)

    wait_for(taken)
    return locks[0]


def asked(folder: Path, sql: str, **changes: str) -> object:
    connection = psycopg2.connect(embedded_database_url(folder), **changes)
    with connection, connection.cursor() as cursor:
        cursor.execute(sql)
        answer = cursor.fetchone()
    connection.close()
    return answer[0] if answer else None


def start_command(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", USE_SERVERS],
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"], "TRIBUTARY_DATA": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def test_they_listen_to_this_user_alone(data):
    with running(data):
        assert asked(data, "SHOW listen_addresses") == ""
        with pytest.raises(psycopg2.OperationalError, match="password"):
            asked(data, "SELECT 1", password="a guess")
        for folder in (data, data / "postgres", data / "valkey", data / "secrets", socket_folder(data)):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
        assert stat.S_IMODE((socket_folder(data) / "valkey.sock").stat().st_mode) == 0o700


def test_what_was_written_is_there_at_the_next_start(data):
    with running(data):
        asked(data, "CREATE TABLE kept AS SELECT 42 AS number; SELECT 1")
    with running(data):
        assert asked(data, "SELECT number FROM kept") == 42


@pytest.mark.parametrize("depth", [1, 30], ids=["short", "deep"])
def test_any_folder_will_do(data, depth):
    folder = data.joinpath(*['folder, "with" 100 % más'] * (depth // 3 or 1))
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(data, folder, ignore=shutil.ignore_patterns("folder*"))
    with running(folder):
        assert asked(folder, "SELECT current_database()") == "tributary"


def test_a_stale_process_id_that_is_someone_elses_now_is_no_obstacle(data):
    left = f"{os.getpid()}\n{data}/postgres\n1700000000\n5432\n\n\n\nready\n"
    (data / "postgres" / "postmaster.pid").write_text(left)
    socket_folder(data).mkdir(mode=0o700, exist_ok=True)
    (socket_folder(data) / ".s.PGSQL.5432.lock").write_text(left)
    with running(data):
        assert asked(data, "SELECT 1") == 1


def test_a_cluster_that_was_cut_off_in_the_making_is_made_again(data):
    shutil.move(data / "postgres", data / "postgres.new")
    (data / "postgres.new" / "PG_VERSION").unlink()
    with running(data):
        assert asked(data, "SELECT 1") == 1


def test_another_major_version_is_named_in_one_line(data):
    (data / "postgres" / "PG_VERSION").write_text("9\n")
    with (
        pytest.raises(BadEnvironment, match=r"made by PostgreSQL 9, and this Tributary brings \d+.*DATABASE_URL") as refused,
        running(data),
    ):
        pass
    assert "\n" not in str(refused.value)


def test_a_full_disk_is_named_in_one_line(data, monkeypatch):
    monkeypatch.setattr(embedded.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 5_000_000))
    with pytest.raises(BadEnvironment, match="has only 5 MB left"), running(data):
        pass


def test_a_broken_configuration_is_told_by_the_logs_own_line(data):
    (data / "postgres" / "postgresql.auto.conf").write_text("shared_buffers = 'much'\n")
    with pytest.raises(BadEnvironment, match="postgres did not start: .*FATAL"), running(data):
        pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_they_end_with_their_owner_and_start_again_after_it(data, number):
    process = start_command(data)
    assert owner(data) == ("command", process.pid)
    assert processes_of(data)

    process.send_signal(number)
    process.communicate()

    wait_for(lambda: not processes_of(data))
    assert owner(data) is None
    with running(data):
        assert asked(data, "SELECT 1") == 1


def test_two_commands_share_them_and_the_first_waits_for_the_second(data):
    first = start_command(data)
    second = start_command(data)

    finish(first, wait=False)
    wait_for(lambda: waits_for_a_lock(first.pid))
    assert asked(data, "SELECT 1") == 1  # the second still uses them

    finish(second)
    finish(first)
    assert not processes_of(data)


def finish(process: subprocess.Popen[str], wait: bool = True) -> None:
    assert process.stdin
    if not process.stdin.closed:
        process.stdin.write("\n")
        process.stdin.close()
    if wait:
        assert process.wait(20) == 0


def waits_for_a_lock(pid: int) -> bool:
    return any(f" {pid} " in line and "->" in line for line in Path("/proc/locks").read_text().splitlines())


def test_one_that_is_killed_comes_back(data):
    with running(data) as servers:
        for name in ("postgres", "valkey"):
            servers.processes[name].kill()
            servers.processes[name].wait()
            restart(servers.start)
        assert asked(data, "SELECT 1") == 1


def restart(start: Callable[[], None]) -> None:
    """As the supervisor does: again, until the killed server's own children have ended."""

    def started() -> bool:
        try:
            start()
        except BadEnvironment:
            return False
        return True

    wait_for(started)


def test_a_postgres_program_meets_the_database_with_the_callers_own_input_and_output(data):
    environ = {"PATH": os.environ["PATH"], "TRIBUTARY_DATA": str(data), "PGDATABASE": "another"}
    script = [str(CHECKOUT / "script/postgres")]

    psql = [*script, "psql", "-At"]
    made = subprocess.run(psql, cwd="/", env=environ, input="CREATE TABLE kept AS SELECT 42 AS number", text=True, check=True)
    assert made.returncode == 0
    dump = subprocess.run([*script, "pg_dump", "-Fc"], cwd="/", env=environ, capture_output=True, check=True).stdout

    restored = data / "restored"
    make_data_folder(restored)
    shutil.copytree(data / "secrets", restored / "secrets")
    environ["TRIBUTARY_DATA"] = str(restored)
    restore = [*script, "pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "-d", "tributary"]
    subprocess.run(restore, cwd="/", env=environ, input=dump, check=True)
    with running(restored):
        assert asked(restored, "SELECT number FROM kept") == 42
