from decimal import Decimal

import pytest

from commissions.services import create_rule
from programs.models import Offer, Program
from programs.services import update_offer, update_program
from tests.factories import event_names, make_affiliate, make_enrollment, make_offer, make_program, make_rule
from tests.pages import assert_same_queries, text_of
from tests.spellings import NO_NUMBERS

NEW = {
    "name": "Autumn music",
    "currency": "EUR",
    "minimum_payout": "25.00",
    "hold_days": "14",
    "attribution_model": "first_click",
    "attribution_window_days": "30",
    "time_zone": "Europe/Berlin",
    "accent_color": "#0b5cad",
    "public": "on",
}
MUSIC = NEW | {"name": "Music", "slug": "music", "status": "paused"}
OFFER = {"name": "Spring sale", "landing_url": "https://music.example/spring", "allowed_domains": "shop.example\ncdn.example"}


def test_a_new_program_says_what_it_still_needs(as_person, hana):
    answer = as_person(hana).post("/manage/programs/new/", NEW, follow=True)

    program = Program.objects.get()
    assert answer.redirect_chain == [("/manage/programs/autumn-music/", 302)]
    assert (program.currency, program.minimum_payout, program.status) == ("EUR", Decimal(25), "active")
    text = text_of(answer)
    for step in ("An offer", "A commission rule", "The first affiliate"):
        assert step in text


def test_the_steps_go_as_they_are_done(as_person, hana):
    program = make_program("music")
    browser = as_person(hana)

    make_offer(program)
    assert "Add an offer" in text_of(browser.get("/manage/programs/music/"))
    assert "landing page that affiliates send visitors to" not in text_of(browser.get("/manage/programs/music/"))
    make_rule(program)
    assert "The first affiliate" in text_of(browser.get("/manage/programs/music/"))
    make_enrollment(make_affiliate(), program)
    assert "still needs" not in text_of(browser.get("/manage/programs/music/"))


def test_who_manages_given_programs_makes_no_new_ones(as_person, mara):
    browser = as_person(mara)

    assert browser.get("/manage/programs/new/").status_code == 403
    assert browser.post("/manage/programs/new/", NEW).status_code == 403
    assert "Make a program" not in text_of(browser.get("/manage/programs/"))
    assert Program.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"slug": "music"}, "already exists"),
        ({"slug": "new"}, "taken by the page"),
        ({"name": "音楽"}, "Latin letters"),
        *(({"minimum_payout": number}, "Give digits with a point") for number in NO_NUMBERS),
        ({"minimum_payout": "1.001"}, "more decimals than the currency"),
        ({"hold_days": "4000"}, "less than or equal to 3650"),
        ({"attribution_window_days": "0"}, "greater than or equal to 1"),
        ({"currency": "XXX"}, "Select a valid choice"),
        ({"accent_color": "red"}, "Give a colour"),
        ({"time_zone": "Mars"}, "Select a valid choice"),
        ({"fallback_url": "javascript:alert(1)"}, "Enter a valid URL"),
    ],
)
def test_what_cannot_stand_is_told_and_nothing_is_made(as_person, hana, music, changes, told):
    answer = as_person(hana).post("/manage/programs/new/", NEW | changes)

    assert told in text_of(answer)
    assert Program.objects.count() == 1


def test_settings_change_but_the_currency(as_person, mara, music):
    browser = as_person(mara)
    assert 'value="20.00"' in browser.get("/manage/programs/music/edit/").content.decode()

    browser.post("/manage/programs/music/edit/", MUSIC)

    music.refresh_from_db()
    assert (music.status, music.hold_days, music.currency) == ("paused", 14, "USD")
    assert event_names(music) == ["program.updated"]


def test_the_history_tells_what_changed_from_what_to_what(as_person, mara, music, music_offer):
    update_program(music, by=mara, hold_days=14, minimum_payout=Decimal("50.00"), public=False, description="x" * 100)
    update_offer(music_offer, by=mara, status="paused", landing_url="https://music.example/new")

    page = text_of(as_person(mara).get("/manage/programs/music/"))
    assert "shown on the public page: Yes → No; hold (days after the sale): 30 → 14; description; minimum payout: 20 → 50" in page
    page = text_of(as_person(mara).get(f"/manage/offers/{music_offer.public_id}/edit/"))
    assert "status: Active → Paused; landing page: https://music.example/" in page
    assert "Mara" in page


def test_a_refused_change_keeps_the_page_of_the_right_program(as_person, mara, music, books):
    answer = as_person(mara).post("/manage/programs/music/edit/", MUSIC | {"slug": "books", "name": "Bright"})

    assert "already exists" in text_of(answer)
    assert "Settings of Music" in text_of(answer)
    assert 'href="/manage/programs/music/"' in answer.content.decode()


@pytest.mark.parametrize("then", ["", "edit/", "offers/new/", "terms/new/", "terms/1/", "rules/new/"])
def test_a_program_of_others_is_not_there(as_person, mara, books, then):
    assert as_person(mara).get(f"/manage/programs/books/{then}").status_code == 404


def test_those_who_only_see_find_no_buttons(as_person, vera, music, music_offer):
    text = text_of(as_person(vera).get("/manage/programs/music/"))

    assert "Music shop" in text
    for hidden in ("Add an offer", "Publish terms", "Add a rule", "Commission"):
        assert hidden not in text
    assert as_person(vera).get("/manage/programs/music/edit/").status_code == 403


def test_the_history_tells_what_is_paid_to_those_who_see_money(as_person, mara, jun, music):
    create_rule(music, by=mara, name="Secret rate", event="sale", type="percentage", value=Decimal(10))

    assert "Secret rate" in text_of(as_person(mara).get("/manage/programs/music/"))
    assert "Secret rate" not in text_of(as_person(jun).get("/manage/programs/music/"))


def test_the_step_to_the_first_affiliate_brings_the_program_along(as_person, hana, music, books):
    page = as_person(hana).get("/manage/affiliates/new/?program=books").content.decode()

    assert f'<option value="{books.pk}" selected>' in page


def test_an_offer_is_added_and_changed(as_person, mara, music):
    browser = as_person(mara)
    browser.post("/manage/programs/music/offers/new/", OFFER)

    offer = Offer.objects.get()
    assert (offer.slug, offer.allowed_domains, offer.status) == ("spring-sale", ["shop.example", "cdn.example"], "active")
    url = f"/manage/offers/{offer.public_id}/edit/"
    assert "shop.example\ncdn.example" in browser.get(url).content.decode()
    browser.post(url, OFFER | {"slug": "spring", "status": "paused", "allowed_domains": ""})
    offer.refresh_from_db()
    assert (offer.slug, offer.status, offer.allowed_domains) == ("spring", "paused", [])


@pytest.mark.parametrize("domain", ["https://shop.example/", "shop example/x", "-.example", "a..b"])
def test_a_domain_that_is_none_is_told_at_its_field(as_person, mara, music, domain):
    answer = as_person(mara).post("/manage/programs/music/offers/new/", OFFER | {"allowed_domains": domain})

    assert "Give domains as bare names" in text_of(answer)
    assert not Offer.objects.exists()


def test_an_offer_of_others_is_neither_listed_nor_changed(as_person, mara, music_offer, books_offer):
    browser = as_person(mara)

    assert "Book shop" not in text_of(browser.get("/manage/offers/"))
    assert browser.get(f"/manage/offers/{books_offer.public_id}/edit/").status_code == 404


def test_terms_are_published_as_versions(as_person, mara, music):
    browser = as_person(mara)
    for text in ("No spam.", "No spam at all."):
        browser.post("/manage/programs/music/terms/new/", {"text": text})

    assert "No spam." in text_of(browser.get("/manage/programs/music/terms/1/"))
    assert "No spam at all." in text_of(browser.get("/programs/music/"))
    again = browser.post("/manage/programs/music/terms/new/", {"text": "No spam at all."})
    assert "in force already" in text_of(again)


def test_text_of_people_is_shown_as_text(as_person, mara, music):
    as_person(mara).post("/manage/programs/music/terms/new/", {"text": "<script>alert(1)</script>"})

    assert "<script>alert(1)" not in as_person(mara).get("/programs/music/").content.decode()


@pytest.mark.parametrize(("colour", "ink"), [("#0b5cad", "#ffffff"), ("#ffee00", "#000000"), ("#777777", "#000000")])
def test_the_letter_on_the_mark_can_be_read(colour, ink):
    assert Program(accent_color=colour).accent_ink == ink


@pytest.mark.parametrize("url", ["/manage/programs/", "/manage/offers/", "/manage/rules/"])
def test_the_lists_take_the_same_queries_for_one_and_for_a_hundred(as_person, hana, url):
    def add(number: int = 99) -> None:
        for _n in range(number):
            program = make_program()
            make_offer(program)
            make_rule(program)

    add(1)
    assert_same_queries(as_person(hana), url, add)
