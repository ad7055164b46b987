"""Conversions in sets: look up the evidence of many at once, decide each, write them in one statement.

One conversion over the API, a batch of a thousand and an import of a million take this one path.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from psycopg2.extras import execute_values

from affiliates.models import Affiliate, Enrollment, EnrollmentStatus
from core.rows import insert_rows, select_rows
from programs.models import Program
from tracking.attribution import Attribution, CouponEvidence, Evidence, Terms, Tie, attribute, parse_click_id
from tracking.clicks import find_clicks
from tracking.models import Status


@dataclass(slots=True)
class ConversionInput:
    """One conversion as it came, checked for form: amounts are exact and times aware."""

    event: str
    external_id: str
    occurred_at: datetime
    amount: Decimal | None = None
    currency: str = ""
    click_id: str = ""
    coupon: str = ""
    customer: str = ""  # the shop's own name for the customer
    customer_email: str = ""
    affiliate: str = ""  # imports may name the affiliate: public id, external id or e-mail
    quantity: int | None = None
    claim: str = ""  # public id of the claim after which it was decided that the sale is this affiliate's
    items: list[dict[str, Any]] | None = None
    metadata: dict[str, Any] | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.external_id, self.event

    @property
    def fingerprint(self) -> str:
        """Of what a replay must repeat: amount, currency, click, coupon, customer with its e-mail, items. What stands for the same
        click, coupon or e-mail counts as the same, however it is written."""
        click_id = parse_click_id(self.click_id)
        content = [
            None if self.amount is None else f"{self.amount.normalize():f}",
            self.currency,
            str(click_id) if click_id else self.click_id.removeprefix("clk_"),
            self.coupon.upper(),
            self.customer,
            self.items or [],
            *([self.customer_email.lower()] if self.customer_email else []),
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()

    @property
    def given(self) -> dict[str, Any]:
        named = {
            "click_id": self.click_id,
            "coupon": self.coupon,
            "affiliate": self.affiliate,
            "claim": self.claim,
            "awaits_shop": bool(self.claim),  # until the shop itself tells the order (tracking.late.take_as_told)
            "items": self.items,
            "metadata": self.metadata,
        }
        return {name: value for name, value in named.items() if value}


@dataclass(slots=True)
class Decided:
    """A conversion that was newly written."""

    id: int
    row: ConversionInput
    attribution: Attribution


@dataclass(slots=True)
class _Customer:
    id: int
    tie: Tie | None
    tied_by: tuple[ConversionInput, Attribution] | None = field(default=None)


COLUMNS = [
    "created_at",
    "program_id",
    "event",
    "external_id",
    "occurred_at",
    "amount",
    "currency",
    "quantity",
    "refunded",
    "customer_id",
    "affiliate_id",
    "source",
    "reason",
    "click_id",
    "awaited_click_id",
    "link_id",
    "coupon_id",
    "offer_id",
    "subs",
    "given",
    "fingerprint",
]


def write_conversions(program: Program, rows: Sequence[ConversionInput], *, now: datetime) -> list[Decided]:
    """Attribute and write those of the rows that are not there yet, in the caller's transaction; returns the new ones.

    Rows are decided in the order in which they occurred, so that the first one ties its customer. The same order of locks
    (customers by name, then conversions by key) keeps concurrent callers from deadlock, and the unique constraint lets one
    of many who bring the same conversion write it.
    """
    fresh = _without_known(program, rows)
    if not fresh:
        return []
    customers = _lock_customers(program, fresh, now)
    evidence = _Lookup(program, fresh)
    terms = Terms(
        program.pk, program.attribution_model, timedelta(days=program.attribution_window_days), evidence.approved(customers)
    )
    decided: dict[tuple[str, str], tuple[ConversionInput, Attribution]] = {}
    for row in sorted(fresh, key=lambda row: row.occurred_at):
        customer = customers.get(row.customer)
        attribution = attribute(evidence.of(row, customer.tie if customer else None), terms)
        if customer and customer.tie is None and attribution.affiliate_id is not None:
            customer.tie = tie_by(attribution, row.occurred_at)
            customer.tied_by = (row, attribution)
        decided[row.key] = (row, attribution)
    written = _write(program, decided, customers, now)
    _tie_customers([customer for customer in customers.values() if customer.tied_by and customer.tied_by[0].key in written])
    return [Decided(pk, *decided[key]) for key, pk in written.items()]


def _without_known(program: Program, rows: Sequence[ConversionInput]) -> list[ConversionInput]:
    known = set(
        select_rows(
            "SELECT external_id, event FROM tracking_conversion WHERE program_id = %s AND external_id = ANY(%s)",
            [program.pk, [row.external_id for row in rows]],
        )
    )
    fresh: dict[tuple[str, str], ConversionInput] = {}
    for row in rows:
        if row.key not in known:
            fresh.setdefault(row.key, row)
    return list(fresh.values())


def _lock_customers(program: Program, rows: Sequence[ConversionInput], now: datetime) -> dict[str, _Customer]:
    emails = {row.customer: row.customer_email for row in rows if row.customer}
    names = sorted(emails)
    if not names:
        return {}
    insert_rows(
        "tracking_customer",
        ["created_at", "program_id", "external_id", "email"],
        [(now, program.pk, name, emails[name]) for name in names],
        on_conflict="DO NOTHING",
    )
    found = select_rows(
        """SELECT external_id, id, affiliate_id, link_id, coupon_id, offer_id, tied_at FROM tracking_customer
           WHERE program_id = %s AND external_id = ANY(%s) ORDER BY external_id FOR UPDATE""",
        [program.pk, names],
    )
    return {name: _Customer(pk, Tie(affiliate, *through) if affiliate else None) for name, pk, affiliate, *through in found}


class _Lookup:
    """What the rows point at, looked up once for all of them."""

    def __init__(self, program: Program, rows: Sequence[ConversionInput]) -> None:
        self.program = program
        self.click_ids = {row.click_id: parse_click_id(row.click_id) for row in rows if row.click_id}
        self.clicks = find_clicks(program, self._claims(rows))
        self.coupons = self._coupons(sorted({row.coupon for row in rows if row.coupon}))
        self.affiliates = self._affiliates({row.affiliate for row in rows if row.affiliate})

    def _claims(self, rows: Sequence[ConversionInput]) -> dict[uuid.UUID, datetime]:
        """Each click that the rows name, and the moment of the first row that does."""
        claims: dict[uuid.UUID, datetime] = {}
        for row in rows:
            if click_id := self.click_ids.get(row.click_id):
                claims[click_id] = min(claims.get(click_id, row.occurred_at), row.occurred_at)
        return claims

    def _coupons(self, codes: list[str]) -> dict[str, CouponEvidence]:
        """By the code as it was given: PostgreSQL compares, as its idea of upper case (ß, ı) is not Python's."""
        if not codes:
            return {}
        found = select_rows(
            """SELECT given, c.id, c.affiliate_id, c.offer_id, c.status
               FROM unnest(%s::text[]) AS given JOIN tracking_coupon c ON upper(c.code) = upper(given) AND c.program_id = %s""",
            [codes, self.program.pk],
        )
        return {
            code: CouponEvidence(pk, affiliate, offer, status == Status.ACTIVE) for code, pk, affiliate, offer, status in found
        }

    def _affiliates(self, names: set[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        if names:
            enrolled = Affiliate.objects.filter(enrollments__program=self.program)
            for pk, external_id, email in enrolled.values_list("pk", "external_id", "email"):
                found |= {name: pk for name in (external_id, email.lower()) if name}
            numbers = set(found.values())
            by_id = {name: Affiliate.pk_from(name) for name in names}
            found |= {name: number for name, number in by_id.items() if number is not None and number in numbers}
        return found

    def approved(self, customers: dict[str, _Customer]) -> set[int]:
        concerned = (
            {click.affiliate_id for clicks in self.clicks.values() for click in clicks}
            | {coupon.affiliate_id for coupon in self.coupons.values()}
            | {customer.tie.affiliate_id for customer in customers.values() if customer.tie}
            | set(self.affiliates.values())
        )
        return set(
            Enrollment.objects.filter(
                program=self.program, status=EnrollmentStatus.APPROVED, affiliate__in=concerned
            ).values_list("affiliate_id", flat=True)
        )

    def of(self, row: ConversionInput, tie: Tie | None) -> Evidence:
        click_id = self.click_ids.get(row.click_id)
        return Evidence(
            row.occurred_at,
            row.click_id,
            self.clicks.get(click_id, ()) if click_id else (),
            row.coupon,
            self.coupons.get(row.coupon),
            tie,
            row.affiliate,
            self.affiliates.get(row.affiliate, self.affiliates.get(row.affiliate.lower())),
            row.claim,
        )


def _write(
    program: Program,
    decided: dict[tuple[str, str], tuple[ConversionInput, Attribution]],
    customers: dict[str, _Customer],
    now: datetime,
) -> dict[tuple[str, str], int]:
    rows = []
    for key in sorted(decided):
        row, to = decided[key]
        customer = customers.get(row.customer)
        given = row.given | ({"tried": to.tried} if to.tried else {})
        rows.append(
            (
                now, program.pk, row.event, row.external_id, row.occurred_at, row.amount, row.currency, row.quantity, 0,
                customer.id if customer else None, to.affiliate_id, to.source, to.reason, to.click_id, _awaited(row, to), to.link_id, to.coupon_id,
                to.offer_id, to.subs, given, row.fingerprint,
            )
        )  # fmt: skip
    written = insert_rows(
        "tracking_conversion",
        COLUMNS,
        rows,
        on_conflict="(program_id, external_id, event) DO NOTHING",
        returning=["external_id", "event", "id"],
    )
    return {(external_id, event): pk for external_id, event, pk in written}


def tie_by(to: Attribution, at: datetime) -> Tie:
    """The tie that a conversion credited so makes of its customer."""
    assert to.affiliate_id is not None
    return Tie(to.affiliate_id, to.link_id, to.coupon_id, to.offer_id, at)


def _awaited(row: ConversionInput, to: Attribution) -> uuid.UUID | None:
    """The click that a conversion credited to nobody names and that may still be spooled (tracking.late)."""
    return parse_click_id(row.click_id) if to.affiliate_id is None and "click_unknown" in to.tried else None


def _tie_customers(customers: list[_Customer]) -> None:
    ties = [
        (
            customer.id,
            customer.tie.affiliate_id,
            customer.tie.link_id,
            customer.tie.coupon_id,
            customer.tie.offer_id,
            customer.tied_by[0].occurred_at,
        )
        for customer in customers
        if customer.tie and customer.tied_by
    ]
    if not ties:
        return
    with connection.cursor() as cursor:
        execute_values(
            cursor.cursor,
            """UPDATE tracking_customer c SET affiliate_id = t.affiliate, link_id = t.link, coupon_id = t.coupon, offer_id = t.offer, tied_at = t.at
               FROM (VALUES %s) AS t (id, affiliate, link, coupon, offer, at) WHERE c.id = t.id""",
            ties,
            template="(%s, %s, %s::bigint, %s::bigint, %s::bigint, %s::timestamptz)",
            page_size=2000,
        )
