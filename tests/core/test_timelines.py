"""Timelines tell how much there is, and lead to what is older."""

import re

from django.db import transaction

from core.events import Fact, record_many
from tests.pages import assert_same_queries, text_of


def happen(thing, by, number):
    with transaction.atomic():
        record_many([Fact("program.updated", [thing], {}, f"reason {n}.") for n in range(number)], by=by)


def reasons(response):
    return re.findall(r"reason (\d+)\.", text_of(response))


def test_every_event_is_reached_from_the_newest_on(as_person, ada, music):
    happen(music, ada, 130)
    url, seen, told = f"/manage/programs/{music.slug}/", [], []
    while True:
        page = as_person(ada).get(url)
        seen += reasons(page)
        told += re.findall(r"\d+ to \d+ of \d+", text_of(page))
        older = re.search(r'rel="next" href="(\?history=[^"#]*)#history"', page.content.decode())
        if not older:
            break
        url = f"/manage/programs/{music.slug}/{older[1]}"

    assert sorted(map(int, seen)) == list(range(130))
    assert told == ["1 to 15 of 130", "16 to 65 of 130", "66 to 115 of 130", "116 to 130 of 130"]
    assert 'rel="prev" href="?history=65#history"' in page.content.decode()


def test_a_short_timeline_has_no_pages_and_nonsense_is_the_newest(as_person, ada, music):
    happen(music, ada, 3)
    page = text_of(as_person(ada).get(f"/manage/programs/{music.slug}/"))
    assert "Older" not in page
    for asked in ("-1", "x", "999", "9" * 50, "²"):
        assert len(reasons(as_person(ada).get(f"/manage/programs/{music.slug}/", {"history": asked}))) == 3


def test_a_long_timeline_takes_the_queries_of_a_short_one(as_person, ada, music):
    happen(music, ada, 1)
    assert_same_queries(as_person(ada), f"/manage/programs/{music.slug}/", lambda: happen(music, ada, 99))
