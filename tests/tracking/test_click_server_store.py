"""A batch's way into PostgreSQL."""

from __future__ import annotations

import asyncpg
import pytest
import uvloop

from tests.factories import make_link
from tests.tracking.click_servers import database_url
from tracking.clickserver.ids import ClickIds
from tracking.clickserver.store import commit, commit_again
from tracking.models import Click, Link

pytestmark = pytest.mark.django_db(transaction=True)


def row_of(link: Link, **changed: object) -> tuple:
    click_id, at = ClickIds()()
    facts = {"link": link.pk, "affiliate": link.affiliate_id, "offer": link.offer_id, "program": link.offer.program_id}
    rest = {"outcome": 0, "bot": False, "visitor": 1, "ip": "", "user_agent": "", "referrer": "", "url": "", "subs": None}
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
