"""Articles are versioned, compared, published, retired, and looked at again in time."""

from datetime import date, timedelta

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from core.access import AccessError
from knowledge.models import Article, ArticleVersion
from knowledge.queries import Line, difference, readers_of
from knowledge.services import (
    ArticleError,
    acknowledge_article,
    change_article,
    create_article,
    publish_article,
    retire_article,
    revise_article,
    vote_on_article,
)
from tests.factories import make_affiliate, owner_of
from tests.factories_knowledge import make_article

pytestmark = pytest.mark.django_db


def test_every_save_is_a_version_with_its_writer_and_nothing_changed_is_none(mara, sofia, music):
    article = create_article(by=mara, title="Cookies", text="They last 30 days.", program=music)
    revise_article(article, by=sofia, title="Cookies", text="They last 45 days.")
    revise_article(article, by=sofia, title="Cookies", text="They last 45 days.")

    article.refresh_from_db()
    assert (article.number, article.text) == (2, "They last 45 days.")
    assert [(v.number, v.created_by, v.text) for v in article.versions.all()] == [
        (2, sofia, "They last 45 days."),
        (1, mara, "They last 30 days."),
    ]


def test_versions_cannot_be_changed_or_deleted(music):
    version = make_article(music).versions.get()

    for change in (lambda: ArticleVersion.objects.update(text="Other"), version.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert ArticleVersion.objects.get().text == version.text


def test_two_who_write_at_once_do_not_overwrite_each_other(mara, sofia, music):
    article = create_article(by=mara, title="Cookies", text="One", program=music)
    revise_article(article, by=mara, title="Cookies", text="Two", read_as=1)

    with pytest.raises(ArticleError, match="while you were writing"):
        revise_article(article, by=sofia, title="Cookies", text="Three", read_as=1)
    article.refresh_from_db()
    assert article.text == "Two"


def test_the_difference_between_versions_is_told_by_lines():
    before = ArticleVersion(number=1, title="Cookies", text="First\nThey last 30 days.\nLast")
    after = ArticleVersion(number=2, title="Cookies", text="First\nThey last 45 days.\nLast")

    assert difference(before, after) == [
        Line("", "Cookies"),
        Line("", "First"),
        Line("-", "They last 30 days."),
        Line("+", "They last 45 days."),
        Line("", "Last"),
    ]


def test_a_draft_is_published_and_retired_and_published_again_and_the_first_day_stays(mara, music):
    article = create_article(by=mara, title="Cookies", text="Text", program=music)
    with pytest.raises(ArticleError, match="never published"):
        retire_article(article, by=mara)

    first = publish_article(article, by=mara).published_at
    assert retire_article(article, by=mara).status == "retired"
    again = publish_article(article, by=mara)

    assert (again.status, again.published_at) == ("published", first)


def test_making_an_original_internal_takes_its_translations_along(mara, music):
    original = make_article(music, is_public=True)
    german = make_article(music, original=original, language="de", is_public=True)

    change_article(german, by=mara, audience="team")

    assert set(Article.objects.values_list("audience", "is_public")) == {("team", False)}


def test_a_translation_is_for_the_readers_of_its_original_and_there_is_one_a_language(mara, music):
    original = make_article(music, audience="team")
    create_article(by=mara, title="Kekse", text="…", original=original, language="de")

    assert Article.objects.get(language="de").for_team
    with pytest.raises(ArticleError):
        create_article(by=mara, title="Plätzchen", text="…", original=original, language="de")


def test_who_does_not_write_in_a_program_changes_nothing_there(nils, vera, mara, music):
    article = make_article(music)

    for person in (nils, vera):
        with pytest.raises(AccessError):
            revise_article(article, by=person, title="Mine", text="Mine")
        with pytest.raises(AccessError):
            create_article(by=person, title="Mine", text="Mine", program=music)
    with pytest.raises(AccessError, match="every program"):
        change_article(article, by=mara, program=None)


def test_a_vote_counts_once_a_person_and_may_be_changed(ana):
    article, other = make_article(), make_affiliate(owner=True)
    vote_on_article(article, by=owner_of(ana), helped=True)
    vote_on_article(article, by=owner_of(ana), helped=False, missing="Which days?")
    vote_on_article(article, by=owner_of(other), helped=True)

    assert sorted(article.votes.values_list("helped", "missing")) == [(False, "Which days?"), (True, "")]


def test_what_should_have_been_looked_at_again_is_listed(as_person, mara, music):
    today = timezone.localdate()
    late = make_article(music, title="Old prices", review_by=today - timedelta(days=1))
    make_article(music, title="Due today", review_by=today)
    make_article(music, title="Forgotten draft", review_by=date(2020, 1, 1), status="draft")

    page = as_person(mara).get(reverse("manage:article_list") + "?review=yes").content.decode()

    assert late.overdue
    assert "Old prices" in page
    assert "Due today" not in page
    assert "Forgotten draft" not in page


def test_the_team_says_that_it_has_read_a_version_and_a_new_one_is_to_be_read_anew(mara, sofia, nils, music):
    article = make_article(music, audience="team")
    acknowledge_article(article, 1, by=sofia)
    acknowledge_article(article, 1, by=sofia)
    assert [(r.user, r.at is not None) for r in readers_of(article)] == [(mara, False), (sofia, True)]

    article = revise_article(article, by=mara, title="New", text="New")

    assert [r.at for r in readers_of(article)] == [None, None]
    with pytest.raises(ArticleError):
        acknowledge_article(article, 2, by=nils)
    with pytest.raises(ArticleError, match="no such version"):
        acknowledge_article(article, 3, by=sofia)
    with pytest.raises(ArticleError, match="not an article of the team"):
        acknowledge_article(make_article(music), 1, by=sofia)


def test_an_article_is_written_previewed_published_and_read_through_the_pages(as_person, mara, music, sofia):
    browser = as_person(mara)
    preview = browser.post(reverse("manage:article_preview"), {"text": "**bold** <script>alert(1)</script>"}).content.decode()
    assert "<strong>bold</strong>" in preview
    assert "<script>" not in preview

    given = {"title": "Brand rules", "text": "# Names\nWrite it so.", "audience": "team", "program": music.pk, "topic": "brand"}
    answer = browser.post(reverse("manage:article_create"), {**given, "language": "en", "owner": mara.pk})
    article = Article.objects.get()
    assert answer["Location"] == reverse("manage:article_detail", args=[article.public_id])
    browser.post(reverse("manage:article_publish", args=[article.public_id]))
    changed = {**given, "text": "Write it thus.", "language": "en", "owner": mara.pk, "read_as": 1}
    browser.post(reverse("manage:article_edit", args=[article.public_id]), changed)
    reader = as_person(sofia)
    reader.post(reverse("manage:article_read", args=[article.public_id]), {"number": "2"})

    article.refresh_from_db()
    assert (article.status, article.number, article.owner) == ("published", 2, mara)
    assert [r.user for r in readers_of(article) if r.at] == [sofia]
    shown = reader.get(reverse("manage:article_version", args=[article.public_id, 2])).content.decode()
    assert "<ins>" in shown
    assert "<del>" in shown
