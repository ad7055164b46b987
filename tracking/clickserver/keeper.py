"""Keeps the link table fresh, on one connection and by one task, so that an older answer never overwrites a newer one.

Triggers (tracking/migrations) NOTIFY which rows changed; those rows are read again within a few milliseconds. A connection that
does not answer once a second is replaced, and everything is read anew; so it is every few minutes, for changes that no trigger
told of.

There is no memory of codes that do not exist. A miss asks the database, and all misses of one moment ask in one query, one query
at a time: a flood of invented codes costs PostgreSQL a bounded number of index look-ups, while a code works from the moment that
its link is committed, which no remembered "unknown" could promise.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from tracking.clickserver.links import QUERIES, Decision, LinkTable
from tracking.clickserver.store import AWAY

log = logging.getLogger("tributary.clicks")

CHANNEL = "tributary_clicks"
HEARTBEAT_SECONDS = 1.0
ANSWER_SECONDS = 2.0
RELOAD_SECONDS = 300.0
RETRY_SECONDS = 0.25
CHUNK = 5000  # rows: some 10 ms of this process's time
MOST_WAITING = 2000  # codes asked for at once; above that visitors are told to come again


class Unanswered(Exception):
    """The database is away or swamped: nobody knows whether there is such a code."""


class Keeper:
    def __init__(self, connect: Callable[[], Awaitable[Any]]) -> None:
        self.table = LinkTable()
        self.loaded = asyncio.Event()
        self._connect = connect
        self._connection: Any = None
        self._changed: dict[str, set[int]] = {}
        self._all_changed = False
        self._asked: dict[str, asyncio.Future[Decision | None]] = {}
        self._asking: dict[str, asyncio.Future[Decision | None]] = {}  # in a query now
        self._news = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []  # one, which never ends by itself

    def start(self) -> None:
        self.tasks = [asyncio.create_task(self._keep())]

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def find(self, code: str) -> Decision | None:
        """Ask the database for a code that is not known. Raises Unanswered."""
        if self._connection is None or len(self._asked) >= MOST_WAITING:
            raise Unanswered
        if code not in self._asked:
            self._asked[code] = asyncio.get_running_loop().create_future()
        self._news.set()
        return await asyncio.shield(self._asked[code])  # others wait for the same answer

    async def _keep(self) -> None:
        away = False
        while True:
            try:
                self._connection = await self._connect()
                self._connection.add_termination_listener(lambda _: self._news.set())
                await self._connection.add_listener(CHANNEL, self._hear)
                await self._reload()
                if away:
                    log.warning("Links are fresh again")
                away = False
                await self._follow()
            except AWAY as error:
                if not away:
                    log.warning("Links cannot be read anew (%s)", str(error).partition("\n")[0] or type(error).__name__)
                away = True
            finally:
                connection, self._connection = self._connection, None
                self._leave_unanswered()
                if connection is not None:
                    connection.terminate()
            await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        due = time.monotonic() + RELOAD_SECONDS
        while True:
            try:
                await asyncio.wait_for(self._news.wait(), HEARTBEAT_SECONDS)
            except TimeoutError:
                await self._fetch("SELECT 1")
            self._news.clear()
            if self._connection.is_closed():
                raise ConnectionError("the connection was lost")
            if self._all_changed or time.monotonic() > due:
                await self._reload()
                due = time.monotonic() + RELOAD_SECONDS
            await self._catch_up(self.table)

    async def _reload(self) -> None:
        """Read everything into a new table, and go on answering and following beside it. LISTEN came first, and a row that
        changes after it was read is read again, so this needs no snapshot."""
        self._all_changed = False
        fresh = LinkTable()
        for table, query in QUERIES.items():
            last = 0
            while rows := await self._fetch(f"{query} id > $1 ORDER BY id LIMIT {CHUNK}", last):
                fresh.replace(table, (), rows)
                last = rows[-1][0]
                await self._catch_up(self.table, fresh)
        self.table = fresh
        self.loaded.set()

    async def _catch_up(self, *tables: LinkTable) -> None:
        """Links are read before what they need, and everything is put in place at once: whoever sees a new link sees the
        enrollment that was approved before it."""
        while self._changed:
            changed, self._changed = self._changed, {}
            read = {n: await self._fetch(f"{QUERIES[n]} id = ANY($1)", list(changed[n])) for n in QUERIES if n in changed}
            for table in tables:
                for name, rows in read.items():
                    table.replace(name, changed[name], rows)
        if self._asked:
            await self._answer(*tables)

    async def _answer(self, *tables: LinkTable) -> None:
        """Look the codes up that visitors came with, and whatever the links that were found need. Who comes with the same code
        while this is being asked waits for the next answer: the link may have been committed since."""
        self._asking, self._asked = self._asked, {}
        links = await self._fetch(f"{QUERIES['tracking_link']} code = ANY($1)", list(self._asking))
        found = {"tracking_link": links}
        if links:
            found["programs_offer"] = await self._fetch(f"{QUERIES['programs_offer']} id = ANY($1)", [row[3] for row in links])
            programs = [row[1] for row in found["programs_offer"]]
            found["programs_program"] = await self._fetch(f"{QUERIES['programs_program']} id = ANY($1)", programs)
            enrolled = f"{QUERIES['affiliates_enrollment']} affiliate_id = ANY($1) AND program_id = ANY($2)"
            found["affiliates_enrollment"] = await self._fetch(enrolled, [row[2] for row in links], programs)
            for name, rows in found.items():
                for table in tables:
                    table.replace(name, [row[0] for row in rows], rows)
        while self._asking:
            code, answer = self._asking.popitem()
            answer.set_result(tables[0].decide(code))

    async def _fetch(self, query: str, *values: Any) -> list[Any]:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await self._connection.fetch(query, *values)

    def _hear(self, _connection: Any, _process: int, _channel: str, payload: str) -> None:
        """`table:1,2,3`, or `table:*` where too many rows changed to name them."""
        table, _, ids = payload.partition(":")
        if ids == "*":
            self._all_changed = True
        elif table in QUERIES:
            self._changed.setdefault(table, set()).update(map(int, ids.split(",")))
        self._news.set()

    def _leave_unanswered(self) -> None:
        for asked in (self._asked, self._asking):
            for answer in asked.values():
                answer.set_exception(Unanswered())
                answer.exception()  # looked at, should nobody wait any more
            asked.clear()
