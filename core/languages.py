"""Languages: the reader's as Babel knows it, and the one in which an affiliate is written to."""

from functools import cache

from babel import Locale, UnknownLocaleError
from django.conf import settings
from django.utils import translation

SPOKEN = ("de", "en", "es", "fr", "id", "it", "nl", "pl", "pt", "ru", "th", "tr", "uk", "vi", "zh")  # by the field's affiliates


def locale() -> Locale:
    """The locale of the active language; formats of numbers, money and dates follow it."""
    return _locale(translation.get_language() or "en")


@cache
def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (ValueError, UnknownLocaleError):
        return Locale("en")


def language_name(code: str) -> str:
    """ "German" for "de", "Austrian German" for "de-AT"; what is no language's code as it is."""
    try:
        return Locale.parse(code, sep="-").get_display_name(locale()) or code
    except (ValueError, UnknownLocaleError):
        return code


def language_choices() -> list[tuple[str, str]]:
    """[("de", "German"), …] by name: those that an affiliate may be said to speak."""
    names = locale().languages
    return sorted(((code, str(names.get(code, code))) for code in SPOKEN), key=lambda choice: choice[1])


def page_language(wanted: str | None) -> str:
    """In which somebody reads our pages: theirs where all of our words exist in it, else ours. What only letters are written in
    would give pages of two languages."""
    return wanted if wanted and wanted in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def letter_language(*wanted: str | None) -> str:
    """In which somebody is written to: the first of these that is known of them decides ("de" of "de-AT"); where our words do not
    exist in it, ours."""
    code = next(filter(None, wanted), "").replace("_", "-").lower()
    written = {*dict(settings.LANGUAGES), *settings.LETTER_LANGUAGES}
    return next((each for each in (code, code.partition("-")[0]) if each in written), settings.LANGUAGE_CODE)
