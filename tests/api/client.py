"""The API as its callers see it: JSON in, JSON out."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

ROOT = "/api/v1/"


class Api:
    """A caller with one key; api.post("links", {...}).json()."""

    def __init__(self, key: str = "") -> None:
        self.client = Client(raise_request_exception=True)
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(self._at(path), {name.rstrip("_"): value for name, value in query.items()}, headers=self.headers)

    def post(self, path: str, body: Any = None, *, once: str = "", raw: bytes | None = None, **headers: str) -> Any:
        return self.send("post", path, body, raw, ({"Idempotency-Key": once} if once else {}) | headers)

    def patch(self, path: str, body: Any) -> Any:
        return self.send("patch", path, body, None, {})

    def send(self, method: str, path: str, body: Any, raw: bytes | None, headers: dict[str, str]) -> Any:
        content = raw if raw is not None else json.dumps({} if body is None else body).encode()
        return self.client.generic(
            method.upper(), self._at(path), content, content_type="application/json", headers=self.headers | headers
        )

    def _at(self, path: str) -> str:
        return path if path.startswith("/") else ROOT + path


def errors(response: Any) -> list[tuple[str | None, str]]:
    """(field, code) of each error of a problem, whose shape is checked on the way."""
    assert response["Content-Type"] == "application/problem+json", response.content
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["title"] and problem["detail"]
    assert all(error["message"] for error in problem["errors"])
    return [(error["field"], error["code"]) for error in problem["errors"]]
