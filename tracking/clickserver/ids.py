"""Click ids: UUIDv7 (RFC 9562), in order within a process."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime

MOST_BEHIND = 10_000  # ms
_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))  # binary 10, then two random bits


class ClickIds:
    """48 bits of milliseconds, a 12-bit counter (RFC 9562, 6.2, method 1), 62 random bits.

    The counter starts at a random value in its lower half in each millisecond; when it is used up, the millisecond is
    stepped ahead. A clock that was set back a little is waited for; one that was set back by more than ten seconds was wrong.
    """

    def __init__(self) -> None:
        self._ms = 0
        self._at = datetime.fromtimestamp(0, UTC)
        self._counter = 0
        self._start = ""  # of the id's text: the millisecond and the version
        self._random = ""  # hexadecimal, 16 digits for each id
        self._used = 0

    def __call__(self) -> tuple[str, datetime]:
        """A new id and its moment, which is the id's own millisecond."""
        now = time.time_ns() // 1_000_000
        if now > self._ms or now < self._ms - MOST_BEHIND:
            self._step(now)
        elif self._counter == 0xFFF:
            self._step(self._ms + 1)
        else:
            self._counter += 1
        if self._used == len(self._random):
            self._random, self._used = os.urandom(4096).hex(), 0
        digits = self._random[self._used : self._used + 16]
        self._used += 16
        text = f"{self._start}{self._counter:03x}-{_VARIANT[digits[0]]}{digits[1:4]}-{digits[4:]}"
        return text, self._at

    def _step(self, ms: int) -> None:
        self._ms = ms
        self._at = datetime.fromtimestamp(ms / 1000, UTC)
        digits = f"{ms:012x}"
        self._start = f"{digits[:8]}-{digits[8:]}-7"
        self._counter = int.from_bytes(os.urandom(2)) & 0x7FF
