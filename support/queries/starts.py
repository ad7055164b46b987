"""How the last messages would have fallen under a rule that starts requests."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _

from core.access import Can, programs_of
from support.models import Message, StartRule, StatusChange, TicketStatus
from support.models.messages import Direction
from support.starting import Before, Kind, Words, numbers_in, why_by

LOOKED_AT = 50


@dataclass(frozen=True)
class Fall:
    """A message, and whether it would have begun a request of its own."""

    message: Message
    starts: bool
    why: str


def falls_under(rule: StartRule, user: Any) -> list[Fall]:
    """The newest messages that came through the rule's doors, as far as the reader sees them. Four queries; where orders are looked
    for, two more for each affiliate among them."""
    messages = list(_messages(rule, user)[:LOOKED_AT])
    earlier: dict[int, list[Message]] = defaultdict(list)
    if rule.kind == Kind.NUMBER:
        for each in (
            Message.objects.filter(ticket__in={m.ticket_id for m in messages}).exclude(direction=Direction.NOTE).defer("search")
        ):
            earlier[each.ticket_id].append(each)
    return [_fall(rule, message, earlier[message.ticket_id]) for message in messages]


def _messages(rule: StartRule, user: Any) -> QuerySet[Message]:
    came: QuerySet[Message] = Message.objects.filter(direction=Direction.IN, automatic="")
    programs = programs_of(user, Can.SEE_TICKETS)
    if rule.program_id is not None:
        came = came.filter(ticket__program=rule.program_id)
    elif programs is not None:
        came = came.filter(ticket__program__in=programs)
    if rule.channel_id is not None:
        came = came.filter(ticket__channel=rule.channel_id)
    before = Message.objects.filter(ticket=OuterRef("ticket"), created_at__lt=OuterRef("created_at")).order_by(
        "-created_at", "-pk"
    )
    states = StatusChange.objects.filter(ticket=OuterRef("ticket"), at__lt=OuterRef("created_at"), void=False).order_by(
        "-at", "-pk"
    )
    return (
        came.annotate(
            before_at=Subquery(before.exclude(direction=Direction.NOTE).values("created_at")[:1]),
            before_topic=Subquery(before.filter(direction=Direction.IN).values("topic")[:1]),
            state=Subquery(states.values("status")[:1]),
            state_at=Subquery(states.values("at")[:1]),
            channel_name=F("ticket__channel__name"),
        )
        .select_related("ticket__affiliate", "ticket__contact", "author", "contact")
        .defer("search")
        .order_by("-created_at", "-pk")
    )


def _fall(rule: StartRule, message: Any, ticket_messages: list[Message]) -> Fall:
    if message.before_at is None:
        return Fall(message, False, _("It began its request anyway."))
    if message.reply_to_id is not None and rule.kind != Kind.RESOLVED:
        return Fall(message, False, _("It answers a message, and goes where that is."))
    ticket = message.ticket
    named: frozenset[str] = frozenset()
    about: frozenset[str] = frozenset()
    if rule.kind == Kind.NUMBER:
        named = numbers_in([message.body_text], ticket.program_id, ticket.affiliate_id)
        texts = [each.body_text for each in ticket_messages if each.created_at < message.created_at]
        about = numbers_in([ticket.subject, *texts], ticket.program_id, ticket.affiliate_id) if named else about
    resolved_at = message.state_at if message.state == TicketStatus.RESOLVED else None
    before = Before(message.before_at, resolved_at, message.before_topic, about)
    why = why_by(rule, Words(message.body_text, message.created_at, message.topic), before, named)
    return Fall(message, bool(why), why)
