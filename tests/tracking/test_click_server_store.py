"""A batch's way into PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest
import uvloop
from django.db import connection

from tests.factories import make_link
from tests.tracking.click_servers import database_url
from tracking.clickserver import recorder, store
from tracking.clickserver.ids import ClickIds
from tracking.clickserver.recorder import Recorder
from tracking.clickserver.spool import Spool, line_of
from tracking.clickserver.store import commit, commit_again, connect
from tracking.models import Click, Link

pytestmark = pytest.mark.django_db(transaction=True)


def row_of(link: Link, **changed: object) -> tuple:
    click_id, at = ClickIds()()
    facts = {"link": link.pk, "affiliate": link.affiliate_id, "offer": link.offer_id, "program": link.offer.program_id}
    rest = {
        "outcome": 0,
        "bot": False,
        "visitor": 1,
        "ip": "",
        "user_agent": "",
        "referrer": "",
        "url": "",
        "subs": None,
        "previous": None,
    }
    return (click_id, at, *(facts | rest | changed).values())


@pytest.mark.parametrize("way", [commit, commit_again])
def test_a_bad_row_harms_no_other(way):
    link = make_link()
    good = [row_of(link) for _ in range(37)]
    bad = [row_of(link, url="a\0b"), row_of(link, visitor=2**63), row_of(link, outcome=None), row_of(link, user_agent="\ud800")]
    rows = good[:]
    for place, row in zip((0, 3, 17, 40), bad, strict=True):
        rows.insert(place, row)

    async def run() -> list[tuple]:
        connection = await asyncpg.connect(database_url())
        try:
            return await way(connection, rows)
        finally:
            await connection.close()

    refused = uvloop.run(run())

    assert sorted(row[0] for row in refused) == sorted(row[0] for row in bad)
    assert {str(pk) for pk in Click.objects.values_list("id", flat=True)} == {row[0] for row in good}


def test_clicks_that_are_there_already_are_not_doubled():
    link = make_link()
    rows = [row_of(link) for _ in range(10)]

    async def run() -> None:
        connection = await asyncpg.connect(database_url())
        assert await commit(connection, rows[:4]) == []
        assert await commit_again(connection, rows[:7]) == []
        assert await commit(connection, rows) == []  # even where nobody knew
        await connection.close()

    uvloop.run(run())

    assert Click.objects.count() == 10


@pytest.fixture
def slow_database(monkeypatch) -> Iterator[None]:
    """Two milliseconds a click, where a commit may take two hundred."""
    monkeypatch.setattr(store, "COMMIT_SECONDS", 0.2)
    monkeypatch.setattr(recorder, "RETRY_SECONDS", 0.01)
    with connection.cursor() as cursor:
        cursor.execute("""
            CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.002); RETURN NEW; END $$;
            CREATE TRIGGER slowly BEFORE INSERT ON tracking_click FOR EACH ROW EXECUTE FUNCTION slowly()""")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION slowly CASCADE")


def test_a_slow_database_takes_what_is_spooled_little_by_little(slow_database, tmp_path):
    link = make_link()
    rows = [row_of(link) for _ in range(400)]
    lines = [*map(line_of, rows), '{"id": "0193']  # the power went while the last one was written
    (tmp_path / "clicks-1-1.jsonl").write_text("".join(lines))

    async def run() -> None:
        replaying = Recorder(lambda: connect(database_url()), Spool(tmp_path), lambda *_: None)
        await replaying.start()
        try:
            async with asyncio.timeout(30):
                while list(tmp_path.glob("clicks-*")):
                    await asyncio.sleep(0.05)
        finally:
            await replaying.stop()

    uvloop.run(run())

    assert {str(pk) for pk in Click.objects.values_list("id", flat=True)} == {row[0] for row in rows}
    assert (tmp_path / "rejected.txt").read_text() == lines[-1] + "\n"
