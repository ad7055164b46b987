"""What follows from every change of a ticket, in the transaction of the change."""

from __future__ import annotations

from support.live import touch
from support.models import Ticket
from support.services.clocks import refresh_clocks


def follow(ticket: Ticket) -> None:
    """Its clocks, its owner, and the open pages that show it. The row is locked and saved."""
    refresh_clocks(ticket)
    touch(ticket)
