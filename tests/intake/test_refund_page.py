"""A refund by hand: what it does to whom stands there before it is done, and it is done once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from commissions.services import approve_commissions
from intake.services import record_refund
from payouts.queries import balances
from tests.factories import event_names, make_commission, make_conversion, make_rule
from tests.pages import assert_same_queries, text_of
from tests.spellings import NO_NUMBERS
from tracking.models import Refund

pytestmark = pytest.mark.django_db


@pytest.fixture
def sale(music, ana):
    """Ana earned $10.00 by an order of $100.00."""
    make_rule(music)
    conversion = make_conversion(music, ana, amount="100.00", external_id="order-7")
    make_commission(conversion, amount="10.00")
    return conversion


def path_of(conversion) -> str:
    return f"/manage/conversions/{conversion.public_id}/refund/"


def shown(page) -> dict[str, str]:
    """What the page's button sends."""
    form = page.context["form"]
    fields = {field.name: field.value() or "" for field in form}
    return fields | {"refunded": str(page.context["conversion"].refunded)}


def seen(page) -> list[tuple[str, Decimal, str]]:
    return [(str(c.commission.affiliate), c.amount, c.commission.state) for c in page.context["consequences"]]


def test_the_order_leads_to_its_refund_while_something_is_left(as_person, mara, felix, sale):
    detail = f"/manage/conversions/{sale.public_id}/"

    assert path_of(sale) in as_person(mara).get(detail).content.decode()
    assert path_of(sale) not in as_person(felix).get(detail).content.decode()  # who records no conversions refunds none

    record_refund(sale, external_id="r1", amount=Decimal(100), by=mara)
    assert path_of(sale) not in as_person(mara).get(detail).content.decode()
    assert "Nothing of this order is left to refund." in text_of(as_person(mara).get(path_of(sale), follow=True))


def test_it_asks_about_all_that_is_left_and_says_what_is_taken_back(as_person, mara, sale):
    page = as_person(mara).get(path_of(sale))

    assert page.context["form"]["amount"].value() == "100.00"
    assert seen(page) == [("Ana", Decimal("10.00"), "pending")]
    assert "$10.00 USD of $10.00" in text_of(page) and "that much less is approved" in text_of(page)
    assert not Refund.objects.exists()


def test_a_part_takes_its_part_and_does_what_was_shown(as_person, mara, sale, ana):
    commission = sale.commissions.get()
    approve_commissions([commission.pk], by=mara)
    browser = as_person(mara)
    page = browser.get(path_of(sale), {"amount": "33.33", "reason": "One record was scratched"})
    assert [amount for _affiliate, amount, _state in seen(page)] == [Decimal("3.33")]

    answer = browser.post(path_of(sale), shown(page), follow=True)

    assert answer.redirect_chain == [(f"/manage/conversions/{sale.public_id}/", 302)]
    assert "Refund of $33.33 recorded." in text_of(answer) and "One record was scratched" in text_of(answer)
    commission.refresh_from_db()
    assert commission.reversed == Decimal("3.33")
    assert balances(ana.pk)[0].earned == Decimal("6.67")
    assert event_names(sale) == ["commission.approved", "conversion.refunded", "commission.reversed"]


def test_sent_twice_it_is_refunded_once(as_person, mara, sale):
    browser = as_person(mara)
    asked = shown(browser.get(path_of(sale), {"amount": "100.00"}))

    browser.post(path_of(sale), asked)
    answer = browser.post(path_of(sale), asked, follow=True)

    assert "nothing was done twice" in text_of(answer)
    sale.refresh_from_db()
    assert sale.refunded == Decimal("100.00") and Refund.objects.count() == 1


def test_the_shops_own_number_makes_it_one_refund_with_the_apis(as_person, mara, sale):
    browser = as_person(mara)
    asked = shown(browser.get(path_of(sale), {"amount": "20.00", "number": "shop-r-1"}))
    record_refund(sale, external_id="shop-r-1", amount=Decimal("20.00"), by=mara)

    assert "nothing was done twice" in text_of(browser.post(path_of(sale), asked, follow=True))
    assert "already recorded with another amount" in text_of(browser.post(path_of(sale), asked | {"amount": "21.00"}))
    assert Refund.objects.count() == 1


def test_what_came_in_between_is_looked_at_first(as_person, mara, sale):
    browser = as_person(mara)
    asked = shown(browser.get(path_of(sale), {"amount": "20.00"}))
    record_refund(sale, external_id="r1", amount=Decimal("50.00"), by=mara)

    page = browser.post(path_of(sale), asked)

    assert "came in the meantime" in text_of(page) and Refund.objects.count() == 1
    assert browser.post(path_of(sale), shown(page)).status_code == 302
    assert Refund.objects.count() == 2


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"amount": "100.01"}, "Only $100.00 are left to refund."),
        ({"amount": "0"}, "A refund is more than zero."),
        *(({"amount": number}, "Give digits with a point") for number in NO_NUMBERS),
        ({"amount": "1.005"}, "no more than 2 decimal places"),
        ({"amount": ""}, "This field is required."),
        ({"day": "2999-01-01"}, "This lies in the future."),
        ({"day": "yesterday"}, "Enter a valid date."),
        ({"reason": "x" * 301}, "at most 300 characters"),
        ({"key": "../x"}, "Open it anew from the order."),
    ],
)
def test_what_cannot_be_refunded_is_told_and_changes_nothing(as_person, mara, sale, changed, told):
    browser = as_person(mara)
    asked = shown(browser.get(path_of(sale))) | changed

    assert told in text_of(browser.post(path_of(sale), asked))
    assert "Record this refund" not in text_of(browser.get(path_of(sale), changed))
    assert not Refund.objects.exists()


def test_a_day_of_the_past_is_kept_in_the_programs_zone(as_person, mara, music, ana):
    music.time_zone = "Asia/Tokyo"
    music.save()
    sale = make_conversion(music, ana, occurred_at=timezone.now() - timedelta(days=30))
    browser = as_person(mara)
    day = timezone.localdate() - timedelta(days=3)

    browser.post(path_of(sale), shown(browser.get(path_of(sale), {"day": f"{day}"})))

    assert Refund.objects.get().occurred_at == datetime(day.year, day.month, day.day, 3, tzinfo=UTC)


def test_who_sees_no_money_refunds_without_reading_of_it(as_person, jun, sale):
    browser = as_person(jun)
    page = browser.get(path_of(sale))

    assert "consequences" not in page.context and "Ana" not in text_of(page)
    assert "taken back in proportion" in text_of(page)
    browser.post(path_of(sale), shown(page))
    assert sale.commissions.get().reversed == Decimal("10.00")


def test_where_nobody_earned_nobody_loses(as_person, mara, music, ana):
    sale = make_conversion(music, ana)
    make_rule(music)
    make_commission(sale, decision="rejected")

    assert "No affiliate loses anything" in text_of(as_person(mara).get(path_of(sale)))


def test_the_page_takes_a_constant_number_of_queries(as_person, mara, sale, bao):
    def add() -> None:
        make_commission(sale, affiliate=bao, amount="1.00")

    assert_same_queries(as_person(mara), path_of(sale), add)
