"""Articles found by their words, and what is known about each."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.search import SearchHeadline, SearchQuery, SearchRank, TrigramWordSimilarity
from django.db.models import Case, Count, F, FloatField, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Greatest

from accounts.models import User
from accounts.queries import people_who
from core.access import Can
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
    language = known_language(language)
    found = Q()
    ranks, snippets = [], []
    for config, languages in _by_configuration().items():
        query = _query(words, config, every_word)
        found |= Q(language__in=languages, search=query)
        ranks.append(When(language__in=languages, then=SearchRank(F("search"), query, normalization=Value(1))))
        snippets.append(
            When(
                language__in=languages,
                then=SearchHeadline(
                    "text", query, config=config, start_sel="", stop_sel="", max_words=28, min_words=12, max_fragments=1
                ),
            )
        )
    alike = TrigramWordSimilarity(" ".join(words), "title")
    ranked = (
        articles.annotate(
            rank=Case(*ranks, default=Value(0.0), output_field=FloatField()),
            alike=alike,
        )
        .filter(found | Q(alike__gte=ALIKE))
        .annotate(nearness=Greatest(F("rank"), F("alike") * Value(0.2, output_field=FloatField())))
        .filter(nearness__gte=ENOUGH)
        .annotate(snippet=Case(*snippets, output_field=TextField()))
        .defer("search")
        .order_by("-nearness", "pk")[: limit * 4]
    )
    shown = _once_each(ranked, language)[:limit]
    for article in shown:
        vars(article)["snippet"] = without_marks(vars(article)["snippet"] or "")  # annotated: no field of the model
    return shown


def _by_configuration() -> dict[str, list[str]]:
    """PostgreSQL's configuration → the languages that are searched by it."""
    by: dict[str, list[str]] = {}
    for code, config in CONFIGURATIONS.items():
        by.setdefault(config, []).append(code)
    return by


def _query(words: Iterable[str], config: str, every_word: bool) -> SearchQuery:
    """Words of letters and digits alone (`_WORD`), each also as the beginning of a longer one."""
    glue = " & " if every_word else " | "
    return SearchQuery(glue.join(f"{word}:*" for word in words), config=config, search_type="raw")


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
