"""Requests in, answers out: an ASGI application, and uvicorn's protocol with bounds of our own."""

from __future__ import annotations

import asyncio
import json
import re
from asyncio import TimerHandle
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from programs.domains import allowed_url, ascii_url
from tracking.clickserver.ids import ClickIds
from tracking.clickserver.keeper import Keeper, Unanswered
from tracking.clickserver.links import CREDITED, Decision
from tracking.clickserver.recorder import Fate, Recorder
from tracking.clickserver.store import Row
from tracking.clickserver.visits import (
    REFERRER_LENGTH,
    USER_AGENT_LENGTH,
    around_click_id,
    clean,
    is_bot,
    read_query,
    visitor_address,
    visitor_number,
)

LONGEST_ADDRESS = 8192  # bytes of path and query
LARGEST_HEAD = 32_768  # bytes of request line and headers
HEAD_SECONDS = 10  # to send them in
DAY = 86_400

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_CODE = re.compile(r"/r/([A-Za-z0-9_-]{1,60})")
_NO_STORE = (b"cache-control", b"no-store")
_EMPTY = (b"content-length", b"0")
_REDIRECT = [
    _NO_STORE,
    # The shop learns the affiliate's site but not which page of it, and nothing at all where the way leads from https to http.
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"x-robots-tag", b"noindex"),
    _EMPTY,
]
_AGAIN = [(b"retry-after", b"2")]


class Application:
    """`/r/<code>` and `/health/`."""

    def __init__(self, keeper: Keeper, recorder: Recorder, visitor_key: bytes, secure: bool) -> None:
        self._keeper = keeper
        self._recorder = recorder
        self._visitor_key = visitor_key
        self._cookie = f"; SameSite=Lax; HttpOnly{'; Secure' if secure else ''}"
        self._new_id = ClickIds()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Send) -> None:
        method = scope["method"]
        code = _CODE.fullmatch(scope["path"])
        if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_ADDRESS:
            await _answer(send, 414, "This address is too long.")
        elif code is None and scope["path"] != "/health/":
            await _answer(send, 404, "There is nothing here.")
        elif method not in ("GET", "HEAD"):
            await _answer(send, 405, "Come with GET.", [(b"allow", b"GET, HEAD")])
        elif code:
            await self._click(code[1], scope, send)
        else:
            await self._health(send)

    async def _click(self, code: str, scope: MutableMapping[str, Any], send: Send) -> None:
        try:
            decision = self._keeper.table.decide(code) or await self._keeper.find(code)
        except Unanswered:
            await _answer(send, 503, "Please come again in a moment.", _AGAIN)
            return
        if decision is None:
            await _answer(send, 404, "There is no such link.")
            return
        row, before, after = self._visit(decision, scope)
        fate = await self._recorder.record(row)
        if fate is Fate.NOT_KEPT:
            await _answer(send, 503, "Please come again in a moment.", _AGAIN)
        elif fate is Fate.REFUSED or decision.outcome != CREDITED:
            await _redirect(send, row[-2])
        else:
            age = f"; Path=/; Max-Age={decision.program.window_days * DAY}"
            await _redirect(send, f"{before}{row[0]}{after}", f"trb_click={row[0]}{age}{self._cookie}")

    def _visit(self, decision: Decision, scope: MutableMapping[str, Any]) -> tuple[Row, str, str]:
        """The click's row, and the pieces of the address around its id."""
        user_agent, referrer, forwarded = b"", b"", []
        for name, value in scope["headers"]:
            if name == b"user-agent":
                user_agent = value
            elif name == b"referer":
                referrer = value
            elif name == b"x-forwarded-for":
                forwarded.append(value)
        subs, url, before, after = None, decision.url, decision.before, decision.after
        if scope["query_string"]:
            subs, deep_link = read_query(scope["query_string"])
            offer = decision.offer
            if deep_link and decision.outcome == CREDITED:
                # A deep link that is not allowed leads to the landing page, whatever the link's own destination is.
                url = allowed_url(deep_link, *offer[3:]) or ascii_url(offer.landing_url)
                before, after = around_click_id(url)
        browser = clean(user_agent, USER_AGENT_LENGTH)
        address = visitor_address(scope["client"][0] if scope["client"] else "", forwarded)
        click_id, at = self._new_id()
        row: Row = (
            click_id,
            at,
            decision.link.id,
            decision.link.affiliate_id,
            decision.offer.id,
            decision.program.id,
            decision.outcome,
            scope["method"] == "HEAD" or is_bot(browser),
            visitor_number(self._visitor_key, address, browser),
            address,
            browser,
            clean(referrer, REFERRER_LENGTH),
            url,
            subs,
        )
        return row, before, after

    async def _health(self, send: Send) -> None:
        """Well as long as clicks are answered: with the links at hand, and whether they are committed or spooled."""
        status = {
            "status": "ok" if self._keeper.loaded else "starting",
            "links": len(self._keeper.table),
            "spooling": self._recorder.spooling,
            "spooled": self._recorder.spooled,
        }
        await _answer(send, 200 if self._keeper.loaded else 503, json.dumps(status), kind=b"application/json")


async def _redirect(send: Send, url: str, cookie: str = "") -> None:
    headers = [(b"location", url.encode("ascii")), *_REDIRECT]
    if cookie:
        headers.append((b"set-cookie", cookie.encode("ascii")))
    await send({"type": "http.response.start", "status": 302, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _answer(
    send: Send,
    status: int,
    text: str,
    headers: Sequence[tuple[bytes, bytes]] = (),
    kind: bytes = b"text/plain; charset=utf-8",
) -> None:
    body = text.encode() + b"\n"
    head = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), _NO_STORE, *headers]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn bounds neither the size of a request's head nor the time that it takes to come."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_bytes = 0  # of a head that is not complete
        self._head_timer: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > LARGEST_HEAD:
            self._refuse_head()
        elif self._head_bytes and self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def on_headers_complete(self) -> None:
        self._head_bytes = 0
        self._stop_timer()
        super().on_headers_complete()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse_head(self) -> None:
        if not self.transport.is_closing():
            status = b"431 Request Header Fields Too Large" if self.headers else b"414 URI Too Long"
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self.transport.close()
