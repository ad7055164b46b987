"""The affiliate's home and numbers in the portal."""

import csv
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from affiliates.models import Affiliate
from payouts.services import set_payout_method
from tests.factories import (
    make_affiliate,
    make_batch,
    make_click,
    make_commission,
    make_conversion,
    make_enrollment,
    make_link,
    make_payout,
    make_program,
    make_rule,
    owner_of,
)
from tests.portal import MOST_QUERIES, file_of, member, queries_of, text_of

HOME = "/portal/"
NUMBERS = "/portal/numbers/"


@pytest.fixture
def busy(ana, music, music_offer):
    """Ana's link with two clicks yesterday and one forty days ago; three sales, one of them rejected."""
    make_rule(music)
    link, now = make_link(ana, music_offer, code="mine"), timezone.now()
    yesterday, before = now - timedelta(days=1), now - timedelta(days=40)
    for at in (yesterday, yesterday, before):
        make_click(link, at=at, subs=["summer"])
    for number, (at, decision, amount) in enumerate(
        [(yesterday, "approved", "25.00"), (yesterday, "rejected", "99.00"), (before, "pending", "4.00")]
    ):
        sale = make_conversion(music, ana, "80.00", external_id=f"order-{number}", link=link, offer=music_offer,
                               subs=["summer"], occurred_at=at)  # fmt: skip
        make_commission(sale, amount=amount, decision=decision)
    return link


def test_home_shows_the_money_by_state_the_course_and_the_next_payout(busy, ana, music, as_person):
    make_payout(make_batch(music), ana, "60.00")
    make_payout(make_batch(music, status="done"), ana, "70.00", "paid")

    page = text_of(as_person(ana).get(HOME))

    for told in ("$4.00", "$25.00", "$60.00", "$70.00"):  # pending, payable, in payout, paid
        assert f'<span class="money">{told}' in page, told
    assert "The program’s next payout takes it." in page
    assert "order-0" in page
    assert page.index("order-0") < page.index("order-2")  # the latest first


def test_the_course_counts_the_period_and_compares_it(busy, ana, as_person):
    page = text_of(as_person(ana).get(HOME, {"show": "clicks"}))

    # Two clicks and two conversions against one of each in the thirty days before.
    assert '<span class="stat-label">Clicks</span> <span class="stat-value">2</span>' in page
    assert '<span class="stat-label">Conversions</span> <span class="stat-value">2</span>' in page
    assert "+100%" in page
    assert "$25.00" in page and "$99.00" not in page
    assert "Clicks a day" in page
    assert "Period before" in page
    alone = text_of(as_person(ana).get(HOME, {"compare": "no", "show": "nonsense"}))
    assert "Period before" not in alone and "Earned a day" in alone


def test_a_day_is_the_programs_day(ana, music_offer, music, as_person):
    music.time_zone = "Asia/Tokyo"
    music.save()
    make_rule(music)
    late = datetime(2026, 3, 31, 23, 30, tzinfo=ZoneInfo("Asia/Tokyo"))
    make_commission(make_conversion(music, ana, occurred_at=late), amount="5.00")

    lines = file_of(as_person(ana).get(NUMBERS, {"from": "2026-03-31", "to": "2026-03-31", "export": "csv"}))

    assert lines[1].startswith("2026-03-31,0,0,1,")
    assert "Asia/Tokyo" in text_of(as_person(ana).get(HOME))


def test_what_to_do_next(ana, ella, music, music_offer, as_person):
    page = text_of(as_person(ana).get(HOME))
    # Nothing was earned yet: what earns comes before where it is paid.
    assert page.index("Make your first link for Music") < page.index("Set where you are paid in USD")
    make_rule(music)
    make_commission(make_conversion(music, ana), decision="approved", amount="5.00")
    page = text_of(as_person(ana).get(HOME))
    assert page.index("Set where you are paid in USD") < page.index("Make your first link for Music")

    set_payout_method(ana, by=owner_of(ana), type="manual", currency="USD", details={})
    make_link(ana, music_offer)
    assert "What to do next" not in text_of(as_person(ana).get(HOME))

    waiting = text_of(as_person(ella).get(HOME))
    assert "Music is reading your application" in waiting
    assert "Make a link" not in waiting and "Set where you are paid" not in waiting


def test_a_suspended_affiliate_is_told_and_keeps_what_it_earned(busy, ana, mara, as_person):
    ana.enrollments.update(status="suspended")
    Affiliate.objects.filter(pk=ana.pk).update(manager=mara)

    page = text_of(as_person(ana).get(HOME))

    assert "You are suspended from Music" in page
    assert f'href="mailto:{mara.email}"' in page and "Write to Mara" in page
    assert "$25.00" in page


def test_a_new_affiliate_is_taught(db, as_person):
    nobody = make_affiliate("new@tributary.example", "New", owner=True)

    page = text_of(as_person(nobody).get(HOME))
    assert "Nothing earned yet" in page
    assert "You are in no program yet" in page and "See the programs" in page
    assert "No numbers yet" in text_of(as_person(nobody).get(NUMBERS))


@pytest.mark.parametrize(
    ("function", "money", "method"),
    [("owner", True, True), ("finance", True, True), ("leader", True, False), ("marketing", False, False)],
)
def test_who_sees_what(function, money, method, busy, ana):
    client = member(ana, function)

    page = text_of(client.get(HOME))

    assert ("Your money" in page) is money
    assert ("Next payout" in page) is money
    assert ("Set a payout method" in page) is method
    assert "How it is going" in page and "order-0" in page
    assert client.get(NUMBERS).status_code == 200


def test_nothing_of_anybody_else_is_counted_or_shown(busy, ana, bao, music, as_person):
    client = as_person(bao)

    page = text_of(client.get(HOME))

    assert "order-0" not in page and "25.00" not in page
    assert "Nothing in this period" in text_of(client.get(NUMBERS))
    assert len(file_of(client.get(NUMBERS, {"by": "link", "export": "csv"}))) == 1
    assert "How it is going" not in text_of(as_person(make_affiliate(owner=True)).get(HOME, {"program": "music"}))


@pytest.mark.parametrize(
    ("by", "name"), [("day", None), ("link", "mine"), ("offer", "Music shop"), ("sub1", "summer"), ("nonsense", None)]
)
def test_numbers_by_each_group_and_in_a_file(by, name, busy, ana, as_person):
    client = as_person(ana)
    name = name or f"{timezone.now() - timedelta(days=1):%Y-%m-%d}"

    [row] = csv.DictReader(file_of(client.get(NUMBERS, {"by": by, "export": "csv"})))

    assert list(row.values()) == [name, "2", "1", "2", "1.0000", "160.00", "0.00", "25.00", "12.5000", "USD"]
    assert "$25.00" in text_of(client.get(NUMBERS, {"by": by}))
    assert client.get(NUMBERS, {"by": by, "export": "xlsx"})["Content-Type"].endswith("spreadsheetml.sheet")


def test_several_programs_are_shown_one_at_a_time(busy, ana, as_person):
    films = make_program("films", name="Films", currency="EUR")
    make_enrollment(ana, films)
    make_rule(films)
    client = as_person(ana)
    assert "Earned a day" in text_of(client.get(NUMBERS)) and "€" not in text_of(client.get(NUMBERS))  # the one that sold last

    make_commission(make_conversion(films, ana, external_id="order-film"), amount="3.00")

    assert "€3.00" in text_of(client.get(NUMBERS))
    assert "€3.00" not in text_of(client.get(NUMBERS, {"program": "music"}))
    home = text_of(client.get(HOME))
    assert "€3.00" in home and "$25.00" in home  # never added up


def test_the_pages_run_as_many_queries_for_a_hundred_rows_as_for_one(ana, music, music_offer, as_person):
    make_rule(music)
    client, counts = as_person(ana), {}
    for number in (1, 100):
        while ana.links.count() < number:
            link = make_link(ana, music_offer)
            make_click(link)
            sale = make_conversion(music, ana, link=link, offer=music_offer, subs=[link.code])
            make_commission(sale, decision="approved")
            make_payout(make_batch(music, status="done"), ana, "1.00", "paid")
        paths = [HOME, *(f"{NUMBERS}?by={by}" for by in ("day", "link", "offer", "sub1"))]
        counts[number] = [queries_of(client, path) for path in paths]

    assert counts[1] == counts[100]
    assert max(counts[1]) <= MOST_QUERIES


def test_whoever_belongs_to_no_affiliate_is_refused(client, otto, mara, as_person):
    assert client.get(HOME).url.startswith("/accounts/login/")
    for person in (otto, mara):
        for path in (HOME, NUMBERS):
            assert as_person(person).get(path).status_code == 403


def test_home_hands_out_the_link_that_sold_last(busy, ana, music, music_offer, as_person):
    newer = make_link(ana, music_offer, code="newer")
    assert f'data-copy="{busy.url}"' in text_of(as_person(ana).get(HOME))

    busy.status = "paused"
    busy.save()
    assert f'data-copy="{newer.url}"' in text_of(as_person(ana).get(HOME))

    ana.enrollments.update(status="suspended")
    assert "data-copy" not in text_of(as_person(ana).get(HOME))


def test_home_hands_out_no_link_of_a_program_that_is_paused(busy, ana, music, as_person):
    music.status = "paused"
    music.save()

    assert "data-copy" not in text_of(as_person(ana).get(HOME))
