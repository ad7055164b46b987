"""`script/server` after the set-up: runs every process of Tributary and stops them in order.

One plain loop: start the embedded servers, bring the database up to date, start the processes, start again what dies, until
Ctrl-C or SIGTERM. Each process leads a group of its own, so that a signal to the whole group reaches this one alone and the
order holds; and each is told by the kernel when this one is gone, so that nothing stays behind.
"""

from __future__ import annotations

import http
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from config.env import CHECKOUT, BadEnvironment, Environment, environment
from config.runtime.children import clear, rotate, shimmed, stop
from config.runtime.claims import check_ports, make_data_folder, owner, release, take_lock
from config.runtime.embedded import EmbeddedServers, full_disk

WORKERS = ("worker", "post")
STOP_SECONDS = 17.0  # for everything; twenty are promised
CLAIM_SECONDS = 25.0  # what a killed run left behind has ended by then
HEALTHY_SECONDS = 60.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """Somebody asked for the end."""


@dataclass
class Child:
    """One of our processes, kept running."""

    name: str
    words: list[str]  # after `python -m`
    when_orphaned: int = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    due: float = 0.0  # when to start it (again), by the monotonic clock


def children_of(env: Environment) -> list[Child]:
    """In the order in which they stop: first the doors, then who works on what came in."""
    granian = ["granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(env.port), "--no-ws"]
    granian += ["--workers", "2", "--blocking-threads", "4", "--workers-kill-timeout", "3", "--log-level", "warning"]
    granian += ["--respawn-failed-workers"]  # one that ends takes no other with it
    return [
        Child("click", ["tracking.clickserver"]),
        Child("web", [*granian, "config.runtime.web:application"]),
        Child("beat", ["celery", "-A", "config", "beat", "--loglevel", "WARNING", "--pidfile="]),
        # Orphaned, it ends at once, and its pool with it: the broker goes too, and while it looks for that, Celery hears no
        # other signal. What it worked on is put back at the next start.
        Child("post", ["config.runtime.post"], when_orphaned=signal.SIGKILL),
        Child("worker", ["config.runtime.worker"], when_orphaned=signal.SIGKILL),
    ]


def main(arguments: list[str]) -> None:
    env = environment()
    make_data_folder(env.data)
    demo = "--no-demo" not in arguments
    prepare_environment(env, demo)
    for number in STOP_SIGNALS:
        signal.signal(number, ask_to_stop)
    lock = -1
    servers = EmbeddedServers(env.data, env.embedded_postgres, env.embedded_valkey)
    children = children_of(env)
    helpers: list[subprocess.Popen[bytes]] = []
    try:
        lock = servers.lock = claim(env)
        check_ports(env)
        if env.embedded_postgres or env.embedded_valkey:
            say(f"Starting {' and '.join(servers.names())}")
            servers.start()
        run_to_end("config.runtime.prepare", helpers)
        watch(children, servers, opening(env, demo, helpers))
    except Stopped:
        say("Stopping")
    finally:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        stop_all(helpers, children, servers)
        if lock >= 0:
            release(lock)
    say("Stopped")


def ask_to_stop(*_: object) -> NoReturn:
    for number in STOP_SIGNALS:  # once is enough
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


def prepare_environment(env: Environment, demo: bool) -> None:
    """What the processes are to see, whatever the caller's environment holds."""
    os.environ.update(
        DJANGO_SETTINGS_MODULE="config.settings",
        TRIBUTARY_DATA=str(env.data),
        PORT=str(env.port),
        CLICK_PORT=str(env.click_port),
        TRIBUTARY_DEMO=str(int(demo)),
        PYTHONUNBUFFERED="1",
    )


def claim(env: Environment) -> int:
    """The data folder's lock, after the servers of a killed run have ended and a single command has finished."""
    deadline = time.monotonic() + CLAIM_SECONDS
    told = False
    while (lock := take_lock(env.data, "server")) is None:
        holder = owner(env.data)
        if holder and holder[0] == "server":
            raise BadEnvironment(f"script/server already runs on {env.data} (process {holder[1]}).")
        if holder and not told:
            say(f"Waiting for a command that uses {env.data} (process {holder[1]})")
            told = True
        if not holder and time.monotonic() > deadline:
            raise BadEnvironment(f"servers of an earlier run on {env.data} are still ending: start again in a moment.")
        time.sleep(0.05)
    return lock


def watch(children: list[Child], servers: EmbeddedServers, story: Iterator[None]) -> NoReturn:
    """Keep everything running, and tell the story of the start beside it, until `Stopped` comes."""
    told: list[str] = []
    while True:
        keep_servers(servers, told)
        for child in children:
            keep(child)
        next(story, None)
        time.sleep(0.1)


def keep(child: Child) -> None:
    """Start a process that does not run; wait longer each time it dies young."""
    now = time.monotonic()
    if child.process is None:
        if now >= child.due:
            child.process, child.started = spawn(child.name, child.words, child.when_orphaned), now
        return
    status = child.process.poll()
    if status is None:
        return
    clear(child.process)  # what it left of its own children
    child.process = None
    if status in (0, -signal.SIGTERM):
        say(f"{child.name} was told to stop, and so is everything else")
        raise Stopped
    child.failures = child.failures + 1 if now - child.started < 60 else 1
    wait = min(0.5 * 2**child.failures, 30.0)
    child.due = now + wait
    why = f": {trouble(child.name)}" if status > 0 else ""  # one that was killed had nothing to say
    say(f"{child.name} ended with status {status}, starting it again in {wait:.0f} s{why}")


def keep_servers(servers: EmbeddedServers, told: list[str]) -> None:
    """Start embedded servers again that ended; `told` holds what was said about them last, so that it is said once."""
    dead = " and ".join(name for name in servers.processes if not servers.alive(name))
    if not dead:
        return
    try:
        servers.start()
        told[:] = [f"{dead} ended and runs again"]
        say(told[0])
    except BadEnvironment as error:
        if told != [str(error)]:
            told[:] = [str(error)]
            say(f"{dead} ended and cannot run again yet. {error}")
        time.sleep(1)  # the others wait for it


def spawn(name: str, words: list[str], when_orphaned: int = signal.SIGTERM, *, loud: bool = False) -> subprocess.Popen[bytes]:
    """Start `python -m words…` in a group of its own. Its output goes to its log; a loud one tells its progress here."""
    log = environment().data / "logs" / f"{name}.log"
    rotate(log)
    with open(log, "ab") as output:
        return subprocess.Popen(
            shimmed([sys.executable, "-m", *words], when_orphaned, CHECKOUT),
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=None if loud else output,
            stderr=output,
            process_group=0,
        )


def run_to_end(words: str, helpers: list[subprocess.Popen[bytes]]) -> None:
    process = spawn("prepare", words.split(), loud=True)
    helpers.append(process)
    if process.wait() != 0:
        raise BadEnvironment(trouble("prepare"))


def opening(env: Environment, demo: bool, helpers: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """From the first answer to the addresses; yields while it waits."""
    say("Starting the web, the click server, the workers and beat")
    while not health(env):
        yield from pause()
    if demo:
        loading = spawn("demo", ["manage", "demo_load"], loud=True)
        helpers.append(loading)
        while loading.poll() is None:
            yield
        if loading.returncode != 0:
            say(f"The demo program was not loaded, everything else runs: {trouble('demo')}")
    deadline = time.monotonic() + HEALTHY_SECONDS
    while not is_healthy(env) and time.monotonic() < deadline:
        yield from pause()
    if not is_healthy(env):
        say(f"Not everything is well yet: {env.base_url}/health/ tells what; logs are in {env.data / 'logs'}")
    say(f"\nTributary   {env.base_url}/\nManagers    {env.base_url}/manage/\nAffiliates  {env.base_url}/portal/")
    say(f"Admins      {env.base_url}/admin/\nAPI         {env.base_url}/api/v1/docs/\nClicks      {env.click_base_url}/r/…\n")
    if demo:
        telling = spawn("demo", ["manage", "demo_sign_ins"], loud=True)
        helpers.append(telling)
        while telling.poll() is None:
            yield
    say("Ctrl-C stops everything.")


def pause(seconds: float = 0.3) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def is_healthy(env: Environment) -> bool:
    """Whether database, Valkey, worker and beat are alive and the demo, if any, is loaded."""
    return health(env) == http.HTTPStatus.OK


def health(env: Environment) -> int | None:
    """The status of /health/, None while nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", env.port, timeout=3)
    try:
        connection.request("GET", "/health/")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def stop_all(helpers: list[subprocess.Popen[bytes]], children: list[Child], servers: EmbeddedServers) -> None:
    """The click server drains first; then web, beat and worker end, the worker with the tasks it has; then the servers."""
    deadline = time.monotonic() + STOP_SECONDS
    for helper in helpers:
        stop(helper, [(signal.SIGTERM, 1.0)])
    running = {child.name: child.process for child in children if child.process}
    if "click" in running:
        stop(running.pop("click"), [(signal.SIGTERM, 4.0)])
    for process in running.values():
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    for name, process in running.items():
        seconds = max(0.0, deadline - time.monotonic() - 6.0)
        try:
            process.wait(seconds if name in WORKERS else min(seconds, 4.0))
            clear(process)
        except subprocess.TimeoutExpired:
            say(f"{name} does not end: its work is put back and taken up again at the next start")
            stop(process, [(signal.SIGQUIT, 1.5)] if name in WORKERS else [])
    servers.stop(seconds=max(1.5, deadline - time.monotonic() - 2.5))


def trouble(name: str) -> str:
    """What went wrong with a process, in one line: a full disk, or the last line of its log."""
    data = environment().data
    if full := full_disk(data):
        return full
    log = data / "logs" / f"{name}.log"
    try:
        lines = log.read_bytes()[-4000:].decode(errors="replace").split("\n")
    except OSError:
        return str(log)
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    if last.startswith("tributary: "):
        return last.removeprefix("tributary: ")
    return f"{last[:200]} ({log})" if last else str(log)


def say(text: str) -> None:
    try:
        print(text, flush=True)
    except OSError:  # whoever listened has gone; the work goes on
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


if __name__ == "__main__":
    main(sys.argv[1:])
