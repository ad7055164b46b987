"""Tributary as an outsider meets it: started as `script/server` starts it, on free ports and a data folder of its own."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from config.env import CHECKOUT, embedded_database_url
from config.runtime.checks import CALLERS_OWN
from config.runtime.children import shimmed, stop
from config.runtime.claims import make_data_folder, release, take_lock
from config.runtime.embedded import EmbeddedServers, postgres_binary
from tests import template


@dataclass
class LiveStack:
    """One started Tributary. Its servers, workers and click server are real; nothing is shared with the tests' own database."""

    data: Path
    port: int
    click_port: int
    extra: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def click_url(self) -> str:
        return f"http://localhost:{self.click_port}"

    @property
    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in CALLERS_OWN and not name.startswith("PYTEST")}
        ports = {"PORT": str(self.port), "CLICK_PORT": str(self.click_port)}
        return kept | {"TRIBUTARY_DATA": str(self.data)} | ports | self.extra

    @property
    def output(self) -> str:
        return (self.data / "output.log").read_text()

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "config.runtime.supervisor", "--no-demo"]
        with open(self.data / "output.log", "ab") as output:
            self.process = subprocess.Popen(
                shimmed(command, signal.SIGTERM, CHECKOUT),
                cwd=CHECKOUT,
                env=self.environ,
                stdout=output,
                stderr=output,
                process_group=0,
            )
        return self.process

    def wait_until_healthy(self, seconds: float = 600) -> None:
        """Until database, Valkey, web, worker and beat are all there."""
        assert self.process
        wait_for(lambda: self.process.poll() is not None or self.status("/health/") == 200, seconds, lambda: self.output)
        assert self.process.poll() is None, self.output

    def status(self, path: str) -> int | None:
        """The status of a page, None while nobody answers."""
        connection = http.client.HTTPConnection("localhost", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def manage(self, *arguments: str, check: bool = True, environ: dict[str, str] | None = None) -> str:
        """What `manage.py ARGUMENTS` prints, run beside the started servers as an operator would."""
        command = [sys.executable, "manage.py", *arguments]
        added = self.environ | (environ or {})
        done = subprocess.run(command, cwd=CHECKOUT, env=added, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self) -> None:
        if self.process:
            stop(self.process, [(signal.SIGTERM, 25.0)])


def wait_for(condition: Callable[[], object], seconds: float = 20, told: Callable[[], str] = str) -> None:
    """Ask again until `condition` holds; fail with what `told` says when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s\n{told()}")
        time.sleep(0.05)  # between two questions


def free_ports(number: int) -> list[int]:
    probes = [socket.socket() for _ in range(number)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def new_stack(prepared: Path | None = None, **extra: str) -> LiveStack:
    """A stack that is not started yet, on an empty folder or a copy of this one. Its path is short, as sockets live in it."""
    data = Path(tempfile.mkdtemp(prefix="trb-live-", dir="/tmp"))
    if prepared:
        shutil.copytree(prepared, data, dirs_exist_ok=True)
    port, click_port = free_ports(2)
    return LiveStack(data, port, click_port, extra)


@pytest.fixture(scope="session")
def prepared_data(django_db_setup) -> Path:
    """A data folder as the first start of `script/server` leaves it, but for the tests' own template in place of the migrations;
    made once in a run of tests. Who starts on a copy of it starts for the second time."""
    folder = Path(os.environ["TRIBUTARY_DATA"]) / "prepared"
    with template.made():
        if not folder.exists():
            draft = folder.with_name("preparing")
            shutil.rmtree(draft, ignore_errors=True)
            _prepare(draft)
            draft.rename(folder)
    return folder


def _prepare(folder: Path) -> None:
    make_data_folder(folder)
    lock = take_lock(folder, "command")
    assert lock is not None
    servers = EmbeddedServers(folder, durable=False, lock=lock)
    try:
        servers.start()
        address = embedded_database_url(folder.parent).removesuffix("tributary") + template.TEMPLATE
        dump = subprocess.run([postgres_binary("pg_dump"), address], stdout=subprocess.PIPE, check=True).stdout
        restore = [postgres_binary("psql"), "-qX", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, embedded_database_url(folder)]
        subprocess.run(restore, input=dump, check=True)
        environ = LiveStack(folder, *free_ports(2)).environ
        subprocess.run([sys.executable, "-m", "config.runtime.prepare"], cwd=CHECKOUT, env=environ, check=True)
    finally:
        servers.stop()
        release(lock)


@contextmanager
def started_stack(prepared: Path) -> Iterator[LiveStack]:
    """Everything running, empty, and gone afterwards."""
    stack = new_stack(prepared)
    try:
        stack.start()
        stack.wait_until_healthy()
        yield stack
    finally:
        stack.stop()
        shutil.rmtree(stack.data, ignore_errors=True)


@pytest.fixture(scope="session")
def live_stack(prepared_data: Path) -> Iterator[LiveStack]:
    """One for all journeys: `.base_url`, `.click_url`, `.manage("api_key_create", …)`."""
    with started_stack(prepared_data) as stack:
        yield stack


def processes_of(folder: Path) -> dict[int, str]:
    """The living processes that belong to a data folder: they run in it, name it, or have it in their environment."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            command = (entry / "cmdline").read_bytes()
            traces = command + os.readlink(entry / "cwd").encode() + (entry / "environ").read_bytes()
        except OSError:  # ended meanwhile, or another user's
            continue
        if state != "Z" and str(folder).encode() in traces:
            found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found
