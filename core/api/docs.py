"""The schema told to people: operations by what they are about, each with its fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

METHODS = ("get", "post", "patch", "delete")


@dataclass(frozen=True)
class Field:
    name: str
    type: str
    required: bool
    description: str


@dataclass(frozen=True)
class Shown:
    """One operation."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Field]
    body: list[Field]
    answer: list[Field]
    statuses: list[tuple[str, str]]


@dataclass
class Section:
    name: str
    operations: list[Shown] = field(default_factory=list)


def sections(document: dict[str, Any]) -> list[Section]:
    found: dict[str, Section] = {}
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                shown = _operation(document, path, method, methods[method])
                tag = methods[method]["tags"][0]
                found.setdefault(tag, Section(tag.replace("-", " ").capitalize())).operations.append(shown)
    return list(found.values())


def _operation(document: dict[str, Any], path: str, method: str, stated: dict[str, Any]) -> Shown:
    good: dict[str, Any] = next((answer for status, answer in stated["responses"].items() if status.startswith("2")), {})
    return Shown(
        id=stated["operationId"],
        method=method.upper(),
        path=path,
        summary=stated.get("summary", ""),
        description=_marked(stated.get("description", "")),
        parameters=[
            Field(p["name"], _type(document, p["schema"]), p.get("required", False), _marked(p.get("description", "")))
            for p in stated.get("parameters", [])
        ],
        body=_fields(document, stated.get("requestBody", {})),
        answer=_fields(document, good),
        statuses=[(status, answer.get("description", "")) for status, answer in stated["responses"].items()],
    )


def _fields(document: dict[str, Any], content: dict[str, Any]) -> list[Field]:
    for of_type in content.get("content", {}).values():
        return list(_rows(document, of_type.get("schema", {}), ""))
    return []


def _rows(document: dict[str, Any], schema: dict[str, Any], prefix: str) -> Iterator[Field]:
    """The fields of an object; those of objects within it are named with their way there, such as items[].sku."""
    schema, many = _object_in(document, schema)
    if many and prefix:
        prefix = f"{prefix[:-1]}[]."
    required = schema.get("required", [])
    for name, inner in schema.get("properties", {}).items():
        yield Field(f"{prefix}{name}", _type(document, inner), name in required, _marked(inner.get("description", "")))
        yield from _rows(document, inner, f"{prefix}{name}.")


def _object_in(document: dict[str, Any], schema: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    schema = _resolved(document, schema)
    if "items" in schema:
        return _resolved(document, schema["items"]), True
    return schema, False


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    for kind in ("allOf", "oneOf", "anyOf"):
        if kind in schema:
            return _resolved(document, next((part for part in schema[kind] if part.get("type") != "null"), {}))
    if "$ref" in schema:
        return _resolved(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return schema


def _type(document: dict[str, Any], schema: dict[str, Any]) -> str:
    schema = _resolved(document, schema)
    kinds = schema.get("type", "object")
    kinds = [kinds] if isinstance(kinds, str) else [kind for kind in kinds if kind != "null"]
    if words := [str(word) for word in schema.get("enum", []) if word is not None]:
        return " | ".join(words)
    text = kinds[0] if kinds else ""
    return f"{text} ({schema['format']})" if "format" in schema else text


def _marked(text: str) -> SafeString:
    """`names` in backticks as code; everything else as it is."""
    return mark_safe(re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text)))
