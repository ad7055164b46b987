"""The click table's days: `tracking_click_YYYYMMDD` holds the UUIDv7 keys of one UTC day, made ahead of time."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

AHEAD = 14  # days

CREATE_TABLE = """
CREATE TABLE tracking_click (
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    link_id bigint NOT NULL,
    affiliate_id bigint NOT NULL,
    offer_id bigint NOT NULL,
    program_id bigint NOT NULL,
    outcome smallint NOT NULL,
    bot boolean NOT NULL,
    visitor bigint NOT NULL,
    ip text NOT NULL,
    user_agent text NOT NULL,
    referrer text NOT NULL,
    url text NOT NULL,
    subs text[],
    previous uuid,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX tracking_click_affiliate ON tracking_click (affiliate_id, id);
CREATE TABLE tracking_click_other PARTITION OF tracking_click DEFAULT;
"""


def first_id(day: date) -> uuid.UUID:
    """The smallest UUIDv7-shaped value of a UTC day (RFC 9562, 5.7): 48 bits of milliseconds, then nothing."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return first_id_at(midnight)


def first_id_at(moment: datetime) -> uuid.UUID:
    """The smallest value of a millisecond: what bounds a range of clicks in time, and lets PostgreSQL skip the other days."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


def make_partitions(first: date, last: date) -> int:
    """Make the days from `first` to `last` (inclusive) that are not there yet; returns how many."""
    made = 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('tracking_click partitions'))")
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'tracking_click'::regclass")
        there = {name for (name,) in cursor.fetchall()}
        day = first
        while day <= last:
            name = f"tracking_click_{day:%Y%m%d}"
            if name not in there:
                _make_partition(cursor, name, [str(first_id(day)), str(first_id(day + timedelta(days=1)))])
                made += 1
            day += timedelta(days=1)
    return made


def _make_partition(cursor: Any, name: str, bounds: list[str]) -> None:
    """One day, attached empty: that lets clicks go on meanwhile, where CREATE … PARTITION OF would wait for every reader and
    make every click wait behind it. Clicks that came before their day was made (a clock far ahead, a beat long away) stand in
    the default partition and move into the new one first."""
    cursor.execute("SELECT EXISTS (SELECT FROM tracking_click_other WHERE id >= %s AND id < %s)", bounds)
    early = cursor.fetchone()[0]
    if early:
        cursor.execute("LOCK TABLE tracking_click IN ACCESS EXCLUSIVE MODE")
    cursor.execute(f"CREATE TABLE {name} (LIKE tracking_click INCLUDING ALL)")
    if early:
        cursor.execute(
            f"""WITH early AS (DELETE FROM tracking_click_other WHERE id >= %s AND id < %s RETURNING *)
                INSERT INTO {name} SELECT * FROM early""",
            bounds,
        )
    cursor.execute(f"ALTER TABLE tracking_click ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)", bounds)


def make_partitions_ahead(today: date) -> int:
    """Yesterday (clocks differ) to two weeks from now."""
    return make_partitions(today - timedelta(days=1), today + timedelta(days=AHEAD))
