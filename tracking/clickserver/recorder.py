"""Natural batching: while one batch is being committed the next one fills. There is no timer and no size to tune: with one
visitor a batch is one click, under load it is all that came during the last commit.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from tracking.clickserver.spool import Spool, SpoolFile, line_of, read_chunk
from tracking.clickserver.store import AWAY, TOO_SLOW, Row, close, commit, commit_again

log = logging.getLogger("tributary.clicks")

RETRY_SECONDS = 0.25  # between two attempts to reach PostgreSQL
LEFT_OVER_SECONDS = 5.0  # between two looks for files that dead processes left
MOST_AT_ONCE = 2000  # clicks in one transaction of a replay


Visitor = TypeVar("Visitor")


class Fate(enum.Enum):
    KEPT = "committed, or on fsynced disk"
    REFUSED = "a row that PostgreSQL will never take"
    NOT_KEPT = "neither PostgreSQL nor the disk took it"


class Recorder(Generic[Visitor]):
    """Takes clicks and tells their fate by `tell(visitor, row, answer, fate)`.

    Two tasks: one writes batches; one, when something is wrong, mends it.
    While PostgreSQL is away, `_connection` is None and batches are spooled. It is set again only by a connection that has proved
    itself by replaying what was spooled, so that visitors never wait for a database that connects but does not write.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[Any]], spool: Spool, tell: Callable[[Visitor, Row, str, Fate], None]
    ) -> None:
        self._connect = connect
        self._spool = spool
        self._tell = tell
        self._connection: Any = None
        self._filling: list[tuple[Row, Visitor, str]] = []
        self._work = asyncio.Event()
        self._broken = asyncio.Event()
        self._stopping = False
        self._replayed_at_once = MOST_AT_ONCE
        self.tasks: list[asyncio.Task[None]] = []  # neither ever ends by itself
        self._troubles: set[str] = set()  # that were told

    @property
    def spooling(self) -> bool:
        return self._connection is None

    @property
    def spooled(self) -> int:
        """Clicks that wait in this process's files."""
        return self._spool.rows

    async def start(self) -> None:
        try:
            self._connection = await self._connect()
        except AWAY as error:
            self._complain(f"PostgreSQL is away, clicks are spooled to {self._spool.folder}", error)
        self.tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._mend())]

    def record(self, row: Row, visitor: Visitor, answer: str) -> None:
        """Put a click into the batch that fills. It is written whether or not its visitor still waits."""
        self._filling.append((row, visitor, answer))
        if len(self._filling) == 1:
            self._work.set()

    async def stop(self) -> None:
        """Write what is in hand, then let go."""
        self._stopping = True
        self._work.set()
        writing, mending = self.tasks
        await writing
        mending.cancel()
        await asyncio.gather(mending, return_exceptions=True)
        if self._connection is not None:
            await close(self._connection)
        self._spool.close()

    async def _write(self) -> None:
        while True:
            if not self._filling:
                if self._stopping:
                    return
                self._work.clear()
                await self._work.wait()
                continue
            batch, self._filling = self._filling, []
            refused: list[Row] = []
            fate = Fate.KEPT
            try:
                refused = await self._keep([row for row, _, _ in batch])
            except OSError as error:
                self._complain("The spool takes no clicks, visitors are told to come again", error)
                fate = Fate.NOT_KEPT
            except Exception:  # a bug: these visitors are told, and the next batch is written all the same
                log.exception("%s clicks could not be kept and were not answered", len(batch))
                fate = Fate.NOT_KEPT
            lost = {row[0] for row in refused}
            for row, visitor, answer in batch:
                try:
                    self._tell(visitor, row, answer, Fate.REFUSED if lost and row[0] in lost else fate)
                except Exception:  # a bug: the other visitors get their answers
                    log.exception("A visitor got no answer")

    async def _keep(self, rows: list[Row]) -> list[Row]:
        """Commit or spool; returns what PostgreSQL will never take, set aside."""
        refused = await self._commit(rows) if self._connection is not None else None
        if refused is None:
            await self._spool.append(rows)
            return []
        if refused:
            log.error("%s clicks can never be committed; they are in %s", len(refused), self._spool.rejected)
            await self._spool.set_aside(list(map(line_of, refused)))
        return refused

    async def _commit(self, rows: list[Row]) -> list[Row] | None:
        """None where PostgreSQL is away. A connection that was cut, as by a restart or a proxy, is often to be had again at once:
        then the batch, whose commit had no answer, is committed again on the new one."""
        try:
            return await commit(self._connection, rows)
        except AWAY as error:
            cut, trouble = self._connection.is_closed(), error
        self._connection.terminate()
        self._connection = None
        connection = None
        try:
            if cut:
                connection = await self._connect()
                refused = await commit_again(connection, rows)
                await self._take(connection)
                return refused
        except AWAY as error:
            if connection is not None:
                connection.terminate()
            trouble = error
        self._complain(f"PostgreSQL is away, clicks are spooled to {self._spool.folder}", trouble)
        self._broken.set()
        return None

    async def _take(self, connection: Any) -> None:
        """Write on this connection from now on, unless another one was found meanwhile; nobody else may use it any more."""
        if self._connection is None:
            self._connection = connection
        else:
            await close(connection)

    async def _mend(self) -> None:
        while True:
            self._broken.clear()
            try:
                await self._mend_once()
            except AWAY as error:
                self._complain("Spooled clicks cannot be replayed yet", error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            except Exception:  # a bug: the files stay, and clicks are taken all the same
                log.exception("Spooled clicks cannot be replayed")
                await asyncio.sleep(LEFT_OVER_SECONDS)
                continue
            try:
                await asyncio.wait_for(self._broken.wait(), LEFT_OVER_SECONDS)
            except TimeoutError:
                pass

    async def _mend_once(self) -> None:
        """Replay every file that this process may have, and give the writer a connection where it has none."""
        file = connection = None
        try:
            if self._connection is None:  # before a file is claimed: while there is none, the current file goes on
                connection = await self._connect()
            while file := await self._spool.claim():
                if connection is None:
                    connection = await self._connect()
                await self._replay(file, connection)
                await self._spool.finish(file)
                file = None
                if self._connection is None:  # proved: the writer has it from now on, and the rest is replayed beside
                    await self._take(connection)
                    connection = None
            if self._connection is None:
                await self._take(connection)
                connection = None
            if self._troubles:
                log.warning("PostgreSQL is back, and every click with it")
                self._troubles.clear()
        finally:
            if file is not None:
                self._spool.give_back(file)
            if connection is not None:
                await close(connection)

    async def _replay(self, file: SpoolFile, connection: Any) -> None:
        """From where the last attempt came to. What takes too long is tried again in half the size, so that a slow database gets
        on by however little at a time; what was quick, in twice the size."""
        while True:
            rows, torn, end = read_chunk(file, self._replayed_at_once)
            if end == file.replayed:
                break
            try:
                refused = await commit_again(connection, rows) if rows else []
            except TOO_SLOW:
                self._replayed_at_once = max(1, self._replayed_at_once // 2)
                raise
            if torn or refused:
                await self._spool.set_aside(torn + list(map(line_of, refused)))
            file.replayed = end
            self._replayed_at_once = min(MOST_AT_ONCE, self._replayed_at_once * 2)
        log.warning("Replayed the spooled clicks of %s", file.path.name)

    def _complain(self, what: str, error: BaseException) -> None:
        """Once for each trouble, however many batches it hits."""
        if what not in self._troubles:
            log.warning("%s (%s)", what, str(error).strip().partition("\n")[0] or type(error).__name__)
            self._troubles.add(what)
