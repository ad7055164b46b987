"""What is for the team alone reaches no affiliate by any door; what is another program's neither."""

import pytest
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from knowledge.models import Article
from knowledge.queries import find_articles, shelf, suggest, translations_of
from tests.factories import make_enrollment
from tests.factories_knowledge import make_article

pytestmark = pytest.mark.django_db
SECRET = "margin of forty percent on every sale"


@pytest.fixture
def hidden(music, books):
    """Articles that Ana, who works in music, must never see, all about the same words."""
    kinds = {
        "internal": {"audience": "team", "program": music},
        "internal for all": {"audience": "team", "program": None},
        "draft": {"status": "draft", "program": music},
        "retired": {"status": "retired", "program": music},
        "another program's": {"program": books},
        "another program's public one": {"program": books, "is_public": True},
    }
    return {name: make_article(title=f"{name} secret", text=SECRET, **fields) for name, fields in kinds.items()}


def test_nothing_hidden_is_found_suggested_listed_or_opened_in_the_portal(hidden, as_person, ana):
    make_enrollment(ana, hidden["another program's"].program, "pending")  # an application alone opens nothing
    browser = as_person(ana)

    for url in (
        reverse("portal:learn"),
        reverse("portal:learn") + "?q=margin",
        reverse("portal:learn") + "?q=secret",
        reverse("portal:answer_suggest") + "?q=margin+of+every+sale&program=music",
        reverse("portal:answer_suggest") + "?q=margin+of+every+sale&program=books",
        reverse("portal:answer_suggest") + "?q=margin+of+every+sale",
    ):
        for headers in ({}, {"HX-Request": "true"}):
            answer = browser.get(url, headers=headers)
            assert answer.status_code == 200
            shown = answer.content.decode()
            assert "forty percent" not in shown, url
            assert not [name for name, article in hidden.items() if article.public_id in shown], url
    for name, article in hidden.items():
        for page in ("portal:article", "portal:article_vote"):
            url = reverse(page, args=[article.public_id])
            assert browser.get(url).status_code in (404, 405), name
            assert browser.post(url, {"helped": "yes"}).status_code in (404, 405, 200), name
        assert article.votes.count() == 0, name


def test_nothing_hidden_stands_on_public_pages(hidden, music, books):
    make_article(music, title="For affiliates, not for everybody", text=SECRET)
    for program in (music, books):
        for url in (reverse("program_public", args=[program.slug]), reverse("help_public", args=[program.slug]) + "?q=margin"):
            shown = Client().get(url).content.decode()
            assert {name for name, article in hidden.items() if article.public_id in shown} == (
                {"another program's public one"} if program == books else set()
            )
            assert "For affiliates" not in shown
        for name, article in hidden.items():
            opened = Client().get(reverse("article_public", args=[program.slug, article.public_id])).status_code == 200
            assert opened == (program == books and name == "another program's public one"), name


def test_no_query_for_affiliates_answers_with_what_is_hidden(hidden, music):
    readable = Article.objects.for_affiliates([music.pk])

    assert find_articles(readable, "secret margin", "en") == []
    assert suggest("secret margin", music.pk, "en", "affiliates") == []
    assert shelf(readable, "en") == []
    with pytest.raises(ValueError, match="no audience"):
        suggest("secret margin", music.pk, "en", "everyone")


def test_a_translation_for_the_team_does_not_come_along_with_a_public_original(music):
    original = make_article(music, title="Cookies")
    make_article(music, title="Kekse", language="de", original=original, audience="team")
    make_article(music, title="Galletas", language="es", original=original, status="draft")

    assert translations_of(original, Article.objects.for_affiliates([music.pk])) == [original]
    assert shelf(Article.objects.for_affiliates([music.pk]), "de") == [original]


def test_the_team_reads_its_own_programs_and_what_is_for_all(hidden, mara, nils, otto, ada):
    def seen(person):
        visible = Article.objects.visible_to(person)
        return {name for name, article in hidden.items() if visible.filter(pk=article.pk).exists()}

    assert seen(mara) == {"internal", "internal for all", "draft", "retired"}
    assert seen(nils) == {"internal for all", "another program's", "another program's public one"}
    assert seen(otto) == set()
    assert seen(ada) == set(hidden)


def test_what_is_for_every_program_is_written_by_those_who_write_everywhere(mara, ada, music):
    general, own = make_article(), make_article(music)

    assert set(Article.objects.visible_to(mara, "write_articles")) == {own}
    assert set(Article.objects.visible_to(ada, "write_articles")) == {general, own}


def test_the_database_refuses_a_public_article_of_the_team(music):
    with pytest.raises(IntegrityError, match="article_of_the_team_is_never_public"):
        make_article(music, audience="team", is_public=True)
