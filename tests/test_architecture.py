"""What the floors promise and an import cannot show."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db.models import ForeignKey, ManyToManyField

from config.env import CHECKOUT

MOST_LINES = 500
SKIPPED = {".venv", ".data", ".git", "node_modules", "data", "__pycache__"}
LOCKED = {"package-lock.json", "requirements.txt", "requirements-dev.txt", "requirements-node.txt"}
SOURCES = {".py", ".html", ".css", ".js", ".toml", ".yml", ".yaml", ".json", ".md", ".txt", ".sh", ""}


def floors() -> dict[str, int]:
    """Each app's floor, the lowest being the highest number, from the contract that holds the imports."""
    contracts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return {
        app.strip(" ()"): floor
        for contract in contracts
        if contract["type"] == "layers"
        for floor, layer in enumerate(contract["layers"])
        for app in layer.split("|")
    }


def our_files() -> Iterator[Path]:
    for folder, folders, files in os.walk(CHECKOUT):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not name.endswith("_cache"))
        yield from (Path(folder) / name for name in sorted(files) if Path(name).suffix in SOURCES)


def test_every_app_stands_on_a_floor():
    ours = {config.label for config in apps.get_app_configs() if Path(config.path).parent == CHECKOUT}
    assert ours <= set(floors())
    assert len(ours) > 5


def test_no_foreign_key_points_up():
    floor = floors()
    up = [
        f"{model._meta.label}.{field.name} -> {field.related_model._meta.label}"
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey | ManyToManyField) and model._meta.app_label in floor
        if field.related_model._meta.app_label in floor and field.related_model._meta.label != settings.AUTH_USER_MODEL
        if not points_down(model._meta.app_label, field.related_model._meta.app_label, floor)
    ]
    assert up == []


def points_down(app: str, target: str, floor: dict[str, int]) -> bool:
    """To itself or to a floor below; a sibling on the same floor is not below."""
    return app == target or floor[target] > floor[app]


def test_no_file_is_a_drawer():
    """A file over 500 lines holds more than one noun."""
    written = [path for path in our_files() if path.name not in LOCKED and path.parent.name != "migrations"]
    lengths = {path: len(path.read_text(errors="replace").splitlines()) for path in written}
    assert {str(path.relative_to(CHECKOUT)): lines for path, lines in lengths.items() if lines > MOST_LINES} == {}
    assert len(lengths) > 100


def test_the_environment_is_read_in_config_alone():
    reads = re.compile(r"os\.environ|os\.getenv|\bgetenv\(")
    outside = [
        str(path.relative_to(CHECKOUT))
        for path in our_files()
        if path.suffix == ".py"
        and path.relative_to(CHECKOUT).parts[0] not in {"config", "tests", "benchmarks", "manage.py", "conftest.py"}
        if reads.search(path.read_text())
    ]
    assert outside == []


def test_nothing_names_a_package_registry():
    """Where packages come from is the machine's to say: a mirror must do as well."""
    hosts = re.compile(
        "|".join(re.escape(".".join(words)) for words in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org")))
    )
    assert [str(path.relative_to(CHECKOUT)) for path in our_files() if hosts.search(path.read_text(errors="replace"))] == []


def test_no_app_keeps_a_drawer_called_utils():
    assert [str(path) for path in our_files() if path.stem in {"utils", "helpers", "misc", "common"}] == []


def test_no_model_signals():
    """Reactions are receivers of events; a hidden hook on save is found by nobody."""
    signals = re.compile(r"\b(?:pre|post)_(?:save|delete|init)\b|\bm2m_changed\b")
    apps_of_ours = set(floors()) - {"config"}
    found = [
        str(path.relative_to(CHECKOUT))
        for path in our_files()
        if path.suffix == ".py" and path.relative_to(CHECKOUT).parts[0] in apps_of_ours and signals.search(path.read_text())
    ]
    assert found == []


def test_numbers_in_sentences_are_written_as_everywhere():
    """29,984, not 29984: a plural's number comes formatted (`core.components.number_text`)."""
    bare = re.compile(r"ngettext(?:_lazy)?\([^()]*%\(\w+\)d")
    found = [str(path.relative_to(CHECKOUT)) for path in our_files() if path.suffix == ".py" and bare.search(path.read_text())]
    assert found == []
