from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import (
    make_affiliate,
    make_click,
    make_commission,
    make_conversion,
    make_coupon,
    make_enrollment,
    make_link,
)
from tests.pages import assert_same_queries, csv_of, text_of
from tracking.models import Coupon, Link

LINKS = "/manage/links/"
COUPONS = "/manage/coupons/"


def test_links_tell_what_they_brought_in_the_period(as_person, mara, music, music_offer, ana):
    link = make_link(ana, music_offer, code="autumn")
    for hours in (1, 2, 24 * 40):
        make_click(link, at=timezone.now() - timedelta(hours=hours))
    make_click(link, outcome=1)
    make_commission(make_conversion(music, ana, link=link), amount="7.25")
    make_commission(make_conversion(music, ana, link=link), amount="90.00", decision="rejected")

    assert "autumn A Ana Music shop 2 2 $7.25 USD Active" in text_of(as_person(mara).get(LINKS))
    head, row = csv_of(as_person(mara).get(LINKS, {"export": "csv", "period": "90"}))
    told = dict(zip(head, row, strict=True))
    assert (told["Clicks"], told["Address"].endswith("/r/autumn")) == ("3", True)


def test_engineers_see_links_without_earnings(as_person, jun, music, music_offer, ana):
    make_link(ana, music_offer, code="autumn")
    text = text_of(as_person(jun).get(LINKS))

    assert "autumn" in text
    assert "Earned" not in text


@pytest.mark.parametrize("words", ["autumn", "ana@tributary", "music"])
def test_links_are_found_by_code_affiliate_and_offer(as_person, mara, music_offer, ana, bao, words):
    make_link(ana, music_offer, code="autumn")
    make_link(bao, music_offer, code="spring")

    assert "autumn" in text_of(as_person(mara).get(LINKS, {"q": words}))


def test_a_link_is_made_for_an_affiliate(as_person, mara, music_offer, ana):
    fields = {"affiliate": "ana@tributary.example", "offer": music_offer.pk, "code": "", "destination_url": ""}
    answer = as_person(mara).post(LINKS + "new/", fields)

    link = Link.objects.get()
    assert answer.url == f"{LINKS}{link.public_id}/"
    assert (link.affiliate, link.offer) == (ana, music_offer)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"code": "autumn"}, "This code is taken"),
        ({"code": "two words"}, "A code has 1 to 60"),
        ({"destination_url": "https://elsewhere.example/"}, "may only be linked to"),
        ({"affiliate": "fay@tributary.example"}, "Fay is not enrolled in Music"),
        ({"affiliate": "nobody"}, "There is no such affiliate"),
        ({"offer": "0"}, "Select a valid choice"),
    ],
)
def test_a_link_that_cannot_be_is_told_at_its_field(as_person, mara, music_offer, ana, changes, told):
    make_link(ana, music_offer, code="autumn")
    make_affiliate("fay@tributary.example", "Fay")
    fields = {"affiliate": ana.public_id, "offer": music_offer.pk, "code": "", "destination_url": ""}

    assert told in text_of(as_person(mara).post(LINKS + "new/", fields | changes))
    assert Link.objects.count() == 1


def test_links_are_paused_and_resumed(as_person, mara, music_offer, ana):
    links = [make_link(ana, music_offer), make_link(ana, music_offer)]
    browser = as_person(mara)

    answer = browser.post(LINKS + "pause/", {"selected": [link.pk for link in links]}, follow=True)
    assert "2 links are paused" in text_of(answer)
    assert set(Link.objects.values_list("status", flat=True)) == {"paused"}
    browser.post(LINKS + "resume/", {"selected": [links[0].pk]})
    assert Link.objects.get(pk=links[0].pk).status == "active"


def test_links_of_other_programs_are_out_of_reach(as_person, mara, music, books_offer, ana):
    theirs = make_link(ana, books_offer, code="bookish")
    browser = as_person(mara)

    assert "bookish" not in text_of(browser.get(LINKS))
    assert browser.get(f"{LINKS}{theirs.public_id}/").status_code == 404
    assert browser.get(f"{LINKS}{theirs.public_id}/qr.svg").status_code == 404
    browser.post(LINKS + "pause/", {"selected": [theirs.pk]})
    theirs.refresh_from_db()
    assert theirs.status == "active"


def test_a_link_shows_its_address_numbers_and_code_to_scan(as_person, mara, music_offer, ana):
    link = make_link(ana, music_offer, code="autumn")
    make_click(link)
    browser = as_person(mara)

    assert "/r/autumn" in text_of(browser.get(f"{LINKS}{link.public_id}/"))
    svg = browser.get(f"{LINKS}{link.public_id}/qr.svg?download=1")
    assert svg["Content-Type"] == "image/svg+xml"
    assert svg["Content-Disposition"] == 'attachment; filename="autumn-qr.svg"'
    assert b"<path" in svg.content
    assert browser.get(f"{LINKS}{link.public_id}/qr.gif").status_code == 404


def test_a_coupon_is_added_and_paused(as_person, mara, music, ana):
    browser = as_person(mara)
    browser.post(COUPONS + "new/", {"affiliate": ana.email, "program": music.pk, "code": "ANA10"})

    coupon = Coupon.objects.get()
    assert (coupon.affiliate, coupon.program, coupon.code) == (ana, music, "ANA10")
    again = browser.post(COUPONS + "new/", {"affiliate": ana.email, "program": music.pk, "code": "ana10"})
    assert "The program has this coupon already" in text_of(again)
    assert "1 coupon is paused" in text_of(browser.post(COUPONS + "pause/", {"selected": [coupon.pk]}, follow=True))
    assert "ANA10 A Ana — 0 $0.00 USD Paused" in text_of(browser.get(COUPONS))


def test_coupons_tell_what_they_brought(as_person, mara, music, ana):
    coupon = make_coupon(ana, music, code="ANA10")
    make_commission(make_conversion(music, ana, coupon=coupon, source="coupon"), amount="4.00")

    assert "ANA10 A Ana — 1 $4.00 USD" in text_of(as_person(mara).get(COUPONS))


def test_a_list_names_programs_to_those_who_see_several(as_person, mara, hana, music, books, ana):
    make_coupon(ana, music, code="ANA10")

    assert "ANA10 A Ana — 0" in text_of(as_person(mara).get(COUPONS))
    assert "ANA10 A Ana Music — 0" in text_of(as_person(hana).get(COUPONS))
    assert b"Music" in b"".join(as_person(mara).get(COUPONS, {"export": "csv"}).streaming_content)


def test_the_affiliates_page_makes_a_link_in_one_step(as_person, mara, music, music_offer, ana):
    browser = as_person(mara)
    page = browser.get(f"/manage/affiliates/{ana.public_id}/").content.decode()
    assert f'<option value="{music_offer.pk}">Music shop · Music</option>' in page

    browser.post(LINKS + "new/", {"affiliate": ana.public_id, "offer": music_offer.pk, "code": "quick"})
    back = browser.post(
        COUPONS + "new/",
        {"affiliate": ana.public_id, "program": music.pk, "code": "QUICK", "next": f"/manage/affiliates/{ana.public_id}/"},
    )
    assert back.url == f"/manage/affiliates/{ana.public_id}/"
    assert "quick" in text_of(browser.get(back.url))
    assert "QUICK" in text_of(browser.get(back.url))


def test_support_makes_nothing(as_person, sofia, music_offer, ana):
    link = make_link(ana, music_offer)
    browser = as_person(sofia)

    assert browser.get(LINKS + "new/").status_code == 403
    assert browser.post(LINKS + "pause/", {"selected": [link.pk]}).status_code == 403
    assert "Make a link" not in text_of(browser.get(LINKS))


@pytest.mark.parametrize("url", [LINKS, COUPONS])
def test_the_lists_take_the_same_queries_for_one_and_for_a_hundred(as_person, mara, music, music_offer, url):
    def add(number: int = 99) -> None:
        for _n in range(number):
            affiliate = make_affiliate()
            make_enrollment(affiliate, music)
            make_link(affiliate, music_offer)
            make_coupon(affiliate, music)

    add(1)
    assert_same_queries(as_person(mara), url, add)
