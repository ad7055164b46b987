"""One search: everything the reader may see, by the name people have for it, and nothing else."""

import pytest

from tests.factories import make_conversion, make_coupon, make_link

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


def test_pages_are_found_by_their_name(mara, client):
    client.force_login(mara)
    assert [page.label for page in client.get("/manage/search/", {"q": "commiss"}).context["pages"]] == ["Commissions"]


def test_quality_finds_no_orders(world, vera, client):
    assert labels(client, vera, "order-77") == []


def test_the_number_of_queries_does_not_grow(world, music, ana, mara, client, django_assert_max_num_queries):
    for n in range(30):
        make_conversion(music, ana, external_id=f"more-{n}")
    client.force_login(mara)
    with django_assert_max_num_queries(24):
        client.get("/manage/search/", {"q": "order"})
