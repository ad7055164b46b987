"""The team's shelf of articles: what affiliates read, and what the team reads alone."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.postgres.search import SearchQuery
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from core.access import Can, manager_required, rights_of
from core.components import number_text
from core.filters import search_condition
from core.listing import (
    BooleanFilter,
    ChoiceFilter,
    Column,
    DayColumn,
    Empty,
    Listing,
    PersonColumn,
    RelatedFilter,
    StateColumn,
    TimeColumn,
)
from core.models import Event
from core.ui import redirect_back, refusals_as_errors, refusals_as_messages
from knowledge.forms import ArticleForm
from knowledge.languages import CHOICES, CONFIGURATIONS
from knowledge.markdown import render_markdown
from knowledge.models import LONGEST, Article, ArticleReading
from knowledge.queries import difference, readers_of, translations_of, with_votes
from knowledge.services import (
    acknowledge_article,
    change_article,
    create_article,
    publish_article,
    retire_article,
    revise_article,
)
from programs.queries import several_programs, visible_programs

VERSIONS = 20


def found_by_word(word: str) -> Q:
    """In the title, or anywhere by the word's stem in the article's own language."""
    found = search_condition(word, ["title"])
    for code, config in CONFIGURATIONS.items():
        found |= Q(language=code, search=SearchQuery(word, config=config, search_type="plain"))
    return found


@manager_required(Can.SEE)
def article_list(request: HttpRequest) -> HttpResponse:
    today = timezone.localdate()
    articles = with_votes(Article.objects.visible_to(request.user)).select_related("program", "owner").defer("text", "search")
    writes = rights_of(request.user).has(Can.WRITE_ARTICLES)
    return Listing(
        request,
        articles,
        name="articles",
        caption=_("Articles"),
        columns=[
            Column("title", gettext_lazy("Article"), sort=True),
            Column("audience", gettext_lazy("For"), value="get_audience_display", sort=True),
            StateColumn("status", gettext_lazy("State"), sort=True, text=lambda a: a.get_status_display()),
            Column("topic", gettext_lazy("Topic"), value="get_topic_display", sort=True),
            Column("language", gettext_lazy("Language"), value="get_language_display", sort=True),
            Column(
                "program",
                gettext_lazy("Program"),
                value=lambda a: a.program or _("Every program"),
                sort="program__name",
                shown=several_programs(request.user),
            ),
            PersonColumn("owner", gettext_lazy("Owner"), sort="owner__name"),
            DayColumn("review_by", gettext_lazy("Review by"), sort=True),
            Column("votes", gettext_lazy("Helped"), value=told_votes, sort="helped"),
            TimeColumn("published_at", gettext_lazy("Published"), sort=True),
        ],
        filters=[
            ChoiceFilter("audience", gettext_lazy("For"), choices=Article.Audience),
            ChoiceFilter("status", gettext_lazy("State"), choices=Article.Status),
            ChoiceFilter("topic", gettext_lazy("Topic"), choices=Article.Topic),
            ChoiceFilter("language", gettext_lazy("Language"), choices=CHOICES),
            RelatedFilter("program", gettext_lazy("Program"), rows=lambda: visible_programs(request.user), param="slug"),
            BooleanFilter(
                "review",
                gettext_lazy("Review"),
                yes=gettext_lazy("Overdue"),
                no=gettext_lazy("Not yet"),
                apply=lambda rows, yes: _overdue(rows, yes, today),
            ),
            BooleanFilter(
                "read",
                gettext_lazy("Read by me"),
                yes=gettext_lazy("Read"),
                no=gettext_lazy("To read"),
                apply=lambda rows, yes: _read_by(rows, request.user, yes),
            ),
        ],
        tabs="audience",
        search=[found_by_word],
        search_hint=_("Words of the title or the text"),
        default_sort="title",
        row_url=lambda a: reverse("manage:article_detail", args=[a.public_id]),
        empty=Empty(
            _("No articles yet"),
            _("Write down what is asked most: “When is my money paid?” It is then suggested while the question is typed."),
            reverse("manage:article_create") if writes else "",
            _("Write the first article"),
            icon="book-2",
        ),
    ).response("knowledge/manager/article_list.html", {"writes": writes})


def told_votes(article: Any) -> str:
    total = article.helped + article.not_helped
    if not total:
        return ""
    return _("%(helped)s of %(total)s") % {"helped": number_text(article.helped), "total": number_text(total)}


def _overdue(articles: QuerySet[Any], overdue: bool, today: Any) -> QuerySet[Any]:
    return articles.overdue(today) if overdue else articles.exclude(status=Article.Status.PUBLISHED, review_by__lt=today)  # type: ignore[attr-defined]


def _read_by(articles: QuerySet[Any], user: Any, read: bool) -> QuerySet[Any]:
    """Of the team's published articles those whose newest version the reader has, or has not, acknowledged."""
    readings = ArticleReading.objects.filter(user=user, version__article=OuterRef("pk"), version__number=OuterRef("number"))
    return articles.filter(
        Exists(readings) if read else ~Exists(readings), audience=Article.Audience.TEAM, status=Article.Status.PUBLISHED
    )


@manager_required(Can.SEE)
def article_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    articles = Article.objects.visible_to(request.user)
    article = get_object_or_404(
        with_votes(articles.select_related("program", "owner", "original")), pk=Article.pk_from(public_id)
    )
    readers = readers_of(article) if article.for_team else []
    context = {
        "article": article,
        "body": render_markdown(article.text),
        "writes": _writes(request, article),
        "versions": list(article.versions.select_related("created_by").defer("text")[:VERSIONS]),
        "translations": translations_of(article, articles),
        "readers": readers,
        "missing": [reader for reader in readers if reader.at is None],
        "to_read": any(reader.user == request.user and reader.at is None for reader in readers),
        "wishes": article.votes.filter(helped=False).exclude(missing="").select_related("user")[:10],
        "events": Event.objects.about(article),
    }
    return render(request, "knowledge/manager/article_detail.html", context)


def _writes(request: HttpRequest, article: Article) -> bool:
    return Article.objects.visible_to(request.user, Can.WRITE_ARTICLES).filter(pk=article.pk).exists()


@manager_required(Can.SEE)
def article_version(request: HttpRequest, public_id: str, number: int) -> HttpResponse:
    """What one version changed, and what it said."""
    article = get_object_or_404(Article.objects.visible_to(request.user), pk=Article.pk_from(public_id))
    version = get_object_or_404(article.versions.select_related("created_by"), number=number)
    before = article.versions.filter(number__lt=number).first()
    context = {
        "article": article,
        "version": version,
        "before": before,
        "lines": difference(before, version) if before else [],
        "body": render_markdown(version.text),
    }
    return render(request, "knowledge/manager/article_version.html", context)


@manager_required(Can.WRITE_ARTICLES)
def article_create(request: HttpRequest) -> HttpResponse:
    original = _original(request)
    initial = {"title": original.title, "text": original.text, "topic": original.topic} if original else _asked(request)
    form = ArticleForm(request.POST or None, by=request.user, original=original, initial=initial)
    if form.is_valid():
        fields = {name: value for name, value in form.cleaned_data.items() if name != "read_as"}
        with refusals_as_errors(form):
            article = create_article(by=request.user, original=original, **fields)
            messages.success(request, _("Saved as a draft. Read it once more, then publish it."))
            return redirect("manage:article_detail", article.public_id)
    return render(request, "knowledge/manager/article_edit.html", {"form": form, "original": original})


def _original(request: HttpRequest) -> Article | None:
    asked = request.GET.get("translation_of")
    if not asked:
        return None
    article = get_object_or_404(Article.objects.visible_to(request.user, Can.WRITE_ARTICLES), pk=Article.pk_from(asked))
    return article.original or article


def _asked(request: HttpRequest) -> dict[str, Any]:
    """What a link to the form may bring along: a title, a topic, for whom."""
    return {name: request.GET[name][:200] for name in ("title", "topic", "audience", "language") if name in request.GET}


@manager_required(Can.WRITE_ARTICLES)
def article_edit(request: HttpRequest, public_id: str) -> HttpResponse:
    article = _written(request, public_id)
    form = ArticleForm(request.POST or None, instance=_written(request, public_id), by=request.user, original=article.original)
    if form.is_valid():
        fields = dict(form.cleaned_data)
        title, text, read_as = fields.pop("title"), fields.pop("text"), fields.pop("read_as")
        with refusals_as_errors(form):
            revise_article(article, by=request.user, title=title, text=text, read_as=read_as)
            change_article(article, by=request.user, **fields)
            messages.success(request, _("Saved."))
            return redirect("manage:article_detail", article.public_id)
    return render(
        request, "knowledge/manager/article_edit.html", {"form": form, "article": article, "original": article.original}
    )


def _written(request: HttpRequest, public_id: str) -> Article:
    return get_object_or_404(Article.objects.visible_to(request.user, Can.WRITE_ARTICLES), pk=Article.pk_from(public_id))


@manager_required(Can.WRITE_ARTICLES)
@require_POST
def article_preview(request: HttpRequest) -> HttpResponse:
    """The text as it will be read; nothing is kept."""
    return render(request, "knowledge/manager/_preview.html", {"body": render_markdown(request.POST.get("text", "")[:LONGEST])})


@manager_required(Can.WRITE_ARTICLES)
@require_POST
def article_publish(request: HttpRequest, public_id: str) -> HttpResponse:
    article = _written(request, public_id)
    with refusals_as_messages(request):
        publish_article(article, by=request.user)
    return redirect_back(request, "manage:article_detail", public_id)


@manager_required(Can.WRITE_ARTICLES)
@require_POST
def article_retire(request: HttpRequest, public_id: str) -> HttpResponse:
    article = _written(request, public_id)
    with refusals_as_messages(request):
        retire_article(article, by=request.user)
    return redirect_back(request, "manage:article_detail", public_id)


@manager_required(Can.SEE)
@require_POST
def article_read(request: HttpRequest, public_id: str) -> HttpResponse:
    """“I have read this”, of the version that was shown."""
    article = get_object_or_404(Article.objects.visible_to(request.user), pk=Article.pk_from(public_id))
    number = request.POST.get("number", "")
    with refusals_as_messages(request):
        acknowledge_article(
            article, int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 0, by=request.user
        )
    return redirect_back(request, "manage:article_detail", public_id)
