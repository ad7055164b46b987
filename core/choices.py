"""Countries and currencies to choose from, by their names in the reader's language."""

from __future__ import annotations

from functools import cache

from babel.numbers import get_currency_name, get_territory_currencies

from core.languages import locale
from core.money import known_currencies

_NO_COUNTRY = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}  # CLDR's regions that nobody lives in


def country_choices() -> list[tuple[str, str]]:
    """[("DE", "Germany"), …] by name: ISO 3166 as in CLDR."""
    names = locale().territories
    countries = [(code, name) for code, name in names.items() if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRY]
    return sorted(countries, key=lambda choice: choice[1])


@cache
def known_countries() -> frozenset[str]:
    """The codes of `country_choices`."""
    return frozenset(code for code, _name in country_choices())


def country_name(code: str) -> str:
    """ "Germany" for "DE"; the code itself where CLDR has no name for it."""
    return str(locale().territories.get(code, code))


def currency_choices() -> list[tuple[str, str]]:
    """[("EUR", "EUR · Euro"), …] by code: what is legal tender somewhere today."""
    return [(code, f"{code} · {get_currency_name(code, locale=locale())}") for code in tender()]


@cache
def tender() -> tuple[str, ...]:
    found: set[str] = set()
    for code in map(str, locale().territories):
        if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRY:
            found |= set(get_territory_currencies(code))
    return tuple(sorted(found & known_currencies()))
