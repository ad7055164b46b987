"""What intake shows on the pages of lower apps."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from core.access import Can, rights_of
from tracking.models import Conversion


def refund_action(request: HttpRequest, conversion: Conversion) -> dict[str, Any] | None:
    """The way to a refund, for those who may record one, while something is left to refund."""
    if not rights_of(request.user).has(Can.RECORD_CONVERSIONS, conversion.program_id) or not conversion.left_to_refund:
        return None
    return {}
