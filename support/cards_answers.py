"""Beside a ticket: what has been written down about what it asks."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from core.access import Can, rights_of
from knowledge.models import Article
from knowledge.queries import suggest
from support.drafts import offered_answer
from support.models import Ticket
from support.models.messages import Direction

SHOWN = 4
LOOKED_AT = 3  # of the affiliate's last messages


def draft_card(request: HttpRequest, ticket: Ticket) -> dict[str, Any] | None:
    """Above the reply to a mail that asks what the data tells."""
    offer = offered_answer(ticket, to=request.user)  # type: ignore[arg-type]
    return {"offer": offer, "ticket": ticket} if offer else None


def articles_card(request: HttpRequest, ticket: Ticket) -> dict[str, Any] | None:
    """Articles near to what the affiliate asks, for affiliates and for the team, marked which is which."""
    if not rights_of(request.user).has(Can.SEE):
        return None
    words = ticket.messages.filter(direction=Direction.IN).order_by("-created_at").values_list("body_text", flat=True)
    asked = " ".join([ticket.subject, *(text[:600] for text in words[:LOOKED_AT])])
    language = ticket.language or (ticket.affiliate.language if ticket.affiliate else "") or "en"
    found = suggest(asked, ticket.program_id, language, Article.Audience.TEAM, SHOWN, reader=request.user)
    return {"ticket": ticket, "articles": found} if found else None
