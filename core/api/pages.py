"""Pages of results by keyset: newest first, each page costs the same however far it is."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request

from core.api.problems import invalid

DEFAULT_LIMIT = 50


@dataclass(frozen=True)
class Page:
    rows: Sequence[Any]
    next: str | None
    previous: str | None


class CursorPagination:
    """Rows by (`newest_by`, pk), descending. A cursor names the row at which a page ends, so that rows that come and go
    meanwhile neither repeat nor hide another."""

    def __init__(self, newest_by: str = "created_at", largest: int = 100) -> None:
        self.newest_by = newest_by
        self.largest = largest

    def page(self, rows: models.QuerySet[Any], request: Request) -> Page:
        limit = read_limit(request, self.largest)
        cursor = read_cursor(request)
        back, at = self._read(cursor) if cursor is not None else (False, None)
        order = [self.newest_by, "pk"] if back else [f"-{self.newest_by}", "-pk"]
        if at is not None:
            rows = rows.filter(self._beyond(*at, back=back))
        found = list(rows.order_by(*order)[: limit + 1])
        more, found = len(found) > limit, found[:limit]
        if back:
            found.reverse()
        has_next, has_previous = (True, more) if back else (more, at is not None)
        return Page(
            found,
            self._address(request, found[-1], "n") if found and has_next else None,
            self._address(request, found[0], "p") if found and has_previous else None,
        )

    def _beyond(self, moment: datetime, pk: int, *, back: bool) -> Q:
        way = "gt" if back else "lt"
        # The first condition says nothing new, but it is what an index on the time can begin with.
        return Q(**{f"{self.newest_by}__{way}e": moment}) & (Q(**{f"{self.newest_by}__{way}": moment}) | Q(**{f"pk__{way}": pk}))

    def _address(self, request: Request, row: Any, way: str) -> str:
        moment = row
        for name in self.newest_by.split("__"):
            moment = getattr(moment, name)
        return page_address(request, [way, moment.astimezone(UTC).isoformat(), row.pk])

    def _read(self, cursor: Any) -> tuple[bool, tuple[datetime, int]]:
        match cursor:
            case ["n" | "p" as way, str(text), int(pk)] if 0 <= pk < 2**63:
                try:
                    moment = datetime.fromisoformat(text)
                except ValueError:
                    raise bad_cursor() from None
                if moment.utcoffset() is not None and 1 < moment.year < 9999:
                    return way == "p", (moment, pk)
        raise bad_cursor()


def read_limit(request: Request, largest: int, default: int = DEFAULT_LIMIT) -> int:
    text = request.query_params.get("limit", "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= largest):
        raise invalid("limit", _("Give a limit from 1 to %(largest)d.") % {"largest": largest}, "limit")
    return int(text)


def read_cursor(request: Request) -> Any:
    text = request.query_params.get("cursor", "")
    if not text:
        return None
    try:
        return json.loads(base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        raise bad_cursor() from None


def page_address(request: Request, cursor: Any) -> str:
    """The full address of another page, all other parameters kept."""
    query = request.query_params.copy()
    query["cursor"] = base64.urlsafe_b64encode(json.dumps(cursor, separators=(",", ":")).encode()).decode().rstrip("=")
    return f"{settings.BASE_URL}{request.path}?{query.urlencode()}"


def bad_cursor() -> Exception:
    return invalid("cursor", _("This cursor was not given out for this list. Begin without one."), "cursor")


_pages: dict[type[serializers.BaseSerializer[Any]], type[serializers.Serializer[Any]]] = {}


def page_serializer(answers: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """The shape of a page of these, for the schema."""
    if answers not in _pages:
        address: dict[str, Any] = {"allow_null": True, "read_only": True}
        _pages[answers] = type(
            f"{answers.__name__.removesuffix('Answer')}Page",
            (serializers.Serializer,),
            {
                "next": serializers.URLField(help_text="Full address of the next page.", **address),
                "previous": serializers.URLField(help_text="Full address of the page before.", **address),
                "results": answers(many=True, read_only=True),
            },
        )
    return _pages[answers]
