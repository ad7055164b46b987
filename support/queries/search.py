"""Finding a ticket among millions of messages: by its words, its subject, who it is with, or an id of it.

Words are looked up in a full-text index, parts of names in trigrams. Both are quick while what they find is little; a word that
is in every tenth message would have the index hand out half a million rows. So PostgreSQL is asked first, from its statistics,
how much a text finds: little is taken from the index, whole; much is read off the newest rows, where a common word is found
soon, and the reader is told so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from affiliates.models import Affiliate
from channels.models import Contact, ContactAddress
from core.access import Can, programs_of
from core.rows import select_rows
from support.models import Message, Ticket

COMMON = 4_000  # rows that a text is expected to find, from which on the newest are read instead
EACH_COMMON = 40_000  # rows of the rarest of several words, from which on finding where they meet takes the index too long
NEWEST = 15_000  # rows that are read then
MOST = 1_000  # hits that are looked at further
ENOUGH = 300  # of common words
SHOWN = 200  # tickets
NAMED = 50  # people
SHORTEST = 3  # characters that a trigram is made of


@dataclass
class Found:
    """Tickets, and the message of each that holds the words, where one does. `cut` says what was not looked at."""

    tickets: list[int] = field(default_factory=list)
    messages: dict[int, int] = field(default_factory=dict)  # ticket: message
    cut: str = ""


def search_tickets(text: str, *, by: Any) -> Found:
    """At most SHOWN tickets of the programs whose inbox the user sees, those with the newest hits first."""
    text = " ".join(text.replace("\x00", "").split())[:200]
    if not text:
        return Found()
    programs = programs_of(by, Can.SEE_TICKETS)
    by_id = _by_id(text)
    if by_id is not None:
        return Found(_visible(by_id, programs))
    said, often_said = _in_messages(text)
    named, often_named = _in_subjects(text)
    messages: dict[int, int] = {}
    for ticket, message in said:
        messages.setdefault(ticket, message)
    candidates = list(dict.fromkeys([*_of_people(text), *named, *messages]))
    cut = ""
    if often_said or often_named:
        cut = _("These words are in very many messages: only the newest were looked through. Add a rarer word to search all.")
    return Found(_visible(candidates, programs), messages, cut)


def _by_id(text: str) -> list[int] | None:
    """Where the text is a public id of something that has tickets."""
    if (ticket := Ticket.pk_from(text)) is not None:
        return [ticket]
    if (message := Message.pk_from(text)) is not None:
        return list(Message.objects.filter(pk=message).values_list("ticket", flat=True))
    whose = None
    if (affiliate := Affiliate.pk_from(text)) is not None:
        whose = Q(affiliate=affiliate)
    elif (contact := Contact.pk_from(text)) is not None:
        whose = Q(contact=contact)
    if whose is None:
        return None
    return list(Ticket.objects.filter(whose).order_by("-last_at").values_list("pk", flat=True)[:SHOWN])


def _visible(candidates: Sequence[int], programs: Collection[int] | None) -> list[int]:
    """Those of the reader's programs, in their order."""
    tickets = Ticket.objects.filter(pk__in=candidates)
    if programs is not None:
        tickets = tickets.filter(program__in=programs)
    visible = set(tickets.order_by().values_list("pk", flat=True))
    return [pk for pk in candidates if pk in visible][:SHOWN]


QUERY = "websearch_to_tsquery('simple', %s)"


def _in_messages(text: str) -> tuple[list[tuple[int, int]], bool]:
    """(ticket, message) with these words, the newest first, and whether only the newest messages were read.

    As on the web: "whole phrases" in quotes, or, and a minus before what is not wanted. Whole words, in any language.
    """
    table = Message._meta.db_table
    condition = f"search @@ {QUERY}"
    words = re.findall(r"\w+", text)[:8]
    common = _expected(table, condition, [text]) > COMMON or (
        len(words) > 1 and all(_expected(table, condition, [word]) > EACH_COMMON for word in words)
    )
    if common:
        # By their number, which is the order in which they came and lie: reading by date would jump about.
        statement = (
            f"SELECT ticket_id, id FROM (SELECT id, ticket_id, search FROM {table} ORDER BY id DESC LIMIT {NEWEST}) newest"
            f" WHERE {condition} LIMIT {ENOUGH}"
        )
    else:
        # Materialized, so that the limit does not tempt the planner into walking all messages by date.
        statement = (
            f"WITH hits AS MATERIALIZED (SELECT ticket_id, id, created_at FROM {table} WHERE {condition} LIMIT {COMMON * 4})"
            f" SELECT ticket_id, id FROM hits ORDER BY created_at DESC LIMIT {MOST}"
        )
    hits = [(int(ticket), int(message)) for ticket, message in select_rows(statement, [text])]
    return hits, common or len(hits) == MOST


def _in_subjects(text: str) -> tuple[list[int], bool]:
    """Tickets whose subject holds every word, as a part of it."""
    words = [word for word in text.replace('"', " ").upper().split() if len(word) >= SHORTEST][:8]
    if not words:
        return [], False
    table = Ticket._meta.db_table
    condition = " AND ".join(["upper(subject) LIKE %s"] * len(words))
    values = [f"%{_plain(word)}%" for word in words]
    common = _expected(table, condition, values) > COMMON
    if common:
        statement = (
            f"SELECT id FROM (SELECT id, subject FROM {table} ORDER BY id DESC LIMIT {NEWEST}) newest"
            f" WHERE {condition} LIMIT {SHOWN}"
        )
    else:
        statement = (
            f"WITH hits AS MATERIALIZED (SELECT id, last_at FROM {table} WHERE {condition} LIMIT {COMMON * 4})"
            f" SELECT id FROM hits ORDER BY last_at DESC LIMIT {SHOWN}"
        )
    return [int(pk) for (pk,) in select_rows(statement, values)], common


def _plain(word: str) -> str:
    """For LIKE, where some characters stand for others."""
    return word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def _of_people(text: str) -> list[int]:
    """Tickets of those whose name or address holds the text."""
    if len(text) < SHORTEST:
        return []
    affiliates = list(
        Affiliate.objects.filter(Q(name__icontains=text) | Q(email__icontains=text))
        .order_by()
        .values_list("pk", flat=True)[:NAMED]
    )
    contacts = set(Contact.objects.filter(name__icontains=text).order_by().values_list("pk", flat=True)[:NAMED])
    addressed = ContactAddress.objects.filter(Q(value__icontains=text) | Q(label__icontains=text)).order_by()
    contacts.update(addressed.values_list("contact", flat=True)[:NAMED])
    if not affiliates and not contacts:
        return []
    tickets = Ticket.objects.filter(Q(affiliate__in=affiliates) | Q(contact__in=contacts))
    return list(tickets.order_by("-last_at").values_list("pk", flat=True)[:SHOWN])


def _expected(table: str, condition: str, values: list[str]) -> int:
    """How many rows PostgreSQL expects, from its statistics: no row is read."""
    ((plan,),) = select_rows(f"EXPLAIN (FORMAT JSON) SELECT FROM {table} WHERE {condition}", values)
    read = json.loads(plan) if isinstance(plan, str) else plan
    return int(read[0]["Plan"]["Plan Rows"])


_START, _END = "\x02", "\x03"  # what no message holds and no browser shows


def excerpts(messages: Collection[int], text: str) -> dict[int, SafeString]:
    """Of each message the words around what was found, those marked."""
    if not messages:
        return {}
    options = f"StartSel={_START},StopSel={_END},MaxWords=22,MinWords=10,MaxFragments=1"
    rows = select_rows(
        f"SELECT id, ts_headline('simple', left(body_text, 5000), {QUERY}, %s) FROM {Message._meta.db_table} WHERE id = ANY(%s)",
        [text.replace("\x00", ""), options, list(messages)],
    )
    return {pk: mark_safe(escape(told).replace(_START, "<mark>").replace(_END, "</mark>")) for pk, told in rows}
