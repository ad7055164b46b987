"""What higher apps know of an affiliate, as columns of the list: earned in the last 30 days, say.

A higher app registers in its `apps.py`: `register_fields(provider, 20)`. The provider takes the request and gives the annotations
that its columns read, and the columns; or None where this reader may not see them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from core.listing import Column


@dataclass(frozen=True)
class Fields:
    annotations: dict[str, Any]
    columns: list[Column]


Provider = Callable[[HttpRequest], Fields | None]
_providers: list[tuple[int, Provider]] = []


def register_fields(provider: Provider, order: int) -> None:
    if all(known is not provider for _order, known in _providers):
        _providers.append((order, provider))
        _providers.sort(key=lambda entry: entry[0])


def fields_for(request: HttpRequest) -> Fields:
    """All that is registered, as this reader may see it."""
    found = [fields for _order, provider in _providers if (fields := provider(request)) is not None]
    return Fields(
        {name: expression for fields in found for name, expression in fields.annotations.items()},
        [column for fields in found for column in fields.columns],
    )
