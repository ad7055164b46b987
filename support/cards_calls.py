"""Calling somebody from where one reads about them, and writing down what was said; answering a call in writing."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from affiliates.models import Affiliate
from channels.models import Channel, ContactAddress
from core.access import Can, rights_of
from support.models import Ticket
from support.services.calls import shown_number
from support.services.doors import doors_of

MOST = 5


def affiliate_calls_card(request: HttpRequest, affiliate: Affiliate) -> dict[str, Any] | None:
    if not rights_of(request.user).has(Can.ANSWER_TICKETS):
        return None
    return _numbers({"contact__affiliate": affiliate}, {"affiliate": affiliate.public_id}) | {"class": "card"}


def ticket_calls_card(request: HttpRequest, ticket: Ticket) -> dict[str, Any] | None:
    if not rights_of(request.user).has(Can.ANSWER_TICKETS, ticket.program_id) or ticket.merged_into_id is not None:
        return None
    told = {"ticket": ticket.public_id, "program": ticket.program.slug}
    if ticket.affiliate is not None:
        return _numbers({"contact__affiliate": ticket.affiliate}, told | {"affiliate": ticket.affiliate.public_id})
    return _numbers({"contact": ticket.contact}, told)


def _numbers(whose: dict[str, Any], told: dict[str, str]) -> dict[str, Any]:
    page = reverse("manage:call_create")
    rows = ContactAddress.objects.filter(kind=ContactAddress.Kind.PHONE, **whose).order_by("-pk")
    numbers = [
        {
            "value": value,
            "shown": shown_number(value),
            "log_url": f"{page}?{urlencode(told | {'number': value, 'kind': 'outgoing'})}",
        }
        for value in dict.fromkeys(rows.values_list("value", flat=True)[:MOST])
    ]
    return {"numbers": numbers, "log_url": f"{page}?{urlencode(told)}"}


def doors_composer(request: HttpRequest, ticket: Ticket) -> dict[str, Any] | None:
    """How a call's request is answered in writing: the writer sees and chooses."""
    return {"doors": doors_of(ticket)} if ticket.channel.kind == Channel.Kind.PHONE else None
