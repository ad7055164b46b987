"""A tag put on or taken off, whatever others do with the ticket's tags in the same moment."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from accounts.models import User
from support.models import Ticket
from support.services.tickets import change_ticket, clean_tags, lock_ticket


@transaction.atomic
def tag_ticket(ticket: Ticket, *, by: User, add: Collection[str] = (), remove: Collection[str] = ()) -> Ticket:
    """Put tags on and take others off. One that is there already, or is not there, changes nothing."""
    ticket = lock_ticket(ticket, follow_merge=False)
    gone = set(clean_tags([*remove]))
    return change_ticket(ticket, by=by, tags=[tag for tag in clean_tags([*ticket.tags, *add]) if tag not in gone])
