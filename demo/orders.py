"""The real orders, moved in time so that the last one was yesterday, and the rule that says who sent which customer.

Source: every order of 23,570 customers of the CDNOW music shop, January 1997 to June 1998 (the CDNOW master set of
P. Fader and B. Hardie, public; carried by the Python package `lifetimes`). Order ids were added.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

from demo.profiles import PROFILES, Profile

DATA = Path(__file__).resolve().parent.parent / "data"
FIRST_DAY, LAST_DAY = date(1997, 1, 1), date(1998, 6, 30)
RISEN_FROM = timedelta(days=181)  # after the first day: when the standard rule's second version starts
ANA_FROM = timedelta(days=300)  # and when Ana's own rate does
UNDECIDED = timedelta(days=21)  # before yesterday: what nobody has decided yet
CREDITED = 64  # of a hundred customers came through somebody
REFUNDED = 50  # one order in so many was refunded, in part or whole


@dataclass(frozen=True, slots=True)
class Order:
    id: str
    customer: str
    day: date
    quantity: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Way:
    """How a customer came: whose, and whether by coupon (else by link)."""

    profile: Profile
    by_coupon: bool


def number(*parts: object) -> int:
    """A fixed 64-bit number for these words: what stands for chance in the demo."""
    return int.from_bytes(hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest(), "big")


def read_orders(yesterday: date, customers: int | None = None) -> Iterator[Order]:
    """All orders, or those of the first so many customers, moved so that 30 June 1998 is `yesterday`."""
    shift = yesterday - LAST_DAY
    with gzip.open(DATA / "cdnow_orders.csv.gz", "rt", newline="") as file:
        for row in csv.DictReader(file):
            if customers is not None and int(row["customer_id"]) > customers:
                return
            day = date.fromisoformat(row["date"]) + shift
            yield Order(row["order_id"], row["customer_id"], day, int(row["quantity"]), Decimal(row["amount_usd"]))


_SHARES = [profile for profile in PROFILES for _ in range(profile.share)]


def way_of(customer: str) -> Way | None:
    """Through whom a customer came, or None: by shares of the profiles; coupon sites' customers mostly type a code."""
    if number("credited", customer) % 100 >= CREDITED:
        return None
    profile = _SHARES[number("who", customer) % len(_SHARES)]
    often = 80 if profile.kind == "coupon" else 25
    return Way(profile, bool(profile.coupon) and number("way", customer) % 100 < often)


def clicks_before(order: Order, first: bool) -> datetime | None:
    """When the customer clicked before this order (the day before it, some hour), where they did: always before their first
    one, before four in ten later ones."""
    if not first and number("again", order.id) % 10 >= 4:
        return None
    seconds = 86_400 - 1 - number("when", order.id) % 57_600
    return datetime(order.day.year, order.day.month, order.day.day, tzinfo=UTC) - timedelta(days=1) + timedelta(seconds=seconds)


def click_id(moment: datetime, *parts: object) -> uuid.UUID:
    """A UUIDv7 (RFC 9562, 5.7) of that millisecond, its random bits fixed by the words."""
    bits = number("click", *parts)
    value = (int(moment.timestamp() * 1000) << 80) | (7 << 76) | ((bits & 0xFFF) << 64) | (0b10 << 62) | (bits >> 2)
    return uuid.UUID(int=value)


def offer_of(customer: str) -> int:
    """Which of the three offers a customer's link led to: mostly the first."""
    choice = number("offer", customer) % 10
    return choice % 3 if choice < 5 else 0


def is_bad(order_id: str) -> bool:
    """Whether Mara rejects the order's commission, as the affiliate's own purchase."""
    return number("bad", order_id) % 400 == 0


def refund_of(order: Order) -> tuple[date, Decimal] | None:
    """The day and the amount of an order's refund: whole for two in three, else half of it; 3 to 42 days after the sale."""
    if order.amount == 0 or number("refund", order.id) % REFUNDED:
        return None
    day = order.day + timedelta(days=3 + number("refund day", order.id) % 40)
    part = order.amount if number("refund part", order.id) % 3 else (order.amount / 2).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    return day, part
