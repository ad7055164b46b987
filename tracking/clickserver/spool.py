"""Where clicks wait while PostgreSQL is away: files of JSON lines, fsynced before a visitor is answered.

Each process appends to a file of its own and holds its lock for as long as it lives or until the file's clicks are committed:
who gets the lock of a file knows that its process is gone, and that nobody else replays it.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from tracking.clickserver.store import COLUMNS, Row


@dataclass
class SpoolFile:
    path: Path
    descriptor: int  # open, locked
    size: int = 0
    rows: int = 0
    replayed: int = 0  # bytes from its beginning whose clicks are committed, or set aside


class Spool:
    """One process's door to the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rejected = folder / "rejected.txt"
        self.rows = 0  # that this process spooled and has not replayed
        self._current: SpoolFile | None = None
        self._sealed: list[SpoolFile] = []
        self._lock = asyncio.Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def append(self, rows: Sequence[Row]) -> None:
        """The clicks are on the disk when this returns. Raises OSError where they are not."""
        async with self._lock:
            await asyncio.to_thread(self._append, rows)
        self.rows += len(rows)

    async def claim(self) -> SpoolFile | None:
        """A file to replay, which is this process's alone: an older one of its own, one of a dead process, or its current one."""
        if self._sealed:
            return self._sealed.pop(0)
        if left_over := await asyncio.to_thread(self._claim_left_over):
            return left_over
        async with self._lock:
            if self._current is not None and self._current.size:
                file, self._current = self._current, None
                return file
        return None

    def give_back(self, file: SpoolFile) -> None:
        """Its replay failed; later again."""
        self._sealed.insert(0, file)

    async def finish(self, file: SpoolFile) -> None:
        """All of its clicks are committed, or set aside."""
        await asyncio.to_thread(file.path.unlink)
        os.close(file.descriptor)
        self.rows -= file.rows

    async def set_aside(self, lines: Sequence[str]) -> None:
        """Keep what can never be a click, for people to look at."""
        async with self._lock:
            await asyncio.to_thread(self._set_aside, lines)

    def close(self) -> None:
        """Let the files go, for the next run to replay."""
        for file in [*self._sealed, *([self._current] if self._current else [])]:
            if file.size == 0:
                file.path.unlink()
            os.close(file.descriptor)

    def _append(self, rows: Sequence[Row]) -> None:
        if self._current is None:
            self._current = self._open()
        file = self._current
        try:
            _write_all(file.descriptor, "".join(map(line_of, rows)).encode())
            os.fsync(file.descriptor)
        except OSError:
            self._cut_off(file)
            raise
        file.size = os.fstat(file.descriptor).st_size
        file.rows += len(rows)

    def _open(self) -> SpoolFile:
        """A new file, which gets a name that others look for only once it is locked."""
        name = f"clicks-{time.time_ns()}-{os.getpid()}"
        draft = self.folder / f"{name}.new"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            path = draft.rename(self.folder / f"{name}.jsonl")
            self._sync_folder()
        except OSError:
            os.close(descriptor)
            raise
        return SpoolFile(path, descriptor)

    def _cut_off(self, file: SpoolFile) -> None:
        """After a failed write: the clicks of that batch are not answered, so their half-written lines go; and as the file system
        is not to be trusted with what follows, the next batch gets a file of its own."""
        try:
            os.ftruncate(file.descriptor, file.size)
        except OSError:
            pass  # the torn line is recognised when the file is replayed
        self._current = None
        if file.size:
            self._sealed.append(file)
        else:
            file.path.unlink(missing_ok=True)
            os.close(file.descriptor)

    def _claim_left_over(self) -> SpoolFile | None:
        for path in sorted(self.folder.glob("clicks-*.jsonl")):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(descriptor).st_nlink:  # else another process replayed and removed it just now
                    return SpoolFile(path, descriptor, os.fstat(descriptor).st_size)
            except BlockingIOError:
                pass  # its process lives
            os.close(descriptor)
        return None

    def _set_aside(self, lines: Sequence[str]) -> None:
        descriptor = os.open(self.rejected, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            _write_all(descriptor, "".join(line.rstrip("\n") + "\n" for line in lines).encode("utf-8", "surrogateescape"))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _sync_folder(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def line_of(row: Row) -> str:
    return json.dumps(dict(zip(COLUMNS, row, strict=True)) | {"at": row[1].isoformat()}) + "\n"


def read_chunk(file: SpoolFile, most: int) -> tuple[list[Row], list[str], int]:
    """Up to so many of the file's clicks that are not replayed yet, the lines that are none (the last one of a killed process
    may be torn), and where they end in the file: all empty and where it was, at its end."""
    rows: list[Row] = []
    torn: list[str] = []
    with open(file.path, "rb") as content:
        content.seek(file.replayed)
        for raw in islice(content, most):
            line = raw.decode("utf-8", "surrogateescape")
            try:
                rows.append(_row_of(line))
            except (ValueError, KeyError, TypeError, AttributeError):
                torn.append(line)
        return rows, torn, content.tell()


def _row_of(line: str) -> Row:
    given = {"previous": None} | json.loads(line)  # lines may be older than this column
    given["at"] = datetime.fromisoformat(given["at"])
    return tuple(given[column] for column in COLUMNS)


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
