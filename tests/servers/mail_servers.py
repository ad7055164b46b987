"""Real mail servers in threads: an IMAP server (pymap, in memory) and an SMTP server that keeps what it is given (aiosmtpd)."""

from __future__ import annotations

import asyncio
import imaplib
import threading
from argparse import Namespace
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP
from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import DictBackend
from pymap.imap import IMAPServer

USER, PASSWORD = "help", "pässword"


class Mailbox:
    """One account of an IMAP server. Mails are put into it as another client would do it."""

    port = 0

    @property
    def url(self) -> str:
        return f"imap://{USER}:p%C3%A4ssword@127.0.0.1:{self.port}"

    def put(self, *mails: bytes, folder: str = "INBOX") -> None:
        with self.client() as client:
            for mail in mails:
                assert client.append(folder, "", "", mail)[0] == "OK"

    def mark_all_read(self) -> None:
        with self.client() as client:
            client.select("INBOX")
            client.store("1:*", "+FLAGS", "\\Seen")

    def flags(self) -> list[bytes]:
        with self.client() as client:
            client.select("INBOX", readonly=True)
            return [line for line in client.fetch("1:*", "(FLAGS)")[1] if b"\\Seen" in line]

    def remove_all(self, folder: str = "INBOX") -> None:
        with self.client() as client:
            client.select(folder)
            client.store("1:*", "+FLAGS", "\\Deleted")
            client.expunge()

    def make_anew(self, folder: str) -> None:
        """The folder under the same name, with another UIDVALIDITY."""
        with self.client() as client:
            client.delete(folder)
            assert client.create(folder)[0] == "OK"

    @contextmanager
    def client(self) -> Iterator[imaplib.IMAP4]:
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=20)
        try:
            client.authenticate("PLAIN", lambda _challenge: f"\0{USER}\0{PASSWORD}".encode())
            yield client
        finally:
            client.logout()

    async def listen(self) -> int:
        arguments = Namespace(
            host=None, port=0, debug=False, cert=None, key=None, tls=False, proxy_protocol=None, passlib_cfg=None,
            demo_data=False, demo_user=USER, demo_password=PASSWORD, inherited_sockets=None,
        )  # fmt: skip
        backend, config = await DictBackend.init(arguments)
        config.apply_context()
        connected = ProxyProtocolReader(config.proxy_protocol).get_callback(IMAPServer(backend.login, config))
        self._server = await asyncio.start_server(connected, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    server = Mailbox()
    thread = ServerThread(server.listen)
    server.port = thread.port
    try:
        yield server
    finally:
        thread.stop()


class ServerThread:
    """A server that `listen` starts in a loop of its own; it returns the port."""

    def __init__(self, listen: Callable[[], Awaitable[int]]) -> None:
        self.port = 0
        self._listen = listen
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(60) and self.port

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self.port = self._loop.run_until_complete(self._listen())
        finally:
            self._ready.set()
        self._loop.run_forever()


@dataclass
class Sink:
    """What an SMTP server was given, and what it says to those whom `answers` names ("" is a hang-up after the mail)."""

    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Any] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    port: int = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def listen(self) -> int:
        self._server = await asyncio.get_running_loop().create_server(lambda: SMTP(self), "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        said = self.answers.get(address, "250 OK")
        if said and not said.startswith("250"):
            return said
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        self.envelopes.append(envelope)
        if self.answers.get(envelope.rcpt_tos[0]) == "":
            server.transport.abort()
        return "250 taken"


@contextmanager
def smtp_sink() -> Iterator[Sink]:
    sink = Sink()
    thread = ServerThread(sink.listen)
    sink.port = thread.port
    try:
        yield sink
    finally:
        thread.stop()
