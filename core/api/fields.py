"""What requests may hold: every field takes one JSON type, says what it wants, and is described in the schema."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from django.core.validators import EmailValidator, URLValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.settings import api_settings

from core.api.parsing import WrittenNumber
from core.errors import NotVisible, Refusal
from core.money import check_currency, parse_amount, parse_number

OPTIONAL: dict[str, Any] = {"required": False, "allow_null": True}  # null means absent
FILTER: dict[str, Any] = {"required": False}

EXACT_DIGITS = 15  # a JSON number of more may have lost some on its way: many writers hold it as a double
AMOUNT_PATTERN = r"^[0-9]{1,12}(\.[0-9]+)?$"
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
CLOCKS_DIFFER = timedelta(minutes=5)
MOST_UNKNOWN = 20  # fields that one refusal names


# DRF's own sentences for what every field may lack, in the words of ours.
serializers.Field.default_error_messages |= {
    "required": gettext_lazy("This is missing."),
    "null": gettext_lazy("This may not be null."),
}


class Input(serializers.Serializer[Any]):
    """A JSON object with these fields and no others. A null for an optional field is the same as leaving it out, except in a
    change (PATCH), where it empties what may be empty."""

    default_error_messages = {"invalid": gettext_lazy("Give a JSON object.")}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            message = str(self.error_messages["invalid"])
            raise serializers.ValidationError({api_settings.NON_FIELD_ERRORS_KEY: [ErrorDetail(message, code="type")]})
        unknown = sorted(data.keys() - self.fields.keys())[:MOST_UNKNOWN]
        errors = {name[:80]: [ErrorDetail(_("There is no such field."), code="unknown")] for name in unknown}
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            errors |= error.detail  # type: ignore[arg-type]
        if errors:
            raise serializers.ValidationError(errors)
        if self.root.partial:
            return {name: _emptied(self.fields[name]) if value is None else value for name, value in values.items()}
        return {name: value for name, value in values.items() if value is not None}


def _emptied(field: serializers.Field[Any, Any, Any, Any]) -> Any:
    """What null makes of a field in a change."""
    if isinstance(field, serializers.ListField):
        return []
    return "" if getattr(field, "allow_blank", False) else None


class Described(ABC):
    """A field that says in `schema()` how OpenAPI describes it."""

    @abstractmethod
    def schema(self) -> dict[str, Any]: ...


class DescribedExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = Described
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        schema: dict[str, Any] = self.target.schema()
        return schema


class Text(serializers.CharField):
    """A string, kept as it came."""

    default_error_messages = {
        "invalid": gettext_lazy("Give a text."),
        "blank": gettext_lazy("This is empty."),
        "max_length": gettext_lazy("Give at most {max_length} characters."),
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if not self.allow_blank and not data.strip():
            self.fail("blank")
        return data


class Email(Text):
    def __init__(self, **options: Any) -> None:
        super().__init__(**({"max_length": 254} | options))
        self.validators.append(EmailValidator(_("Give an e-mail address, such as ana@example.com.")))


class Address(Text):
    """An http(s) address."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**({"max_length": 2000} | options))
        self.validators.append(
            URLValidator(schemes=["http", "https"], message=_("Give a full address, such as https://shop.example/."))
        )


class Choice(Described, serializers.ChoiceField):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            raise serializers.ValidationError(
                _("Give one of: %(choices)s.") % {"choices": ", ".join(str(choice) for choice in self.choices)}, code="choice"
            )
        return data

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": [*self.choices, *([None] if self.allow_null else [])]}


class Whole(serializers.IntegerField):
    """A JSON integer; no text, no fraction, no true or false."""

    default_error_messages = {
        "invalid": gettext_lazy("Give a whole number."),
        "min_value": gettext_lazy("Give {min_value} or more."),
        "max_value": gettext_lazy("Give {max_value} or less."),
    }

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class Many(serializers.ListField):
    """A JSON array."""

    default_error_messages = {
        "not_a_list": gettext_lazy("Give a list."),
        "empty": gettext_lazy("Give at least one."),
        "min_length": gettext_lazy("Give at least {min_length}."),
        "max_length": gettext_lazy("Give at most {max_length}."),
    }


class Flag(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError(_("Give true or false."), code="type")
        return data


class Amount(Described, serializers.Field[Any, Any, Any, Any]):
    """The text of an amount. Its currency stands beside it: `Input.validate` reads it with `amount_in`."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, WrittenNumber) and len(data.text.replace(".", "").lstrip("0")) <= EXACT_DIGITS:
            data = data.text  # as it was written, not as a double would round it
        try:
            parse_number(data)  # how many decimals are right, the currency tells later
        except Refusal as refusal:
            raise serializers.ValidationError(refusal.message, code=refusal.code) from None
        return data

    def schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "pattern": AMOUNT_PATTERN,
            "examples": ["12.50"],
            "description": "With no more decimals than the currency has. A JSON number is taken too, of up to 15 digits and without an exponent.",
        }


def amount_in(values: Mapping[str, Any], name: str, currency: str) -> Decimal | None:
    """The exact amount in `values[name]`, None where there is none, or the field's error."""
    if values.get(name) is None:
        return None
    try:
        return parse_amount(values[name], currency)
    except Refusal as refusal:
        raise serializers.ValidationError({name: [ErrorDetail(refusal.message, code=refusal.code)]}) from None


class Currency(Described, serializers.Field[Any, Any, Any, Any]):
    def to_internal_value(self, data: Any) -> str:
        try:
            return check_currency(data)
        except Refusal as refusal:
            raise serializers.ValidationError(refusal.message, code=refusal.code) from None

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["USD"], "description": "ISO 4217."}


class Moment(Described, serializers.Field[Any, Any, Any, Any]):
    """A moment as RFC 3339 writes it, its offset included. `past`: none later than our clock, give or take five minutes."""

    def __init__(self, *, past: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.past = past

    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str) or not _RFC3339.fullmatch(data):
            raise serializers.ValidationError(
                _("Give a time with its offset (RFC 3339), such as 2026-05-01T09:30:00Z."), code="time"
            )
        try:
            moment = datetime.fromisoformat(data.upper())
            moment = moment.astimezone(UTC) if EARLIEST.year <= moment.year < 2200 else None  # type: ignore[assignment]
        except ValueError:
            raise serializers.ValidationError(_("There is no such time."), code="time") from None
        if moment is None or moment < EARLIEST:
            raise serializers.ValidationError(_("This year cannot be right."), code="time")
        if self.past and moment > timezone.now() + CLOCKS_DIFFER:
            raise serializers.ValidationError(_("This is in the future."), code="future")
        return moment

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time", "description": "RFC 3339, with its offset."}


class Day(Described, serializers.Field[Any, Any, Any, Any]):
    """A date without a time."""

    def to_internal_value(self, data: Any) -> date:
        try:
            if isinstance(data, str) and _DAY.fullmatch(data) and EARLIEST.year <= int(data[:4]) < 2200:
                return date.fromisoformat(data)
        except ValueError:
            pass
        raise serializers.ValidationError(_("Give a date, such as 2026-05-01."), code="date")

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}


class Reference(Described, serializers.Field[Any, Any, Any, Any]):
    """An id, or what else names the row; `finder(user, text)` returns it only where the caller may see it."""

    def __init__(self, finder: Callable[[Any, str], models.Model | None], **options: Any) -> None:
        super().__init__(**options)
        self.finder = finder

    def to_internal_value(self, data: Any) -> models.Model:
        if not isinstance(data, str):
            raise serializers.ValidationError(_("Give an id as a text."), code="type")
        try:
            row = self._looked_up(data)
        except NotVisible as refusal:
            raise serializers.ValidationError(refusal.message, code=refusal.code) from None
        if row is None:
            raise serializers.ValidationError(_("There is no such thing, or this key cannot see it."), code="not_found")
        return row

    def _looked_up(self, text: str) -> models.Model | None:
        """Once a request, however many rows of a batch name the same thing."""
        seen: dict[Any, models.Model | None] = self.context.setdefault("seen", {})  # type: ignore[attr-defined]
        if (self.finder, text) not in seen:
            seen[self.finder, text] = self.finder(self.context["request"].user, text)
        return seen[self.finder, text]

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "description": "Its id, or its slug, external_id or code."}


class FreeObject(Described, serializers.Field[Any, Any, Any, Any]):
    """A JSON object that is kept as it came, up to a size."""

    def __init__(self, *, largest: int = 16_384, **options: Any) -> None:
        super().__init__(**options)
        self.largest = largest

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        import json

        if not isinstance(data, dict):
            raise serializers.ValidationError(_("Give a JSON object."), code="type")
        if len(json.dumps(data)) > self.largest:
            raise serializers.ValidationError(_("This is larger than %(size)d bytes.") % {"size": self.largest}, code="too_large")
        return data

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": True}


class Between(Input):
    """Filters with `from` and `to`: days, inclusive, in the zone of the program that is filtered by, else in UTC."""

    def get_fields(self) -> dict[str, Any]:
        return {
            **super().get_fields(),
            "from": Day(help_text="First day, in the program's zone (without a program: UTC).", **FILTER),
            "to": Day(help_text="Last day, inclusive.", **FILTER),
        }


def between(filters: dict[str, Any], column: str, zone: tzinfo = UTC) -> dict[str, datetime]:
    """The lookups that `from` and `to` stand for; takes them out of the filters."""
    first, last = filters.pop("from", None), filters.pop("to", None)
    bounds = {}
    if first is not None:
        bounds[f"{column}__gte"] = datetime.combine(first, time(), zone)
    if last is not None:
        bounds[f"{column}__lt"] = datetime.combine(last + timedelta(days=1), time(), zone)
    return bounds
