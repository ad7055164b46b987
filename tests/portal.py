"""What tests of the portal's pages share."""

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from affiliates.models import Affiliate
from tests.factories import make_member, make_user

MOST_QUERIES = 12


def member(affiliate: Affiliate, *functions: str) -> Client:
    """A browser in which another person of the affiliate, with these functions, is signed in."""
    client = Client()
    client.force_login(make_member(affiliate, make_user(), *functions).user)
    return client


def queries_of(client: Client, path: str) -> int:
    """How many statements a page runs; savepoints, which only tests have, left out. The first visit opens the session."""
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return sum("SAVEPOINT" not in query["sql"] for query in captured)


def text_of(response) -> str:
    assert response.status_code == 200, response.status_code
    return " ".join(response.content.decode().split())


def file_of(response) -> list[str]:
    """The lines of a streamed CSV."""
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode("utf-8-sig").splitlines()
