"""The list of conversions, and one conversion's page: what came, who is credited, and why."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commissions.services import reverse_for_refund
from tests.factories import make_affiliate, make_click, make_commission, make_conversion, make_coupon, make_link, make_refund
from tests.pages import csv_of, text_of
from tracking.attribution import explain_attribution
from tracking.models import Conversion, Customer

pytestmark = pytest.mark.django_db
LIST = "/manage/conversions/"


def unattributed(program, **fields) -> Conversion:
    conversion = make_conversion(program, **fields)
    Conversion.objects.filter(pk=conversion.pk).update(affiliate=None, source="", reason=fields.get("reason", "nothing_given"))
    conversion.refresh_from_db()
    return conversion


def shown(response) -> list[Conversion]:
    return [row.object for row in response.context["listing"].rows]


def test_each_status_has_a_tab_that_shows_what_the_status_says(as_person, mara, music, ana):
    whole, part = make_conversion(music, ana, "50.00"), make_conversion(music, ana)
    make_refund(whole, "50.00")
    make_refund(part, "10.00")
    found = {
        "refunded": whole,
        "partially_refunded": part,
        "unpriced": make_conversion(music, ana, currency="GBP"),
        "unattributed": unattributed(music),
        "recorded": make_conversion(music, ana),
    }
    browser = as_person(mara)
    assert len(shown(browser.get(LIST))) == 5
    for status, conversion in found.items():
        assert Conversion.objects.select_related("program").get(pk=conversion.pk).status == status
        assert shown(browser.get(LIST, {"status": status})) == [conversion], status


def test_each_row_says_why_it_is_credited_so(as_person, mara, music, ana):
    make_conversion(music, ana, reason="coupon", source="coupon", given={"tried": ["click_expired"]})
    unattributed(music, reason="coupon_unknown")
    browser = as_person(mara)
    page = text_of(browser.get(LIST))

    assert "Coupon " + (why := explain_attribution("coupon", ["click_expired"])) in page
    assert "Nobody " + explain_attribution("coupon_unknown", []) in page
    rows = csv_of(browser.get(LIST, {"export": "csv", "status": "recorded"}))
    assert dict(zip(rows[0], rows[1], strict=True))["Why"] == why


def test_the_page_of_a_first_clicks_sale_shows_the_click_that_earns_and_the_one_it_came_with(
    as_person, mara, music, music_offer, ana
):
    link = make_link(ana, music_offer)
    first = make_click(link, at=timezone.now() - timedelta(days=9))
    last = make_click(link, previous=first)
    conversion = make_conversion(music, ana, reason="first_click", click_id=first, given={"click_id": f"clk_{last}"})

    page = text_of(as_person(mara).get(f"{LIST}{conversion.public_id}/"))

    assert explain_attribution("first_click", []) in page
    assert page.index(str(first)) < page.index("The sale came with") < page.index(str(last))


def test_search_finds_orders_customers_and_clicks(as_person, mara, music, music_offer, ana):
    customer = Customer.objects.create(program=music, external_id="customer-77", email="buyer@shop.example")
    click = make_click(make_link(ana, music_offer))
    by_order = make_conversion(music, ana, external_id="Order-4711")
    by_customer = make_conversion(music, ana, external_id="A", customer=customer)
    by_click = make_conversion(music, ana, external_id="B", click_id=click)
    by_given = unattributed(music, external_id="C", given={"click_id": f"clk_{click}"})
    browser = as_person(mara)

    def found(text):
        return set(shown(browser.get(LIST, {"q": text})))

    assert found("order-47") == {by_order}
    assert found("customer-77") == found("buyer@SHOP.example") == {by_customer}
    assert found(f"clk_{click}") == found(str(click)) == {by_click, by_given}
    assert found(by_order.public_id) == {by_order}
    assert found("nothing at all") == set()


def test_filters_by_program_source_event_affiliate_and_day(as_person, hana, music, books, ana, bao):
    sale = make_conversion(music, ana)
    lead = make_conversion(music, bao, event="lead", source="coupon")
    other = make_conversion(books, bao, occurred_at=timezone.now() - timedelta(days=50))
    nobody = unattributed(music)
    browser = as_person(hana)

    def found(**query):
        return set(shown(browser.get(LIST, query)))

    assert found(program="books") == {other}
    assert found(source="coupon") == {lead}
    assert found(source="none") == {nobody}
    assert found(event="LEAD") == {lead}
    assert found(affiliate=ana.public_id) == {sale}
    assert found(occurred_at_to=(timezone.localdate() - timedelta(days=49)).isoformat()) == {other}


def test_a_page_takes_as_many_queries_at_one_row_as_at_a_hundred(as_person, hana, music, books, music_offer, ana):
    link = make_link(ana, music_offer)
    browser = as_person(hana)
    make_conversion(music, ana, link=link)
    browser.get(LIST)  # a session's first page writes the session down
    with CaptureQueriesContext(connection) as one:
        assert len(shown(browser.get(LIST))) == 1
    for number in range(50):
        customer = Customer.objects.create(program=books, external_id=str(number))
        make_conversion(books, make_affiliate(), coupon=make_coupon(ana, books), customer=customer)
        make_conversion(music, make_affiliate(), link=link)
    with CaptureQueriesContext(connection) as many:
        assert len(shown(browser.get(LIST))) == 50
    assert len(one) == len(many) <= 12


def test_the_page_says_what_held_and_what_did_not(as_person, mara, music, music_offer, ana):
    link = make_link(ana, music_offer, code="ana-blog")
    click = make_click(link, at=timezone.now() - timedelta(days=60), referrer="https://blog.example/review", subs=["autumn"])
    conversion = make_conversion(
        music,
        ana,
        "80.00",
        source="coupon",
        reason="coupon",
        coupon=make_coupon(ana, music, code="ANA10"),
        given={"click_id": str(click), "coupon": "ana10", "tried": ["click_expired"], "metadata": {"shop": "north"}},
        quantity=3,
    )
    make_refund(conversion, "20.00", external_id="return-1", reason="Damaged in transit")
    make_commission(conversion)

    page = as_person(mara).get(f"{LIST}{conversion.public_id}/").content.decode()

    assert "The click is older than the attribution window. The coupon belongs to this affiliate." in page
    assert "ANA10" in page and "ana10" in page and "north" in page
    assert "https://blog.example/review" in page and "autumn" in page and "60 days before the sale" in page
    assert "return-1" in page and "Damaged in transit" in page and "$60.00" in page
    assert "by rule" in page


def test_a_click_of_another_program_is_not_shown(as_person, mara, music, books_offer, ana):
    click = make_click(make_link(ana, books_offer), referrer="https://secret.example/")
    conversion = unattributed(music, reason="click_of_another_program", given={"click_id": str(click)})

    page = as_person(mara).get(f"{LIST}{conversion.public_id}/").content.decode()

    assert "The click belongs to another program." in page
    assert str(click) in page and "secret.example" not in page


def test_why_nothing_was_earned_is_told(as_person, mara, music, ana):
    browser = as_person(mara)

    def told(conversion):
        return browser.get(f"{LIST}{conversion.public_id}/").content.decode()

    assert "nobody is credited" in told(unattributed(music))
    assert "came in GBP, the program counts in USD" in told(make_conversion(music, ana, currency="GBP"))
    assert "the amount is nothing" in told(make_conversion(music, ana, "0.00"))
    assert "no rule was in force" in told(make_conversion(music, ana))


def test_engineers_see_where_it_came_from_and_not_what_it_earned(as_person, jun, mara, music, ana):
    conversion = make_conversion(music, ana)
    commission = make_commission(conversion)
    reverse_for_refund(conversion, make_refund(conversion, "50.00"), by=mara, now=timezone.now())

    page = text_of(as_person(jun).get(f"{LIST}{conversion.public_id}/"))

    assert commission.public_id not in page and "by rule" not in page and "taken back" not in page
    assert "$5.00 of the commission taken back" in text_of(as_person(mara).get(f"{LIST}{conversion.public_id}/"))


def test_another_programs_conversions_are_not_there(as_person, nils, vera, music, ana):
    conversion = make_conversion(music, ana)
    browser = as_person(nils)

    assert shown(browser.get(LIST)) == []
    assert browser.get(f"{LIST}{conversion.public_id}/").status_code == 404
    assert as_person(vera).get(LIST).status_code == 403


def test_the_file_holds_what_matches(as_person, mara, music, ana):
    make_conversion(music, ana, external_id="=1+1")
    make_conversion(music, ana, event="lead", amount="5.00")

    answer = as_person(mara).get(LIST, {"event": "sale", "export": "csv"})
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()

    assert len(lines) == 2
    assert lines[1].startswith("'=1+1,sale,100.00,USD,")
