"""What a text asks for, as PostgreSQL's text search has it, and how much of it PostgreSQL expects to find.

A word finds itself in any language, and what has its stem in a message of the stem's language, or of none that is known:
"payments" finds "payment", "Zahlungen" finds "Zahlung". A phrase in quotes is found as it is written. The last word may be a
beginning, as one types. A number is found also where a hyphen stands before it, as in A-1001: PostgreSQL's parser takes that for
a minus (its documentation, "Parsers").
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from core.rows import select_rows
from knowledge.languages import CONFIGURATIONS
from support.models import Message

BEGINNING = 3  # characters of a word from which on it is taken for a beginning
DIGITS = 4  # of a number
SHORTEST = 3  # characters that a trigram is made of
MOST_WORDS = 8

_WORD = re.compile(r"('(?:[^']|'')+')(:\*)?")
STEMMERS = {code: f"{config}_stem" for code, config in CONFIGURATIONS.items() if config != "simple"}
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
    one: of several words the index finds these in a fifth of the time, and the rows tell which of them are meant. `all_of`: of
    several words which must all be there, what each finds in this way."""

    text: str
    exact: str
    begun: str
    words: list[str]
    loose: dict[str, str]
    all_of: list[str]
    parts: list[str]  # its words, as parts of a subject
    _told: dict[Rows, int] = field(default_factory=dict, compare=False, repr=False)

    def expected(self, query: str) -> int:
        """How many messages PostgreSQL expects to hold this."""
        return self.expected_of(_holding(query))

    def expected_of(self, rows: Rows) -> int:
        self.expect([], [rows])
        return self._told[rows]

    def expect(self, queries: Iterable[str], others: Iterable[Rows] = ()) -> None:
        """Ask about all of these at once; each is asked about once."""
        asked = [rows for rows in dict.fromkeys([*map(_holding, queries), *others]) if rows not in self._told]
        if asked:
            self._told.update(zip(asked, _expected(asked), strict=True))


class Rows(NamedTuple):
    """Those of a table of which a condition is true."""

    table: str
    condition: str
    values: tuple[Any, ...]


def _holding(query: str) -> Rows:
    return Rows(Message._meta.db_table, "search @@ %s::tsquery", (query,))


def _expected(asked: list[Rows]) -> list[int]:
    """How many PostgreSQL expects, from its statistics: no row is read."""
    # Each under a limit, so that its number is that of all rows also where several processes would share the work.
    statement = " UNION ALL ".join(f"(SELECT FROM {rows.table} WHERE {rows.condition} LIMIT {10**12})" for rows in asked)
    ((told,),) = select_rows(f"EXPLAIN (FORMAT JSON) {statement}", [value for rows in asked for value in rows.values])
    plan = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
    return [int(each["Plan Rows"]) for each in (plan["Plans"] if len(asked) > 1 else [plan])]


def read_question(text: str) -> Question:
    """As on the web: "whole phrases" in quotes, or, and a minus before what is not wanted."""
    rows = select_rows(_STEMS, {"text": text, "codes": list(STEMMERS), "stemmers": list(STEMMERS.values())})
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
    several = _WORD.findall(begun) if not re.search("[|!]", _WORD.sub("", begun)) else []
    all_of = [_with_stems(each, stems, marked=False) for each in dict.fromkeys(map("".join, several))]
    parts = [word for word in text.replace('"', " ").split() if len(word) >= SHORTEST]
    loose = {_with_stems(each, stems, marked=True): _with_stems(each, stems, marked=False) for each in (query, begun)}
    exact, begun = _with_stems(query, stems, marked=True), _with_stems(begun, stems, marked=True)
    return Question(
        text,
        exact,
        begun,
        list(dict.fromkeys(found))[:MOST_WORDS],
        loose,
        all_of[:MOST_WORDS],
        list(dict.fromkeys(parts))[:MOST_WORDS],
    )


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
