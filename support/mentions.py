"""Colleagues: called by name in an internal note, and who of them has read a ticket."""

from __future__ import annotations

import re
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from accounts.queries import people_who
from core.access import Can
from support import live
from support.models import Mention, Message, TicketRead


def mentioned(text: str, people: list[User]) -> list[User]:
    """Those whose name stands in the text after an @: the whole name, else the first where it is one person's alone."""
    called: dict[int, User] = {}
    firsts: dict[str, list[User]] = {}
    for person in people:
        firsts.setdefault(person.get_short_name().lower(), []).append(person)
    names = {str(person).lower(): [person] for person in people}
    names = {**{name: found for name, found in firsts.items() if len(found) == 1}, **names}
    longest_first = sorted(names, key=len, reverse=True)
    if not longest_first:
        return []
    pattern = re.compile(rf"(?<![\w@.])@({'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)
    for match in pattern.finditer(text):
        for person in names[match[1].lower()]:
            called[person.pk] = person
    return list(called.values())


@transaction.atomic
def record_mentions(note: Message) -> list[User]:
    """Tell the colleagues whom an internal note calls, as far as they may see its ticket; nobody is told of their own note."""
    if "@" not in note.body_text:
        return []
    people = people_who(Can.SEE_TICKETS, note.ticket.program_id).exclude(pk=note.author_id or 0)
    called = mentioned(note.body_text, list(people))
    Mention.objects.bulk_create([Mention(message=note, user=person) for person in called], ignore_conflicts=True)
    for person in called:
        live.touch_user(person.pk)
    return called


def see_mentions(user: Any, ticket: int) -> None:
    """The ticket is open before them: what called them into it is seen."""
    Mention.objects.filter(user=user, message__ticket=ticket, seen_at__isnull=True).update(seen_at=timezone.now())


def see_ticket(user: Any, ticket: int) -> None:
    """They have it before them, with what was written until now. One statement: every look at a ticket says so."""
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, [ticket, user.pk, timezone.now()])


_SEEN = f"""
INSERT INTO {TicketRead._meta.db_table} (ticket_id, user_id, read_at) VALUES (%s, %s, %s)
ON CONFLICT (ticket_id, user_id) DO UPDATE SET read_at = excluded.read_at
"""
