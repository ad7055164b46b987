"""`script/server` from outside: what it refuses, what it keeps running, and that nothing outlives it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Timer

import pytest

from config.env import CHECKOUT, BadEnvironment, embedded_database_url, embedded_redis_url, environment
from config.runtime.claims import check_ports, owner
from tests.live import LiveStack, free_ports, new_stack, processes_of, wait_for

STOP_SECONDS = 20
START_SECONDS = 600  # with the machine to ourselves it is fifteen


@pytest.fixture(scope="module")
def pair(prepared_data: Path) -> Iterator[tuple[LiveStack, LiveStack]]:
    """Two servers side by side: one that starts from nothing, one that has run before."""
    stacks = (new_stack(), new_stack(prepared_data))
    try:
        for stack in stacks:
            stack.start()
        yield stacks
    finally:
        for stack in stacks:
            stack.stop()
            shutil.rmtree(stack.data, ignore_errors=True)


@pytest.fixture
def stack(pair: tuple[LiveStack, LiveStack]) -> LiveStack:
    """The first of the two, running, whatever the test before did to it."""
    first = pair[0]
    assert first.process
    if first.process.poll() is not None:
        first.start()
    wait_until_up(first)
    return first


def wait_until_up(stack: LiveStack) -> None:
    names = {"click", "web", "beat", "post", "worker"}

    def up_or_ended() -> bool:
        assert stack.process
        if stack.process.poll() is not None:
            pytest.fail(stack.output)
        return stack.status("/accounts/login/") == 200 and set(processes_by_name(stack)) == names

    wait_for(up_or_ended, START_SECONDS, lambda: stack.output)


def processes_by_name(stack: LiveStack) -> dict[str, int]:
    """The direct children that are Tributary's own processes."""
    assert stack.process
    words = {"click": "clickserver", "web": "granian", "beat": " beat ", "post": "runtime.post", "worker": "runtime.worker"}
    children = Path(f"/proc/{stack.process.pid}/task/{stack.process.pid}/children").read_text().split()
    commands = {int(pid): command for pid, command in processes_of(stack.data).items() if str(pid) in children}
    return {name: pid for name, word in words.items() for pid, command in commands.items() if word in command}


def refused(command: list[str], stack: LiveStack, **environ: str) -> str:
    """The one line with which a start is refused."""
    done = subprocess.run(command, cwd="/", env=stack.environ | environ, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1, done.stdout
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr.strip()


def server() -> list[str]:
    return [str(CHECKOUT / "script" / "server")]


def test_two_servers_run_side_by_side(pair):
    for stack in pair:
        wait_until_up(stack)
        assert {stack.status("/accounts/login/") for _ in range(4)} == {200}


def test_a_second_server_on_the_same_data_folder_is_refused(stack):
    assert f"script/server already runs on {stack.data}" in refused(server(), stack)


def test_a_taken_port_is_refused(stack, pair):
    other = str(pair[1].data / "other")
    taken, free = str(stack.port), str(free_ports(1)[0])
    assert (
        refused(server(), stack, TRIBUTARY_DATA=other)
        == f"tributary: port {taken} is taken by another program: set PORT to a free one."
    )
    assert "set CLICK_PORT to a free one" in refused(server(), stack, TRIBUTARY_DATA=other, PORT=free, CLICK_PORT=taken)


@pytest.mark.parametrize(
    ("wrong", "line"), [("database", "password authentication failed"), ("redis", "DB index is out of range")]
)
def test_servers_from_outside_that_refuse_us_are_told_in_one_line_and_nothing_is_embedded(pair, wrong, line):
    wait_until_up(pair[1])
    database, redis = embedded_database_url(pair[1].data), embedded_redis_url(pair[1].data)
    if wrong == "database":
        database = database.replace("tributary:", "tributary:not-", 1)
    else:
        redis = redis.replace("db=0", "db=999")
    unused = new_stack(SECRET_KEY="of-this-test-alone", DATABASE_URL=database, REDIS_URL=redis)
    try:
        assert line in refused(server(), unused)
        assert not (unused.data / "postgres").exists() and not (unused.data / "valkey").exists()
    finally:
        shutil.rmtree(unused.data)


@pytest.mark.parametrize("port", ["abc", "0", "70000", "-1", "８０００"])
def test_a_port_that_cannot_be_read_is_refused(port):
    unused = LiveStack(Path("/tmp/trb-never-made"), 1, 2)
    assert refused(server(), unused, PORT=port) == f"tributary: PORT is {port!r}: give a port from 1 to 65535."
    assert not unused.data.exists()


def test_a_machine_without_python_is_told_so(tmp_path):
    for program in ("bash", "dirname", "env"):
        (tmp_path / program).symlink_to(shutil.which(program) or "")
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 1\n")  # there, and too old
    (tmp_path / "python3").chmod(0o755)
    unused = LiveStack(Path("/tmp/trb-never-made"), 1, 2)
    assert "Python 3.11 or newer is needed" in refused(server(), unused, PATH=str(tmp_path))


def test_a_command_uses_the_running_servers(stack):
    before = owner(stack.data)
    assert "[X] 0001_initial" in stack.manage("showmigrations", "accounts")
    assert owner(stack.data) == before == ("server", stack.process.pid)


def test_a_killed_process_is_started_again(stack):
    before = processes_by_name(stack)
    os.kill(before["beat"], signal.SIGKILL)
    wait_for(lambda: processes_by_name(stack).get("beat", before["beat"]) != before["beat"], told=lambda: stack.output)
    assert "beat ended with status -9" in stack.output


def test_killed_embedded_servers_are_started_again(stack):
    for program in ("postgres", "valkey-server"):
        before = program_of(stack, program)
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: program_of(stack, program) not in (0, before), told=lambda: stack.output)  # noqa: B023
    wait_for(lambda: stack.status("/accounts/login/") == 200, told=lambda: stack.output)


def program_of(stack: LiveStack, program: str) -> int:
    """The process id of an embedded server itself, not of its children; 0 while there is none."""
    return next((pid for pid, command in processes_of(stack.data).items() if command.split(" ")[0].endswith(f"/{program}")), 0)


@pytest.mark.parametrize("whom", ["one", "group", "web"])
def test_sigterm_stops_everything(stack, pair, whom):
    assert stack.process
    if whom == "group":
        os.killpg(stack.process.pid, signal.SIGTERM)
    else:
        os.kill(stack.process.pid if whom == "one" else processes_by_name(stack)["web"], signal.SIGTERM)

    assert stack.process.wait(STOP_SECONDS) == 0
    assert processes_of(stack.data) == {}
    assert stack.output.endswith("Stopped\n")
    assert pair[1].status("/accounts/login/") == 200, "the neighbour goes on"


def test_nothing_outlives_a_killed_server_and_the_next_start_works(stack):
    kill(stack)  # while it runs
    stack.start()
    wait_for(lambda: "worker" in processes_by_name(stack), START_SECONDS)
    kill(stack)  # while it starts
    stack.start()
    wait_until_up(stack)


def kill(stack: LiveStack) -> None:
    assert stack.process
    stack.process.kill()
    stack.process.wait()
    wait_for(lambda: not processes_of(stack.data), STOP_SECONDS, lambda: str(processes_of(stack.data)))


def test_nothing_outlives_a_server_that_is_killed_with_all_its_processes(stack):
    assert stack.process
    stack.process.send_signal(signal.SIGSTOP)  # or it would clear up after them
    for pid in processes_by_name(stack).values():
        os.kill(pid, signal.SIGKILL)
    kill(stack)


def test_a_start_waits_for_the_ports_of_a_killed_run(tmp_path):
    port, click_port = free_ports(2)
    env = replace(environment(), data=tmp_path, port=port, click_port=click_port)
    with socket.create_server(("127.0.0.1", port)) as left:
        Timer(0.5, left.close).start()
        with pytest.raises(BadEnvironment, match=f"port {port} is taken"):
            check_ports(env)
        (tmp_path / "servers.lock").write_text("server 999999999 1\n")
        check_ports(env)


def test_sigterm_during_the_start_stops_it(pair):
    fresh = new_stack()
    try:
        process = fresh.start()
        wait_for(lambda: any("initdb" in command for command in processes_of(fresh.data).values()))
        process.terminate()
        assert process.wait(STOP_SECONDS) == 0
        assert processes_of(fresh.data) == {}
    finally:
        fresh.stop()
        shutil.rmtree(fresh.data)
