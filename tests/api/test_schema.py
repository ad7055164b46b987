"""The schema and the page that shows it."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver
from drf_spectacular.validation import validate_schema

from core.api.operations import AddressView

pytestmark = pytest.mark.django_db


def stated() -> dict[str, set[str]]:
    """Every path of the API with its methods, as the addresses themselves say."""
    api = next(pattern for pattern in get_resolver().url_patterns if getattr(pattern, "namespace", None) == "api")
    found = {}
    for pattern in api.url_patterns:
        view = getattr(pattern.callback, "cls", None)
        if isinstance(pattern, URLPattern) and view and issubclass(view, AddressView):
            found["/api/v1/" + str(pattern.pattern).replace("<str:", "{").replace(">", "}")] = set(view.operations)
    return found


def test_every_operation_is_described_with_its_refusals():
    document = Client().get("/api/v1/schema/").json()

    assert document["openapi"].startswith("3.1")
    assert {path: {method.upper() for method in methods} for path, methods in document["paths"].items()} == stated()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"] and operation["security"] == [{"key": []}], path
            assert {"400", "401", "403", "404", "429", "503"} <= operation["responses"].keys()
            assert ("409" in operation["responses"]) == (method != "get" or path.endswith("/files/{format}"))
            for status, answer in operation["responses"].items():
                kinds = set(answer["content"])
                assert kinds == {"application/problem+json"} if status[0] in "45" else kinds <= {"application/json", "text/csv"}


def test_the_schema_is_openapi_by_its_own_schema():
    validate_schema(Client().get("/api/v1/schema/").json())


def test_a_key_of_idempotency_is_taken_as_the_schema_says(mara_api, music):
    parameters = Client().get("/api/v1/schema/").json()["paths"]["/api/v1/affiliates"]["post"]["parameters"]
    pattern = next(each["schema"]["pattern"] for each in parameters if each["name"] == "Idempotency-Key")
    for n, key in enumerate(("order 1001", "a", "{x}", "ü", "tab\tbed")):
        answer = mara_api.post("affiliates", {"email": f"n{n}@tributary.example", "name": "N"}, once=key)
        assert (answer.status_code == 201) == bool(re.search(pattern, key)), key


def test_refusals_of_any_field_are_told_in_the_same_plain_words(mara_api, music):
    def told(path, body):
        return [error["message"] for error in mara_api.post(path, body).json()["errors"]]

    assert told("conversions/batch", {"conversions": {}}) == ["Give a list."]
    assert told("conversions/batch", {"conversions": []}) == ["Give at least 1."]
    assert told("commissions/approve", {"ids": []}) == ["Give at least 1."]
    assert told("affiliates", {"email": "a@tributary.example"}) == ["This is missing."]
    assert told("affiliates", {"email": "a@tributary.example", "name": "n" * 161}) == ["Give at most 160 characters."]
    body = {"name": "P", "slug": "p", "currency": "USD"}
    assert told("programs", body | {"hold_days": -1}) == ["Give 0 or more."]
    assert told("programs", body | {"hold_days": "1"}) == ["Give a whole number."]


def test_the_schema_is_yaml_for_those_who_ask():
    answer = Client().get("/api/v1/schema/?format=yaml")

    assert answer["Content-Type"] == "application/yaml"
    assert answer.content.startswith(b"openapi: 3.1")


def test_the_page_shows_every_operation_without_a_script():
    page = Client().get("/api/v1/docs/").content.decode()

    for path, methods in stated().items():
        for method in methods:
            assert f"<code>{method} {path}</code>" in page
    assert "items[].quantity" in page
    assert "<script>" not in page


def test_every_example_is_what_its_field_takes():
    found = []

    def look(node):
        if isinstance(node, dict):
            found.extend((node["pattern"], example) for example in node.get("examples", ()) if "pattern" in node)
        for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            look(inner)

    look(Client().get("/api/v1/schema/").json())

    assert len(found) > 20
    assert [(pattern, example) for pattern, example in found if not re.search(pattern, example)] == []
