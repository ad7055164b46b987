"""The affiliate's links and coupons in the portal."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from tests.factories import (
    event_names,
    make_click,
    make_commission,
    make_conversion,
    make_coupon,
    make_enrollment,
    make_link,
    make_offer,
    make_program,
    owner_of,
)
from tests.portal import MOST_QUERIES, file_of, member, queries_of, text_of
from tracking.models import Link, Status
from tracking.qr import qr_code

NEW = "/portal/links/new/"


def test_an_affiliate_makes_a_link_with_a_code_of_its_own(ana, music_offer, as_person):
    answer = as_person(ana).post(
        NEW, {"offer": "music-shop", "destination_url": "https://music.example/jazz", "code": "ana-jazz"}
    )

    link = Link.objects.get()
    assert answer.url == f"/portal/links/{link.public_id}/"
    assert (link.affiliate, link.offer, link.code) == (ana, music_offer, "ana-jazz")
    assert link.destination_url == "https://music.example/jazz"
    assert event_names(link) == ["link.created"]


def test_a_page_outside_the_offer_is_refused_at_its_field(ana, music_offer, as_person):
    page = as_person(ana).post(NEW, {"offer": "music-shop", "destination_url": "https://elsewhere.example/"})

    assert 'id="id_destination_url_error"' in text_of(page)
    assert not Link.objects.exists()


def test_a_taken_code_is_refused_at_its_field(ana, bao, music_offer, as_person):
    make_link(bao, music_offer, code="summer")

    page = as_person(ana).post(NEW, {"offer": "music-shop", "code": "summer"})

    assert "This code is taken" in text_of(page)
    assert not ana.links.exists()


@pytest.mark.parametrize("case", ["pending", "offer", "program"])
def test_only_what_may_be_promoted_now_is_offered(case, ana, music, music_offer, as_person):
    if case == "pending":
        ana.enrollments.update(status="pending")
    elif case == "offer":
        type(music_offer).objects.update(status="paused")
    else:
        type(music).objects.update(status="paused")
    client = as_person(ana)

    assert "No offers yet" in text_of(client.get(NEW))
    client.post(NEW, {"offer": "music-shop"})
    assert not Link.objects.exists()


def test_an_offer_of_another_program_cannot_be_chosen(ana, books_offer, music_offer, as_person):
    assert "Book shop" not in text_of(as_person(ana).get(NEW))

    as_person(ana).post(NEW, {"offer": "book-shop"})

    assert not Link.objects.exists()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"destination_url": ""}, "Leads to the landing page"),
        ({"destination_url": "https://music.example/jazz"}, "This page may be linked to."),
        ({"destination_url": "https://deep.music.example/"}, "This page may be linked to."),
        ({"destination_url": "https://notmusic.example/"}, "may not be linked to this address"),
        ({"destination_url": "javascript:alert(1)"}, "may not be linked to this address"),
        ({"code": "summer"}, "This code is taken"),
        ({"code": "winter"}, "/r/winter"),
        ({"offer": "book-shop"}, "music.example"),
    ],
)
def test_the_builder_checks_while_it_is_filled_in(asked, told, ana, bao, music_offer, books_offer, as_person):
    make_link(bao, music_offer, code="summer")

    answer = as_person(ana).get("/portal/links/check/", {"offer": "music-shop", **asked})

    assert told in text_of(answer)
    assert "<html" not in text_of(answer)


def test_the_list_counts_the_period_and_leaves_out_what_was_rejected(ana, music, music_offer, as_person):
    link, now = make_link(ana, music_offer, code="mine"), timezone.now()
    for days in (1, 2, 100):
        make_click(link, at=now - timedelta(days=days))
    make_click(link, at=now - timedelta(days=1), outcome=1)  # while it was paused
    for amount, days, decision in (("12.50", 1, "approved"), ("99.00", 2, "rejected"), ("50.00", 100, "approved")):
        sale = make_conversion(music, ana, link=link, occurred_at=now - timedelta(days=days))
        make_commission(sale, amount=amount, decision=decision)

    lines = file_of(as_person(ana).get("/portal/links/?export=csv"))

    assert [line.split(",")[3:7] for line in lines] == [
        ["Clicks", "Conversions", "Earned", "Earned (currency)"],
        ["2", "2", "12.50", "USD"],
    ]
    page = text_of(as_person(ana).get(f"/portal/links/{link.public_id}/?period=90"))
    assert "12.50" in page and "50.00" not in page


def test_coupons_are_listed_with_what_they_earned(ana, bao, music, as_person):
    coupon, foreign = make_coupon(ana, music, code="ANA10"), make_coupon(bao, music, code="BAO10")
    make_commission(make_conversion(music, ana, coupon=coupon, source="coupon"), amount="7.00")

    page = text_of(as_person(ana).get("/portal/coupons/"))

    assert "ANA10" in page and "7.00" in page
    assert foreign.code not in page


def test_sub_ids_go_into_the_address_and_the_qr_code(ana, music_offer, as_person):
    link = make_link(ana, music_offer, code="mine")
    client, path = as_person(ana), f"/portal/links/{link.public_id}/"

    assert f"{link.url}?sub1=top+10&amp;sub2=%26" in text_of(client.get(path, {"sub1": "top 10", "sub2": "&", "sub3": ""}))

    answer = client.get(f"{path}qr.svg", {"sub1": "top 10"})
    assert answer["Content-Type"] == "image/svg+xml"
    assert answer.content == qr_code(f"{link.url}?sub1=top+10", "svg") != qr_code(link.url, "svg")
    kept = client.get(f"{path}qr.png", {"download": "1"})
    assert kept["Content-Disposition"] == 'attachment; filename="mine-qr.png"'
    assert kept.content.startswith(b"\x89PNG")
    assert client.get(f"{path}qr.exe").status_code == 404


def test_a_link_is_paused_and_resumed(ana, music_offer, as_person):
    link = make_link(ana, music_offer)
    client, path = as_person(ana), f"/portal/links/{link.public_id}/status/"

    client.post(path, {"status": "paused"})
    link.refresh_from_db()
    assert link.status == Status.PAUSED
    client.post(path, {"status": "active"})
    link.refresh_from_db()
    assert link.status == Status.ACTIVE
    assert event_names(link) == ["link.paused", "link.resumed"]


def test_another_affiliates_link_is_not_there(ana, bao, music_offer, as_person):
    link = make_link(bao, music_offer, code="baos-own")
    client, path = as_person(ana), f"/portal/links/{link.public_id}/"

    assert "baos-own" not in text_of(client.get("/portal/links/"))
    for address in (path, f"{path}qr.svg", "/portal/links/lnk_nothing/", "/portal/links/1/"):
        assert client.get(address).status_code == 404, address
    assert client.post(f"{path}status/", {"status": "paused"}).status_code == 404
    link.refresh_from_db()
    assert link.status == Status.ACTIVE


@pytest.mark.parametrize(("function", "may"), [("owner", True), ("marketing", True), ("leader", True), ("finance", False)])
def test_who_makes_links(function, may, ana, music_offer):
    link, client = make_link(ana, music_offer), member(ana, function)

    assert ("Make a link" in text_of(client.get("/portal/links/"))) is may
    assert client.get(NEW).status_code == (200 if may else 403)
    answer = client.post(f"/portal/links/{link.public_id}/status/", {"status": "paused"})
    assert answer.status_code == (302 if may else 403)
    link.refresh_from_db()
    assert (link.status == Status.PAUSED) is may


def test_whoever_belongs_to_no_affiliate_is_refused(client, otto, mara, as_person):
    assert client.get("/portal/links/").url.startswith("/accounts/login/")
    for person in (otto, mara):
        assert as_person(person).get("/portal/links/").status_code == 403


def test_somebody_taken_out_is_refused_from_the_next_request_on(ana, as_person):
    client = as_person(owner_of(ana))
    assert client.get("/portal/links/").status_code == 200

    ana.members.update(removed_at=timezone.now())

    assert client.get("/portal/links/").status_code == 403


def test_the_lists_run_as_many_queries_for_a_hundred_rows_as_for_one(ana, music, music_offer, as_person):
    client = as_person(ana)
    counts = {}
    for number in (1, 100):
        while ana.links.count() < number:
            link, coupon = make_link(ana, music_offer), make_coupon(ana, music)
            make_click(link)
            make_commission(make_conversion(music, ana, link=link, coupon=coupon), amount=Decimal(1))
        paths = ("/portal/links/", "/portal/coupons/", f"/portal/links/{link.public_id}/", NEW)
        counts[number] = [queries_of(client, path) for path in paths]

    assert counts[1] == counts[100]
    assert max(counts[1]) <= MOST_QUERIES


def test_offers_of_every_program_of_the_affiliate_stand_in_the_builder(ana, music_offer, as_person):
    other = make_program("films", name="Films")
    make_offer(other, "film-shop", name="Film shop")
    make_enrollment(ana, other)

    page = text_of(as_person(ana).get(f"{NEW}?offer=film-shop"))

    assert "Music shop · Music" in page
    assert '<option value="film-shop" selected>Film shop · Films</option>' in page
