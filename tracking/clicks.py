"""Clicks as evidence: the ones that sales claim and, for "first click", those that the same visitors made before."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from core.rows import select_rows
from programs.models import AttributionModel, Program
from tracking.attribution import ClickEvidence
from tracking.partitions import first_id_at

MOST_BEFORE = 200  # clicks that one sale is followed back by; people click less often before they buy, scripts may not

_FIELDS = "id, at, link_id, affiliate_id, offer_id, program_id, outcome, subs"

# What is bound stands in the statement as constants, so that the plan touches (and locks) only the days they name.
_CLAIMED = f"SELECT id AS claimed, {_FIELDS} FROM tracking_click WHERE id = ANY(%(ids)s::uuid[])"

# A cookie may tell anything: only what is older than the click that it came with counts, so that there is no circle. The inner
# LIMIT has each step look one key up, whatever the planner thinks of the number of steps.
_WITH_EARLIER = f"""
    WITH RECURSIVE chain AS (
        SELECT id AS claimed, 0 AS step, previous, {_FIELDS} FROM tracking_click WHERE id = ANY(%(ids)s::uuid[])
      UNION ALL
        SELECT chain.claimed, chain.step + 1, before.*
        FROM chain CROSS JOIN LATERAL (
            SELECT previous, {_FIELDS} FROM tracking_click
            WHERE id = chain.previous AND id < chain.id AND id >= %(since)s AND id < %(until)s LIMIT 1
        ) AS before
        WHERE chain.step < %(most)s
    )
    SELECT claimed, {_FIELDS} FROM chain ORDER BY claimed, step
"""


def find_clicks(program: Program, claims: Mapping[uuid.UUID, datetime]) -> dict[uuid.UUID, list[ClickEvidence]]:
    """For each claimed click that there is: itself and, if the program credits the first one, what led to it, newest first.

    `claims` tells the moment of the earliest sale that claims the click. What its visitor clicked in other programs is there too.
    """
    if not claims:
        return {}
    found: dict[uuid.UUID, list[ClickEvidence]] = {}
    bound: dict[str, object] = {"ids": list(map(str, claims))}
    if program.attribution_model == AttributionModel.FIRST_CLICK:
        since = _first_that_counts(min(claims.values()), timedelta(days=program.attribution_window_days))
        statement = _WITH_EARLIER
        bound |= {"since": str(since), "until": str(max(claims)), "most": MOST_BEFORE}
    else:
        statement = _CLAIMED
    for claimed, *click in select_rows(statement, bound):
        found.setdefault(claimed, []).append(ClickEvidence(*click))
    return found


def _first_that_counts(sale: datetime, window: timedelta) -> uuid.UUID:
    """No click is older than this key; sales of before 1970 are none the less asked about."""
    return first_id_at(max(sale, datetime.fromtimestamp(0, UTC) + window) - window)
