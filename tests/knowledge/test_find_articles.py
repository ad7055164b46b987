"""A question in somebody's own words finds the article that answers it, in their language where there is one."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from knowledge.markdown import render_markdown
from knowledge.models import Article
from knowledge.queries import find_articles, suggest
from tests.factories_knowledge import make_article

pytestmark = pytest.mark.django_db


@pytest.fixture
def help_texts(music):
    paid = make_article(music, title="When commissions are paid", text="An approved commission is payable once its hold is over.")
    german = make_article(
        music, title="Wann Provisionen ausgezahlt werden", text="Nach der Haltefrist.", language="de", original=paid
    )
    links = make_article(music, title="Deep links", text="Send visitors to any page of the shop.")
    return paid, german, links


@pytest.mark.parametrize(
    "question",
    ["When am I paid?", "is my commission payable", "paying commissions", "hi, my comission was not paid yet, why??", "commiss"],
)
def test_a_question_finds_its_article_by_stems_beginnings_and_in_spite_of_misspellings(help_texts, music, question):
    assert suggest(question, music.pk, "en", "affiliates")[0] == help_texts[0]


def test_each_language_is_searched_by_its_own_rules_and_shown_in_the_readers(help_texts, music):
    paid, german, _links = help_texts

    assert suggest("Wann wird meine Provision ausgezahlt?", music.pk, "de-AT", "affiliates") == [german]
    assert suggest("commission paid Provision", music.pk, "de", "affiliates")[0] == german
    assert suggest("commission paid", music.pk, "fr", "affiliates")[0] == paid


def test_what_is_suggested_is_in_a_language_that_its_reader_reads(music, mara):
    french = make_article(music, title="Quand le PayPal arrive", text="Le délai.", language="fr")
    german = make_article(music, title="PayPal kommt später", text="Die Haltefrist.", language="de", audience="team")

    assert suggest("PayPal", music.pk, "de", "affiliates") == []
    assert suggest("PayPal", music.pk, "fr-CA", "affiliates") == [french]
    assert suggest("PayPal", music.pk, "en", "team", reader=mara) == []
    mara.language = "de"
    assert suggest("PayPal", music.pk, "en", "team", reader=mara) == [german]


@pytest.mark.parametrize("text", ["", "?", "the of and", "xylophone", "' OR 1=1 --", "a & | ! ( ) :* <->", "\x00", "paid\x00"])
def test_what_fits_nothing_or_is_no_words_breaks_nothing(help_texts, music, text):
    found = suggest(text, music.pk, "en", "affiliates")

    assert found == ([help_texts[0]] if text.startswith("paid") else [])


def test_a_search_may_ask_for_every_word(help_texts, music):
    articles = Article.objects.for_affiliates([music.pk])

    assert find_articles(articles, "visitors shop", "en", every_word=True) == [help_texts[2]]
    assert find_articles(articles, "visitors commission", "en", every_word=True) == []


def test_the_portal_finds_as_one_types_by_as_many_queries_for_one_article_as_for_many(as_person, ana, music):
    browser = as_person(ana)
    url = reverse("portal:learn") + "?q=commission"
    make_article(music, title="Commission 0", text="commission")
    browser.get(url)
    with CaptureQueriesContext(connection) as one:
        assert b"Commission 0" in browser.get(url, headers={"HX-Request": "true"}).content
    for number in range(1, 30):
        make_article(music, title=f"Commission {number}", text="commission")
    with CaptureQueriesContext(connection) as many:
        browser.get(url, headers={"HX-Request": "true"})

    assert len(many) == len(one) <= 8


def test_an_affiliates_language_chooses_the_translation(as_person, ana, help_texts):
    ana.language = "de"
    ana.save()
    shown = as_person(ana).get(reverse("portal:learn")).content.decode()

    assert help_texts[1].title in shown
    assert help_texts[0].title not in shown


def test_somebody_votes_in_the_portal(as_person, ana, help_texts):
    browser, paid = as_person(ana), help_texts[0]
    page, vote = (reverse(f"portal:{name}", args=[paid.public_id]) for name in ("article", "article_vote"))
    assert "What is missing?" not in browser.get(page).content.decode()  # Enter in it would press the first button, "Yes"

    asked = browser.post(vote, {"helped": "no"}, follow=True).content.decode()
    assert "did not help" in asked and '<input type="hidden" name="helped" value="no">' in asked
    browser.post(vote, {"helped": "no", "missing": "Which day?"})

    assert paid.votes.get().missing == "Which day?"


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("<script>alert(1)</script>", "<script"),
        ("[x](javascript:alert(1))", "href="),
        ("[x](data:text/html,hi)", "href="),
        ("![x](https://tracker.example/pixel.gif)", "<img"),
        ("<img src=x onerror=alert(1)>", "<img"),
        ('[x](https://a.example "\\" onmouseover=alert(1)")', 'onmouseover="'),
        ("<style>*{display:none}</style>", "<style"),
    ],
)
def test_markdown_can_do_nothing_but_be_read(text, never):
    assert never not in render_markdown(text)


def test_markdown_tells_headings_lists_tables_and_links():
    html = render_markdown("# One\n\n- a\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n[shop](https://shop.example)")

    for part in ("<h2>One</h2>", "<li>a</li>", "<td>1</td>", 'href="https://shop.example"', "nofollow"):
        assert part in html
