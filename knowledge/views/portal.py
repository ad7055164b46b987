"""What affiliates read: articles of their programs, found as they type, and whether they helped."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from affiliates.access import affiliate_required
from affiliates.models import Affiliate, Enrollment
from knowledge.forms import VoteForm
from knowledge.languages import known_language
from knowledge.markdown import render_markdown
from knowledge.models import Article, ArticleQuerySet
from knowledge.queries import find_articles, shelf, translations_of
from knowledge.services import vote_on_article

FOUND = 20


def readable(request: HttpRequest) -> ArticleQuerySet:
    affiliate: Affiliate = request.affiliate  # type: ignore[attr-defined]
    return Article.objects.for_affiliates(programs_of_affiliate(affiliate))


def programs_of_affiliate(affiliate: Affiliate) -> list[int]:
    """Those that it works in, or did: an application alone opens no program's articles but the public ones."""
    working = Enrollment.objects.working().filter(affiliate=affiliate)
    return list(working.order_by("program").values_list("program", flat=True))


def language_of(request: HttpRequest) -> str:
    """The affiliate's own language, which may be one that the pages do not speak; else the reader's."""
    affiliate: Affiliate = request.affiliate  # type: ignore[attr-defined]
    return known_language(affiliate.language or get_language() or "en")


@affiliate_required()
def learn(request: HttpRequest) -> HttpResponse:
    """All articles by topic, or what was found."""
    text = request.GET.get("q", "").strip()[:200]
    language = language_of(request)
    context: dict[str, Any] = {"text": text}
    if text:
        context["found"] = find_articles(readable(request), text, language, FOUND)
    else:
        topics: dict[str, list[Article]] = {}
        for article in shelf(readable(request), language):
            topics.setdefault(article.get_topic_display(), []).append(article)
        context["topics"] = topics.items()
    template = "knowledge/portal/learn.html"
    if getattr(request, "htmx", False):
        template = "knowledge/portal/_found.html" if text else "knowledge/portal/_topics.html"
    return render(request, template, context)


@affiliate_required()
def article(request: HttpRequest, public_id: str) -> HttpResponse:
    articles = readable(request)
    shown = get_object_or_404(articles.select_related("program"), pk=Article.pk_from(public_id))
    context = {
        "article": shown,
        "body": render_markdown(shown.text),
        "translations": translations_of(shown, articles),
        "vote": shown.votes.filter(user=request.user.pk).first(),
    }
    return render(request, "knowledge/portal/article.html", context)


@affiliate_required()
@require_POST
def article_vote(request: HttpRequest, public_id: str) -> HttpResponse:
    shown = get_object_or_404(readable(request), pk=Article.pk_from(public_id))
    form = VoteForm(request.POST)
    if form.is_valid():
        vote_on_article(shown, by=request.user, **form.cleaned_data)
        messages.success(request, _("Thank you. It is counted once; you may change your mind."))
    return redirect("portal:article", public_id)
