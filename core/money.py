"""Money is a Decimal with a currency beside it; never a float, never added across currencies."""

from __future__ import annotations

import re
from copy import copy
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache, lru_cache
from typing import Any

import pycountry
from babel import Locale
from django import forms
from django.db import models
from django.utils.translation import gettext as _

from core.errors import Refusal

_SHARED = frozenset({"XAF", "XCD", "XCG", "XOF", "XPF"})  # money of several countries
_MINOR_UNITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_DIGITS = {code: digits for digits, codes in _MINOR_UNITS.items() for code in codes.split()}
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]+)?", re.ASCII)
_TOO_LARGE = re.compile(r"[0-9]{13,}(\.[0-9]+)?", re.ASCII)


class AmountError(Refusal):
    """An amount or a currency that cannot be read."""


class CurrencyField(models.CharField):  # type: ignore[type-arg]
    """An ISO 4217 code in capitals."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_length"] = 3
        super().__init__(*args, **kwargs)


class NumberInput(forms.DecimalField):
    """An amount or a rate that people enter, read as strictly as from machines: no spelling of it ("1e5", "١٢") is guessed at."""

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]  # the stubs see the integer field above it
        if value in self.empty_values:
            return None
        try:
            return parse_number(value.strip() if isinstance(value, str) else f"{value:f}")
        except AmountError as refusal:
            raise forms.ValidationError(refusal.message, code=refusal.code) from None


class MoneyField(models.DecimalField):  # type: ignore[type-arg]
    """An amount beside a CurrencyField: up to 15 digits before the point, 4 behind it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"], kwargs["decimal_places"] = 19, 4
        super().__init__(*args, **kwargs)

    def db_check(self, connection: Any) -> str:
        """PostgreSQL's numeric holds NaN, and sorts it above every number: no other check ("amount > 0") refuses it."""
        return f"{connection.ops.quote_name(self.column)} <> 'NaN'"

    def formfield(self, **kwargs: Any) -> Any:
        options: dict[str, Any] = {"form_class": NumberInput, "min_value": 0}
        return super().formfield(**options | kwargs)


@cache
def known_currencies() -> frozenset[str]:
    """The codes of ISO 4217 that are in use and stand for money: no metals, tests or accounting units (X…), nothing retired."""
    codes = {currency.alpha_3 for currency in pycountry.currencies}
    return frozenset(code for code in codes if not code.startswith("X") or code in _SHARED)


@cache
def currency_digits(currency: str) -> int:
    """How many decimals the currency has: 2 for USD, 0 for JPY, 3 for KWD.

    From the column "minor unit" of ISO 4217's list one (SIX, the standard's maintenance agency). CLDR differs: it holds how
    people write amounts, such as no decimals for RSD, which banks book with two.
    """
    return _DIGITS.get(currency, 2)


def check_currency(text: Any, field: str = "currency") -> str:
    """The currency code, or AmountError."""
    if not isinstance(text, str) or text not in known_currencies():
        raise AmountError(_("Give the currency as an ISO 4217 code in capitals, such as USD."), code="currency", field=field)
    return text


def parse_number(text: Any, field: str = "amount") -> Decimal:
    """A non-negative number from its text ("12.50"), exact, or AmountError: ASCII digits and a point, at most 12 before it.

    Whole numbers from JSON are taken; floats are refused, as they may have lost digits.
    """
    if isinstance(text, int) and not isinstance(text, bool):
        text = str(text)
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise AmountError(_what_is_wrong(text), code="amount", field=field)
    return Decimal(text)


def _what_is_wrong(text: Any) -> str:
    if text == "":
        return _("The amount is missing. Give digits with a point, such as “12.50”.")
    if isinstance(text, str) and _TOO_LARGE.fullmatch(text):
        return _("This is too large. Give digits with a point, at most 12 of them before it.")
    return _("Give digits with a point, such as “12.50”: not negative, no thousands separator.")


def parse_amount(text: Any, currency: str, field: str = "amount") -> Decimal:
    """A number with no more decimals than the currency has, or AmountError."""
    amount = parse_number(text, field)
    decimals = len(str(text).partition(".")[2])
    if decimals > currency_digits(currency):
        raise AmountError(
            _("%(currency)s has %(digits)d decimals; this amount has %(decimals)d.")
            % {"currency": currency, "digits": currency_digits(currency), "decimals": decimals},
            code="decimals",
            field=field,
        )
    return amount


def round_money(amount: Decimal, currency: str) -> Decimal:
    """Half-even to the currency's digits: done once, where money is earned."""
    return amount.quantize(Decimal(1).scaleb(-currency_digits(currency)), rounding=ROUND_HALF_EVEN)


def plain_amount(amount: Decimal, currency: str) -> str:
    """The amount as machines read it: "12.50"."""
    return f"{round_money(amount, currency):f}"


@lru_cache(maxsize=8192)  # lists format the same few thousand amounts again and again
def format_money(amount: Decimal, currency: str, locale: str = "en") -> str:
    """The amount as people read it, currency included."""
    language, digits = Locale.parse(locale.replace("-", "_")), currency_digits(currency)
    pattern = copy(language.currency_formats["standard"])
    pattern.frac_prec = (digits, digits)  # ISO 4217's, not CLDR's
    text: str = pattern.apply(round_money(amount, currency), language, currency=currency, currency_digits=False)
    return text
