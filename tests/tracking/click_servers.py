"""A real click server for tests, what it answers, and a line to PostgreSQL that can be cut."""

from __future__ import annotations

import http.client
import json
import os
import resource
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

from django.db import connection

from config.env import CHECKOUT
from config.runtime.children import shimmed, stop
from tests.live import free_ports, wait_for

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: str

    @property
    def location(self) -> str:
        return self.headers["location"]

    @property
    def params(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.location).query, keep_blank_values=True)

    @property
    def click_id(self) -> uuid.UUID:
        return uuid.UUID(dict(self.params)["click_id"])


@dataclass
class ClickServer:
    """`python -m tracking.clickserver` on a free port, with a spool of its own."""

    database_url: str
    extra: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    largest_file: int = resource.RLIM_INFINITY  # in bytes: a disk that is full
    data: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="trb-click-", dir="/tmp")))
    port: int = field(default_factory=lambda: free_ports(1)[0])
    process: subprocess.Popen[bytes] | None = None

    @property
    def spool(self) -> Path:
        return self.data / "spool"

    @property
    def log(self) -> str:
        return (self.data / "log").read_text()

    def start(self, wait: bool = True) -> ClickServer:
        own = {"TRIBUTARY_DATA": str(self.data), "CLICK_PORT": str(self.port), "DATABASE_URL": self.database_url}
        limit = (self.largest_file, resource.RLIM_INFINITY)
        command = [sys.executable, "-m", "tracking.clickserver", *self.arguments]
        with open(self.data / "log", "ab") as log:
            self.process = subprocess.Popen(
                shimmed(command, signal.SIGTERM, CHECKOUT),
                cwd=CHECKOUT,
                env=os.environ | own | {"SECRET_KEY": "only for tests"} | self.extra,
                stdout=log,
                stderr=log,
                process_group=0,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
            )
        if wait:
            # Each question may reach another of its processes: after so many, all of them have been asked.
            wait_for(lambda: all(self.health().get("status") == "ok" for _ in range(12)), 30, lambda: self.log)
        return self

    def stop(self) -> int:
        """The exit status after SIGTERM."""
        assert self.process
        stop(self.process, [(signal.SIGTERM, 10.0)])
        return self.process.returncode

    def kill(self) -> None:
        """As a power cut would: parent and processes at once."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        if self.process:
            stop(self.process, [(signal.SIGTERM, 10.0)])
        shutil.rmtree(self.data)

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Redirects are told, not followed."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            link.request(method, path, headers={"User-Agent": BROWSER} | named)
            answer = link.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode())
        finally:
            link.close()

    def raw(self, request: bytes) -> bytes:
        """What comes back, to the end, for bytes that no client would send."""
        with self.connect() as link:
            link.sendall(request)
            received = b""
            while piece := link.recv(65536):
                received += piece
            return received

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)

    def health(self) -> dict[str, object]:
        try:
            return json.loads(self.get("/health/").body)
        except (OSError, http.client.HTTPException):
            return {}


@contextmanager
def click_server(database_url: str, wait: bool = True, **options: object) -> Iterator[ClickServer]:
    server = ClickServer(database_url, **options)
    try:
        yield server.start(wait)
    finally:
        server.end()


def database_url(port: int | None = None) -> str:
    """This worker's test database: by its socket, or by a port that leads there."""
    settings = connection.settings_dict
    user, password, name = settings["USER"], quote(settings["PASSWORD"], safe=""), settings["NAME"]
    host = f"127.0.0.1:{port}" if port else quote(settings["HOST"], safe="")
    return f"postgresql://{user}:{password}@{host}/{name}"


class Line:
    """A TCP port that leads to PostgreSQL's socket, and can fail as networks and servers do."""

    def __init__(self) -> None:
        self.target = f"{connection.settings_dict['HOST']}/.s.PGSQL.5432"
        self.port = free_ports(1)[0]
        self.hanging = False  # takes everything, delivers nothing
        self.swallow_next_commit = False  # cut when the answer to a COPY comes
        self._listener: socket.socket | None = None
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._lock = threading.RLock()
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.mend()
        self._thread.start()

    def mend(self) -> None:
        with self._lock:
            self.hanging = False
            self._listener = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
            self._selector.register(self._listener, selectors.EVENT_READ)
            self._wake.send(b"x")

    def cut(self) -> None:
        """PostgreSQL is gone: connections end, new ones are refused."""
        with self._lock:
            if self._listener:
                self._selector.unregister(self._listener)
                self._listener.close()
                self._listener = None
            for end in list(self._pairs):
                self._drop(end)
            self._wake.send(b"x")

    def hang(self) -> None:
        self.hanging = True

    def release(self) -> None:
        """What hung goes on."""
        self.hanging = False
        self._wake.send(b"x")

    def end(self) -> None:
        self._ended = True
        self.cut()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._ended:
            ready = self._selector.select(0.05 if self.hanging else None)
            with self._lock:
                for key, _ in ready:
                    if key.fileobj is self._woken:
                        self._woken.recv(100)
                    elif key.fileobj is self._listener:
                        self._accept()
                    elif key.fileobj in self._pairs and not self.hanging:
                        self._forward(key.fileobj, key.data)

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        far = socket.socket(socket.AF_UNIX)
        far.connect(self.target)
        self._pairs |= {near: far, far: near}
        self._selector.register(near, selectors.EVENT_READ, "asks")
        self._selector.register(far, selectors.EVENT_READ, "answers")

    def _forward(self, source: socket.socket, kind: str) -> None:
        try:
            data = source.recv(65536)
            if kind == "answers" and self.swallow_next_commit and b"COPY " in data:
                self.swallow_next_commit = False
                data = b""
            if data:
                self._pairs[source].sendall(data)
        except OSError:
            data = b""
        if not data:
            self._drop(source)

    def _drop(self, end: socket.socket) -> None:
        if end in self._pairs:
            for side in (end, self._pairs[end]):
                del self._pairs[side]
                self._selector.unregister(side)
                side.close()
