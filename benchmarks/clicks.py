"""Clicks a second, side by side: nginx with a bare `return 302`, the click server, and a naive Django view with an INSERT.

All on this machine, by loopback, under the same load: wrk with 512 connections, each repeating the clicks of 100 links with
two sub ids, a browser's name and a referrer. The load generator takes its share of the same cores. PostgreSQL is the embedded
one with everything durable. The servers take turns, so that what else the machine does falls on all of them; the best
turn counts, as the one least disturbed, and only if what was answered is committed.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from config.env import CHECKOUT
from config.runtime.children import shimmed, stop

TURNS = 3
SECONDS = 4
CONNECTIONS = 512
LINKS = 100
BAR = 0.2  # of nginx

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"

WRK_SCRIPT = f"""
local requests, turn = {{}}, 0
init = function()
  wrk.headers["User-Agent"] = "{BROWSER}"
  wrk.headers["Referer"] = "https://blog.example/best-shoes"
  for i = 1, {LINKS} do requests[i] = wrk.format("GET", "/r/bench" .. i .. "?sub1=newsletter&sub2=june") end
end
request = function() turn = turn % {LINKS} + 1; return requests[turn] end
"""

NGINX_CONFIG = """
daemon off; worker_processes 2; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
  access_log off; keepalive_requests 100000000;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  server {{ listen 127.0.0.1:{port} reuseport; return 302 https://shop.example/landing; }}
}}
"""


def main() -> None:
    nginx, wrk = find("nginx"), find("wrk")
    if not nginx or not wrk:
        missing = " and ".join(name for name, path in (("nginx", nginx), ("wrk", wrk)) if not path)
        print(f"This benchmark needs {missing}: apt-get install nginx-light wrk", file=sys.stderr)
        sys.exit(2)
    make_links()
    with tempfile.TemporaryDirectory(prefix="trb-bench-clicks-", dir="/tmp") as name:
        rates = take_turns(nginx, wrk, Path(name))
    base = rates["nginx, return 302"]
    print(f"\n{'':22}{'clicks/s':>10}{'of nginx':>10}")
    for label, rate in rates.items():
        print(f"{label:22}{rate:>10,.0f}{rate / base:>10.3f}")
    ratio = rates["click server"] / base
    print(f"\nThe bar is {BAR} of nginx: {'reached' if ratio >= BAR else 'MISSED'}.")
    if ratio < BAR:
        sys.exit(1)


def take_turns(nginx: str, wrk: str, folder: Path) -> dict[str, float]:
    """The best rate of each."""
    servers: dict[str, tuple[Callable[[int], list[str]], bool]] = {
        "nginx, return 302": (lambda port: nginx_command(nginx, folder, port), False),
        "click server": (lambda _: [sys.executable, "-m", "tracking.clickserver"], True),
        "Django view, INSERT": (naive_command, True),
    }
    rates: dict[str, list[float]] = {label: [] for label in servers}
    for _ in range(TURNS):
        for label, (command, commits) in servers.items():
            print(f"{label:22}", end="", flush=True)
            rates[label].append(measure(wrk, folder, command, commits))
    return {label: max(turns) for label, turns in rates.items()}


def find(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")


def make_links() -> None:
    from django.utils import timezone

    from affiliates.models import Affiliate, Enrollment, EnrollmentStatus
    from programs.models import Offer, Program
    from tracking.models import Link

    program = Program.objects.create(name="Bench", slug="bench", currency="USD")
    offer = Offer.objects.create(
        program=program, name="Shoes", slug="bench-shoes", landing_url="https://shop.example/landing?ref=1"
    )
    affiliate = Affiliate.objects.create(name="Ana", email="ana@tributary.example")
    Enrollment.objects.create(affiliate=affiliate, program=program, status=EnrollmentStatus.APPROVED, status_at=timezone.now())
    Link.objects.bulk_create(Link(affiliate=affiliate, offer=offer, code=f"bench{n}") for n in range(1, LINKS + 1))


def nginx_command(nginx: str, folder: Path, port: int) -> list[str]:
    config = folder / "nginx.conf"
    config.write_text(NGINX_CONFIG.format(folder=folder, port=port))
    return [nginx, "-c", str(config), "-e", str(folder / "error.log")]


def naive_command(port: int) -> list[str]:
    granian = ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--no-ws"]
    options = ["--workers", "2", "--blocking-threads", "4", "--log-level", "warning"]
    return [sys.executable, *granian, *options, "benchmarks._naive:application"]


def measure(wrk: str, folder: Path, command: Callable[[int], list[str]], commits: bool) -> float:
    """Start a server, let it warm up for a second, and count what it answers; the rate by wrk's own clock."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running(command(port), port):
        load(wrk, folder, port, 1)
        before = count_clicks()
        answered, rate = load(wrk, folder, port, SECONDS)
    if commits:
        check_committed(answered, count_clicks() - before)
    return rate


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    environ = os.environ | {"CLICK_PORT": str(port), "PORT": str(port - 1)}
    process = subprocess.Popen(shimmed(command, signal.SIGTERM, CHECKOUT), cwd=CHECKOUT, env=environ, process_group=0)
    try:
        deadline = time.monotonic() + 30
        while not answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{command[0]} does not answer on port {port}")
            time.sleep(0.1)
        yield
    finally:
        stop(process, [(signal.SIGTERM, 10.0)])


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/r/bench1")
        return connection.getresponse().status == 302
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def load(wrk: str, folder: Path, port: int, seconds: int) -> tuple[int, float]:
    """(answers, answers a second). Any answer that is no redirect is an error."""
    script = folder / "clicks.lua"
    script.write_text(WRK_SCRIPT)
    words = [wrk, "-t2", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "--timeout", "20s", "-s", str(script)]
    output = subprocess.run([*words, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        sys.exit(f"wrk met errors:\n{output}")
    if seconds > 1:
        times = f"half of them within {read(output, '50% +(.+)')}, 99 % within {read(output, '99% +(.+)')}"
        print(f"{float(read(output, 'Requests/sec: +(.+)')):>10,.0f} a second, {times}", flush=True)
    return int(read(output, r"(\d+) requests in")), float(read(output, "Requests/sec: +(.+)"))


def read(output: str, pattern: str) -> str:
    found = re.search(pattern, output)
    if not found:
        sys.exit(f"wrk said something new:\n{output}")
    return found[1].strip()


def count_clicks() -> int:
    from tracking.models import Click

    return Click.objects.count()


def check_committed(answered: int, committed: int) -> None:
    """wrk hangs up in the middle, after the warm-up too: each of its connections may have had a click committed both times whose
    answer it did not count."""
    if not answered <= committed <= answered + 2 * CONNECTIONS:
        sys.exit(f"{answered:,} clicks were answered and {committed:,} are committed.")
