"""Wherever an id is taken, the object's slug or external id is taken too."""

from __future__ import annotations

from typing import TypeVar

from django.db import models
from django.utils.translation import gettext as _

from core.errors import NotVisible

M = TypeVar("M", bound=models.Model)


def find(rows: models.QuerySet[M], text: str, *names: str) -> M | None:
    """The row of its public id, or the one that one of these lookups names. Absent and not among `rows` look the same; where
    several are named so, NotVisible says it."""
    if "\x00" in text or len(text) > 500:
        return None
    pk = rows.model.pk_from(text)  # type: ignore[attr-defined]
    if pk is not None and (row := rows.filter(pk=pk).first()) is not None:
        return row
    for name in names:
        named = list(rows.order_by("pk").filter(**{name: text})[:2])
        if len(named) > 1:
            raise NotVisible(_("Several have the name “%(name)s”: give the id.") % {"name": text[:80]}, code="ambiguous")
        if named:
            return named[0]
    return None


def found(row: M | None) -> M:
    """The row that an address names, or 404."""
    if row is None:
        raise NotVisible(_("There is nothing at this address."), code="not_found")
    return row
