"""What tests of pages share: how many queries an answer takes, and what it reads like."""

from __future__ import annotations

import csv
import html
import re
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext


def queries_of(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def assert_same_queries(client: Client, url: str, add: Callable[[], Any], most: int = 12) -> None:
    """The page takes as many queries after `add` as before, and at most `most`."""
    client.get(url)  # what is read once in a process is read now
    before = queries_of(client, url)
    add()
    assert queries_of(client, url) == before <= most


def text_of(response: Any) -> str:
    """What a reader sees of a page, without its markup."""
    body = re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(body).replace("\xa0", " ").split())


def csv_of(response: Any) -> list[list[str]]:
    return list(csv.reader(b"".join(response.streaming_content).decode("utf-8-sig").splitlines()))
