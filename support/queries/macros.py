"""Macros as pages read them."""

from __future__ import annotations

from typing import Any

from support.models import Macro


def macro_named(user: Any, public_id: str) -> Macro | None:
    """The one that a message began as, where the user may use it."""
    return Macro.objects.visible_to(user).filter(pk=Macro.pk_from(public_id) or 0).first()
