"""What the logs hold."""

import logging

from django.conf import settings
from django.test import Client


def test_a_part_that_is_away_is_told_to_whoever_asks_and_does_not_fill_the_log(db, monkeypatch):
    monkeypatch.setattr("core.health._checks", {"database": lambda: "away"})
    told = settings.LOGGING["filters"]["asked"]["callback"]
    seen = []
    handler = logging.Handler()
    handler.emit = seen.append
    logging.getLogger("django.request").addHandler(handler)
    try:
        assert Client().get("/health/").status_code == 503
    finally:
        logging.getLogger("django.request").removeHandler(handler)
    assert seen and not any(told(record) for record in seen)
    assert told(logging.makeLogRecord({"msg": "another"}))
