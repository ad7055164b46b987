"""The schema and the page that shows it."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver

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
            assert {"400", "401", "403", "404", "429"} <= operation["responses"].keys()
            assert ("409" in operation["responses"]) == (method != "get")
            for status, answer in operation["responses"].items():
                kinds = set(answer["content"])
                assert kinds == {"application/problem+json"} if status[0] == "4" else kinds <= {"application/json", "text/csv"}


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
