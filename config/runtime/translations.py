"""Checks the translations without gettext's programs: `python -m config.runtime.translations`.

Every text of the code and the templates must be found by extraction, and every language of `LANGUAGES` besides the source
language must have all of them, with the same placeholders, in `locale/<language>/LC_MESSAGES/django.po`.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract as extract_messages
from babel.messages.frontend import parse_keywords
from babel.messages.pofile import read_po

from config.env import CHECKOUT

KEYWORDS = parse_keywords(
    [
        *("_", "gettext", "gettext_lazy", "gettext_noop", "ngettext:1,2", "ngettext_lazy:1,2"),
        *("pgettext:1c,2", "pgettext_lazy:1c,2", "npgettext:1c,2,3", "npgettext_lazy:1c,2,3"),
    ]
)
SKIPPED = {".venv", ".data", ".git", "node_modules", "tests", "benchmarks", "migrations"}
PLACEHOLDER = re.compile(r"%\(\w+\)[sdif]|%[sdif]|\{\w*\}")


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.conf import settings

    django.setup()
    texts, problems = extract(CHECKOUT)
    languages = [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
    for language in languages:
        problems += list(check_catalog(CHECKOUT / "locale" / language / "LC_MESSAGES" / "django.po", texts))
    print("\n".join([*problems, f"{len(texts)} texts, {len(languages)} languages besides {settings.LANGUAGE_CODE}"]))
    return 1 if problems else 0


def extract(root: Path) -> tuple[set[str], list[str]]:
    """All source texts under `root`, and what keeps a text from being translated."""
    from django.utils.translation import template

    texts: set[str] = set()
    problems: list[str] = []
    for path in sources(root):
        source = path.read_text()
        if path.suffix != ".py":
            # Django's own translation of a template into code; without its indentation, which means nothing.
            source = "\n".join(line.lstrip() for line in template.templatize(source, origin=str(path)).splitlines())
        for line, found, _comments, _context in extract_messages("python", io.BytesIO(source.encode()), KEYWORDS):
            for text in found if isinstance(found, tuple) else (found,):
                texts.add(text)
                if len(re.findall(r"%[sdif]|\{\}", text)) > 1:
                    where = f"{path.relative_to(root)}:{line}"
                    problems.append(f"{where}: name the placeholders, as other languages order them otherwise: {text!r}")
    return texts, problems


def sources(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in SKIPPED]
        for name in files:
            if name.endswith((".py", ".html", ".txt")) and not name.startswith("requirements"):
                yield Path(folder) / name


def check_catalog(path: Path, texts: set[str]) -> Iterator[str]:
    """What a catalog lacks or says otherwise than its source."""
    if not path.exists():
        yield f"{path.relative_to(CHECKOUT)}: missing"
        return
    with open(path, "rb") as file:
        catalog = read_po(file)
    for text in sorted(texts):
        message = catalog.get(text)
        if message is None or not message.string or message.fuzzy:
            yield f"{path.relative_to(CHECKOUT)}: not translated: {text!r}"
            continue
        for translated in message.string if isinstance(message.string, tuple | list) else (message.string,):
            if set(PLACEHOLDER.findall(translated)) - set(PLACEHOLDER.findall(text)):
                yield f"{path.relative_to(CHECKOUT)}: other placeholders: {text!r}"


if __name__ == "__main__":
    sys.exit(main())
