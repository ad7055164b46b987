"""One search: everything the reader may see, by the name people have for it, and nothing else."""

import pytest

from tests.factories import make_batch, make_click, make_commission, make_conversion, make_coupon, make_link, make_payout
from tests.factories_support import make_message, make_ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(music, music_offer, ana, bao, books):
    make_link(ana, music_offer, code="summer-1")
    make_coupon(bao, music, code="SUMMER")
    make_conversion(music, ana, external_id="order-77")
    make_conversion(books, external_id="order-77")
    make_conversion(books, external_id="order-78")


def labels(client, user, text):
    client.force_login(user)
    answer = client.get("/manage/search/", {"q": text})
    assert answer.status_code == 200
    return [found.label for found in answer.context["found"]]


@pytest.mark.parametrize(
    "text, found",
    [
        ("ana@tribu", ["Ana"]),
        ("SUMM", ["summer-1", "SUMMER"]),
        ("order-77", ["order-77"]),
        ("order-78", []),
        ("x", []),
        ("a\x00b", []),
    ],
)
def test_it_finds_what_the_reader_may_see(world, client, mara, text, found):
    assert labels(client, mara, text) == found


def test_an_order_is_found_by_its_public_id_and_its_click(music, ana, mara, client):
    conversion = make_conversion(music, ana, external_id="o", click_id="0192f0c0-0000-7000-8000-000000000000")

    assert labels(client, mara, conversion.public_id) == labels(client, mara, str(conversion.click_id)) == ["o"]


def test_everything_with_an_id_is_found_by_it(music, ana, mara, client):
    commission = make_commission(make_conversion(music, ana))
    batch = make_batch(music)
    things = [ana, commission, commission.conversion, batch, make_payout(batch, ana)]

    assert [len(labels(client, mara, thing.public_id)) for thing in things] == [1] * len(things)
    assert labels(client, mara, "Music") == ["Music"]


def test_a_click_is_found_by_its_id_in_ones_own_programs(music_offer, books_offer, ana, mara, client):
    own, other = make_click(make_link(ana, music_offer)), make_click(make_link(ana, books_offer))

    assert labels(client, mara, f"clk_{own}") == [str(own)]
    found = client.get("/manage/search/", {"q": str(own)}).context["found"][0]
    assert client.get(found.url).context["listing"].count == 1
    assert labels(client, mara, str(other)) == []


def test_what_one_may_do_is_found_by_its_words(mara, felix, ada, client, db):
    assert labels(client, mara, "add aff") == ["Add an affiliate"]
    assert labels(client, felix, "add aff") == []
    assert labels(client, felix, "prepare") == labels(client, mara, "prepare") == ["Prepare a payout"]
    assert labels(client, mara, "make a program") == []  # it takes the right in every program
    for label in ("make", "add", "prepare", "proof", "appoint"):
        client.force_login(ada)
        for found in client.get("/manage/search/", {"q": label}).context["found"]:
            assert client.get(found.url).status_code == 200


def test_pages_are_found_by_their_name(mara, client):
    client.force_login(mara)
    assert [page.label for page in client.get("/manage/search/", {"q": "commiss"}).context["pages"]] == ["Commissions"]


def test_tickets_are_found_by_what_was_said_in_them(music, ana, mara, nils, client):
    make_message(make_ticket(ana, music, subject="Silence"), "The postback does not arrive")

    assert labels(client, mara, "postback arrive") == ["Silence"]
    assert labels(client, nils, "postback arrive") == []


def test_quality_finds_no_orders(world, vera, client):
    assert labels(client, vera, "order-77") == []


def test_the_number_of_queries_does_not_grow(world, music, ana, mara, client, django_assert_max_num_queries):
    for n in range(30):
        make_conversion(music, ana, external_id=f"more-{n}")
    client.force_login(mara)
    with django_assert_max_num_queries(30):
        client.get("/manage/search/", {"q": "order"})
