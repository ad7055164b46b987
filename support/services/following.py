"""What follows from every change of a ticket, in the transaction of the change."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from core.tasks import send_soon
from support.live import touch
from support.models import Ticket
from support.models.tickets import OPEN
from support.services.clocks import refresh_clocks


def follow(ticket: Ticket, changed: Iterable[str] = ()) -> None:
    """Its clocks, its owner, and the open pages that show it. The row is locked, and saved but for the `changed` fields."""
    refresh_clocks(ticket, changed=changed)
    touch(ticket)
    if ticket.assignee_id is None and ticket.status in OPEN:
        transaction.on_commit(_find_owner, robust=True)


def _find_owner() -> None:
    """One look finds owners for all that wait, however many came in at once."""
    from support.tasks import assign_waiting_tickets

    send_soon(assign_waiting_tickets)
