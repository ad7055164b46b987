"""What is answered to whom: `/r/<code>` and `/health/`."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

import httptools

from programs.domains import allowed_url, ascii_url
from tracking.clickserver.ids import ClickIds
from tracking.clickserver.keeper import Keeper, Unanswered
from tracking.clickserver.links import CREDITED, Decision
from tracking.clickserver.protocol import NO_STORE, Request
from tracking.clickserver.recorder import Fate, Recorder
from tracking.clickserver.store import URL, Row
from tracking.clickserver.visits import (
    REFERRER_LENGTH,
    around_click_id,
    clean,
    click_before,
    read_browser,
    read_query,
    visitor_address,
    visitor_number,
)
from tracking.codes import is_code

LONGEST_TARGET = 8192  # bytes of path and query
DAY = 86_400

# The shop learns the affiliate's site but not which page of it, and nothing at all where the way leads from https to http.
_EVERY_REDIRECT = f"{NO_STORE}Referrer-Policy: strict-origin-when-cross-origin\r\nX-Robots-Tag: noindex\r\n"
_LATER = "Retry-After: 2\r\n"


class Application:
    def __init__(self, keeper: Keeper, recorder: Recorder, visitor_key: bytes, secure: bool) -> None:
        self._keeper = keeper
        self._recorder = recorder
        self._visitor_key = visitor_key
        self._cookie = f"SameSite=Lax; HttpOnly{'; Secure' if secure else ''}"
        self._new_id = ClickIds()
        self._searches: set[asyncio.Task[None]] = set()

    def handle(self, request: Request) -> None:
        target = request.target
        if len(target) > LONGEST_TARGET:
            request.answer(HTTPStatus.REQUEST_URI_TOO_LONG, "This address is too long.")
            return
        if not target.startswith(b"/"):
            target = _without_origin(target)
        path, _, query = target.partition(b"?")
        if path.startswith(b"/r/"):
            page = self._click
        elif path == b"/health/":
            page = self._health
        else:
            request.answer(HTTPStatus.NOT_FOUND, "There is nothing here.")
            return
        if request.method in (b"GET", b"HEAD"):
            page(request, path, query)
        else:
            request.answer(HTTPStatus.METHOD_NOT_ALLOWED, "Come with GET.", "Allow: GET, HEAD\r\n")

    def _click(self, request: Request, path: bytes, query: bytes) -> None:
        code = (unquote_to_bytes(path[3:]) if b"%" in path else path[3:]).decode("latin-1")
        if decision := self._keeper.table.decide(code):
            self._record(request, query, decision)
        elif is_code(code):
            search = asyncio.create_task(self._search(request, code, query))
            self._searches.add(search)
            search.add_done_callback(self._searches.discard)
        else:
            request.answer(HTTPStatus.NOT_FOUND, "There is no such link.")

    async def _search(self, request: Request, code: str, query: bytes) -> None:
        try:
            decision = await self._keeper.find(code)
        except Unanswered:
            request.answer(HTTPStatus.SERVICE_UNAVAILABLE, "Please come again in a moment.", _LATER)
            return
        if decision is None:
            request.answer(HTTPStatus.NOT_FOUND, "There is no such link.")
        else:
            self._record(request, query, decision)

    def _record(self, request: Request, query: bytes, decision: Decision) -> None:
        """Write the click down; the visitor is answered when its fate is known."""
        subs, url, before, after = None, decision.url, decision.before, decision.after
        if query:
            subs, deep_link = read_query(query)
            if deep_link and decision.outcome == CREDITED:
                # One that is not allowed leads to the landing page, whatever the link's own destination is.
                offer = decision.offer
                url = allowed_url(deep_link, offer.landing_url, offer.allowed_domains) or ascii_url(offer.landing_url)
                before, after = around_click_id(url)
        browser, robot = read_browser(request.user_agent)
        address = visitor_address(request.peer, request.forwarded_for)
        click_id, at = self._new_id()
        row: Row = (
            click_id,
            at,
            *decision.facts,
            robot or request.method == b"HEAD",
            visitor_number(self._visitor_key, address, browser),
            address,
            browser,
            clean(request.referrer, REFERRER_LENGTH),
            url,
            subs,
            click_before(request.cookies) if request.cookies else None,
        )
        if decision.outcome == CREDITED:
            fields = (
                f"Location: {before}{click_id}{after}\r\n"
                f"Set-Cookie: trb_click={click_id}; Path=/; Max-Age={decision.program.window_days * DAY}; {self._cookie}\r\n"
            )
        else:
            fields = f"Location: {url}\r\n"
        self._recorder.record(row, request, fields + _EVERY_REDIRECT)

    def _health(self, request: Request, path: bytes, query: bytes) -> None:
        """Well as long as clicks are answered: with the links at hand, and whether they are committed or spooled."""
        status = {
            "status": "ok" if self._keeper.loaded.is_set() else "starting",
            "links": len(self._keeper.table),
            "spooling": self._recorder.spooling,
            "spooled": self._recorder.spooled,
        }
        well = HTTPStatus.OK if self._keeper.loaded.is_set() else HTTPStatus.SERVICE_UNAVAILABLE
        request.answer(well, json.dumps(status), kind="application/json")


def tell(request: Request, row: Row, fields: str, fate: Fate) -> None:
    """The answer to a visitor whose click was kept, or was not."""
    if fate is Fate.KEPT:
        request.redirect(fields)
    elif fate is Fate.REFUSED:  # sent on all the same, but not with the id of a click that is not there
        request.redirect(f"Location: {row[URL]}\r\n{_EVERY_REDIRECT}")
    else:
        request.answer(HTTPStatus.SERVICE_UNAVAILABLE, "Please come again in a moment.", _LATER)


def _without_origin(target: bytes) -> bytes:
    """A proxy may send the whole address."""
    try:
        parts = httptools.parse_url(target)
    except httptools.HttpParserInvalidURLError:
        return b""
    return (parts.path or b"") + (b"?" + parts.query if parts.query else b"")
