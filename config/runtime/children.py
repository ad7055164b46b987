"""Processes that never outlive the one that started them.

Standard library alone: the set-up uses it before anything is installed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

SHIM = Path(__file__).with_name("shim.py")


def shimmed(command: list[str], when_orphaned: int, folder: Path, root: str = "kept") -> list[str]:
    """The command line that runs `command` by the shim: never longer than the calling thread, which must be the main one, and,
    where root is "refused", not as root. Its first word must be a path."""
    return [sys.executable, "-I", "-S", str(SHIM), str(int(when_orphaned)), str(os.getpid()), root, str(folder), *command]


def stop(process: subprocess.Popen[bytes], steps: Sequence[tuple[int, float]]) -> None:
    """Send each signal in turn and give it so many seconds; at last SIGKILL, to all that the process left in its group."""
    if process.returncode is not None:  # seen to end earlier: its number may be another's by now
        return
    for number, seconds in steps:
        if process.poll() is not None:
            break
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    process.wait()
    clear(process)


def clear(process: subprocess.Popen[bytes]) -> None:
    """Kill what a process that has just ended left of its group, and see it gone (or, where nobody reaps it, dead)."""
    with suppress(ProcessLookupError):
        for _ in range(50):
            os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.01)


def rotate(log: Path, keep_bytes: int = 5_000_000) -> None:
    """Set a grown log aside, so that at most two of them are kept."""
    if log.exists() and log.stat().st_size > keep_bytes:
        log.replace(log.with_name(log.name + ".1"))
