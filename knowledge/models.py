"""Articles: for affiliates, and for the team alone; their versions, votes, and who has read what."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchConfig, SearchVector, SearchVectorField
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Case, F, Q, When
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.access import Can, programs_of
from core.ids import PublicId
from core.models import TimestampedModel
from knowledge.languages import CHOICES, CONFIGURATIONS
from programs.models import Program

LONGEST = 100_000  # characters; a tsvector holds a megabyte


class ArticleQuerySet(models.QuerySet["Article"]):
    """Who may read what is decided here alone. Whatever is shown to an affiliate or to everybody starts from `for_affiliates`
    or `for_everybody`."""

    def for_affiliates(self, programs: Collection[int]) -> ArticleQuerySet:
        """What an affiliate of these programs may read."""
        return self.filter(
            Q(program__isnull=True) | Q(program__in=list(programs)),
            audience=Article.Audience.AFFILIATES,
            status=Article.Status.PUBLISHED,
        )

    def for_everybody(self, program: int) -> ArticleQuerySet:
        """What stands on the program's public pages."""
        return self.for_affiliates([program]).filter(is_public=True)

    def visible_to(self, user: Any, can: Can = Can.SEE) -> ArticleQuerySet:
        """What a member of the team may read (or, with WRITE_ARTICLES, write). What is about no program in particular is read
        by all of the team, and written by those who write everywhere."""
        programs = programs_of(user, can)
        if programs is None:
            return self
        if not programs:
            return self.none()
        general = Q(program__isnull=True) if can == Can.SEE else Q(pk__in=[])
        return self.filter(general | Q(program__in=programs))

    def overdue(self, today: date) -> ArticleQuerySet:
        """Published ones that should have been looked at again by now."""
        return self.filter(status=Article.Status.PUBLISHED, review_by__lt=today)


def _words() -> Any:
    """What is searched: title before text, each language by its own rules. Literals alone, as the column is generated."""
    config = Case(
        *(When(language=code, then=SearchConfig(name)) for code, name in CONFIGURATIONS.items() if name != "simple"),
        default=SearchConfig("simple"),
        output_field=models.TextField(),
    )
    return SearchVector("title", weight="A", config=config) + SearchVector("text", weight="B", config=config)


class Article(PublicId, TimestampedModel):
    """One text in one language. It holds what the newest of its versions says. Translations point to one original."""

    prefix = "art"

    class Audience(models.TextChoices):
        AFFILIATES = "affiliates", _("Affiliates")
        TEAM = "team", _("The team alone")

    class Topic(models.TextChoices):
        START = "start", _("Getting started")
        LINKS = "links", _("Links and tracking")
        MONEY = "money", _("Money")
        PROGRAM = "program", _("Programs")
        BRAND = "brand", _("Brands")
        TRAFFIC = "traffic", _("Traffic")
        HOW_TO = "how_to", _("How-tos")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        RETIRED = "retired", _("Retired")

    audience = models.CharField(_("for"), max_length=10, choices=Audience, default=Audience.AFFILIATES)
    is_public = models.BooleanField(_("on the program’s public page as well"), default=False)
    program = models.ForeignKey(
        Program, models.PROTECT, null=True, blank=True, related_name="articles", verbose_name=_("program")
    )
    topic = models.CharField(_("topic"), max_length=10, choices=Topic, default=Topic.HOW_TO)
    language = models.CharField(_("language"), max_length=2, choices=CHOICES, default="en")
    original = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="translations", verbose_name=_("translation of")
    )
    title = models.CharField(_("title"), max_length=200)
    text = models.TextField(_("text"), validators=[MaxLengthValidator(LONGEST)])  # Markdown
    number = models.PositiveIntegerField(default=1)  # of the version that this is
    status = models.CharField(_("state"), max_length=10, choices=Status, default=Status.DRAFT)
    published_at = models.DateTimeField(null=True, blank=True)  # for the first time
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("owner")
    )
    review_by = models.DateField(_("review by"), null=True, blank=True)
    search = models.GeneratedField(expression=_words(), output_field=SearchVectorField(), db_persist=True)

    objects = ArticleQuerySet.as_manager()

    class Meta:
        ordering = ["title", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["original", "language"], condition=Q(original__isnull=False), name="article_translated_once"
            ),
            models.CheckConstraint(condition=~Q(original=F("pk")), name="article_not_its_own_translation"),
            models.CheckConstraint(
                condition=Q(audience="affiliates") | Q(is_public=False), name="article_of_the_team_is_never_public"
            ),
            models.CheckConstraint(
                condition=Q(status="draft") | Q(published_at__isnull=False), name="article_published_at_some_time"
            ),
            models.CheckConstraint(condition=~Q(title="") & ~Q(text=""), name="article_says_something"),
        ]
        indexes = [
            models.Index(fields=["audience", "status", "program"], name="article_shelf"),
            models.Index(fields=["review_by"], condition=Q(status="published"), name="article_review"),
            GinIndex(fields=["search"], name="article_search"),
            GinIndex(OpClass(Upper("title"), name="gin_trgm_ops"), name="article_title_search"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def for_team(self) -> bool:
        return self.audience == self.Audience.TEAM

    @property
    def group(self) -> int:
        """The same for an article and all its translations."""
        return self.original_id or self.pk

    @property
    def overdue(self) -> bool:
        return self.status == self.Status.PUBLISHED and self.review_by is not None and self.review_by < timezone.localdate()


class ArticleVersion(models.Model):
    """What an article said from this moment on, and who wrote it. Appended, never changed: the database refuses."""

    article = models.ForeignKey(Article, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    text = models.TextField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["article", "number"], name="article_version_once")]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.title} {self.number}"


class ArticleVote(TimestampedModel):
    """Whether an article helped somebody: once a person, who may think again."""

    article = models.ForeignKey(Article, models.PROTECT, related_name="votes")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    helped = models.BooleanField()
    missing = models.CharField(_("what is missing"), max_length=500, blank=True)
    number = models.PositiveIntegerField()  # of the version that was read

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["article", "user"], name="article_vote_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.helped}"


class ArticleReading(models.Model):
    """Somebody of the team says that they have read a version."""

    version = models.ForeignKey(ArticleVersion, models.PROTECT, related_name="readings")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["at"]
        constraints = [models.UniqueConstraint(fields=["version", "user"], name="article_read_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.version}"
