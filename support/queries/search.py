"""Finding a ticket among millions of messages: by its words, its subject, who it is with, or an id of it.

Words are looked up in a full-text index, parts of names in trigrams. Both are quick while what they find is little; a word that
is in every tenth message would have the index hand out half a million rows. So PostgreSQL is asked first, from its statistics,
how much a text finds in the reader's programs: little is taken from the index, whole; much is read off the newest rows of these
programs, where a common word is found soon, and the reader is told so, and may have all of them looked through, for as long as
a page may take. A reader's programs are in the index and in every statement, so that nobody finds less because of what others'
programs hold.

A word finds itself in any language, and what has its stem in a message of the stem's language, or of none that is known:
"payments" finds "payment", "Zahlungen" finds "Zahlung". A phrase in quotes is found as it is written. The last word may be a
beginning, as one types. A number is found also where a hyphen stands before it, as in A-1001: PostgreSQL's parser takes that for
a minus (its documentation, "Parsers").
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
from knowledge.languages import CONFIGURATIONS
from programs.models import Program
from support.models import Message, Ticket
from support.models.tickets import TicketQuerySet

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
    asked: Question | None = None


def search_tickets(text: str, *, by: Any, whole: bool = False) -> Found:
    """At most SHOWN tickets of the programs whose inbox the user sees, those with the newest hits first. `whole`: every message
    is looked through, which may take seconds."""
    text = _clean(text)
    programs = _programs_of(by) if text else []
    if programs == []:
        return Found()
    tickets = Ticket.objects.all() if programs is None else Ticket.objects.filter(program__in=programs)
    by_id = _by_id(text, tickets)
    if by_id is not None:
        return Found(by_id)
    asked = read_question(text)
    found = _everywhere(asked, programs) if whole else None
    said, often_said, named, often_named = found or (*_in_messages(asked, programs), *_in_subjects(asked, programs))
    messages: dict[int, int] = {}
    for ticket, message in said:
        messages.setdefault(ticket, message)
    shown = list(dict.fromkeys([*_of_people(text, tickets, programs), *named, *messages]))[:SHOWN]
    if not (often_said or often_named):
        return Found(shown, messages, asked=asked)
    if found:
        return Found(shown, messages, _("These words are in very many messages: the newest of them are shown."), asked=asked)
    if whole:
        cut = _(
            "Looking through all messages took too long and was given up: only the newest were looked through. Add a rarer word."
        )
        return Found(shown, messages, cut, asked=asked)
    cut = _("These words are in very many messages: only the newest were looked through.")
    return Found(shown, messages, cut, more=True, asked=asked)


def _programs_of(user: Any) -> list[int] | None:
    """Those whose inbox the user sees; None where that is every one there is, as with a single program: nothing is narrowed then."""
    held = programs_of(user, Can.SEE_TICKETS)
    if not held:
        return None if held is None else []
    return sorted(held) if Program.objects.exclude(pk__in=held).exists() else None


def _clean(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())[:200]


def _everywhere(asked: Question, programs: Sequence[int] | None) -> tuple[list[tuple[int, int]], bool, list[int], bool] | None:
    """What `_in_messages` and `_in_subjects` find, of all rows; None where that takes longer than PATIENCE."""
    condition, values = _subject_condition(asked.text, programs)
    condition = condition or "false"
    try:
        with statements_within(PATIENCE):
            hits, bound = _hits(asked, asked.begun, programs)
            said = select_rows(f"{hits} SELECT ticket_id, id FROM meant", bound)
            named = select_rows(
                f"WITH hits AS MATERIALIZED (SELECT id, last_at FROM {Ticket._meta.db_table} WHERE {condition})"
                f" SELECT id FROM hits ORDER BY last_at DESC LIMIT {SHOWN}",
                values,
            )
    except OperationalError:
        return None
    return [(ticket, message) for ticket, message in said], len(said) == MOST, [pk for (pk,) in named], len(named) == SHOWN


def _by_id(text: str, tickets: TicketQuerySet) -> list[int] | None:
    """Where the text is a public id of something that has tickets."""
    if (ticket := Ticket.pk_from(text)) is not None:
        whose = Q(pk=ticket)
    elif (message := Message.pk_from(text)) is not None:
        whose = Q(messages=message)
    elif (affiliate := Affiliate.pk_from(text)) is not None:
        whose = Q(affiliate=affiliate)
    elif (contact := Contact.pk_from(text)) is not None:
        whose = Q(contact=contact)
    else:
        return None
    return list(tickets.filter(whose).order_by("-last_at").values_list("pk", flat=True)[:SHOWN])


MATCHES = "search @@ %(query)s::tsquery"
OF_THEM = "(%(programs)s::bigint[] IS NULL OR program_id = ANY(%(programs)s::bigint[]))"
_WORD = re.compile(r"('(?:[^']|'')+')(:\*)?")
_STEMMERS = {code: f"{config}_stem" for code, config in CONFIGURATIONS.items() if config != "simple"}
_STEMS = """
SELECT asked.words, told.lexeme, told.stem, array_agg(told.code ORDER BY told.code)
FROM (SELECT websearch_to_tsquery('simple', %(text)s)::text AS words) asked
LEFT JOIN LATERAL (
    SELECT lexeme, stem, code
    FROM unnest(to_tsvector('simple', %(text)s)), unnest(%(codes)s::text[], %(stemmers)s::text[]) AS known (code, stemmer),
         unnest(ts_lexize(stemmer::regdictionary, lexeme)) stem
    WHERE stem <> lexeme
) told ON true
GROUP BY 1, 2, 3
"""


@dataclass(frozen=True)
class Question:
    """A text as tsqueries: `exact` word by word, `begun` with its last word taken for the beginning of one. `words`: each as it
    is written. `loose`: each of the two with the stems of any language, which finds more. Nearly every message bears a mark of
    one: of several words the index finds these in a fifth of the time, and the rows tell which of them are meant."""

    text: str
    exact: str
    begun: str
    words: list[str]
    loose: dict[str, str]
    _told: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    def expected(self, query: str) -> int:
        """How many messages PostgreSQL expects to hold this; each is asked about once."""
        if query not in self._told:
            self._told[query] = _expected(Message._meta.db_table, MATCHES, {"query": query})
        return self._told[query]


def read_question(text: str) -> Question:
    """As on the web: "whole phrases" in quotes, or, and a minus before what is not wanted."""
    rows = select_rows(_STEMS, {"text": text, "codes": list(_STEMMERS), "stemmers": list(_STEMMERS.values())})
    query = str(rows[0][0])
    stems: dict[str, list[tuple[str, list[str]]]] = {}
    for _query, lexeme, stem, codes in rows:
        if stem:
            stems.setdefault(_quoted(lexeme), []).append((_quoted(stem), codes))
    found = [match[1] for match in _WORD.finditer(query)]
    typed = re.search(r"(?:^|\s)([^\s\"-][^\s\"]*\w)$", text)
    begun = query
    if found and typed and query.endswith(found[-1]) and text.count('"') % 2 == 0:
        last = found[-1][1:-1]
        if len(last) >= (DIGITS if last.isdecimal() else BEGINNING):
            begun = f"{query}:*"
    loose = {_with_stems(each, stems, marked=True): _with_stems(each, stems, marked=False) for each in (query, begun)}
    exact, begun = _with_stems(query, stems, marked=True), _with_stems(begun, stems, marked=True)
    return Question(text, exact, begun, words=list(dict.fromkeys(found))[:8], loose=loose)


def _quoted(lexeme: str) -> str:
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _with_stems(query: str, stems: dict[str, list[tuple[str, list[str]]]], *, marked: bool) -> str:
    """Each word or its stems, those in messages of their languages alone (`marked`); a number also as PostgreSQL may have read it."""

    def ways(match: re.Match[str]) -> str:
        word, begun = match[1], match[2] or ""
        if word[1:-1].isdecimal():
            return f"({word}{begun} | '-{word[1:-1]}'{begun})"
        if query[: match.start()].endswith("> ") or query[match.end() :].startswith(" <"):
            return match[0]  # of a phrase
        found = [word + begun]
        for stem, codes in stems.get(word, []):
            languages = " | ".join(f"'@{code}'" for code in ["", *codes])
            found.append(f"{stem} & ({languages})" if marked else stem)
        return f"({' | '.join(found)})" if len(found) > 1 else found[0]

    return _WORD.sub(ways, query)


def _within(asked: Question, query: str, programs: Sequence[int] | None, loose: str = "") -> str:
    """The query, or a looser one in its place; where it finds much, in these programs alone (None: all), by the index. Of few hits
    the rows tell their program sooner than the index, which would read through all that is marked as a large program's."""
    if programs is None or not query or asked.expected(query) <= COMMON:
        return loose or query
    marks = " | ".join(f"'#{pk}'" for pk in programs)
    return f"({loose or query}) & ({marks})"


def _hits(asked: Question, query: str, programs: Sequence[int] | None, limit: str = "") -> tuple[str, dict[str, Any]]:
    """(statement, values): `hits`, rows by the index, of which those `meant` are the query's."""
    # One word's stems may be common words. Where a word must not be in it, any stem of it would leave out too much.
    loose = asked.loose[query]
    if len(asked.words) == 1 or "!" in query or asked.expected(loose) > COMMON:
        loose = query
    meant = "" if loose == query else " WHERE search @@ %(meant)s::tsquery"
    # Materialized, so that the limit does not tempt the planner into walking all messages by date.
    statement = (
        f"WITH hits AS MATERIALIZED (SELECT ticket_id, id, search FROM {Message._meta.db_table} WHERE {MATCHES} AND {OF_THEM}{limit}),"
        f" meant AS (SELECT ticket_id, id FROM hits{meant} ORDER BY id DESC LIMIT {MOST})"
    )
    return statement, {"query": _within(asked, query, programs, loose), "meant": query, "programs": programs}


def _newest(table: str, columns: str, programs: Sequence[int] | None) -> str:
    """NEWEST rows of these programs, the same number of each."""
    # By their number, which is the order in which they came and lie: reading by date would jump about.
    if programs is None:
        return f"(SELECT {columns} FROM {table} ORDER BY id DESC LIMIT {NEWEST}) newest"
    of_each = -(-NEWEST // len(programs))
    return (
        f"unnest(ARRAY{list(programs)}::bigint[]) AS program (pk), LATERAL"
        f" (SELECT {columns} FROM {table} WHERE program_id = program.pk ORDER BY id DESC LIMIT {of_each}) newest"
    )


def _in_messages(asked: Question, programs: Sequence[int] | None) -> tuple[list[tuple[int, int]], bool]:
    """(ticket, message) with these words, the newest first, and whether only the newest messages were read."""
    begun, is_whole = _within(asked, asked.begun, programs), asked.begun == asked.exact
    if len(asked.words) > 1 and all(asked.expected(_within(asked, word, programs)) > EACH_COMMON for word in asked.words):
        return _among_newest(asked.begun, programs), True
    if asked.expected(begun) <= (COMMON if is_whole else BEGUN_COMMON):
        hits, all_read = _by_index(asked, asked.begun, programs)
        return hits, not all_read
    exact = begun if is_whole else _within(asked, asked.exact, programs)
    if is_whole or asked.expected(exact) > COMMON:
        return _among_newest(asked.begun, programs), True
    hits, _all_read = _by_index(asked, asked.exact, programs)
    return [*hits, *_among_newest(asked.begun, programs)], True


def _among_newest(query: str, programs: Sequence[int] | None) -> list[tuple[int, int]]:
    order = "" if programs is None or len(programs) == 1 else " ORDER BY id DESC"  # those of one lie in it
    return select_rows(
        f"SELECT ticket_id, id FROM {_newest(Message._meta.db_table, 'id, ticket_id, search', programs)}"
        f" WHERE {MATCHES}{order} LIMIT {ENOUGH}",
        {"query": query},
    )


def _by_index(asked: Question, query: str, programs: Sequence[int] | None) -> tuple[list[tuple[int, int]], bool]:
    """The hits, and whether that is all of them."""
    hits, values = _hits(asked, query, programs, f" LIMIT {LIKELY}")
    counted = "SELECT NULL, NULL, count(*) FROM hits UNION ALL (SELECT ticket_id, id, 0 FROM meant ORDER BY id DESC)"
    ((_none, _nor, read), *rows) = select_rows(f"{hits} {counted}", values)
    return [(ticket, message) for ticket, message, _number in rows], len(rows) < MOST and read < LIKELY


def _subject_condition(text: str, programs: Sequence[int] | None) -> tuple[str, list[Any]]:
    """Every word, as a part of the subject; empty where no word is long enough."""
    # In PostgreSQL's capitals, as the index has them: Python makes two letters of some, such as ß.
    words = [word for word in text.replace('"', " ").split() if len(word) >= SHORTEST][:8]
    if not words:
        return "", []
    parts, values = ["upper(subject) LIKE upper(%s)"] * len(words), [f"%{_plain(word)}%" for word in words]
    return (
        (" AND ".join(parts), values)
        if programs is None
        else (" AND ".join([*parts, "program_id = ANY(%s)"]), [*values, programs])
    )


def _in_subjects(asked: Question, programs: Sequence[int] | None) -> tuple[list[int], bool]:
    """Tickets with these words in their subject, and whether only the newest were read."""
    condition, values = _subject_condition(asked.text, programs)
    if not condition:
        return [], False
    table = Ticket._meta.db_table
    common = _expected(table, condition, values) > COMMON
    if common:
        of_newest, their_values = _subject_condition(asked.text, None)
        order = "" if programs is None or len(programs) == 1 else " ORDER BY id DESC"
        statement = f"SELECT id FROM {_newest(table, 'id, subject', programs)} WHERE {of_newest}{order} LIMIT {SHOWN}"
        return [int(pk) for (pk,) in select_rows(statement, their_values)], True
    statement = (
        f"WITH hits AS MATERIALIZED (SELECT id, last_at FROM {table} WHERE {condition} LIMIT {LIKELY})"
        f" SELECT id FROM hits ORDER BY last_at DESC LIMIT {SHOWN}"
    )
    return [int(pk) for (pk,) in select_rows(statement, values)], False


def _plain(word: str) -> str:
    """For LIKE, where some characters stand for others."""
    return word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


_PEOPLE = f"""
(SELECT id, NULL FROM {Affiliate._meta.db_table} one
 WHERE (upper(name) LIKE upper(%(part)s) OR upper(email) LIKE upper(%(part)s))
   AND EXISTS (SELECT FROM {Ticket._meta.db_table} WHERE affiliate_id = one.id AND {OF_THEM}) LIMIT {NAMED})
UNION ALL
(SELECT NULL, id FROM {Contact._meta.db_table} one
 WHERE upper(name) LIKE upper(%(part)s)
   AND EXISTS (SELECT FROM {Ticket._meta.db_table} WHERE contact_id = one.id AND {OF_THEM}) LIMIT {NAMED})
UNION ALL
(SELECT NULL, contact_id FROM {ContactAddress._meta.db_table} one
 WHERE (upper(value) LIKE upper(%(part)s) OR upper(label) LIKE upper(%(part)s))
   AND EXISTS (SELECT FROM {Ticket._meta.db_table} WHERE contact_id = one.contact_id AND {OF_THEM}) LIMIT {NAMED})
"""


def _of_people(text: str, tickets: TicketQuerySet, programs: Sequence[int] | None) -> list[int]:
    """Of these tickets, those of whom a name or an address holds the text."""
    if len(text) < SHORTEST:
        return []
    people = select_rows(_PEOPLE, {"part": f"%{_plain(text)}%", "programs": programs})
    if not people:
        return []
    affiliates, contacts = ({row[at] for row in people if row[at]} for at in (0, 1))
    found = tickets.filter(Q(affiliate__in=affiliates) | Q(contact__in=contacts))
    return list(found.order_by("-last_at").values_list("pk", flat=True)[:SHOWN])


def _expected(table: str, condition: str, values: Sequence[Any] | dict[str, Any]) -> int:
    """How many rows PostgreSQL expects, from its statistics: no row is read."""
    ((plan,),) = select_rows(f"EXPLAIN (FORMAT JSON) SELECT FROM {table} WHERE {condition}", values)
    read = json.loads(plan) if isinstance(plan, str) else plan
    return int(read[0]["Plan"]["Plan Rows"])


_START, _END = "\x02", "\x03"  # what no message holds and no browser shows


def excerpts(messages: Collection[int], asked: Question | None) -> dict[int, SafeString]:
    """Of each message the words around what was found, those marked: as they are written, or where that marks nothing, by stems."""
    if not messages or asked is None:
        return {}
    options = f"StartSel={_START},StopSel={_END},MaxWords=22,MinWords=10,MaxFragments=1"
    stemming = " ".join(f"WHEN '{code}' THEN '{CONFIGURATIONS[code]}'" for code in _STEMMERS)
    rows = select_rows(
        f"SELECT id, ts_headline((CASE WHEN to_tsvector('simple', said) @@ asked THEN 'simple' ELSE"
        f" CASE language {stemming} ELSE 'simple' END END)::regconfig, said, asked, %s)"
        f" FROM (SELECT id, language, left(body_text, 5000) AS said, %s::tsquery AS asked FROM {Message._meta.db_table}"
        f" WHERE id = ANY(%s)) found",
        [options, asked.loose[asked.begun], list(messages)],
    )
    return {pk: mark_safe(escape(told).replace(_START, "<mark>").replace(_END, "</mark>")) for pk, told in rows}
