"""What follows from every change of a ticket, in the transaction of the change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from django.db import transaction

from core.tasks import send_soon
from support.live import touch_many
from support.models import Ticket
from support.models.tickets import OPEN
from support.services.clocks import refresh_clocks, refresh_many
from support.together import Together, current


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
    """A new status is stored at once: where the next one of the set belongs is asked by it."""
    if together.tickets.setdefault(ticket.pk, ticket) is not ticket:
        raise RuntimeError("a ticket is changed beside the one that its set holds")
    unsaved = together.changed.setdefault(ticket.pk, set())
    unsaved.update(changed)
    if unsaved and together.stored.get(ticket.pk) != ticket.status:
        Ticket.objects.filter(pk=ticket.pk).update(**{name: getattr(ticket, name) for name in unsaved})
        together.stored[ticket.pk] = ticket.status
        unsaved.clear()


@contextmanager
def filed_together() -> Iterator[None]:
    """In one transaction: many changes of many tickets, and what follows from them once, at the end, as a set."""
    together = Together()
    token = current.set(together)
    try:
        yield
    finally:
        current.reset(token)
    followed = [(together.tickets[pk], changed) for pk, changed in sorted(together.changed.items())]
    refresh_many(followed)
    _tell([ticket for ticket, _changed in followed])


def _find_owner() -> None:
    """One look finds owners for all that wait, however many came in at once."""
    from support.tasks import assign_waiting_tickets

    send_soon(assign_waiting_tickets)
