"""The translations, without gettext's programs: `python -m config.runtime.translations` checks them.

Every text of the code and the templates must be found by extraction, and every language of `LANGUAGES` besides the source
language must have all of them, with the same placeholders, in `locale/<language>/LC_MESSAGES/django.po`; those of
`LETTER_LANGUAGES`, in which the pages are not, the ones that affiliates are sent by themselves (`LETTERS`).

`… update de` writes that file for a language, with what is translated already kept; `… compile` makes what Django reads (every
start does it too).
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract as extract_messages
from babel.messages.frontend import parse_keywords
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation import to_locale

from config.env import CHECKOUT

KEYWORDS = parse_keywords(
    [
        *("_", "gettext", "gettext_lazy", "gettext_noop", "ngettext:1,2", "ngettext_lazy:1,2"),
        *("pgettext:1c,2", "pgettext_lazy:1c,2", "npgettext:1c,2,3", "npgettext_lazy:1c,2,3"),
    ]
)
# Where the words stand that go out by themselves.
LETTERS = (
    "support/answers/",
    "support/chat_answers.py",
    "support/mail_answers.py",
    "support/queries/care.py",
    "support/rating_buttons.py",
    "support/services/first_word.py",
    "support/services/ratings.py",
    "support/views/ratings.py",
    "templates/support/mails/rating.txt",
    "templates/support/portal/_answer.html",
    "templates/support/portal/_settled.html",
    "templates/support/portal/_suggested.html",
    "templates/support/public/rating.html",
)
SKIPPED = {".venv", ".data", ".git", "node_modules", "tests", "benchmarks", "migrations"}
PLACEHOLDER = re.compile(r"%\(\w+\)[sdif]|%[sdif]|\{\w*\}")


def main(words: Sequence[str]) -> int:
    if words[:1] == ["compile"]:
        compile_catalogs(CHECKOUT / "locale")
        return 0
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.conf import settings

    django.setup()
    texts, problems = extract(CHECKOUT)
    if words[:1] == ["update"] and len(words) == 2:
        if words[1] in settings.LETTER_LANGUAGES:
            texts = letters(texts, catalog_path(CHECKOUT / "locale", words[1]))
        update_catalog(CHECKOUT / "locale", words[1], texts)
        return 0
    languages = [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
    for language in languages:
        problems += list(check_catalog(catalog_path(CHECKOUT / "locale", language), texts))
    for language in settings.LETTER_LANGUAGES:
        problems += list(check_catalog(catalog_path(CHECKOUT / "locale", language), letters(texts)))
    print("\n".join([*problems, f"{len(texts)} texts, {len(languages)} languages besides {settings.LANGUAGE_CODE}"]))
    return 1 if problems else 0


def catalog_path(folder: Path, language: str) -> Path:
    return folder / to_locale(language) / "LC_MESSAGES" / "django.po"


def compile_catalogs(folder: Path) -> None:
    """Make each catalog's .mo where it is missing or older than its .po."""
    for source in sorted(folder.glob("*/LC_MESSAGES/django.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with open(source, "rb") as file:
            catalog = read_po(file, locale=source.parts[-3])
        fresh = target.with_suffix(".new")
        with open(fresh, "wb") as file:
            write_mo(file, catalog)
        fresh.replace(target)


def update_catalog(folder: Path, language: str, texts: Catalog) -> None:
    """Bring a language's .po to the texts of now; what was translated stays, what was alike is marked to be looked at."""
    path = catalog_path(folder, language)
    catalog = Catalog(locale=to_locale(language))
    if path.exists():
        with open(path, "rb") as file:
            catalog = read_po(file, locale=to_locale(language))
    catalog.update(texts)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        write_po(file, catalog, width=120, sort_by_file=True, ignore_obsolete=True, include_lineno=False)


def extract(root: Path) -> tuple[Catalog, list[str]]:
    """All source texts under `root`, and what keeps a text from being translated."""
    from django.utils.translation import template

    texts = Catalog()
    problems: list[str] = []
    for path in sources(root):
        source, name = path.read_text(), str(path.relative_to(root))
        if path.suffix != ".py":
            # Django's own translation of a template into code; without its indentation, which means nothing.
            source = "\n".join(line.lstrip() for line in template.templatize(source, origin=str(path)).splitlines())
        for line, found, comments, context in extract_messages("python", io.BytesIO(source.encode()), KEYWORDS):
            texts.add(found, None, [(name, line)], auto_comments=comments, context=context)
            for text in found if isinstance(found, tuple) else (found,):
                if len(re.findall(r"%[sdif]|\{\}", text)) > 1:
                    problems.append(f"{name}:{line}: name the placeholders, as other languages order them otherwise: {text!r}")
    return texts, problems


def letters(texts: Catalog, kept: Path | None = None) -> Catalog:
    """Those of the texts that affiliates are sent by themselves; and what is translated in `kept` already (names of countries, of
    kinds of traffic: what stands in such a text and is written elsewhere)."""
    known = Catalog()
    if kept is not None and kept.exists():
        with open(kept, "rb") as file:
            known = read_po(file)
    found = Catalog()
    for text in texts:
        if any(name.startswith(LETTERS) for name, _line in text.locations) or known.get(text.id, text.context):
            found[text.id] = text
    return found


def sources(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in SKIPPED]
        for name in files:
            if name.endswith((".py", ".html", ".txt")) and not name.startswith("requirements"):
                yield Path(folder) / name


def check_catalog(path: Path, texts: Catalog) -> Iterator[str]:
    """What a catalog lacks or says otherwise than its source."""
    name = "/".join(path.parts[-4:])
    if not path.exists():
        yield f"{name}: missing"
        return
    with open(path, "rb") as file:
        catalog = read_po(file, locale=path.parts[-3])
    for text in texts:
        if not text.id:
            continue  # the header
        known = catalog.get(text.id, text.context)
        strings = [] if known is None or known.fuzzy else _strings(known.string)
        if not strings or not all(strings):
            yield f"{name}: not translated: {text.id!r}"
            continue
        allowed = set(PLACEHOLDER.findall(" ".join(_strings(text.id))))
        if any(set(PLACEHOLDER.findall(string)) - allowed for string in strings):
            yield f"{name}: other placeholders: {text.id!r}"


def _strings(told: Any) -> list[str]:
    """A text, or those of its plurals."""
    return list(told) if isinstance(told, tuple | list) else [told]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
