"""What articles show on other pages."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import get_language

from knowledge.languages import known_language
from knowledge.models import Article
from knowledge.queries import shelf
from programs.models import Program

SHOWN = 6


def public_program_card(request: HttpRequest, program: Program) -> dict[str, Any] | None:
    articles = shelf(Article.objects.for_everybody(program.pk), known_language(get_language() or "en"))
    return {"program": program, "articles": articles[:SHOWN], "more": len(articles) > SHOWN} if articles else None
