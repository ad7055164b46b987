"""Whether a message begins a request of its own, by the rules that the team has stated, and why.

The same reading serves what comes in and the check of a rule by what came in before (`support.queries.starts`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from channels.models import Channel
from payouts.models import Payout
from support.models import Message, StartRule, Ticket
from support.models.messages import Direction
from support.together import current
from tracking.models import Conversion

Kind = StartRule.Kind
NUMBER = re.compile(r"[\w][\w./#-]{2,79}")
MOST_NUMBERS = 200  # words of one text that may be a number
READ_BACK = 30  # messages of a ticket in which it is looked what it is about


@dataclass(frozen=True)
class Words:
    """A message that has come."""

    text: str
    at: datetime
    topic: str = ""


@dataclass(frozen=True)
class Before:
    """The request that it would join, as it stood then. What no rule asks for is not read."""

    written_at: datetime | None = None
    resolved_at: datetime | None = None
    topic: str | None = None  # None: nothing was written in it yet
    numbers: frozenset[str] = field(default_factory=frozenset)


def rules_of(channel: Channel) -> list[StartRule]:
    together = current.get()
    if together is None:
        return list(StartRule.objects.applying(channel))
    if channel.pk not in together.rules:
        together.rules[channel.pk] = list(StartRule.objects.applying(channel))
    return together.rules[channel.pk]


def why_it_starts(rules: Sequence[StartRule], said: Words, ticket: Ticket) -> str:
    """Why this message does not join the ticket: the end of a sentence; "" where it does."""
    if not rules:
        return ""
    kinds = {rule.kind for rule in rules}
    named = numbers_in([said.text], ticket.program_id, ticket.affiliate_id) if Kind.NUMBER in kinds else frozenset()
    before = Before(
        max((at for at in (ticket.last_in_at, ticket.last_out_at) if at), default=ticket.created_at),
        ticket.resolved_at,
        _topic_of(ticket) if Kind.TOPIC in kinds else None,
        _about(ticket) if named else frozenset(),
    )
    return next((why for rule in rules if (why := why_by(rule, said, before, named))), "")


def why_by(rule: StartRule, said: Words, before: Before, named: frozenset[str]) -> str:
    if rule.kind == Kind.QUIET and _is_over(said.at, before.written_at, rule.hours):
        return _("nothing had been written for %(hours)s") % {"hours": rule.hours_told}
    if rule.kind == Kind.RESOLVED and _is_over(said.at, before.resolved_at, rule.hours):
        return _("the request before had been resolved for %(hours)s") % {"hours": rule.hours_told}
    if rule.kind in (Kind.BEGINS, Kind.CONTAINS):
        word = _word_in(rule, said.text)
        if word and rule.kind == Kind.BEGINS:
            return _("the message begins with “%(word)s”") % {"word": word}
        if word:
            return _("the message contains “%(word)s”") % {"word": word}
    if rule.kind == Kind.TOPIC and before.topic is not None and before.topic != said.topic:
        return _("it was written in another topic of the group")
    if rule.kind == Kind.NUMBER and named and before.numbers and not named & before.numbers:
        told = {"number": min(named), "other": min(before.numbers)}
        return _("it is about %(number)s, and the request before about %(other)s") % told
    return ""


def _is_over(at: datetime, since: datetime | None, hours: int | None) -> bool:
    return since is not None and hours is not None and at - since >= timedelta(hours=hours)


def _word_in(rule: StartRule, text: str) -> str:
    """Whole words, in whatever case."""
    text = " ".join(text.split())
    start = r"\A" if rule.kind == Kind.BEGINS else r"(?<!\w)"
    found = (w for w in rule.word_list() if re.search(rf"{start}{re.escape(w)}(?!\w)", text, re.IGNORECASE))
    return next(found, "")


def numbers_in(texts: Iterable[str], program: int, affiliate: int | None) -> frozenset[str]:
    """Which orders and payouts of the affiliate these texts name, as they are written there."""
    if affiliate is None:
        return frozenset()
    words = {word.strip("./#-") for text in texts for word in NUMBER.findall(text)[:MOST_NUMBERS]}
    orders = Conversion.objects.filter(program=program, affiliate=affiliate, external_id__in=words)
    payouts = {pk: word for word in words if (pk := Payout.pk_from(word)) is not None}
    theirs = Payout.objects.filter(pk__in=payouts, affiliate=affiliate).values_list("pk", flat=True) if payouts else []
    return frozenset(orders.values_list("external_id", flat=True)) | {payouts[pk] for pk in theirs}


def _about(ticket: Ticket) -> frozenset[str]:
    texts = ticket.messages.exclude(direction=Direction.NOTE).order_by("-created_at", "-pk").values_list("body_text", flat=True)
    named = numbers_in([ticket.subject, *texts[:READ_BACK]], ticket.program_id, ticket.affiliate_id)
    if ticket.about_commission is not None:
        named |= {ticket.about_commission.conversion.external_id}
    return named | ({ticket.about_payout.public_id} if ticket.about_payout is not None else frozenset())


def _topic_of(ticket: Ticket) -> str | None:
    rows = Message.objects.filter(ticket=ticket, direction=Direction.IN).order_by("-created_at", "-pk")
    return rows.values_list("topic", flat=True).first()
