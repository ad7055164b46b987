"""Articles: what can be done with them."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from core.access import AccessError, Can, check, rights_of
from core.errors import Refusal
from core.events import record
from knowledge import events
from knowledge.models import Article, ArticleReading, ArticleVersion, ArticleVote
from programs.models import Program

SHELF = ("audience", "is_public", "program", "topic", "language", "owner", "review_by")  # where it stands and who sees to it


class ArticleError(Refusal):
    """An article that cannot stand so."""


@transaction.atomic
def create_article(*, by: Any, title: str, text: str, original: Article | None = None, **fields: Any) -> Article:
    """A draft with its first version. A translation stands where its original does."""
    if original is not None:
        original = original.original or original
        fields |= {"audience": original.audience, "is_public": original.is_public, "program": original.program}
    article = Article(title=title.strip(), text=text, original=original, **_known(fields))
    article.owner = article.owner or by
    _check_writes(by, article.program)
    _save(article)
    _append(article, by)
    record(events.ARTICLE_CREATED, article, article.program, by=by, data={"title": article.title})
    return article


@transaction.atomic
def revise_article(article: Article, *, by: Any, title: str, text: str, read_as: int | None = None) -> Article:
    """The next version; nothing is recorded where nothing changes.

    `read_as`: the number of the version that the writer started from. Refused where there is a newer one.
    """
    article = _locked(article, by)
    if read_as is not None and read_as != article.number:
        raise ArticleError(
            _("Somebody saved another version while you were writing. Copy your text, reload, and put the two together."),
            code="changed",
        )
    if (article.title, article.text) == (title.strip(), text):
        return article
    article.title, article.text, article.number = title.strip(), text, article.number + 1
    _save(article)
    _append(article, by)
    record(events.ARTICLE_REVISED, article, article.program, by=by, data={"number": article.number})
    return article


@transaction.atomic
def change_article(article: Article, *, by: Any, **fields: Any) -> Article:
    """Change some of SHELF. Whom an article is for holds for its translations as well: none stays behind where affiliates
    could still read it."""
    article = _locked(article, by)
    readers = {"audience", "is_public", "program"}
    changed = {name: value for name, value in _known(fields).items() if getattr(article, name) != value}
    if not changed:
        return article
    for name, value in changed.items():
        setattr(article, name, value)
    _check_writes(by, article.program)
    _save(article)
    if readers & set(changed):
        shared = {name: getattr(article, name) for name in readers}
        Article.objects.filter(Q(pk=article.group) | Q(original=article.group)).update(**shared)
    record(events.ARTICLE_CHANGED, article, article.program, by=by, data={"fields": sorted(changed)})
    return article


@transaction.atomic
def publish_article(article: Article, *, by: Any) -> Article:
    """Whom it is for finds it from now on."""
    article = _locked(article, by)
    if article.status != Article.Status.PUBLISHED:
        article.status = Article.Status.PUBLISHED
        article.published_at = article.published_at or timezone.now()
        article.save()
        record(events.ARTICLE_PUBLISHED, article, article.program, by=by, data={"number": article.number})
    return article


@transaction.atomic
def retire_article(article: Article, *, by: Any) -> Article:
    """Nobody is led to it any more; its versions stay."""
    article = _locked(article, by)
    if article.status == Article.Status.DRAFT:
        raise ArticleError(_("A draft was never published: there is nothing to retire."), code="draft")
    if article.status != Article.Status.RETIRED:
        article.status = Article.Status.RETIRED
        article.save()
        record(events.ARTICLE_RETIRED, article, article.program, by=by)
    return article


@transaction.atomic
def vote_on_article(article: Article, *, by: Any, helped: bool, missing: str = "") -> ArticleVote:
    """One voice a person; a second one replaces the first. The caller has found the article among what `by` may read."""
    vote, _created = ArticleVote.objects.update_or_create(
        article=article, user=by, defaults={"helped": helped, "missing": missing.strip()[:500], "number": article.number}
    )
    return vote


@transaction.atomic
def acknowledge_article(article: Article, number: int, *, by: Any) -> ArticleReading:
    """`by` has read this version of an article of the team. A later version is read anew."""
    if not article.for_team or not Article.objects.visible_to(by).filter(pk=article.pk).exists():
        raise ArticleError(_("This is not an article of the team's."), code="not_for_team")
    version = article.versions.filter(number=number).first()
    if version is None:
        raise ArticleError(_("There is no such version."), code="unknown_version")
    reading, _created = ArticleReading.objects.get_or_create(version=version, user=by)
    return reading


def _check_writes(by: Any, program: Program | None) -> None:
    if program is not None:
        check(by, Can.WRITE_ARTICLES, program.pk)
    elif not rights_of(by).everywhere(Can.WRITE_ARTICLES):
        raise AccessError(
            _("What is for every program is written by those who write in every program. Choose your program."),
            code="forbidden",
            field="program",
        )


def _locked(article: Article, by: Any) -> Article:
    article = Article.objects.select_for_update(of=("self",)).select_related("program").get(pk=article.pk)
    _check_writes(by, article.program)
    return article


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    if unknown := set(fields) - set(SHELF):
        raise TypeError(f"an article has no {', '.join(sorted(unknown))}")
    return fields


def _save(article: Article) -> None:
    if article.audience == Article.Audience.TEAM:
        article.is_public = False
    try:
        article.full_clean(exclude=["search", "owner", "program"])
    except ValidationError as error:
        field, problems = next(iter(error.message_dict.items()))
        raise ArticleError(problems[0], code="invalid", field=None if field == "__all__" else field) from None
    article.save()


def _append(article: Article, by: Any) -> None:
    ArticleVersion.objects.create(article=article, number=article.number, title=article.title, text=article.text, created_by=by)
