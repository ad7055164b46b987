"""Answers from an affiliate's real data: right to the cent, of nobody else, and only for those whose function opens them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from affiliates.models import Function
from support.answers import Asker, NotForYou, Question, answer, as_text, questions_for
from support.models import AutoAnswer, Message, Ticket
from tests.factories import (
    earn,
    make_affiliate,
    make_batch,
    make_click,
    make_commission,
    make_conversion,
    make_coupon,
    make_enrollment,
    make_link,
    make_member,
    make_offer,
    make_payout,
    make_payout_method,
    make_rule,
    make_user,
)

pytestmark = pytest.mark.django_db
OWNER = frozenset({Function.OWNER})


def text_of(question, affiliate, functions=OWNER, program=None):
    return as_text(answer(question, Asker(affiliate, functions, program)))


# Money


def test_each_amount_stands_with_its_state_and_what_is_missing(music, ana, mara):
    make_commission(make_conversion(music, ana), amount="3.00")
    ends = timezone.now() + timedelta(days=12)
    make_commission(make_conversion(music, ana), decision="approved", amount="7.50", payable_at=ends)
    earn(music, ana, mara, "8.00")
    make_payout(
        make_batch(music, status="done", paid_at=timezone.now() - timedelta(days=20)),
        ana,
        "40.00",
        status="paid",
        paid_at=timezone.now(),
    )

    told = text_of(Question.MONEY, ana)

    for line in ("Pending: US$3.00", "Approved: US$7.50", "Payable: US$8.00", "Paid: US$40.00"):
        assert line.replace("US", "") in told.replace("US", ""), told
    assert "Missing: $12.00 until the minimum of $20.00" in told
    assert "next of it becomes payable on" in told
    assert "last paid on" in told


def test_a_missing_method_is_told_with_who_can_set_it(music, ana, mara):
    earn(music, ana, mara, "60.00")

    assert "Missing: a payout method in USD" in text_of(Question.MONEY, ana)
    assert "/portal/money/" in text_of(Question.MONEY, ana)
    assert "An owner or a finance person of your account can set one." in text_of(
        Question.MONEY, ana, frozenset({Function.LEADER})
    )


def test_nothing_is_missing_where_the_next_payout_takes_it(music, ana, mara):
    earn(music, ana, mara, "60.00")
    make_payout_method(ana)

    told = text_of(Question.MONEY, ana)

    assert "Nothing is missing: the program’s next payout takes $60.00." in told
    assert "Missing:" not in told
    assert "has not paid in USD in the last year" in told


def test_the_rhythm_of_payouts_is_told_only_where_there_is_one(music, ana):
    for days in (5, 36, 65):
        make_batch(music, status="done", paid_at=timezone.now() - timedelta(days=days))

    assert "about 30 days apart" in text_of(Question.MONEY, ana)


def test_money_of_one_program_names_no_other(music, books, ana, mara):
    make_enrollment(ana, books)
    earn(music, ana, mara, "60.00")

    both, one = text_of(Question.MONEY, ana), text_of(Question.MONEY, ana, program=books)

    assert "Music" in both
    assert "Books" in both
    assert "60.00" not in one


def test_money_is_for_those_who_see_to_it_and_numbers_are_for_all(ana):
    for function in (Function.OWNER, Function.FINANCE, Function.LEADER):
        assert Question.MONEY in questions_for([function])
    assert questions_for([Function.MARKETING]) == [Question.LINK, Question.NUMBERS, Question.OFFERS]
    assert questions_for([]) == []
    with pytest.raises(NotForYou):
        answer(Question.MONEY, Asker(ana, frozenset({Function.MARKETING})))


# Links and numbers


def test_only_links_that_count_are_handed_out_the_one_that_sold_last_first(music, music_offer, ana, bao):
    sold = make_link(ana, music_offer, code="sold")
    make_conversion(music, ana, link=sold, offer=music_offer)
    make_link(ana, music_offer, code="newest")
    make_link(ana, music_offer, code="paused", status="paused")
    make_link(ana, make_offer(music, status="closed"), code="closed")
    make_link(bao, music_offer, code="another")
    make_coupon(ana, music, code="ANA10")

    told = text_of(Question.LINK, ana)

    assert told.index("/r/sold") < told.index("/r/newest")
    assert "ANA10" in told
    for never in ("/r/paused", "/r/closed", "/r/another"):
        assert never not in told


def test_a_suspended_affiliate_gets_no_link(music, music_offer, ana):
    make_link(ana, music_offer, code="mine")
    ana.enrollments.update(status="suspended")

    assert "no offer that you may promote now" in text_of(Question.LINK, ana)


def test_numbers_are_the_last_30_days_against_the_30_before_and_ones_own(music, music_offer, ana, bao):
    for affiliate, sales in ((ana, 2), (bao, 5)):
        link = make_link(affiliate, music_offer)
        for _ in range(sales):
            click = make_click(link)
            make_commission(make_conversion(music, affiliate, link=link, offer=music_offer, click_id=click), amount="10.00")
    earlier = timezone.now() - timedelta(days=40)
    make_commission(make_conversion(music, ana, occurred_at=earlier), amount="10.00")

    told = text_of(Question.NUMBERS, ana)

    assert "Earned: $20.00 ($10.00 before, +100%)" in told
    assert "Conversions: 2 (1 before, +100%)" in told
    assert "Clicks: 2 (0 before)" in told


# What converts


def clicks(affiliate, offer, number, *, sales=0, amount="10.00"):
    link = make_link(affiliate, offer)
    made = [make_click(link, visitor=n) for n in range(number)]
    for click in made[:sales]:
        sale = make_conversion(offer.program, affiliate, link=link, offer=offer, click_id=click)
        make_commission(sale, amount=amount)


@pytest.fixture
def small(monkeypatch):
    """Fewer clicks make a figure, so that tests need not write thousands."""
    monkeypatch.setattr("commissions.converting.LEAST_CLICKS", 30)
    monkeypatch.setattr("commissions.converting.OWN_CLICKS", 10)


def others(number, offer, each=10, sales=2, **fields):
    for _ in range(number):
        clicks(make_affiliate(**fields), offer, each, sales=sales)


def test_a_click_is_told_among_like_affiliates_where_they_are_enough(small, music_offer, ana):
    make_rule(music_offer.program)
    others(3, music_offer, country="DE", kind="blog")
    others(3, music_offer, each=10, sales=0, country="VN", kind="video")

    told = text_of(Question.OFFERS, ana)

    assert "Music shop: $2.00 a click" in told
    assert "affiliates from Germany, Blog; 30 clicks" in told
    assert "pays 10%" in told


def test_the_circle_grows_until_there_are_enough(small, music_offer, ana):
    others(1, music_offer, country="DE", kind="blog")
    others(2, music_offer, country="VN", kind="blog")

    assert "affiliates of every country, Blog; 30 clicks" in text_of(Question.OFFERS, ana)


@pytest.mark.parametrize(
    "name", ["too few affiliates", "too few clicks", "too few sales", "one has most clicks", "one has most sales"]
)
def test_nothing_is_said_where_it_would_say_little_or_too_much_of_one(small, music_offer, ana, name):
    like = {"country": "DE", "kind": "blog"}
    if name == "too few affiliates":
        others(2, music_offer, each=40, **like)
    elif name == "too few clicks":
        others(3, music_offer, each=9, **like)
    elif name == "too few sales":
        others(4, music_offer, each=10, sales=1, **like)
    elif name == "one has most clicks":
        others(1, music_offer, each=60, **like)
        others(3, music_offer, each=5, **like)
    else:
        others(1, music_offer, each=20, sales=10, **like)
        others(3, music_offer, each=20, sales=1, **like)

    assert "Music shop: too few clicks to say" in text_of(Question.OFFERS, ana)


def test_ones_own_clicks_are_told_apart_and_never_make_up_the_number(small, music_offer, ana):
    clicks(ana, music_offer, 20, sales=10)
    assert "too few clicks to say (yours: $5.00" in text_of(Question.OFFERS, ana)

    others(3, music_offer, country="DE", kind="blog")
    assert "$2.00 a click (affiliates from Germany, Blog; 30 clicks; yours: $5.00" in text_of(Question.OFFERS, ana)


def test_robots_old_clicks_and_rejected_commissions_do_not_count(small, music_offer, ana):
    others(3, music_offer, country="DE", kind="blog")
    for affiliate in {link.affiliate for link in music_offer.links.all()}:
        link = make_link(affiliate, music_offer)
        for _ in range(5):
            make_click(link, bot=True)
            make_click(link, at=timezone.now() - timedelta(days=31))
        make_commission(
            make_conversion(music_offer.program, affiliate, link=link, offer=music_offer), decision="rejected", amount="99.00"
        )

    assert "Music shop: $2.00 a click" in text_of(Question.OFFERS, ana)


def test_no_answer_names_another_affiliate(small, music_offer, ana, bao):
    others(3, music_offer, country="DE", kind="blog", name="Competitor")
    clicks(bao, music_offer, 40, sales=3)

    for question in Question:
        told = text_of(question, ana)
        assert "Competitor" not in told
        assert "Bao" not in told


def test_answers_take_as_many_queries_for_many_rows_as_for_one(music, music_offer, ana, mara):
    def ask(question):
        with CaptureQueriesContext(connection) as queries:
            answer(question, Asker(ana, OWNER))
        return len(queries)

    def grow():
        offer = make_offer(music)
        clicks(ana, offer, 2, sales=1)
        make_coupon(ana, music)
        earn(music, ana, mara, "1.00")

    grow()
    one = {question: ask(question) for question in Question}
    for _ in range(7):
        grow()

    assert {question: ask(question) for question in Question} == one
    assert max(one.values()) <= 9


# In the portal


def test_the_composer_is_offered_what_may_answer_it(as_person, ana, music):
    browser = as_person(ana)
    url = reverse("portal:answer_suggest")

    assert b"When do I get my money?" in browser.get(url, {"q": "when am i paid", "program": "music"}).content
    assert b"My link" not in browser.get(url, {"q": "when am i paid", "program": "music"}).content
    assert b"My link" in browser.get(url, {"program": "music"}).content
    assert browser.get(url, {"q": "my order is missing", "program": "music"}).content.strip() == b""


def test_that_answers_it_ends_it_without_a_ticket(as_person, ana, music):
    browser = as_person(ana)
    shown = browser.post(reverse("portal:answer_ask"), {"question": "money", "program": "music"}).content.decode()
    given = AutoAnswer.objects.get()
    assert "When you get your money" in shown
    assert given.public_id in shown

    browser.post(reverse("portal:answer_settle", args=[given.public_id]), {"outcome": "helped"})

    given.refresh_from_db()
    assert given.outcome == "helped"
    assert not Ticket.objects.exists()


def test_who_still_wants_a_person_gets_one_once_with_their_own_words(as_person, ana, music):
    browser = as_person(ana)
    browser.post(reverse("portal:answer_ask"), {"question": "money", "program": "music"})
    url = reverse("portal:answer_settle", args=[AutoAnswer.objects.get().public_id])

    first = browser.post(url, {"outcome": "person", "text": "When exactly?"})
    browser.post(url, {"outcome": "person", "text": "When exactly?"})

    assert first["HX-Trigger"] == "message-sent"
    assert [(m.body_text, m.direction) for m in Message.objects.all()] == [("When exactly?", "in")]
    assert Ticket.objects.get().status == "new"  # its clocks run


def test_the_function_is_asked_in_the_portal_and_answers_are_ones_own(as_person, ana, bao, music):
    marketing = make_member(ana, make_user(), Function.MARKETING).user
    browser = as_person(marketing)
    assert b"When do I get" not in browser.get(reverse("portal:answer_suggest"), {"q": "when am i paid"}).content
    refused = browser.post(reverse("portal:answer_ask"), {"question": "money", "program": "music"}).content
    assert b"those who see to its money" in refused
    assert not AutoAnswer.objects.exists()

    as_person(ana).post(reverse("portal:answer_ask"), {"question": "money", "program": "music"})
    url = reverse("portal:answer_settle", args=[AutoAnswer.objects.get().public_id])
    for person in (marketing, bao):
        assert as_person(person).post(url, {"outcome": "person"}).status_code == 404
    assert not Message.objects.exists()


# In their language


def test_a_german_affiliate_is_answered_in_german_whatever_the_page_speaks(as_person, ana, music, mara):
    ana.language = "de"
    ana.save()
    earn(music, ana, mara, "8.00")
    browser = as_person(ana)

    offered = browser.get(reverse("portal:answer_suggest"), {"q": "Wann bekomme ich mein Geld?", "program": "music"})
    shown = browser.post(reverse("portal:answer_ask"), {"question": "money", "program": "music"}).content.decode()

    assert "Wann bekomme ich mein Geld?" in offered.content.decode()
    for words in ("Wann Sie Ihr Geld bekommen", "8,00\xa0$", "Es fehlen", "Das beantwortet es"):
        assert words in shown, words


def test_only_offers_that_one_may_promote_are_told_of(small, music, books, music_offer, ana):
    closed, foreign = make_offer(music, name="Closed", status="closed"), make_offer(books, name="Foreign")
    for offer in (closed, foreign):
        others(3, offer, country="DE", kind="blog")

    told = text_of(Question.OFFERS, ana)

    assert "Music shop" in told and "in the last 30 days" in told
    assert "Closed" not in told and "Foreign" not in told
