"""What converts now: what a click on each offer earned lately, among affiliates like the one who asks.

Nobody's numbers can be read out of it: the asker's own are counted apart, and a figure needs several other affiliates none of
whom makes up most of it (the dominance rule of statistical disclosure control: Hundepool et al., Statistical Disclosure
Control, 2012, ch. 4). Where too few clicks came, the circle grows; where it cannot, nothing is said.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from affiliates.models import Affiliate
from core.rows import select_rows
from programs.models import Offer
from tracking.models import ClickOutcome, Source
from tracking.partitions import first_id_at

DAYS = 30
LEAST_CLICKS = 300  # fewer, and a single sale more or less changes what a click is said to earn
LEAST_CONVERSIONS = 5
LEAST_AFFILIATES = 3  # besides the one who asks
MOST_OF_ONE = Decimal("0.6")  # of the clicks or of what they earned
OWN_CLICKS = 100  # of one's own, from which they say something to oneself

# From the nearest circle to the widest: (same country, same type of traffic).
CIRCLES = ((True, True), (False, True), (True, False), (False, False))


@dataclass(frozen=True, slots=True)
class Earning:
    """What a click on one offer earned in the last DAYS days, in the program's currency, before refunds.

    `epc` None: too few clicks to say. `same_country`, `same_kind`: among whom it was counted. `own`: the asker's own, where
    they have clicks enough. Robots' clicks do not count.
    """

    offer: Offer
    epc: Decimal | None
    clicks: int
    same_country: bool
    same_kind: bool
    own: Decimal | None


@dataclass(frozen=True, slots=True)
class _Cell:
    """One offer's numbers among the affiliates of one kind of likeness."""

    affiliates: int
    clicks: int
    most_clicks: int
    conversions: int
    earned: Decimal
    most_earned: Decimal


_STATEMENT = """
WITH clicked AS (
    SELECT offer_id, affiliate_id, count(*) AS clicks FROM tracking_click
    WHERE program_id = ANY(%(programs)s) AND offer_id = ANY(%(offers)s) AND outcome = %(credited)s AND NOT bot
      AND id >= %(first_id)s::uuid AND id < %(end_id)s::uuid
    GROUP BY 1, 2
), earned AS (
    SELECT v.offer_id, v.affiliate_id, count(DISTINCT v.id) AS conversions, coalesce(sum(c.amount), 0) AS earned
    FROM tracking_conversion v
    LEFT JOIN commissions_commission c
           ON c.conversion_id = v.id AND c.affiliate_id = v.affiliate_id AND c.decision <> 'rejected'
    WHERE v.program_id = ANY(%(programs)s) AND v.offer_id = ANY(%(offers)s) AND v.source = %(click)s
      AND v.occurred_at >= %(since)s AND v.occurred_at < %(until)s
    GROUP BY 1, 2
), each AS (
    SELECT k.offer_id, k.affiliate_id = %(affiliate)s AS own,
           a.country <> '' AND a.country = %(country)s AS same_country, a.kind = %(kind)s AS same_kind,
           k.clicks, coalesce(e.conversions, 0) AS conversions, coalesce(e.earned, 0) AS earned
    FROM clicked k JOIN affiliates_affiliate a ON a.id = k.affiliate_id
    LEFT JOIN earned e USING (offer_id, affiliate_id)
)
SELECT offer_id, own, same_country, same_kind, count(*), sum(clicks)::bigint, max(clicks), sum(conversions)::bigint,
       sum(earned), max(earned)
FROM each GROUP BY 1, 2, 3, 4
"""


def what_converts(affiliate: Affiliate, offers: Collection[Offer], now: datetime | None = None) -> list[Earning]:
    """These offers (with their programs), those that earn most a click first within each program; what cannot be told last.
    One statement."""
    if not offers:
        return []
    now = now or timezone.now()
    since = now - timedelta(days=DAYS)
    rows = select_rows(
        _STATEMENT,
        {
            "programs": sorted({offer.program_id for offer in offers}),
            "offers": [offer.pk for offer in offers],
            "affiliate": affiliate.pk,
            "country": affiliate.country,
            "kind": affiliate.kind,
            "credited": ClickOutcome.CREDITED.value,
            "click": Source.CLICK.value,
            "since": since,
            "until": now,
            "first_id": str(first_id_at(since)),
            "end_id": str(first_id_at(now)),
        },
    )
    own: dict[int, _Cell] = {}
    others: dict[int, dict[tuple[bool, bool], _Cell]] = {}
    for offer, is_own, same_country, same_kind, *numbers in rows:
        cell = _Cell(*numbers)
        if is_own:
            own[offer] = cell
        else:
            others.setdefault(offer, {})[same_country, same_kind] = cell
    found = [_earning(offer, own.get(offer.pk), others.get(offer.pk, {}), affiliate) for offer in offers]
    return sorted(found, key=lambda each: (each.offer.program.name, -(each.epc if each.epc is not None else -1), each.offer.name))


def _earning(offer: Offer, own: _Cell | None, others: dict[tuple[bool, bool], _Cell], asker: Affiliate) -> Earning:
    mine = _per_click(own.earned, own.clicks) if own and own.clicks >= OWN_CLICKS else None
    for country, kind in CIRCLES:
        if country and not asker.country:
            continue
        within = [cell for (c, k), cell in others.items() if c >= country and k >= kind]
        total = _together(within)
        if _tells_of_nobody(total) and total.clicks >= LEAST_CLICKS and total.conversions >= LEAST_CONVERSIONS:
            return Earning(offer, _per_click(total.earned, total.clicks), total.clicks, country, kind, mine)
    return Earning(offer, None, 0, False, False, mine)


def _together(cells: Collection[_Cell]) -> _Cell:
    """An affiliate is in one cell alone, so that the greatest of all is the greatest of the cells' greatest."""
    return _Cell(
        sum(cell.affiliates for cell in cells),
        sum(cell.clicks for cell in cells),
        max((cell.most_clicks for cell in cells), default=0),
        sum(cell.conversions for cell in cells),
        sum((cell.earned for cell in cells), Decimal(0)),
        max((cell.most_earned for cell in cells), default=Decimal(0)),
    )


def _tells_of_nobody(total: _Cell) -> bool:
    return (
        total.affiliates >= LEAST_AFFILIATES
        and total.most_clicks <= total.clicks * MOST_OF_ONE
        and total.most_earned <= total.earned * MOST_OF_ONE
    )


def _per_click(earned: Decimal, clicks: int) -> Any:
    return round(earned / clicks, 2)
