import pytest

from tests.api.client import errors
from tests.factories import make_affiliate, make_enrollment, make_link

pytestmark = pytest.mark.django_db


def test_a_link_gets_a_code_and_an_address(jun_api, ana, music_offer, settings):
    made = jun_api.post("links", {"affiliate": ana.public_id, "offer": "music-shop"})

    assert made.status_code == 201
    link = made.json()
    assert link["url"] == f"{settings.CLICK_BASE_URL}/r/{link['code']}"
    assert (link["destination_url"], link["status"]) == (None, "active")
    assert jun_api.get(f"links/{link['code']}").json() == link == jun_api.get(f"links/{link['id']}").json()
    assert jun_api.patch(f"links/{link['code']}", {"status": "paused"}).json()["status"] == "paused"


def test_a_taken_code_is_a_conflict_whoever_has_it(mara_api, ana, music_offer, books_offer):
    make_link(offer=books_offer, code="taken")
    answer = mara_api.post("links", {"affiliate": ana.public_id, "offer": "music-shop", "code": "taken"})

    assert (answer.status_code, errors(answer)) == (409, [("code", "taken")])


@pytest.mark.parametrize("code", ["a b", "a/b", "ä", "x" * 61, "a\n", "", "."])
def test_a_code_fits_into_an_address(mara_api, ana, music_offer, code):
    answer = mara_api.post("links", {"affiliate": ana.public_id, "offer": "music-shop", "code": code})

    assert answer.status_code == 400
    assert {name for name, _code in errors(answer)} == {"code"}


def test_a_deep_link_stays_on_the_offers_domains(mara_api, ana, music_offer):
    link = {"affiliate": ana.public_id, "offer": "music-shop"}
    assert mara_api.post("links", link | {"destination_url": "https://music.example/cd/1?a=b"}).status_code == 201

    for url in ("https://evil.example/", "https://music.example@evil.example/", "https://music.example.evil.example/"):
        answer = mara_api.post("links", link | {"destination_url": url})
        assert (answer.status_code, [name for name, _code in errors(answer)]) == (400, ["destination_url"])


@pytest.mark.parametrize(("status", "answered"), [("pending", 201), ("approved", 201), ("rejected", 400), ("terminated", 400)])
def test_links_are_for_those_who_are_enrolled(mara_api, music, music_offer, status, answered):
    affiliate = make_affiliate(external_id="e-1")
    make_enrollment(affiliate, music, status)

    assert mara_api.post("links", {"affiliate": "e-1", "offer": "music-shop"}).status_code == answered


def test_links_of_other_programs_look_absent(mara_api, books_offer):
    link = make_link(offer=books_offer, code="theirs")

    assert mara_api.get("links/theirs").status_code == 404
    assert mara_api.patch(f"links/{link.public_id}", {"status": "paused"}).status_code == 404
    assert mara_api.get("links").json()["results"] == []


def test_a_coupon_is_made_found_in_any_case_and_paused(mara_api, ana, music):
    made = mara_api.post("coupons", {"affiliate": ana.public_id, "program": "music", "code": "Ana10"})

    assert (made.status_code, made.json()["code"]) == (201, "Ana10")
    assert mara_api.get("coupons/ANA10").json() == made.json()
    taken = mara_api.post("coupons", {"affiliate": ana.public_id, "program": "music", "code": "ANA10"})
    assert (taken.status_code, errors(taken)) == (409, [("code", "taken")])
    assert mara_api.patch("coupons/ana10", {"status": "paused"}).json()["status"] == "paused"
    assert mara_api.get("coupons", status="active").json()["results"] == []


def test_a_coupon_for_an_offer_of_another_program_is_refused(ada_api, ana, music, books_offer):
    answer = ada_api.post("coupons", {"affiliate": ana.public_id, "program": "music", "code": "X", "offer": "book-shop"})

    assert (answer.status_code, errors(answer)) == (400, [("offer", "invalid")])
