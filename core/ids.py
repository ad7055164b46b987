"""Opaque public ids: a prefix that names the kind, and the row's number in an alphabet of its own (sqids)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar

from sqids import Sqids

_sqids = Sqids(alphabet="k3G7QAe51FCsPW92uEOyq4Bg6Sp8YzVTmnU0liwDdHXLajZrfxNhobJIRcMvKt", min_length=10)


@lru_cache(maxsize=50_000)  # lists name the same affiliate, offer and rule in every row
def encode_id(prefix: str, pk: int) -> str:
    return f"{prefix}_{_sqids.encode([pk])}"


def decode_id(prefix: str, text: Any) -> int | None:
    """The row's number, or None where the text is no id of this kind."""
    if not isinstance(text, str) or not text.startswith(f"{prefix}_"):
        return None
    body = text[len(prefix) + 1 :]
    if not body.isascii() or not body.isalnum() or len(body) > 24:
        return None
    numbers = _sqids.decode(body)
    if len(numbers) != 1 or numbers[0] >= 2**63 or _sqids.encode(numbers) != body:
        return None  # every row has one spelling
    return numbers[0]


class PublicId:
    """For models: `prefix` on the class; `row.public_id`; `Model.pk_from(text)`."""

    prefix: ClassVar[str]
    pk: Any

    @property
    def public_id(self) -> str:
        return encode_id(self.prefix, self.pk)

    @classmethod
    def pk_from(cls, text: Any) -> int | None:
        return decode_id(cls.prefix, text)
