"""A program's public articles, for whoever thinks about joining."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language

from core.access import public_page
from knowledge.languages import known_language
from knowledge.markdown import render_markdown
from knowledge.models import Article
from knowledge.queries import find_articles, shelf, translations_of
from programs.queries import open_programs


@public_page
def help_public(request: HttpRequest, slug: str) -> HttpResponse:
    program = get_object_or_404(open_programs(), slug=slug)
    text = request.GET.get("q", "").strip()[:200]
    articles, language = Article.objects.for_everybody(program.pk), known_language(get_language() or "en")
    context = {"program": program, "text": text}
    context["articles"] = find_articles(articles, text, language) if text else shelf(articles, language)
    return render(request, "knowledge/public/help_public.html", context)


@public_page
def article_public(request: HttpRequest, slug: str, public_id: str) -> HttpResponse:
    program = get_object_or_404(open_programs(), slug=slug)
    articles = Article.objects.for_everybody(program.pk)
    article = get_object_or_404(articles, pk=Article.pk_from(public_id))
    context = {
        "program": program,
        "article": article,
        "body": render_markdown(article.text),
        "translations": translations_of(article, articles),
    }
    return render(request, "knowledge/public/article_public.html", context)
