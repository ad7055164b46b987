"""What the container files promise, as far as it can be told without an engine: nothing in them refers to what is not there."""

from __future__ import annotations

import fnmatch
import re
import shlex
from importlib.util import find_spec
from typing import Any

import pytest
import yaml

from config.env import CHECKOUT

COMPOSE = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"].startswith("tributary:")}
DOCKERFILE = [
    line.split(maxsplit=1)
    for line in (CHECKOUT / "Dockerfile").read_text().replace("\\\n", "").splitlines()
    if line[:1].isalpha()
]
IGNORED = (CHECKOUT / ".dockerignore").read_text().split()


def left_out(path: str) -> bool:
    """Whether a path of the checkout stays out of images."""
    rules = [rule for rule in IGNORED if fnmatch.fnmatch(path, rule.removeprefix("!").removeprefix("**/"))]
    return bool(rules) and not rules[-1].startswith("!")


def values(instruction: str) -> list[str]:
    return [rest for name, rest in DOCKERFILE if name == instruction]


def commands() -> list[list[str]]:
    """What containers run: the image's own command, the services', and their health checks."""
    found: list[list[str]] = [yaml.safe_load(values("CMD")[0])]
    for service in OURS.values():
        found += [service["command"]] if "command" in service else []
        test = service.get("healthcheck", {}).get("test", [])
        found += [test[1:] if test[0] == "CMD" else shlex.split(test[1])] if test else []
    return found


def test_the_services_are_all_there():
    assert set(COMPOSE["services"]) == {"prepare", "web", "click", "worker", "post", "beat", "postgres", "redis"}


@pytest.mark.parametrize("name", sorted(set(COMPOSE["services"]) - {"prepare"}))
def test_whatever_keeps_running_says_whether_it_is_well_and_comes_back(name):
    service = COMPOSE["services"][name]
    assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_services_wait_for_what_they_need(name):
    needed: dict[str, Any] = OURS[name]["depends_on"]
    if name == "prepare":
        assert needed == {"postgres": {"condition": "service_healthy"}, "redis": {"condition": "service_healthy"}}
    else:
        assert needed == {"prepare": {"condition": "service_completed_successfully"}}


def test_data_is_kept_in_named_volumes():
    used = {mount.partition(":")[0] for service in COMPOSE["services"].values() for mount in service["volumes"]}
    assert used == set(COMPOSE["volumes"]) == {"data", "postgres", "redis"}
    assert {mount for service in OURS.values() for mount in service["volumes"]} == {"data:/data"}
    assert values("VOLUME") == ["/data"] and "TRIBUTARY_DATA=/data" in values("ENV")[-1]


def test_variables_are_those_that_the_environment_reads_and_the_example_names_what_compose_asks_for():
    read = set(re.findall(r'"([A-Z_]{4,})"', (CHECKOUT / "config/env.py").read_text()))
    for name, service in OURS.items():
        assert set(service["environment"]) <= read, name
    asked = set(re.findall(r"\$\{([A-Z_]+)", (CHECKOUT / "docker-compose.yml").read_text()))
    offered = set(re.findall(r"^([A-Z_]+)=", (CHECKOUT / ".env.example").read_text(), re.MULTILINE))
    assert asked == offered


def test_commands_and_health_checks_run_what_is_installed():
    for words in commands():
        program = words[0]
        assert program in {"python", "find"} or (CHECKOUT / ".venv/bin" / program).exists(), words
        if "-m" in words:
            assert find_spec(words[words.index("-m") + 1]), words
        for word in words:
            if re.fullmatch(r"config\.\w+:\w+", word):
                assert find_spec(word.partition(":")[0]), words


def test_ports_are_those_that_the_processes_listen_on():
    assert [mount.rpartition(":")[2] for name in ("web", "click") for mount in COMPOSE["services"][name]["ports"]] == [
        "8000",
        "8001",
    ]
    assert values("EXPOSE") == ["8000 8001"]
    assert "localhost:8000/health/" in COMPOSE["services"]["web"]["healthcheck"]["test"][-1]
    assert "localhost:8001/health/" in COMPOSE["services"]["click"]["healthcheck"]["test"][-1]


def test_the_image_runs_as_nobody_in_particular():
    assert values("USER") == ["tributary"]
    assert any("useradd" in step and "tributary" in step for step in values("RUN"))
    assert not any("user" in service for service in OURS.values())


def test_what_the_image_copies_is_there_and_not_left_out():
    stages = {rest.partition(" AS ")[2] for rest in values("FROM")} - {""}
    for rest in values("COPY"):
        if match := re.match(r"--from=(\w+) ", rest):
            assert match[1] in stages
            continue
        for source in rest.split()[:-1]:
            assert (CHECKOUT / source).exists() and not left_out(source), source


def test_secrets_and_what_a_run_leaves_stay_out_of_the_image_and_the_program_is_in_it():
    for name in (".env", ".env.production", ".data", ".git", ".venv", "node_modules"):
        assert left_out(name), name
    for name in [".env.example", "manage.py", "data", *(path.parent.name for path in CHECKOUT.glob("*/apps.py"))]:
        assert not left_out(name), name


def test_its_python_is_one_that_the_project_is_for():
    wanted = re.search(r'requires-python = ">=3\.(\d+)"', (CHECKOUT / "pyproject.toml").read_text())
    used = re.search(r"^FROM python:3\.(\d+)", (CHECKOUT / "Dockerfile").read_text(), re.MULTILINE)
    assert wanted and used and int(used[1]) >= int(wanted[1])


def test_containers_are_published_on_this_machine_alone_and_addresses_follow_their_ports():
    for name, word, port in (("web", "", 8000), ("click", "CLICK_", 8001)):
        service = COMPOSE["services"][name]
        assert service["ports"] == [f"${{BIND:-127.0.0.1}}:${{{word}PORT:-{port}}}:{port}"]
        assert service["environment"][f"{word}BASE_URL"] == f"${{{word}BASE_URL:-http://localhost:${{{word}PORT:-{port}}}}}"
