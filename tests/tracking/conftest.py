from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tracking.click_servers import ClickServer, click_server, database_url


@pytest.fixture(scope="module")
def server(django_db_setup, django_db_blocker) -> Iterator[ClickServer]:
    with django_db_blocker.unblock():
        url = database_url()
    with click_server(url, arguments=("--processes", "2")) as started:
        yield started
