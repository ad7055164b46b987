"""What support shows on the pages of the team."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from core.access import Can, rights_of
from support.queries.team import unread_handovers
from team.models import Absence


def sheet_link(request: HttpRequest, absence: Absence) -> dict[str, Any] | None:
    """The sheet, once something was handed over."""
    return {"absence": absence} if absence.covers.filter(ended_at=None).exists() else None


def handover_card(request: HttpRequest, _thing: Any) -> dict[str, Any] | None:
    """What colleagues left, for whoever comes."""
    if not rights_of(request.user).has(Can.SEE_TICKETS):
        return None
    unread = unread_handovers(request.user)
    return {"unread": unread} if unread else None
