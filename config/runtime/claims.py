"""What a start claims for itself: a data folder and two ports.

Standard library alone: the set-up asks before anything is installed.
`servers.lock` is held by the owner of the folder's servers (`script/server`, a single `manage.py` run, a test run) and, as an
inherited file, by the servers themselves: who holds it knows that none of them runs, however the last owner ended.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from pathlib import Path

from config.env import BadEnvironment, Environment

ENDING_SECONDS = 6.0  # what a killed run left behind has let go of its ports by then


def take_lock(data: Path, kind: str) -> int | None:
    """The open, locked file when nobody runs servers of this data folder; None otherwise. `kind` is told to who asks."""
    lock = open_lock(data / "servers.lock")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    os.truncate(lock, 0)
    os.pwrite(lock, f"{kind} {os.getpid()} {_started(os.getpid())}\n".encode(), 0)
    return lock


def release(lock: int) -> None:
    os.truncate(lock, 0)
    os.close(lock)


def owner(data: Path) -> tuple[str, int] | None:
    """(kind, process id) of the living owner of this data folder's servers."""
    try:
        kind, pid, started = (data / "servers.lock").read_text().split()
    except (OSError, ValueError):
        return None
    return (kind, int(pid)) if _started(int(pid)) == started else None


def open_lock(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BadEnvironment(f"the data folder {path.parent} cannot be written ({error.strerror}); set TRIBUTARY_DATA.") from None


def make_data_folder(data: Path) -> None:
    """Make the data folder, closed to everybody else. A folder that holds other things, such as /tmp, is never closed."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if data.stat().st_uid != os.geteuid():  # root included: what it wrote there, the owner could not read
            raise BadEnvironment(f"the data folder {data} belongs to another user: run as that user, or set TRIBUTARY_DATA.")
        if data.stat().st_mode & 0o077:
            if not (data / "servers.lock").exists() and {entry.name for entry in data.iterdir()} - {"secrets", "lost+found"}:
                raise BadEnvironment(f"the data folder {data} holds other things already: set TRIBUTARY_DATA to one of its own.")
            data.chmod(0o700)
        (data / "logs").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise BadEnvironment(f"the data folder {data} cannot be used ({error.strerror}); set TRIBUTARY_DATA.") from None


def check_ports(env: Environment) -> None:
    """Refuse a port that anyone on this machine listens on; what a killed run of this data folder left may still be ending."""
    deadline = time.monotonic() + (ENDING_SECONDS if _left_by_killed(env.data) else 0.0)
    for name, port in (("PORT", env.port), ("CLICK_PORT", env.click_port)):
        while _is_taken(name, port):
            if time.monotonic() > deadline:
                raise BadEnvironment(f"port {port} is taken by another program: set {name} to a free one.")
            time.sleep(0.1)


def _is_taken(name: str, port: int) -> bool:
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as probe:
                # As the servers do; what only lingers after the last run is no obstacle, a listener is.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        except PermissionError:
            raise BadEnvironment(f"port {port} needs more rights than this user has: set {name} above 1023.") from None
        except OSError as error:
            if error.errno == errno.EADDRINUSE:  # a machine without IPv6 answers otherwise
                return True
    return False


def _left_by_killed(data: Path) -> bool:
    """Whether the last owner of this folder's servers ended without letting go of them."""
    try:
        return bool((data / "servers.lock").read_text()) and owner(data) is None
    except OSError:
        return False


def _started(pid: int) -> str:
    """When a process started, in the kernel's count: with it a process id means one process, not its successor."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""
