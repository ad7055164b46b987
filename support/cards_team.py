"""What support shows on the pages of the team."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from core.access import Can, rights_of
from support.queries.team import to_hand_over, unread_handovers
from team.models import Absence


def sheet_link(request: HttpRequest, absence: Absence) -> dict[str, Any] | None:
    """The sheet, once something was handed over."""
    return {"absence": absence} if absence.covers.filter(ended_at=None).exists() else None


def handover_later(request: HttpRequest, _thing: Any) -> dict[str, Any] | None:
    """The page asks for it once it stands: the roster behind it is no small thing."""
    return {} if rights_of(request.user).has(Can.SEE_TICKETS) else None


def handover_context(request: HttpRequest) -> dict[str, Any] | None:
    """What colleagues left, for whoever comes; and what the reader leaves, when their shift ends."""
    rights = rights_of(request.user)
    unread = unread_handovers(request.user)
    leaving = to_hand_over(request.user, timezone.now()) if rights.has(Can.ANSWER_TICKETS) else None
    return {"unread": unread, "leaving": leaving} if unread or leaving else None
