"""Articles found by their words, and what is known about each."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db.models import Count, Q, QuerySet

from accounts.models import User
from accounts.queries import people_who
from core.access import Can
from core.rows import select_rows
from knowledge.languages import CONFIGURATIONS, known_language
from knowledge.markdown import without_marks
from knowledge.models import Article, ArticleQuerySet, ArticleReading, ArticleVersion

_WORD = re.compile(r"\w{2,40}")
WORDS = 24  # of a question that are looked at
ALIKE = 0.55  # trigram similarity of a title from which a misspelt word is taken for it
ENOUGH = 0.02  # rank under which an article shares a word with the question, and no more


def find_articles(
    articles: ArticleQuerySet, text: str, language: str, limit: int = 20, *, every_word: bool = False
) -> list[Article]:
    """Of these articles the nearest to the text, best first, each once: in the reader's language where there is such a
    translation. With `snippet`: the passage that fits. `every_word`: only what holds all the words (a search), else any of
    them (a question in somebody's own words). The last word may be unfinished.
    """
    words = _WORD.findall(text.lower().replace("\x00", ""))[:WORDS]
    if not words:
        return []
    ranked = _nearest(articles, words, limit * 4, " & " if every_word else " | ")
    read = articles.defer("search").in_bulk([pk for pk, _snippet in ranked]) if ranked else {}
    for pk, snippet in ranked:
        vars(read[pk])["snippet"] = without_marks(snippet)  # no field of the model
    return _once_each((read[pk] for pk, _snippet in ranked), known_language(language))[:limit]


# Each language has rules and words of its own; a title that is only alike counts a fifth of its likeness.
_NEAREST = """
WITH given AS (SELECT %s::text AS query, %s::text AS words),
asked AS MATERIALIZED (
    SELECT language, config, to_tsquery(config, query) AS query, words
    FROM given, (VALUES {configurations}) AS known (language, config)
),
ranked AS (
    SELECT id, text, config, query, greatest(ts_rank(search, query, 1), word_similarity(words, title) * 0.2) AS nearness
    FROM {table} JOIN asked USING (language)
    WHERE id IN ({articles}) AND (search @@ query OR word_similarity(words, title) >= %s)
),
nearest AS (SELECT * FROM ranked WHERE nearness >= %s ORDER BY nearness DESC, id LIMIT %s)
SELECT id, ts_headline(config, text, query, 'StartSel="", StopSel="", MaxWords=28, MinWords=12, MaxFragments=1')
FROM nearest ORDER BY nearness DESC, id
"""
_CONFIGURATIONS = ", ".join(f"('{language}', '{name}'::regconfig)" for language, name in CONFIGURATIONS.items())


def _nearest(articles: ArticleQuerySet, words: list[str], limit: int, glue: str) -> list[tuple[int, str]]:
    """(row, passage) by how near they are. Told in SQL: built out of expressions, one of each for every language, the question took
    longer than its answer. Words are letters and digits alone (`_WORD`), each also as the beginning of a longer one."""
    try:
        among, narrowed = articles.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return []
    asked = _NEAREST.format(configurations=_CONFIGURATIONS, table=Article._meta.db_table, articles=among)
    query = glue.join(f"{word}:*" for word in words)
    return select_rows(asked, [query, " ".join(words), *narrowed, ALIKE, ENOUGH, limit])


def _once_each(ranked: Iterable[Article], language: str) -> list[Article]:
    """Of an article and its translations one: in the reader's language, else in English, else as it was written."""
    best: dict[int, Article] = {}
    order = {language: 0, "en": 1}
    for article in ranked:
        kept = best.get(article.group)
        if kept is None or order.get(article.language, 2) < order.get(kept.language, 2):
            best[article.group] = article
    return list(best.values())


def suggest(text: str, program: int | None, language: str, audience: str, limit: int = 4, *, reader: Any = None) -> list[Article]:
    """What may answer a question, while it is typed and beside a ticket: nothing where nothing fits, and nothing that is neither in
    that language, nor in the reader's own, nor in the one that everything is written in first (settings.LANGUAGE_CODE).

    `audience` "affiliates": what affiliates of the program (its number; None: of none) may read, and never anything else.
    "team": also what is written for the team alone, as far as `reader` may read it.
    """
    if audience == Article.Audience.AFFILIATES:
        articles = Article.objects.for_affiliates([] if program is None else [program])
    elif audience == Article.Audience.TEAM:
        articles = Article.objects.visible_to(reader).filter(status=Article.Status.PUBLISHED)
        articles = articles.filter(Q(program__isnull=True) | Q(program=program))
    else:
        raise ValueError(f"{audience!r} is no audience")
    read = {known_language(each) for each in (language, getattr(reader, "language", ""), settings.LANGUAGE_CODE)}
    return find_articles(articles.filter(language__in=read), text[:2000], language, limit)


def shelf(articles: ArticleQuerySet, language: str) -> list[Article]:
    """All of these, each once in the reader's language, by topic and title."""
    language = known_language(language)
    order = {topic: place for place, topic in enumerate(Article.Topic.values)}
    once = _once_each(articles.defer("text", "search").order_by("pk"), language)
    return sorted(once, key=lambda article: (order[article.topic], article.title.lower()))


def translations_of(article: Article, among: ArticleQuerySet) -> list[Article]:
    """The article in every language in which it is among these, itself included."""
    return list(among.filter(Q(pk=article.group) | Q(original=article.group)).defer("text", "search").order_by("language"))


def with_votes(articles: QuerySet[Article]) -> QuerySet[Article]:
    """`helped` and `not_helped`: how many said so."""
    return articles.annotate(
        helped=Count("votes", filter=Q(votes__helped=True), distinct=True),
        not_helped=Count("votes", filter=Q(votes__helped=False), distinct=True),
    )


@dataclass(frozen=True)
class Line:
    """One line of a comparison: "" (in both), "+" (new) or "-" (gone)."""

    mark: str
    text: str


def difference(before: ArticleVersion | None, after: ArticleVersion) -> list[Line]:
    """What a version changed, line by line, with three lines around each change; the title is the first line."""
    old = [before.title, *before.text.splitlines()] if before else []
    lines = list(difflib.unified_diff(old, [after.title, *after.text.splitlines()], n=3, lineterm=""))
    told: list[Line] = []
    for line in lines[2:]:  # after the two lines that name the files
        if line.startswith("@@"):
            if told:
                told.append(Line("", "…"))
        else:
            told.append(Line(line[0].strip(), line[1:]))
    return told


@dataclass(frozen=True)
class Reader:
    """Somebody who should know an article of the team, and when they said that they have read its newest version."""

    user: User
    at: datetime | None


def readers_of(article: Article) -> list[Reader]:
    """Everybody of the team who may read it (every role sees its program), by name: those who have not read the newest version
    first."""
    read = dict(
        ArticleReading.objects.filter(version__article=article, version__number=article.number).values_list("user_id", "at")
    )
    team = people_who(Can.SEE, article.program_id)
    return sorted((Reader(user, read.get(user.pk)) for user in team), key=lambda reader: reader.at is not None)
