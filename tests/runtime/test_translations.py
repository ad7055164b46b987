"""A language is a .po file: written, checked and compiled without gettext's programs, and then seen."""

import os

import pytest
from babel.messages.pofile import read_po, write_po

from config.env import CHECKOUT
from config.runtime.translations import catalog_path, check_catalog, compile_catalogs, extract, update_catalog

LANGUAGES = [("en", "English"), ("de", "German")]


@pytest.fixture(scope="module")
def texts():
    return extract(CHECKOUT)[0]


def translate(path, words):
    with open(path, "rb") as file:
        catalog = read_po(file, locale="de")
    for message in catalog:
        if message.id:
            message.string = words(message.id)
            message.flags.discard("fuzzy")
    with open(path, "wb") as file:
        write_po(file, catalog)


def test_a_translated_text_is_seen_on_screen(tmp_path, settings, client, db, texts):
    update_catalog(tmp_path, "de", texts)
    translate(catalog_path(tmp_path, "de"), lambda text: "Anmelden!" if text == "Sign in" else "")
    compile_catalogs(tmp_path)
    settings.LOCALE_PATHS, settings.LANGUAGES = [tmp_path], LANGUAGES

    assert "Anmelden!" in client.get("/accounts/login/", headers={"accept-language": "de"}).content.decode()
    assert "Anmelden!" not in client.get("/accounts/login/").content.decode()


def test_a_catalog_with_every_text_passes_plurals_and_contexts_among_them(tmp_path, texts):
    update_catalog(tmp_path, "de", texts)
    path = catalog_path(tmp_path, "de")
    assert len(list(check_catalog(path, texts))) == len(texts)

    translate(path, lambda text: text)
    assert list(check_catalog(path, texts)) == []
    translate(path, lambda text: "Von %(nobody)s" if text == "Sign in" else text)
    assert [line for line in check_catalog(path, texts) if "other placeholders" in line and "Sign in" in line]
    update_catalog(tmp_path, "de", texts)
    assert len(list(check_catalog(path, texts))) == 1


def test_a_catalog_is_compiled_again_once_it_changed(tmp_path, texts):
    update_catalog(tmp_path, "de", texts)
    path = catalog_path(tmp_path, "de")
    compile_catalogs(tmp_path)
    compiled = path.with_suffix(".mo")
    os.utime(compiled, (2_000_000_000, 2_000_000_000))
    compile_catalogs(tmp_path)
    assert compiled.stat().st_mtime == 2_000_000_000

    os.utime(path, (2_000_000_001, 2_000_000_001))
    compile_catalogs(tmp_path)
    assert compiled.stat().st_mtime != 2_000_000_000
