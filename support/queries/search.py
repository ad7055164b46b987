"""Finding a ticket among millions of messages: by its words, its subject, who it is with, or an id of it.

Words are looked up in a full-text index, parts of names in trigrams. Both are quick while what they find is little; a word that
is in every tenth message would have the index hand out half a million rows. So PostgreSQL is asked first, from its statistics,
how much a text finds: little is taken from the index, whole; much is read off the newest rows, where a common word is found
soon, and the reader is told so, and may have all of them looked through, for as long as a page may take.

The last word may be a beginning, as one types. A number is found also where a hyphen stands before it, as in A-1001: PostgreSQL's
parser takes that for a minus (its documentation, "Parsers").
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import OperationalError
from django.db.models import Q
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from affiliates.models import Affiliate
from channels.models import Contact, ContactAddress
from core.access import Can, programs_of
from core.rows import select_rows, statements_within
from support.models import Message, Ticket

COMMON = 4_000  # rows that a text is expected to find, from which on the newest are read instead
EACH_COMMON = 40_000  # rows of the rarest of several words, from which on finding where they meet takes the index too long
NEWEST = 15_000  # rows that are read then
MOST = 1_000  # hits that are looked at further
ENOUGH = 300  # of common words
SHOWN = 200  # tickets
NAMED = 50  # people
SHORTEST = 3  # characters that a trigram is made of
LIKELY = 4 * COMMON  # rows that are read where PostgreSQL expected fewer than COMMON
# Of beginnings that are not among the most common words PostgreSQL expects a thousandth of all rows, without knowing more
# (DEFAULT_TS_MATCH_SEL in its ts_selfuncs.c): of five millions, more than COMMON.
BEGUN_COMMON = 2 * COMMON
BEGINNING = 3  # characters of a word from which on it is taken for a beginning
DIGITS = 4  # of a number
PATIENCE = 5.0  # seconds that looking through all may take


@dataclass
class Found:
    """Tickets, and the message of each that holds the words, where one does. `cut` says what was not looked at; `more`: looking
    through all might find more."""

    tickets: list[int] = field(default_factory=list)
    messages: dict[int, int] = field(default_factory=dict)  # ticket: message
    cut: str = ""
    more: bool = False


def search_tickets(text: str, *, by: Any, whole: bool = False) -> Found:
    """At most SHOWN tickets of the programs whose inbox the user sees, those with the newest hits first. `whole`: every message
    is looked through, which may take seconds."""
    text = _clean(text)
    if not text:
        return Found()
    programs = programs_of(by, Can.SEE_TICKETS)
    by_id = _by_id(text)
    if by_id is not None:
        return Found(_visible(by_id, programs))
    found = _everywhere(text) if whole else None
    said, often_said, named, often_named = found or (*_in_messages(text), *_in_subjects(text))
    messages: dict[int, int] = {}
    for ticket, message in said:
        messages.setdefault(ticket, message)
    candidates = list(dict.fromkeys([*_of_people(text), *named, *messages]))
    shown = _visible(candidates, programs)
    if not (often_said or often_named):
        return Found(shown, messages)
    if found:
        return Found(shown, messages, _("These words are in very many messages: the newest of them are shown."))
    if whole:
        cut = _(
            "Looking through all messages took too long and was given up: only the newest were looked through. Add a rarer word."
        )
        return Found(shown, messages, cut)
    cut = _("These words are in very many messages: only the newest were looked through.")
    return Found(shown, messages, cut, more=True)


def _clean(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())[:200]


def _everywhere(text: str) -> tuple[list[tuple[int, int]], bool, list[int], bool] | None:
    """What `_in_messages` and `_in_subjects` find, of all rows; None where that takes longer than PATIENCE."""
    condition, values = _subject_condition(text)
    condition = condition or "false"
    try:
        with statements_within(PATIENCE):
            said = select_rows(
                f"WITH hits AS MATERIALIZED (SELECT ticket_id, id FROM {Message._meta.db_table} WHERE {MATCHES})"
                f" SELECT ticket_id, id FROM hits ORDER BY id DESC LIMIT {MOST}",
                [_queries(text)[1]],
            )
            named = select_rows(
                f"WITH hits AS MATERIALIZED (SELECT id, last_at FROM {Ticket._meta.db_table} WHERE {condition})"
                f" SELECT id FROM hits ORDER BY last_at DESC LIMIT {SHOWN}",
                values,
            )
    except OperationalError:
        return None
    return [(ticket, message) for ticket, message in said], len(said) == MOST, [pk for (pk,) in named], len(named) == SHOWN


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


MATCHES = "search @@ %s::tsquery"
_WORD = re.compile(r"'(?:[^']|'')+'")
_LAST = re.compile(r"'((?:[^']|'')+)'$")
_NUMBER = re.compile(r"'(\d+)'(:\*)?")


def _queries(text: str) -> tuple[str, str]:
    """The text as a tsquery, word by word; and once more, with its last word taken for the beginning of one.

    As on the web: "whole phrases" in quotes, or, and a minus before what is not wanted.
    """
    ((words,),) = select_rows("SELECT websearch_to_tsquery('simple', %s)::text", [text])
    last = _LAST.search(words)
    typed = re.search(r"(?:^|\s)([^\s\"-][^\s\"]*\w)$", text)
    begun = words
    if last and typed and text.count('"') % 2 == 0 and len(last[1]) >= (DIGITS if last[1].isdecimal() else BEGINNING):
        begun = f"{words}:*"
    exact, begun = (_NUMBER.sub(r"('\1'\2 | '-\1'\2)", query) for query in (words, begun))
    return exact, begun


def _in_messages(text: str) -> tuple[list[tuple[int, int]], bool]:
    """(ticket, message) with these words, the newest first, and whether only the newest messages were read."""
    exact, begun = _queries(text)
    words = list(dict.fromkeys(_WORD.findall(exact)))[:8]
    if len(words) > 1 and all(_messages_expected(word) > EACH_COMMON for word in words):
        return _among_newest(begun), True
    if _messages_expected(begun) <= (COMMON if begun == exact else BEGUN_COMMON):
        hits, all_read = _by_index(begun)
        return hits, not all_read
    if begun == exact or _messages_expected(exact) > COMMON:
        return _among_newest(begun), True
    hits, _all_read = _by_index(exact)
    return [*hits, *_among_newest(begun)], True


def _among_newest(query: str) -> list[tuple[int, int]]:
    # By their number, which is the order in which they came and lie: reading by date would jump about.
    return select_rows(
        f"SELECT ticket_id, id FROM (SELECT id, ticket_id, search FROM {Message._meta.db_table} ORDER BY id DESC LIMIT {NEWEST}) newest"
        f" WHERE {MATCHES} LIMIT {ENOUGH}",
        [query],
    )


def _by_index(query: str) -> tuple[list[tuple[int, int]], bool]:
    """The hits, and whether that is all of them."""
    # Materialized, so that the limit does not tempt the planner into walking all messages by date.
    rows = select_rows(
        f"WITH hits AS MATERIALIZED (SELECT ticket_id, id FROM {Message._meta.db_table} WHERE {MATCHES} LIMIT {LIKELY})"
        f" SELECT ticket_id, id, (SELECT count(*) FROM hits) FROM hits ORDER BY id DESC LIMIT {MOST}",
        [query],
    )
    return [(ticket, message) for ticket, message, _number in rows], len(rows) < MOST and all(row[2] < LIKELY for row in rows[:1])


def _messages_expected(query: str) -> int:
    return _expected(Message._meta.db_table, MATCHES, [query])


def _subject_condition(text: str) -> tuple[str, list[str]]:
    """Every word, as a part of the subject."""
    words = [word for word in text.replace('"', " ").upper().split() if len(word) >= SHORTEST][:8]
    return " AND ".join(["upper(subject) LIKE %s"] * len(words)), [f"%{_plain(word)}%" for word in words]


def _in_subjects(text: str) -> tuple[list[int], bool]:
    """Tickets with these words in their subject, and whether only the newest were read."""
    condition, values = _subject_condition(text)
    if not values:
        return [], False
    table = Ticket._meta.db_table
    common = _expected(table, condition, values) > COMMON
    if common:
        statement = (
            f"SELECT id FROM (SELECT id, subject FROM {table} ORDER BY id DESC LIMIT {NEWEST}) newest"
            f" WHERE {condition} LIMIT {SHOWN}"
        )
    else:
        statement = (
            f"WITH hits AS MATERIALIZED (SELECT id, last_at FROM {table} WHERE {condition} LIMIT {LIKELY})"
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
        f"SELECT id, ts_headline('simple', left(body_text, 5000), %s::tsquery, %s) FROM {Message._meta.db_table} WHERE id = ANY(%s)",
        [_queries(_clean(text))[1], options, list(messages)],
    )
    return {pk: mark_safe(escape(told).replace(_START, "<mark>").replace(_END, "</mark>")) for pk, told in rows}
