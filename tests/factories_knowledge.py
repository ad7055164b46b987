"""Articles for tests, by plain functions as in `tests.factories`."""

from __future__ import annotations

import itertools
from typing import Any

from django.utils import timezone

from knowledge.models import Article, ArticleVersion
from programs.models import Program

_numbers = itertools.count(1)


def make_article(program: Program | None = None, **fields: Any) -> Article:
    """A published article for affiliates, with its first version; without a program it holds for all."""
    number = next(_numbers)
    defaults = {"title": f"Article {number}", "text": f"Text {number}.", "status": "published", "audience": "affiliates"}
    fields = {**defaults, **fields}
    if fields["status"] != "draft":
        fields.setdefault("published_at", timezone.now())
    article = Article.objects.create(program=program, **fields)
    ArticleVersion.objects.create(article=article, number=1, title=article.title, text=article.text)
    return article
