"""What answers hold: ids, amounts and times in the one way in which the API writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from core.api.fields import AMOUNT_PATTERN, Described
from core.ids import encode_id
from core.money import plain_amount


class Answer(serializers.Serializer[Any]):
    """Every field is always there; null means absent."""


class _Out(Described, serializers.Field[Any, Any, Any, Any]):
    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)


class Id(_Out):
    """The public id of the row, or of the row that a foreign key names (no query: the prefix is known)."""

    def __init__(self, prefix: str, **options: Any) -> None:
        super().__init__(**options)
        self.kind = prefix

    def bind(self, field_name: str, parent: Any) -> None:
        if self.source is None:
            self.source = "pk" if field_name == "id" else f"{field_name}_id"
        super().bind(field_name, parent)

    def to_representation(self, value: int) -> str:
        return encode_id(self.kind, value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{self.kind}_[0-9A-Za-z]+$"}


class MoneyText(_Out):
    """An amount as "12.50". Its currency is the row's attribute that `currency` names (dotted: a related row's)."""

    def __init__(self, *, currency: str = "currency", **options: Any) -> None:
        super().__init__(**options)
        self.currency = currency

    def get_attribute(self, instance: Any) -> tuple[Decimal, str] | None:
        amount = super().get_attribute(instance)
        if amount is None:
            return None
        currency = instance
        for name in self.currency.split("."):
            currency = currency[name] if isinstance(currency, dict) else getattr(currency, name)
        return amount, currency

    def to_representation(self, value: tuple[Decimal, str]) -> str:
        return plain_amount(*value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": AMOUNT_PATTERN.replace("^", "^-?"), "examples": ["12.50"]}


class Time(_Out):
    def to_representation(self, value: datetime) -> str:
        return utc(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


class Word(_Out):
    """A text. `blank_is_null`: an empty one is absent."""

    def __init__(self, *, choices: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.words = None if choices is None else [str(value) for value in choices]

    def get_attribute(self, instance: Any) -> str | None:
        value = super().get_attribute(instance)
        return None if value is None or (value == "" and self.allow_null) else value

    def to_representation(self, value: Any) -> str:
        return str(value)

    def schema(self) -> dict[str, Any]:
        if self.words is None:
            return {"type": "string"}
        return {"type": "string", "enum": [*self.words, *([None] if self.allow_null else [])]}


class Number(_Out):
    def to_representation(self, value: Any) -> int:
        return int(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "integer"}


class Truth(_Out):
    def to_representation(self, value: Any) -> bool:
        return bool(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


class Words(_Out):
    def to_representation(self, value: Any) -> list[str]:
        return [str(word) for word in value]

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string"}}


class Free(_Out):
    """A JSON object as it is kept."""

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        return dict(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": True}


class Secret(Word):
    """Shown in one answer alone: null where the thing has none of this name, and in what is kept of the answer."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_null=True, **options)

    def get_attribute(self, instance: Any) -> str | None:
        return getattr(instance, str(self.source), None)


def without_secrets(data: Any) -> Any:
    """An answer as it may be kept."""
    fields = getattr(getattr(data, "serializer", None), "fields", {})
    hidden = {name for name, field in fields.items() if isinstance(field, Secret)} if isinstance(data, dict) else set()
    return {name: None if name in hidden else value for name, value in data.items()} if hidden else data


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
