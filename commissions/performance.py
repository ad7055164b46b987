"""Performance: clicks, conversions and commissions of a program over a period, grouped one way. Never cached."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from core.rows import select_rows
from programs.models import Program
from tracking.models import ClickOutcome, Source
from tracking.partitions import first_id_at

CLOCKS_DIFFER = timedelta(days=1)

# group_by → (of a click, of a conversion). Affiliates, offers and links are numbers here; the caller names them.
_GROUPS = {
    "day": ("(at AT TIME ZONE %(zone)s)::date::text", "(v.occurred_at AT TIME ZONE %(zone)s)::date::text"),
    "affiliate": ("affiliate_id::text", "v.affiliate_id::text"),
    "offer": ("offer_id::text", "v.offer_id::text"),
    "link": ("link_id::text", "v.link_id::text"),
    "none": ("''", "''"),
}
_GROUPS |= {f"sub{n}": (f"coalesce(subs[{n}], '')", f"coalesce(v.subs[{n}], '')") for n in range(1, 13)}
GROUPS = [name for name in _GROUPS if name != "none"]


@dataclass(frozen=True, slots=True)
class Performance:
    """One group's numbers, in the program's currency; amounts and commissions before refunds.

    `key`: the day (YYYY-MM-DD in the program's zone), the row's number, or the sub id; "" for what belongs to none (a
    conversion that is credited to nobody). Clicks are those of people since the program was made: robots are left out, repeats
    are not; unique clicks count visitors once a link. Conversions in other currencies are counted, their amounts are not.
    `epc`: commission per click; `conversion_rate`: conversions that are credited to a click, per click;
    coupons and returning customers convert without one.
    """

    key: str
    clicks: int
    unique_clicks: int
    conversions: int
    clicked: int  # of them, those credited to a click
    amount: Decimal
    refunded: Decimal
    commission: Decimal
    currency: str

    @property
    def epc(self) -> Decimal:
        return round(self.commission / self.clicks, 4) if self.clicks else Decimal(0)

    @property
    def conversion_rate(self) -> Decimal:
        return round(Decimal(self.clicked) / self.clicks, 4) if self.clicks else Decimal(0)


def performance(
    program: Program,
    group_by: str,
    first: date | None = None,
    last: date | None = None,
    *,
    affiliates: Collection[int] | None = None,
    limit: int | None = None,
    after_key: str | None = None,
    before_key: str | None = None,
    from_the_end: bool = False,
) -> list[Performance]:
    """The program's numbers by `group_by` (one of GROUPS, or "none" for one row of everything), ordered by key.

    `first` and `last` are inclusive days in the program's zone; `affiliates` limits the numbers to theirs.
    Of many rows `limit` takes the first ones after `after_key`, or with `from_the_end` the last ones before `before_key`.
    """
    of_click, of_conversion = _GROUPS[group_by]
    start = _midnight(program, first) if first else None
    end = _midnight(program, last + timedelta(days=1)) if last else None
    # Each day of clicks is a table that a plan locks: the bounds stand as constants, and reach no further than there can be clicks.
    since, until = program.created_at - CLOCKS_DIFFER, timezone.now() + CLOCKS_DIFFER
    values: dict[str, Any] = {
        "zone": program.time_zone,
        "program": program.pk,
        "currency": program.currency,
        "credited": ClickOutcome.CREDITED.value,
        "click": Source.CLICK.value,
        "affiliates": None if affiliates is None else list(affiliates),
        "start": start,
        "end": end,
        "first_id": str(first_id_at(max(start or since, since))),
        "end_id": str(first_id_at(min(end or until, until))),
        "after": after_key,
        "before": before_key,
        "limit": limit,
    }
    between = ("AND v.occurred_at >= %(start)s " if start else "") + ("AND v.occurred_at < %(end)s" if end else "")
    commissions_between = between.replace("v.", "")  # a commission carries its conversion's moment: only these are summed up
    of_theirs = "" if affiliates is None else "AND affiliate_id = ANY(%(affiliates)s)"
    of_affiliates = "" if affiliates is None else "AND v.affiliate_id = ANY(%(affiliates)s)"
    beyond = "" if after_key is None else "AND key > %(after)s"
    beyond += "" if before_key is None else " AND key < %(before)s"
    way = "DESC" if from_the_end else ""
    rows = select_rows(
        f"""
        WITH clicked AS (
            SELECT key, sum(n)::bigint AS clicks, count(*) AS unique_clicks FROM (
                SELECT {of_click} AS key, link_id, visitor, count(*) AS n FROM tracking_click
                WHERE program_id = %(program)s AND outcome = %(credited)s AND NOT bot
                  AND id >= %(first_id)s::uuid AND id < %(end_id)s::uuid {of_theirs}
                GROUP BY 1, 2, 3
            ) AS visits GROUP BY 1
        ), converted AS (
            SELECT coalesce({of_conversion}, '') AS key, count(*) AS conversions,
                   count(*) FILTER (WHERE v.source = %(click)s) AS converted_clicks,
                   coalesce(sum(v.amount) FILTER (WHERE v.currency = %(currency)s), 0) AS amount,
                   coalesce(sum(v.refunded) FILTER (WHERE v.currency = %(currency)s), 0) AS refunded,
                   coalesce(sum(c.amount), 0) AS commission
            FROM tracking_conversion v
            LEFT JOIN (
                SELECT conversion_id, sum(amount) AS amount FROM commissions_commission
                WHERE decision <> 'rejected' {commissions_between} {of_theirs} GROUP BY 1
            ) c ON c.conversion_id = v.id
            WHERE v.program_id = %(program)s {between} {of_affiliates}
            GROUP BY 1
        )
        SELECT key, coalesce(clicks, 0), coalesce(unique_clicks, 0), coalesce(conversions, 0), coalesce(converted_clicks, 0),
               coalesce(amount, 0), coalesce(refunded, 0), coalesce(commission, 0)
        FROM clicked FULL JOIN converted USING (key) WHERE true {beyond} ORDER BY key {way} LIMIT %(limit)s
        """,
        values,
    )
    if from_the_end:
        rows = rows[::-1]
    return [
        Performance(key, clicks, unique, conversions, clicked, amount, refunded, commission, program.currency)
        for key, clicks, unique, conversions, clicked, amount, refunded, commission in rows
    ]


def _midnight(program: Program, day: date) -> datetime:
    return datetime.combine(day, time(), program.zone)


def totals(
    program: Program, first: date | None = None, last: date | None = None, *, affiliates: Collection[int] | None = None
) -> Performance:
    """Everything of the period in one row."""
    rows = performance(program, "none", first, last, affiliates=affiliates)
    nothing = Decimal(0)
    return rows[0] if rows else Performance("", 0, 0, 0, 0, nothing, nothing, nothing, program.currency)
