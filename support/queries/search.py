"""Finding a ticket among millions of messages: by its words, its subject, who it is with, or an id of it.

Words are looked up in a full-text index, parts of names in trigrams. Both are quick while what they find is little; a word that
is in every tenth message would have the index hand out half a million rows. So PostgreSQL is asked first, from its statistics,
how much a text finds in the reader's programs: little is taken from the index, whole; much is read off the newest rows of these
programs, where a common word is found soon, and the reader is told so, and may have all of them looked through, for as long as
a page may take. A reader's programs are in the index and in every statement, so that nobody finds less because of what others'
programs hold.

How a text is read stands in `search_text`.
"""

from __future__ import annotations

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
from support.queries.search_text import SHORTEST, STEMMERS, Question, Rows, read_question

COMMON = 4_000  # rows that a text is expected to find, from which on the newest are read instead
EACH_COMMON = 40_000  # rows of the rarest of several words, from which on finding where they meet takes the index too long
NEWEST = 15_000  # rows that are read then
MOST = 1_000  # hits that are looked at further
ENOUGH = 300  # of common words
SHOWN = 200  # tickets
NAMED = 50  # people
LIKELY = 4 * COMMON  # rows that are read where PostgreSQL expected fewer than COMMON
# Of beginnings that are not among the most common words PostgreSQL expects a thousandth of all rows, without knowing more
# (DEFAULT_TS_MATCH_SEL in its ts_selfuncs.c): of five millions, more than COMMON.
BEGUN_COMMON = 2 * COMMON
LEAD = 24  # characters of an excerpt before what was found: a third of a line, on a phone as well
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
    if found is None:
        several = _several(asked)
        subjects = [_subjects([part], None) for part in asked.parts] if len(asked.parts) > 1 else []
        asked.expect([asked.begun, *several], [_subjects(asked.parts, programs), *subjects] if asked.parts else [])
    said, often_said, named, often_named = found or (*_in_messages(asked, programs), *_in_subjects(asked, programs))
    messages: dict[int, int] = {}
    for ticket, message in said:
        messages.setdefault(ticket, message)
    shown = list(dict.fromkeys([*_of_people(text, programs), *named, *messages]))[:SHOWN]
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
    ((others,),) = select_rows(f"SELECT EXISTS (SELECT FROM {Program._meta.db_table} WHERE id <> ALL(%s))", [sorted(held)])
    return sorted(held) if others else None


def _clean(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())[:200]


def _everywhere(asked: Question, programs: Sequence[int] | None) -> tuple[list[tuple[int, int]], bool, list[int], bool] | None:
    """What `_in_messages` and `_in_subjects` find, of all rows; None where that takes longer than PATIENCE."""
    try:
        with statements_within(PATIENCE):
            said, number, _read = _by_index(_query_of(asked, asked.begun, programs), asked.begun, programs, limit="")
            named = _subjects_by_index(_subjects(asked.parts, programs), [], limit="") if asked.parts else []
    except OperationalError:
        return None
    return said, number == MOST, named, len(named) == SHOWN


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


# By a subquery, into which the planner does not look: it would weigh all words once more, which takes as long as a small search.
MATCHES = "search @@ (SELECT %(query)s::tsquery)"
OF_THEM = "(%(programs)s::bigint[] IS NULL OR program_id = ANY(%(programs)s::bigint[]))"


def _within(asked: Question, query: str, programs: Sequence[int] | None, loose: str = "") -> str:
    """The query, or a looser one in its place; where it finds much, in these programs alone (None: all), by the index. Of few hits
    the rows tell their program sooner than the index, which would read through all that is marked as a large program's."""
    if programs is None or not query or asked.expected(query) <= COMMON:
        return loose or query
    marks = " | ".join(f"'#{pk}'" for pk in programs)
    return f"({loose or query}) & ({marks})"


def _query_of(asked: Question, query: str, programs: Sequence[int] | None) -> str:
    """What the index is asked for, of which the rows tell what is meant."""
    # One word's stems may be common words. Where a word must not be in it, any stem of it would leave out too much.
    loose = asked.loose[query]
    if len(asked.words) == 1 or "!" in query or asked.expected(loose) > COMMON:
        loose = query
    return _within(asked, query, programs, loose)


def _among_newest_of(table: str, columns: str, condition: str, programs: Sequence[int] | None, most: int) -> str:
    """The statement for `most` that are so of the NEWEST rows, the newest first; of several programs the same number of each."""
    # By their number, which is the order in which they came and lie: reading by date would jump about. "Is true" is what no other
    # index is asked for. Those of one program lie in their order: the first ones will do.
    order = " ORDER BY id DESC" if programs is None or len(programs) > 1 else ""
    if programs is None:
        read = f"{table} WHERE id > (SELECT max(id) - {NEWEST} FROM {table}) AND"
    else:
        of_each = -(-NEWEST // len(programs))
        read = (
            f"unnest(ARRAY{list(programs)}::bigint[]) AS program (pk), LATERAL"
            f" (SELECT * FROM {table} WHERE program_id = program.pk ORDER BY id DESC LIMIT {of_each}) newest WHERE"
        )
    return f"SELECT {columns} FROM {read} ({condition}) IS TRUE{order} LIMIT {most}"


def _in_messages(asked: Question, programs: Sequence[int] | None) -> tuple[list[tuple[int, int]], bool]:
    """(ticket, message) with these words, the newest first, and whether only the newest messages were read."""
    begun, is_whole = _within(asked, asked.begun, programs), asked.begun == asked.exact
    words = [_within(asked, word, programs) for word in _several(asked)]
    asked.expect([begun, *words])
    rare = _rare_among_common(asked, words) if asked.all_of else ""
    if rare:
        hits, number, read = _by_index(rare, asked.begun, programs)
        if read < LIKELY:
            return hits, number == MOST
    if words and all(asked.expected(word) > EACH_COMMON for word in words):
        return _among_newest(asked.begun, programs), True
    if asked.expected(begun) <= (COMMON if is_whole else BEGUN_COMMON):
        hits, number, read = _by_index(_query_of(asked, asked.begun, programs), asked.begun, programs)
        return hits, number == MOST or read == LIKELY
    exact = begun if is_whole else _within(asked, asked.exact, programs)
    if is_whole or asked.expected(exact) > COMMON:
        return _among_newest(asked.begun, programs), True
    hits, _number, _read = _by_index(_query_of(asked, asked.exact, programs), asked.exact, programs)
    return [*hits, *_among_newest(asked.begun, programs)], True


def _several(asked: Question) -> list[str]:
    """Each of several words, as the index is asked for it."""
    return (asked.all_of or asked.words) if len(asked.words) > 1 else []


def _rare_among_common(asked: Question, words: Sequence[str]) -> str:
    """The one rare word of several that must all be there, where the rows that hold it tell of the others sooner than the index,
    which would look each of them up in very long lists."""
    first, *others = sorted(words, key=asked.expected) or [""]
    if not others or asked.expected(first) > (BEGUN_COMMON if ":*" in first else COMMON):
        return ""
    return first if all(asked.expected(word) > EACH_COMMON for word in others) else ""


def _among_newest(query: str, programs: Sequence[int] | None) -> list[tuple[int, int]]:
    statement = _among_newest_of(Message._meta.db_table, "ticket_id, id", MATCHES, programs, ENOUGH)
    return select_rows(statement, {"query": query})


def _by_index(
    query: str, meant: str, programs: Sequence[int] | None, limit: str = f" LIMIT {LIKELY}"
) -> tuple[list[tuple[int, int]], int, int]:
    """What is meant of the rows that the index finds for the query: the newest of each of SHOWN tickets; how many messages are
    meant, up to MOST; and how many rows were read."""
    # Materialized, so that the limit does not tempt the planner into walking all messages by date.
    statement = f"""
WITH hits AS MATERIALIZED (
    SELECT ticket_id, id, {"true" if query == meant else "search @@ %(meant)s::tsquery"} AS meant
    FROM (SELECT ticket_id, id, search FROM {Message._meta.db_table} WHERE {MATCHES} AND {OF_THEM}{limit}) found
),
newest AS MATERIALIZED (SELECT ticket_id, id FROM hits WHERE meant ORDER BY id DESC LIMIT {MOST})
SELECT ARRAY(SELECT ARRAY[ticket_id, max(id)] FROM newest GROUP BY ticket_id ORDER BY max(id) DESC LIMIT {SHOWN}),
    (SELECT count(*) FROM newest), (SELECT count(*) FROM hits)
"""
    ((found, number, read),) = select_rows(statement, {"query": query, "meant": meant, "programs": programs})
    return [(ticket, message) for ticket, message in found], number, read


def _subjects(parts: Sequence[str], programs: Sequence[int] | None) -> Rows:
    """Tickets with every one of these as a part of the subject."""
    # In PostgreSQL's capitals, as the index has them: Python makes two letters of some, such as ß.
    within = [] if programs is None else [f"program_id = ANY(ARRAY{list(programs)}::bigint[])"]
    return Rows(
        Ticket._meta.db_table, " AND ".join([*[_PART] * len(parts), *within]), tuple(f"%{_plain(each)}%" for each in parts)
    )


_PART = "upper(subject) LIKE upper(%s)"


def _in_subjects(asked: Question, programs: Sequence[int] | None) -> tuple[list[int], bool]:
    """Tickets with these words in their subject, and whether only the newest were read."""
    if not asked.parts:
        return [], False
    if asked.expected_of(_subjects(asked.parts, programs)) > COMMON:
        meant = _subjects(asked.parts, None)
        statement = _among_newest_of(meant.table, "id", meant.condition, programs, SHOWN)
        return [int(pk) for (pk,) in select_rows(statement, meant.values)], True
    first, *others = sorted(asked.parts, key=lambda part: asked.expected_of(_subjects([part], None)))
    if asked.expected_of(_subjects([first], None)) <= COMMON:
        return _subjects_by_index(_subjects([first], programs), others), False
    return _subjects_by_index(_subjects(asked.parts, programs), []), False


def _subjects_by_index(meant: Rows, others: Sequence[str], limit: str = f" LIMIT {LIKELY}") -> list[int]:
    """The newest SHOWN. Of the `others`, parts as well, the rows tell: for a rare one's sooner than the index would."""
    condition = " AND ".join([meant.condition, *[f"({_PART}) IS TRUE"] * len(others)])
    # Behind an offset, so that the limit does not tempt the planner into walking all tickets by date.
    statement = (
        f"SELECT id FROM (SELECT id, last_at FROM {meant.table} WHERE {condition} OFFSET 0{limit}) hits"
        f" ORDER BY last_at DESC LIMIT {SHOWN}"
    )
    return [int(pk) for (pk,) in select_rows(statement, [*meant.values, *_subjects(others, None).values])]


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


def _of_people(text: str, programs: Sequence[int] | None) -> list[int]:
    """Tickets of whoever has the text in a name or an address."""
    if len(text) < SHORTEST:
        return []
    people = select_rows(_PEOPLE, {"part": f"%{_plain(text)}%", "programs": programs})
    if not people:
        return []
    affiliates, contacts = (list({row[at] for row in people if row[at]}) for at in (0, 1))
    statement = f"""
WITH theirs AS MATERIALIZED (
    SELECT id, last_at FROM {Ticket._meta.db_table}
    WHERE (affiliate_id = ANY(%(affiliates)s::bigint[]) OR contact_id = ANY(%(contacts)s::bigint[])) AND {OF_THEM}
)
SELECT id FROM theirs ORDER BY last_at DESC LIMIT {SHOWN}
"""
    values = {"affiliates": affiliates, "contacts": contacts, "programs": programs}
    return [int(pk) for (pk,) in select_rows(statement, values)]


_START, _END = "\x02", "\x03"  # what no message holds and no browser shows


def excerpts(messages: Collection[int], asked: Question | None) -> dict[int, SafeString]:
    """Of each message the words around what was found, those marked: as they are written, or where that marks nothing, by stems."""
    if not messages or asked is None:
        return {}
    options = f"StartSel={_START},StopSel={_END},MaxWords=22,MinWords=10,MaxFragments=1"
    stemming = " ".join(f"WHEN '{code}' THEN '{CONFIGURATIONS[code]}'" for code in STEMMERS)
    rows = select_rows(
        f"SELECT id, ts_headline((CASE WHEN to_tsvector('simple', said) @@ asked THEN 'simple' ELSE"
        f" CASE language {stemming} ELSE 'simple' END END)::regconfig, said, asked, %s)"
        f" FROM (SELECT id, language, left(body_text, 5000) AS said, %s::tsquery AS asked FROM {Message._meta.db_table}"
        f" WHERE id = ANY(%s)) found",
        [options, asked.loose[asked.begun], list(messages)],
    )
    return {pk: mark_safe(escape(_near(told)).replace(_START, "<mark>").replace(_END, "</mark>")) for pk, told in rows}


def _near(told: str) -> str:
    """From a few words before the first that is marked: a row shows one line, of which the rest is cut off."""
    before, start, after = told.partition(_START)
    if len(before) <= LEAD or not start:
        return told
    _cut, _space, kept = before[-LEAD:].partition(" ")
    return f"… {kept}{start}{after}"
