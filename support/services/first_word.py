"""The honest first word: nobody is there now, and when somebody will be. It stops no clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from channels.models import Channel
from core.components import moment_text
from support.languages import as_read_by
from support.models import Message, Ticket
from support.queries.care import care_of
from support.services.messages import tell_if_reached
from support.services.tickets import lock_ticket
from team.queries import HORIZON
from team.roster import Roster

RECENT = timedelta(hours=1)  # what is older was received while somebody was there, or was told of
ANSWER = timedelta(minutes=30)  # after somebody has come, where no service level says otherwise


def tell_when_somebody_is_there(ticket: Ticket, roster: Roster, at: datetime) -> Message | None:
    """Tell the affiliate when they will be answered: once per ticket and gap, and never a machine. `roster` reaches two weeks
    ahead of `at`. None where nothing was told."""
    coming = roster.next_on_duty(at, program=ticket.program_id, channel=ticket.channel.kind)
    if coming is not None and coming[0] <= at:
        return None
    with transaction.atomic():
        ticket = lock_ticket(ticket)
        if not asking_for_a_word(at).filter(pk=ticket.pk).exists():
            return None
        ticket.told_until = coming[0] if coming else at + HORIZON
        ticket.save(update_fields=["told_until"])
        return tell_if_reached(ticket, first_word(ticket, coming[0] if coming else None))


def asking_for_a_word(at: datetime) -> QuerySet[Ticket]:
    """Tickets in which a person has just written, and was neither answered nor told of this gap."""
    unanswered = Q(last_out_at=None) | Q(last_out_at__lt=F("last_in_at"))
    untold = Q(told_until=None) | Q(told_until__lte=at)
    recent = Ticket.objects.our_turn().filter(unanswered, untold, last_in_at__gte=at - RECENT)
    return recent.exclude(channel__kind=Channel.Kind.PHONE).order_by("last_in_at", "pk")


def first_word(ticket: Ticket, coming: datetime | None) -> str:
    """In the affiliate's language and time zone. Who belongs to the support pool is told so."""
    with as_read_by(ticket):
        care = care_of(ticket.affiliate) if ticket.affiliate is not None else None
        pooled = care.sentence if care is not None and care.person is None else ""
        return f"{_when(ticket, coming)} {pooled}".rstrip()


def _when(ticket: Ticket, coming: datetime | None) -> str:
    if coming is None:
        return _(
            "Thank you, your message is here. Nobody is on duty right now, and we do not yet know the hour at which somebody will be."
            " It is not forgotten: the person in charge sees it."
        )
    policy = ticket.policy
    minutes = policy and (policy.first_reply_minutes if ticket.first_replied_at is None else policy.next_reply_minutes)
    answer = coming + (timedelta(minutes=minutes) if minutes else ANSWER)
    return _(
        "Thank you, your message is here. Nobody is on duty right now; we are back on %(back)s and answer by %(answer)s."
    ) % {
        "back": moment_text(coming),
        "answer": moment_text(max(answer, ticket.next_due or answer)),
    }
