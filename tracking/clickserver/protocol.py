"""HTTP/1.1 for small requests and small answers: httptools parses, asyncio carries, and there is no task for a request.

A general server (uvicorn, granian; both were measured) spends about as much on a request's scope, task and events as everything
else here takes together, the COPY included.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

import httptools

LARGEST_HEAD = 32_768  # bytes of request line and headers
LARGEST_BODY = 65_536  # which is not read, only skipped
HEAD_SECONDS = 10  # to send a head in
IDLE_SECONDS = 60  # between two requests of a connection
MOST_CONNECTIONS = 20_000

log = logging.getLogger("tributary.clicks")

NO_STORE = "Cache-Control: no-store\r\n"


class Request:
    """What came, and the way to answer it, once."""

    __slots__ = ("_connection", "cookies", "forwarded_for", "keep_alive", "method", "peer", "referrer", "target", "user_agent")

    def __init__(self, connection: Connection, peer: str) -> None:
        self._connection = connection
        self.peer = peer
        self.method = b""
        self.target = b""
        self.user_agent = b""
        self.referrer = b""
        self.cookies = b""
        self.forwarded_for: list[bytes] = []
        self.keep_alive = True

    def redirect(self, fields: str) -> None:
        """302; `fields` are the header's lines, each ended by CR LF, in ASCII."""
        self._connection.answer(self, f"HTTP/1.1 302 Found\r\n{self._connection.server.date}{fields}Content-Length: 0\r\n", b"")

    def answer(self, status: HTTPStatus, text: str, fields: str = "", kind: str = "text/plain; charset=utf-8") -> None:
        body = text.encode() + b"\n"
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\n{self._connection.server.date}{NO_STORE}{fields}"
        head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        self._connection.answer(self, head, b"" if self.method == b"HEAD" else body)


class HttpServer:
    """The connections of one process. `handle` gets each request and sees to it that it is answered."""

    def __init__(self, handle: Callable[[Request], None]) -> None:
        self.handle = handle
        self.connections: set[Connection] = set()
        self.stopping = False
        self.date = ""
        self._listener: asyncio.Server | None = None
        self._ticking: asyncio.Task[None] | None = None

    async def start(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._ticking = asyncio.create_task(self._tick())
        await asyncio.sleep(0)  # the first tick sets the date
        self._listener = await loop.create_server(lambda: Connection(self), sock=listening, backlog=4096)

    async def stop(self, seconds: float) -> None:
        """Accept no more, and give what is in hand so many seconds to be answered."""
        self.stopping = True
        await _look_around()  # who came before now is let in
        if self._listener:
            self._listener.close()
        await _look_around()  # and heard
        for connection in list(self.connections):
            connection.close_when_idle()
        deadline = time.monotonic() + seconds
        while self.connections and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        if self.connections:
            log.error("%s visitors could not be answered in time", len(self.connections))
        for connection in list(self.connections):
            connection.abort()
        if self._ticking:
            self._ticking.cancel()

    async def _tick(self) -> None:
        """Once a second: a new date for the answers, and a look at who has been silent for too long."""
        while True:
            self.date = f"Date: {formatdate(usegmt=True)}\r\n"
            now = time.monotonic()
            for connection in list(self.connections):
                connection.close_if_silent(now)
            await asyncio.sleep(1 - time.time() % 1)


async def _look_around() -> None:
    """Give the loop the turns that it needs to see everything that has arrived, however late it is."""
    for _ in range(3):
        await asyncio.sleep(0.01)


class Connection(asyncio.Protocol):
    """One visitor's connection. Requests are answered in the order in which they came, one after the other."""

    def __init__(self, server: HttpServer) -> None:
        self.server = server
        self._transport: Any = None  # None once the connection is gone
        self._parser = httptools.HttpRequestParser(self)
        self._peer = ""
        self._reading: Any = None  # the request whose head or body is still coming
        self._current: Request | None = None  # being answered
        self._waiting: deque[Request] = deque()  # sent before the current one was answered
        self._refusal: HTTPStatus | None = None  # what comes makes no sense any more; said after the last answer
        self._head_bytes = 0  # of a head that is not complete
        self._body_bytes = 0
        self._since = time.monotonic()  # when the last thing happened

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if peer else ""
        if len(self.server.connections) >= MOST_CONNECTIONS:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        self.server.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        """What is in hand goes on: a click is recorded whether or not its visitor still waits."""
        self.server.connections.discard(self)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        if self._refusal:
            return
        self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # nobody is upgraded: the request is answered, and that is that
            last = self._waiting[-1] if self._waiting else self._current
            if last:
                last.keep_alive = False
        except httptools.HttpParserCallbackError:
            log.exception("A request was not handled")
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR)
        except httptools.HttpParserError:
            self._refuse(HTTPStatus.BAD_REQUEST)
        else:
            if self._head_bytes > LARGEST_HEAD:
                long_target = self._reading and len(self._reading.target) > LARGEST_HEAD // 2
                self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG if long_target else HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            elif self._body_bytes > LARGEST_BODY:
                self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

    def pause_writing(self) -> None:
        """The visitor sends and does not read."""
        if self._transport:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._transport:
            self._transport.resume_reading()

    # What the parser finds.

    def on_message_begin(self) -> None:
        self._reading = Request(self, self._peer)
        self._since = time.monotonic()

    def on_url(self, piece: bytes) -> None:
        self._reading.target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        match name.lower():
            case b"user-agent":
                self._reading.user_agent = value
            case b"referer":
                self._reading.referrer = value
            case b"cookie":
                self._reading.cookies += b";" + value  # proxies from HTTP/2 may send several (RFC 9113, 8.2.3)
            case b"x-forwarded-for":
                self._reading.forwarded_for.append(value)
            case b"expect" if self._current is None:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_headers_complete(self) -> None:
        self._head_bytes = self._body_bytes = 0
        self._reading.method = self._parser.get_method()
        self._reading.keep_alive = self._parser.should_keep_alive() and self._parser.get_http_version() == "1.1"

    def on_body(self, body: bytes) -> None:
        self._head_bytes = 0
        self._body_bytes += len(body)

    def on_message_complete(self) -> None:
        request, self._reading = self._reading, None
        if self._transport is None or self._transport.is_closing():
            return  # it came after the last request that this connection answers
        if self._current is None:
            self._current = request
            self.server.handle(request)
        else:
            self._waiting.append(request)
            self._transport.pause_reading()

    # The way out.

    def answer(self, request: Request, head: str, body: bytes) -> None:
        transport = self._transport
        if transport is None or request is not self._current:
            return
        if request.keep_alive and not self.server.stopping:
            transport.write(f"{head}\r\n".encode("ascii") + body)
        else:
            transport.write(f"{head}Connection: close\r\n\r\n".encode("ascii") + body)
            transport.close()
            return
        self._since = time.monotonic()
        self._current = None
        if self._waiting:
            self._current = self._waiting.popleft()
            if not self._waiting:
                transport.resume_reading()
            asyncio.get_running_loop().call_soon(self.server.handle, self._current)
        elif self._refusal:
            self._refuse(self._refusal)

    def _refuse(self, status: HTTPStatus) -> None:
        """What comes on this connection makes no sense any more; what came before is answered."""
        self._refusal = status
        if self._transport and not self._transport.is_closing() and self._current is None:
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            self._transport.write(head.encode("ascii"))
            self._transport.close()

    def close_when_idle(self) -> None:
        if self._transport and self._current is None:
            self._transport.close()

    def close_if_silent(self, now: float) -> None:
        if self._current is None and now - self._since > (HEAD_SECONDS if self._reading or self._head_bytes else IDLE_SECONDS):
            self.abort()

    def abort(self) -> None:
        if self._transport:
            self._transport.abort()
