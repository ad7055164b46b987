"""Questions that busy pages ask each time, compiled once: building one anew out of many parts takes longer than answering it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import QuerySet


class Prepared:
    """`build` gives a `values_list` of plain columns (numbers, words, instants, truths) for the row numbers that it is called with, of
    which there are `given`. It must ask for nothing that changes by itself, as the time does."""

    def __init__(self, build: Callable[..., QuerySet[Any, Any]], given: int) -> None:
        self.build = build
        self.places = tuple(range(-given, 0))  # no row has such a number

    @cached_property
    def compiled(self) -> tuple[str, tuple[Any, ...]]:
        sql, params = self.build(*self.places).query.sql_with_params()
        return sql, tuple(params)

    def first(self, *numbers: int) -> tuple[Any, ...] | None:
        """The first row, as PostgreSQL's driver gives it."""
        sql, params = self.compiled
        here = dict(zip(self.places, numbers, strict=True))
        with connection.cursor() as cursor:
            cursor.execute(sql, [here.get(value, value) if type(value) is int else value for value in params])
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row
