"""The facts that this app publishes. An offer's stand on its program's timeline too."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, Model
from django.utils.translation import gettext_lazy as _

from core.components import NOTHING
from core.ui import register_fact
from programs.models import Offer, Program

PROGRAM_CREATED = "program.created"
PROGRAM_UPDATED = "program.updated"  # data: fields (their names), changes (field: [before, after])
OFFER_CREATED = "offer.created"  # data: name
OFFER_UPDATED = "offer.updated"  # data: name, fields, changes
TERMS_PUBLISHED = "terms.published"  # data: number


def register_facts() -> None:
    """How the timeline tells them."""
    register_fact(PROGRAM_CREATED, "building-store", _("Program created"))
    register_fact(PROGRAM_UPDATED, "edit", _with_changes(Program, _("Changed: %(fields)s")))
    register_fact(OFFER_CREATED, "tag", _("Offer “%(name)s” created"))
    register_fact(OFFER_UPDATED, "edit", _with_changes(Offer, _("Offer “%(name)s” changed: %(fields)s")))
    register_fact(TERMS_PUBLISHED, "file-text", _("Terms published, version %(number)s"))


SHORT = 60  # letters of a value that a line tells; of a longer one it says that it changed


def _with_changes(model: type[Model], sentence: Any) -> Callable[[Any], str]:
    """The sentence, each field in it with what it was and what it is."""

    def tell(event: Any) -> str:
        changes: dict[str, list[str]] = event.data.get("changes", {})
        fields = "; ".join(_change(model, name, *values) for name, values in changes.items())
        return str(sentence) % {"name": NOTHING, **event.data, "fields": fields or event.data.get("fields", NOTHING)}

    return tell


def _change(model: type[Model], name: str, *values: str) -> str:
    field = model._meta.get_field(name)
    label = str(getattr(field, "verbose_name", name))
    before, after = (_in_words(field, value) for value in values)
    return f"{label}: {before} → {after}" if max(len(before), len(after)) <= SHORT else label


def _in_words(field: Any, value: str) -> str:
    if isinstance(field, DecimalField):
        return f"{Decimal(value).normalize():f}"
    words = {"True": _("Yes"), "False": _("No"), **dict(field.flatchoices or [])}
    return str(words.get(value, value)) or NOTHING
