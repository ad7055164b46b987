"""Lists: pages by cursor, and the same number of queries however long they are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver
from django.utils import timezone

from support.models import Escalation, Move, StartRule, Task, Ticket
from tests.api.client import Api, errors
from tests.factories import (
    make_affiliate,
    make_batch,
    make_commission,
    make_conversion,
    make_coupon,
    make_link,
    make_offer,
    make_payout,
    make_payout_method,
    make_program,
    make_refund,
    make_reversal,
    make_rule,
    make_user,
)
from tests.factories_support import make_channel, make_contact, make_ticket
from tracking.models import Customer

pytestmark = pytest.mark.django_db


def walk(api: Api, address: str, way: str) -> list[list[str]]:
    """The ids of each page from this one on."""
    pages = []
    while address:
        page = api.client.get(address, headers=api.headers).json()
        pages.append([row["id"] for row in page["results"]])
        address = page[way]
    return pages


@pytest.fixture
def conversions(music, ana):
    """Seven, of which four occurred at the same moment."""
    now = timezone.now()
    rows = [make_conversion(music, ana, occurred_at=now - timedelta(minutes=max(0, n - 3))) for n in range(7)]
    return [row.public_id for row in sorted(rows, key=lambda row: (row.occurred_at, row.pk), reverse=True)]


def test_pages_lead_through_everything_once_and_back(mara_api, conversions, settings):
    there = walk(mara_api, "/api/v1/conversions?limit=3", "next")
    assert there == [conversions[:3], conversions[3:6], conversions[6:]]

    first = mara_api.get("conversions", limit=3).json()
    assert first["previous"] is None and first["next"].startswith(f"{settings.BASE_URL}/api/v1/conversions?")
    last = mara_api.client.get(first["next"], headers=mara_api.headers).json()["next"]
    assert walk(mara_api, last, "previous") == [conversions[6:], conversions[3:6], conversions[:3]]


def test_a_page_is_not_moved_by_what_comes_meanwhile(mara_api, conversions, music, ana):
    first = mara_api.get("conversions", limit=3).json()
    make_conversion(music, ana, occurred_at=timezone.now() + timedelta(minutes=1))
    second = mara_api.client.get(first["next"], headers=mara_api.headers).json()

    assert [row["id"] for row in second["results"]] == conversions[3:6]


def test_the_next_page_keeps_the_filters(mara_api, conversions, music, bao):
    ours = [make_conversion(music, bao).public_id for _ in range(3)]

    assert walk(mara_api, f"/api/v1/conversions?limit=2&affiliate={bao.public_id}", "next") == [[ours[2], ours[1]], [ours[0]]]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "====",
        "bm90IGpzb24",
        "WzFd",
        "eyJhIjoxfQ",
        "é",
        "WyJuIiwiMjAyNi0wMS0wMSIsMV0",
        "WyJuIiwiMjAyNi0wMS0wMVQwMDowMDowMFoiLC0xXQ",
    ],
)
def test_a_cursor_of_ones_own_making_is_refused(mara_api, cursor):
    answer = mara_api.get("conversions", cursor=cursor)

    assert (answer.status_code, errors(answer)) == (400, [("cursor", "cursor")])
    assert mara_api.get("reports/performance", cursor=cursor).status_code == 400


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "ten", "٣", "9" * 30])
def test_a_limit_is_from_one_to_a_hundred(mara_api, limit):
    answer = mara_api.get("conversions", limit=limit)

    assert (answer.status_code, errors(answer)) == (400, [("limit", "limit")])


CURRENCIES = ["USD", "EUR", "GBP", "CHF", "SEK", "NOK", "PLN"]


def fill(number: int) -> None:
    for _ in range(number):
        program = make_program()
        offer, affiliate = make_offer(program), make_affiliate(parent=make_affiliate())
        make_rule(program, offer=offer, affiliate=affiliate)
        link, coupon = make_link(affiliate, offer), make_coupon(affiliate, program)
        customer = Customer.objects.create(program=program, external_id=f"c-{program.pk}")
        conversion = make_conversion(program, affiliate, link=link, coupon=coupon, offer=offer, customer=customer)
        commission = make_commission(conversion)
        make_reversal(commission, make_refund(conversion))
        make_payout(make_batch(program), affiliate)


def make_steps(ticket: Ticket) -> None:
    """One more of what is listed of a ticket, and a rule that starts one."""
    person, now = make_user(), timezone.now()
    Task.objects.create(ticket=ticket, title="Look", owner=person, due_at=now)
    make_contact()
    Move.objects.create(kind="split", source=ticket, target=make_ticket(ticket.affiliate, ticket.program), by=person)
    number = ticket.escalations.count() + 1
    closed = {
        "status": "answered",
        "answer": "Here.",
        "answered_by": person,
        "closed_at": now,
        "reason": "Again." if number > 1 else "",
    }
    Escalation.objects.create(
        ticket=ticket, number=number, level="engineer", question="Why?", asked_by=person, accept_due=now, **closed
    )
    StartRule.objects.create(kind="contains", words=f"{number}", program=ticket.program)


def lists() -> list[str]:
    """Every address that answers with a list, as the addresses themselves say."""
    api = next(pattern for pattern in get_resolver().url_patterns if getattr(pattern, "namespace", None) == "api")
    found = []
    for pattern in api.url_patterns:
        stated = getattr(getattr(pattern.callback, "cls", None), "operations", {}).get("GET")
        if stated and (stated.largest_page or stated.many):
            found.append(str(pattern.pattern))
    return found


def test_a_list_takes_the_same_queries_at_one_and_at_a_hundred_rows(ada_api):
    program, affiliate = make_program(), make_affiliate()
    conversion = make_conversion(program, affiliate)
    make_commission(conversion)
    ticket = make_ticket(affiliate, program)
    of = {
        "affiliates/<str:id>/": affiliate.public_id,
        "conversions/<str:id>/": conversion.public_id,
        "tickets/<str:id>/": ticket.public_id,
    }

    def queries(rows: int) -> dict[str, int]:
        taken = {}
        for path in lists():
            whose = next((thing for start, thing in of.items() if path.startswith(start)), "")
            limit = {} if path.endswith(("payout-methods", "balance")) else {"limit": 100}
            by = {"group_by": "affiliate", "program": program.slug} if path == "reports/performance" else {}
            with CaptureQueriesContext(connection) as captured:
                answer = ada_api.get(path.replace("<str:id>", whose), **limit, **by).json()
            listed = answer if isinstance(answer, list) else answer["results"]
            assert len(listed) >= min(rows, len(CURRENCIES) if not limit else rows), path
            taken[path] = len(captured)
        return taken

    def fill_all(number: int, currencies: list[str]) -> None:
        fill(number)
        for _ in range(number):
            make_refund(conversion, "0.50")
            make_commission(make_conversion(program))
            make_ticket(channel=make_channel(program))
            make_steps(ticket)
        for currency in currencies:
            make_payout_method(affiliate, currency=currency)
            other = make_program(currency=currency)
            make_commission(make_conversion(other, affiliate))

    ada_api.get("programs")  # the key's last use is written once a minute
    fill_all(1, CURRENCIES[:1])
    few = queries(1)
    fill_all(99, CURRENCIES[1:])

    assert queries(100) == few
    assert max(few.values()) <= 12
    assert {"programs", "conversions/<str:id>/refunds", "affiliates/<str:id>/payout-methods", "reports/performance"} <= few.keys()


def test_a_batch_with_many_payouts_takes_a_few_queries(felix_api, music, django_assert_max_num_queries):
    batch = make_batch(music)
    for _ in range(20):
        make_payout(batch)
    with django_assert_max_num_queries(12):
        assert len(felix_api.get(f"payout-batches/{batch.public_id}").json()["payouts"]) == 20
