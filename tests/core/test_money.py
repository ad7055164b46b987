"""Currencies as ISO 4217 has them, and amounts that keep every digit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.money import AmountError, check_currency, currency_digits, format_money, known_currencies, parse_amount, plain_amount


@pytest.mark.parametrize(
    ("codes", "digits"),
    [
        ("USD EUR RSD ALL AFN LBP MMK MGA YER SYP IRR KPW LAK SOS CRC HUF IDR", 2),
        ("JPY KRW CLP VND XAF XOF XPF UGX ISK", 0),
        ("KWD BHD IQD JOD LYD OMR TND", 3),
        ("CLF UYW", 4),
    ],
)
def test_a_currency_has_the_decimals_of_iso_4217(codes, digits):
    assert {currency_digits(code) for code in codes.split()} == {digits}
    assert set(codes.split()) <= known_currencies()


@pytest.mark.parametrize("code", ["XXX", "XTS", "XAU", "XAG", "XDR", "XAD", "DEM", "FRF", "ZZZ", "usd", "", None])
def test_what_is_no_money_today_is_no_currency(code):
    with pytest.raises(AmountError):
        check_currency(code)


@pytest.mark.parametrize(
    ("amount", "currency", "shown", "plain"),
    [
        ("1234.5", "USD", "$1,234.50", "1234.50"),
        ("1234.5", "RSD", "RSD1,234.50", "1234.50"),
        ("1234", "JPY", "¥1,234", "1234"),
        ("-1.25", "IQD", "-IQD1.250", "-1.250"),
    ],
)
def test_amounts_are_shown_with_all_their_decimals(amount, currency, shown, plain):
    assert format_money(Decimal(amount), currency) == shown
    assert plain_amount(Decimal(amount), currency) == plain


def test_an_amount_in_a_currency_that_people_write_without_decimals_keeps_them():
    assert parse_amount("12.50", "RSD") == Decimal("12.50")
