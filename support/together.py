"""What is filed together, in one transaction: each ticket is read once and held, and what follows from its changes is done once for
all of them when the set ends (`support.services.following.filed_together`)."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

from support.models import StartRule, Ticket


@dataclass
class Together:
    tickets: dict[int, Ticket] = field(default_factory=dict)  # locked by this transaction; nobody else changes them meanwhile
    stored: dict[int, str] = field(default_factory=dict)  # their statuses as the database has them
    changed: dict[int, set[str]] = field(default_factory=dict)  # of those to be followed: fields that are not stored yet
    rules: dict[int, list[StartRule]] = field(default_factory=dict)  # what starts a request, by channel


current: ContextVar[Together | None] = ContextVar("filed_together", default=None)


def held(ticket: Ticket) -> Ticket:
    """The ticket as this set has changed it; itself where it has not."""
    return held_as(ticket.pk) or ticket


def held_as(pk: int) -> Ticket | None:
    together = current.get()
    return None if together is None else together.tickets.get(pk)


def hold(ticket: Ticket) -> None:
    together = current.get()
    if together is not None:
        together.tickets[ticket.pk] = ticket
        together.stored[ticket.pk] = ticket.status
