"""What follows from every change of a ticket, in the transaction of the change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

from django.db import transaction

from channels.models import InboundItem
from channels.parsed import Parsed
from core.tasks import send_soon
from core.writing import update, written_together
from support.live import touch_many
from support.models import Message, StatusChange, Ticket
from support.models.tickets import OPEN
from support.services.clocks import refresh_clocks, refresh_many
from support.together import Together, current, look_ahead


def follow(ticket: Ticket, changed: Iterable[str] = ()) -> None:
    """Its clocks, its owner, and the open pages that show it. The row is locked, and saved but for the `changed` fields."""
    together = current.get()
    if together is not None:
        _later(together, ticket, changed)
        return
    refresh_clocks(ticket, changed=changed)
    _tell([ticket])


def _tell(tickets: Collection[Ticket]) -> None:
    touch_many(tickets)
    if any(ticket.assignee_id is None and ticket.status in OPEN for ticket in tickets):
        transaction.on_commit(_find_owner, robust=True)


def _later(together: Together, ticket: Ticket, changed: Iterable[str]) -> None:
    if together.tickets.setdefault(ticket.pk, ticket) is not ticket:
        raise RuntimeError("a ticket is changed beside the one that its set holds")
    together.followed[ticket.pk] = ticket
    update(ticket, changed)


@contextmanager
def filed_together(items: Sequence[tuple[InboundItem, Parsed]]) -> Iterator[None]:
    """In one transaction: many changes of many tickets, and what follows from them once, at the end, as a set."""
    together = Together()
    with written_together(Ticket, StatusChange, Message, block=len(items) or 1):
        token = current.set(together)
        try:
            look_ahead(together, items)
            yield
        finally:
            current.reset(token)
        followed = [ticket for _pk, ticket in sorted(together.followed.items())]
        refresh_many(followed)
    _tell(followed)


def _find_owner() -> None:
    """One look finds owners for all that wait, however many came in at once."""
    from support.tasks import assign_waiting_tickets

    send_soon(assign_waiting_tickets)
