"""The reader's language as Babel knows it."""

from functools import cache

from babel import Locale, UnknownLocaleError
from django.utils import translation


def locale() -> Locale:
    """The locale of the active language; formats of numbers, money and dates follow it."""
    return _locale(translation.get_language() or "en")


@cache
def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (ValueError, UnknownLocaleError):
        return Locale("en")
