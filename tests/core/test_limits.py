"""What others do wrong neither holds us up nor fills our log."""

from __future__ import annotations

import socket
import time

import pytest
from django.conf import settings
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError


def test_a_cache_that_never_answers_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        cache = RedisCache(f"redis://127.0.0.1:{silent.getsockname()[1]}", {"OPTIONS": settings.CACHES["default"]["OPTIONS"]})
        began = time.monotonic()
        with pytest.raises(RedisError):
            cache.get("anything")

    assert time.monotonic() - began < 30


@pytest.mark.django_db
def test_what_callers_get_wrong_is_not_in_our_log(client, caplog):
    assert client.get("/api/v1/programs").status_code == 401
    assert client.get("/nowhere/").status_code == 404

    assert not [record for record in caplog.records if record.name == "django.request"]
