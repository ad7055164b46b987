"""`python -m tracking.clickserver [--host ADDRESS] [--processes N]`: the parent of the click server's processes.

It makes the listening sockets, one for each process, starts the processes and waits. SIGTERM is passed on; when it is killed,
the kernel tells the processes; when one of them dies it stops the others and says so by its exit status, for whoever keeps it
running to start it again.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import hashlib
import logging
import os
import resource
import signal
import socket
import sys

from config.env import BadEnvironment, environment
from tracking.clickserver.process import Options, run
from tracking.clickserver.visits import read_browser

PR_SET_PDEATHSIG = 1
MOST_PROCESSES = 4


def main() -> int:
    arguments = parse()
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # its warnings are about other people's broken requests
    options = read_options(arguments.host)
    sockets = listen(options.host, options.port, arguments.processes)
    raise_file_limit()
    read_browser(b"-")  # its patterns are compiled once, for all processes
    children = [start(options, sockets, number) for number in range(len(sockets))]
    for listening in sockets:  # theirs alone now: a connection that comes while they stop is refused, not left waiting
        listening.close()
    return wait(children)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tracking.clickserver", description=__doc__.partition("\n")[0])
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on; the port is CLICK_PORT")
    by_cores = min(MOST_PROCESSES, len(os.sched_getaffinity(0)))
    help_text = f"how many share the work; by the cores of this machine: {by_cores}"
    parser.add_argument("--processes", type=int, default=by_cores, choices=range(1, 33), metavar="N", help=help_text)
    return parser.parse_args()


def read_options(host: str) -> Options:
    env = environment()
    return Options(
        host=host,
        port=env.click_port,
        database_url=env.database_url,
        spool=env.data / "spool",
        visitor_key=hashlib.sha256(b"visitors of clicks" + env.secret_key.encode()).digest(),
        secure=env.click_base_url.startswith("https://"),
    )


def listen(host: str, port: int, number: int) -> list[socket.socket]:
    """One socket for each process on the same port: the kernel shares connections out among them (SO_REUSEPORT)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # SO_REUSEPORT would also share with another click server of this user: a plain socket finds out whether there is one.
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
        sockets = []
        for _ in range(number):
            listening = socket.socket(family)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listening.bind((host, port))
            sockets.append(listening)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise BadEnvironment(f"port {port} is taken by another program: set CLICK_PORT to a free one.") from None
        raise BadEnvironment(f"the click server cannot listen on {host} port {port} ({error.strerror}).") from None
    return sockets


def raise_file_limit() -> None:
    """Each visitor is an open file, and 1,024 is the usual limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def start(options: Options, sockets: list[socket.socket], number: int) -> int:
    """Fork a process that serves the socket of its number and ends when this one does."""
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() == parent:  # else it went before we could ask to be told
            for other in sockets[:number] + sockets[number + 1 :]:
                other.close()
            run(options, sockets[number])
            status = 0
    except Exception:
        logging.getLogger("tributary.clicks").exception("The click server stopped")
    finally:
        os._exit(status)


def wait(children: list[int]) -> int:
    """Until all have ended; 0 if they were asked to."""
    stopping = False

    def pass_on(*_: object) -> None:
        nonlocal stopping
        stopping = True
        for child in children:
            os.kill(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, pass_on)
    worst = 0
    while children:
        child, status = os.wait()
        children.remove(child)
        code = os.waitstatus_to_exitcode(status)
        if stopping and code in (0, -signal.SIGTERM, -signal.SIGINT):  # a signal that comes before it is ready ends it at once
            continue
        worst = 1
        if not stopping:
            print(f"tributary: a click server process ended by itself ({code}).", file=sys.stderr)
            pass_on()
    return worst


if __name__ == "__main__":
    sys.exit(main())
