"""What comes in is read strictly, and whatever is wrong is answered as a problem."""

from __future__ import annotations

import json
from unittest.mock import patch

import pytest
from django.db import OperationalError

from core.api import parsing
from tests.api.client import Api, errors

pytestmark = pytest.mark.django_db

GOOD = b'{"email": "new@tributary.example", "name": "New"}'


@pytest.mark.parametrize(
    "body",
    [
        b" ",
        b"{",
        b"\xff\xfe",
        b'\xef\xbb\xbf{"name": "x"}',
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": 1e999}',
        b'{"name": "a", "name": "b"}',
        b'{"name": "a\\u0000b"}',
        b'{"na\\u0000me": "ab"}',
        b'{"name": "\\ud800"}',
        b'{"name": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b"{'name': 'x'}",
        b'{"name": "x"} {"name": "y"}',
    ],
)
def test_what_two_readers_could_read_in_two_ways_is_refused(mara_api, body):
    answer = mara_api.post("affiliates", raw=body)

    assert (answer.status_code, errors(answer)) == (400, [(None, "unreadable")])


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"1", b"[null, null]"])
def test_a_body_is_an_object(mara_api, body):
    answer = mara_api.post("affiliates", raw=body)

    assert answer.status_code == 400
    assert errors(answer)[0][0] is None


def test_a_body_has_at_most_eight_megabytes(mara_api):
    with patch.object(parsing, "LARGEST_BODY", 100):
        answer = mara_api.post("affiliates", raw=GOOD + b" " * 100)

    assert (answer.status_code, errors(answer)) == (413, [(None, "too_large")])


def test_a_refusal_names_no_more_than_twenty_unknown_fields(mara_api):
    answer = mara_api.post("affiliates", {f"field-{n}": 1 for n in range(5000)})

    assert sum(code == "unknown" for _field, code in errors(answer)) == 20


def test_a_name_given_twice_is_found_quickly_among_many(mara_api):
    names = ",".join(f'"field-{n}": 1' for n in range(300_000))
    answer = mara_api.post("affiliates", raw=f'{{{names}, "field-299999": 2}}'.encode())

    assert (answer.status_code, errors(answer)) == (400, [(None, "unreadable")])
    assert "field-299999" in answer.json()["detail"]


def test_deep_but_bounded_metadata_is_kept(mara_api, music):
    metadata = {"a": {"b": [{"c": 1.5}]}, "é": "ü"}
    sale = {"program": "music", "event": "sale", "external_id": "1", "amount": "1.00", "currency": "USD", "metadata": metadata}

    assert mara_api.post("conversions", sale).status_code == 201


def test_a_body_in_chunks_is_told_to_bring_its_length(mara_api):
    """The server gives such a body no length, and Django would read it as empty."""
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": None}
    answer = mara_api.client.generic(
        "POST", "/api/v1/affiliates", GOOD, content_type="application/json", headers=mara_api.headers, **chunked
    )
    assert (answer.status_code, errors(answer)) == (411, [(None, "length_required")])

    answer = mara_api.client.get("/api/v1/affiliates", headers=mara_api.headers, **chunked)
    assert answer.status_code == 200


def test_other_media_types_are_refused(mara_api):
    answer = mara_api.client.post("/api/v1/affiliates", {"name": "x"}, headers=mara_api.headers)

    assert (answer.status_code, errors(answer)) == (415, [(None, "unsupported_media_type")])


def test_only_json_is_offered(mara_api):
    mara_api.headers["Accept"] = "text/html"
    answer = mara_api.get("programs")
    assert (answer.status_code, errors(answer)) == (406, [(None, "not_acceptable")])

    mara_api.headers["Accept"] = "application/problem+json"
    assert mara_api.get("programs/nowhere").status_code == 404


def test_head_tells_what_get_would(mara_api):
    answer = mara_api.client.head("/api/v1/programs", headers=mara_api.headers)

    assert (answer.status_code, answer["Content-Type"], answer.content) == (200, "application/json", b"")


@pytest.mark.parametrize("method", ["put", "delete", "options", "trace"])
def test_other_methods_are_named(mara_api, method):
    answer = getattr(mara_api.client, method)("/api/v1/programs", headers=mara_api.headers)

    assert (answer.status_code, errors(answer)) == (405, [(None, "method_not_allowed")])
    assert answer["Allow"] == "GET, POST, HEAD"


@pytest.mark.parametrize(
    "path", ["", "nowhere", "programs/", "programs/a/b/c", "programs/%00", "links/%F0%9F%92%A9", "programs/" + "x" * 600]
)
def test_where_nothing_is_a_problem_says_so(ada_api, path):
    answer = ada_api.get(path)

    assert (answer.status_code, errors(answer)) == (404, [(None, "not_found")])
    assert answer.json()["instance"].startswith("/api/v1/")


def test_a_bug_is_a_problem_too_and_is_reported(mara_api):
    mara_api.client.raise_request_exception = False
    with patch("programs.api.visible_programs", side_effect=ZeroDivisionError):
        answer = mara_api.get("programs")
    assert (answer.status_code, errors(answer)) == (500, [(None, "bug")])

    mara_api.client.raise_request_exception = True
    with patch("programs.api.visible_programs", side_effect=ZeroDivisionError), pytest.raises(ZeroDivisionError):
        mara_api.get("programs")


def test_a_database_that_is_away_is_told_so(mara_api):
    with patch("programs.api.visible_programs", side_effect=OperationalError("the connection is closed")):
        answer = mara_api.get("programs")

    assert (answer.status_code, errors(answer)) == (503, [(None, "unavailable")])
    assert answer["Retry-After"] == "5"


def test_unknown_and_unreadable_parameters_are_named(mara_api):
    assert errors(mara_api.get("conversions", statuss="x")) == [("statuss", "unknown")]
    assert errors(mara_api.get("enrollments", status="gone")) == [("status", "choice")]
    assert errors(mara_api.get("links", affiliate="nobody")) == [("affiliate", "not_found")]
    assert errors(mara_api.get("conversions", external_id="a\x00b")) == [("external_id", "invalid")]


def test_acting_needs_no_body_but_refuses_an_unknown_one(mara_api):
    path = "payout-batches/nothing/cancel"
    empty = mara_api.client.generic("POST", f"/api/v1/{path}", headers=mara_api.headers)

    assert empty.status_code == 404
    assert errors(mara_api.post(path, {"why": "because"})) == [("why", "unknown")]


def test_answers_are_not_cached_and_need_no_csrf_token(mara):
    from django.test import Client

    from tests.api.conftest import key_of

    api = Api(key_of(mara)[1])
    api.client = Client(enforce_csrf_checks=True)
    answer = api.post("affiliates", json.loads(GOOD))

    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
