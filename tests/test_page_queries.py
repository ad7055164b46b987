"""Every page of the menus runs as many queries with one row of everything as with a hundred, and at most twelve.

The pages are taken from the menus themselves: a new one is held to this on the day it is made.
"""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import ApiKey
from affiliates.models import Function
from core import ui
from core.models import Mail
from ledger.models import TransferKind
from ledger.services import Posting, earned, post_transfers
from tests.factories import (
    assign,
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
    make_program,
    make_reversal,
    make_rule,
    make_user,
)
from tests.factories_knowledge import make_article, make_macro

pytestmark = pytest.mark.django_db
MOST = 12


def pages(audience: str) -> list[str]:
    return [reverse(entry.url_name) for entry in ui._entries.values() if entry.audience == audience]


def add_a_row_of_everything(music, ana, number: int) -> None:
    """Ana's and another affiliate's, in music and in a program of its own."""
    program, other = make_program(), make_affiliate(owner=True)
    for affiliate in (ana, other):
        make_enrollment(affiliate, program, "pending")
        offer = make_offer(music)
        link, coupon = make_link(affiliate, offer), make_coupon(affiliate, music)
        make_click(link)
        sale = make_conversion(music, affiliate, link=link, offer=offer)
        make_conversion(music, affiliate, coupon=coupon, currency="GBP", source="coupon")
        make_commission(sale)
        make_reversal(make_commission(make_conversion(music, affiliate), decision="approved"))
        batch = make_batch(music, status="done", approved_by=make_user())
        line = make_commission(make_conversion(music, affiliate), decision="approved")
        make_payout(batch, affiliate, status="paid").lines.create(commission=line, amount=line.amount)
        make_member(affiliate, make_user(), Function.MARKETING)
        posting = Posting(
            key=f"commission:{line.pk}",
            kind=TransferKind.EARNED,
            amount=line.amount,
            currency="USD",
            at=line.occurred_at,
            **earned(music.pk, affiliate.pk),
        )
        post_transfers([posting], now=line.occurred_at)
    make_payout(make_batch(music), other)
    make_rule(music)
    make_rule(program)
    person = assign(make_user(), "manager", music, program)
    ApiKey.objects.create(user=person, name=f"{number}", role="manager", start="trb_", hash=f"{number:064}")
    make_article(music)
    make_article(music, audience="team", owner=person)
    make_macro(music)
    Mail.objects.create(to="a@b.example", sender="x@y.example", subject="Hello", body="…", about=[f"affiliate:{ana.pk}"])


def counts(browser, audience: str) -> dict[str, int]:
    found = {}
    for url in pages(audience):
        browser.get(url)
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(url).status_code == 200, url
        found[url] = len(queries)
    return found


@pytest.mark.parametrize(("audience", "least"), [("manager", 18), ("portal", 7)])
def test_every_page_of_the_menu_takes_as_many_queries_at_one_row_as_at_a_hundred(as_person, ada, music, ana, audience, least):
    browser = as_person(ada if audience == "manager" else ana)
    add_a_row_of_everything(music, ana, 0)
    one = counts(browser, audience)
    for number in range(1, 100):
        add_a_row_of_everything(music, ana, number)

    many = counts(browser, audience)

    assert len(one) >= least
    assert one == many
    assert {url: number for url, number in many.items() if number > MOST} == {}
