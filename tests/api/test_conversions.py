from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from tests.api.client import errors
from tests.factories import make_click, make_conversion, make_coupon, make_link, make_rule
from tests.spellings import NO_NUMBERS
from tracking.models import Conversion, Refund
from tracking.views.conversions import in_status

pytestmark = pytest.mark.django_db

SALE = {"program": "music", "event": "sale", "external_id": "order-1", "amount": "50.00", "currency": "USD"}


@pytest.fixture
def coupon(ana, music):
    make_rule(music)
    return make_coupon(ana, music, code="ANA10")


def test_a_replay_is_the_same_conversion_in_its_current_state(mara_api, coupon):
    first = mara_api.post("conversions", SALE | {"coupon": "ANA10"})
    mara_api.post("commissions/approve", {"ids": [first.json()["commissions"][0]["id"]]})
    again = mara_api.post("conversions", SALE | {"coupon": "ANA10"})

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["commissions"][0]["status"] == "approved"
    assert Conversion.objects.count() == 1


@pytest.mark.parametrize(
    "other",
    [
        {"amount": "50.01"},
        {"currency": "EUR"},
        {"coupon": "ANA10"},
        {"click_id": "other"},
        {"customer": {"external_id": "c-9"}},
        {"customer": {"external_id": "c-1", "email": "other@tributary.example"}},
        {"items": [{"sku": "a", "quantity": 1, "amount": "50.00"}]},
    ],
)
def test_other_content_under_the_same_name_is_a_conflict(mara_api, coupon, other):
    sale = SALE | {"customer": {"external_id": "c-1", "email": "one@tributary.example"}}
    mara_api.post("conversions", sale)
    answer = mara_api.post("conversions", sale | other)

    assert answer.status_code == 409
    assert errors(answer) == [("external_id", "other_content")]


def test_the_same_click_written_in_another_way_is_the_same_content(mara_api, music, music_offer, ana):
    click = str(make_click(make_link(ana, music_offer)))
    mails = "One@tributary.example", "one@Tributary.example"
    first, *again = [
        mara_api.post("conversions", SALE | {"click_id": written, "customer": {"external_id": "c-1", "email": mail}})
        for written, mail in [
            (click, mails[0]),
            (f"clk_{click}", mails[0]),
            (click.upper(), mails[1]),
            (click.replace("-", ""), mails[1]),
        ]
    ]

    assert first.status_code == 201
    assert {(answer.status_code, answer.json()["id"]) for answer in again} == {(200, first.json()["id"])}


def test_what_is_unpriced_says_why_and_stays_so_after_a_refund_in_part(mara_api, music, ana):
    made = mara_api.post("conversions", SALE | {"currency": "EUR"}).json()
    assert made["status"] == "unpriced" and "EUR" in made["reason"] and "USD" in made["reason"]

    for external_id, amount, status in (("r-1", "20.00", "unpriced"), ("r-2", "30.00", "refunded")):
        mara_api.post(f"conversions/{made['id']}/refunds", {"external_id": external_id, "amount": amount})
        shown = mara_api.get(f"conversions/{made['id']}").json()
        assert (shown["status"], shown["reason"] is None) == (status, status == "refunded")
        assert in_status(Conversion.objects.all(), status).count() == 1
        assert in_status(Conversion.objects.all(), "partially_refunded").count() == 0
        assert Conversion.objects.unpriced().exists() == (status == "unpriced")


def test_the_same_number_of_another_event_is_another_conversion(mara_api, coupon):
    mara_api.post("conversions", SALE)

    assert mara_api.post("conversions", SALE | {"event": "signup", "amount": None, "currency": None}).status_code == 201


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        *((number, "amount") for number in NO_NUMBERS),
        ("", "amount"),
        ("1000000000000", "amount"),
        (" 1", "amount"),
        ("1\n", "amount"),
        (-12.5, "amount"),
        (1e300, "amount"),
        (0.1234567890123456, "amount"),
        (1.005, "decimals"),
        (True, "amount"),
        (["1"], "amount"),
        ("1.005", "decimals"),
        (None, "required"),
    ],
)
def test_amounts_that_are_none_are_refused(mara_api, music, amount, code):
    answer = mara_api.post("conversions", SALE | {"amount": amount})

    assert (answer.status_code, errors(answer)) == (400, [("amount", code)])
    assert not Conversion.objects.exists()


@pytest.mark.parametrize("amount", [*NO_NUMBERS, "", " 1", None, -1, 1e300, True])
def test_amounts_that_are_none_are_refused_of_refunds_and_items_too(mara_api, music, amount):
    mara_api.post("conversions", SALE)
    refund = mara_api.post("conversions/order-1/refunds", {"external_id": "r", "amount": amount})
    items = mara_api.post("conversions", SALE | {"items": [{"sku": "a", "quantity": 1, "amount": amount}]})

    assert (refund.status_code, items.status_code) == (400, 400)
    assert [errors(answer)[0][0] for answer in (refund, items)] == ["amount", "items[0].amount"]
    assert not Refund.objects.exists()


def test_a_negative_zero_is_no_amount(mara_api, music):
    for number in ("-0", "-0.0", "-0.00"):
        body = json.dumps(SALE | {"amount": "here"}).replace('"here"', number)
        assert errors(mara_api.post("conversions", raw=body.encode())) == [("amount", "amount")]


@pytest.mark.parametrize("event", ["Sale", "SALE", "Recurring", "SignUp", "SALE "])
def test_the_fixed_events_in_capitals_are_no_events_of_ones_own(mara_api, music, event):
    """They would need no amount, and no rule would price them."""
    answer = mara_api.post("conversions", SALE | {"event": event})

    assert answer.status_code == 400 and {error["field"] for error in answer.json()["errors"]} == {"event"}
    if event == "Sale":
        assert "small letters: sale" in answer.json()["detail"]
    assert mara_api.post("conversions", SALE | {"event": "Trial"}).status_code == 201


def test_whole_numbers_and_zero_are_amounts(mara_api, music):
    assert mara_api.post("conversions", SALE | {"amount": 12}).json()["amount"] == "12.00"
    assert mara_api.post("conversions", SALE | {"external_id": "o-2", "amount": "0.00"}).json()["amount"] == "0.00"


@pytest.mark.parametrize("written", [b"12.5", b"12.50", b"0.10", b"999999999999.99"])
def test_json_numbers_are_amounts_as_they_are_written(mara_api, music, written):
    kept = mara_api.post("conversions", raw=json.dumps(SALE).encode().replace(b'"50.00"', written))

    assert (kept.status_code, Decimal(kept.json()["amount"])) == (201, Decimal(written.decode()))


@pytest.mark.parametrize("written", [b"1e2", b"1.5E1", b"-1.5", b"-0.0", b"12.500", b"12.5000000000000001", b"9999999999999.5"])
def test_json_numbers_that_may_have_lost_digits_are_no_amounts(mara_api, music, written):
    refused = mara_api.post("conversions", raw=json.dumps(SALE).encode().replace(b'"50.00"', written))

    assert refused.status_code == 400 and errors(refused)[0][0] == "amount"
    assert not Conversion.objects.exists()


def test_the_amounts_decimals_are_its_currencys(mara_api, music):
    assert errors(mara_api.post("conversions", SALE | {"currency": "JPY"})) == [("amount", "decimals")]
    kept = mara_api.post("conversions", SALE | {"currency": "KWD", "amount": "1.005"}).json()
    assert (kept["amount"], kept["status"], kept["commissions"]) == ("1.005", "unpriced", [])


def test_what_cannot_be_credited_is_kept_with_the_reason(mara_api, music, books_offer, ana):
    foreign = make_click(make_link(ana, books_offer))
    for number, (evidence, reason) in enumerate(
        [
            ({}, "nothing_given"),
            ({"click_id": None, "coupon": None}, "nothing_given"),
            ({"click_id": "no such click"}, "click_unknown"),
            ({"click_id": str(foreign)}, "click_of_another_program"),
            ({"coupon": "NOPE"}, "coupon_unknown"),
        ]
    ):
        answer = mara_api.post("conversions", SALE | {"external_id": f"o-{number}"} | evidence)
        assert answer.status_code == 201
        assert (answer.json()["status"], answer.json()["affiliate"]) == ("unattributed", None)
        assert answer.json()["attribution"]["reason"] == reason
        assert answer.json()["commissions"] == []


def test_a_click_id_is_taken_bare_and_with_its_prefix(mara_api, music_offer, ana):
    click = make_click(make_link(ana, music_offer))

    answer = mara_api.post("conversions", SALE | {"click_id": f"clk_{click}"}).json()
    assert (answer["affiliate"], answer["attribution"]["click_id"]) == (ana.public_id, str(click))
    assert mara_api.post("conversions", SALE | {"click_id": str(click)}).status_code == 200


def test_a_later_sale_of_a_known_customer_follows_the_first(mara_api, coupon, ana):
    customer = {"customer": {"external_id": "c-1", "email": "c@shop.example"}}
    mara_api.post("conversions", SALE | customer | {"coupon": "ANA10"})
    later = mara_api.post("conversions", SALE | customer | {"external_id": "order-2"}).json()

    assert (later["affiliate"], later["attribution"]["source"]) == (ana.public_id, "customer")


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"event": "buy it"}, ("event", "invalid")),
        ({"external_id": ""}, ("external_id", "blank")),
        ({"external_id": "x" * 201}, ("external_id", "max_length")),
        ({"program": "nowhere"}, ("program", "not_found")),
        ({"currency": "usd"}, ("currency", "currency")),
        ({"currency": None}, ("currency", "required")),
        ({"occurred_at": "2026-01-01T10:00:00"}, ("occurred_at", "time")),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, ("occurred_at", "time")),
        ({"occurred_at": "2026-02-30T10:00:00Z"}, ("occurred_at", "time")),
        ({"occurred_at": "9999-12-31T23:59:59Z"}, ("occurred_at", "time")),
        ({"items": [None]}, ("items[0]", "null")),
        (
            {"items": [{"sku": "a", "quantity": 1, "amount": "1.00"}, {"sku": "b", "quantity": 1.5, "amount": "1.00"}]},
            ("items[1].quantity", "invalid"),
        ),
        ({"items": [{"sku": "a", "quantity": 1, "amount": "1.001"}]}, ("items[0].amount", "decimals")),
        ({"customer": "c-1"}, ("customer", "type")),
        ({"customer": {"external_id": "c", "email": "c"}}, ("customer.email", "invalid")),
        ({"metadata": [1]}, ("metadata", "type")),
        ({"affiliate": "ana"}, ("affiliate", "unknown")),
    ],
)
def test_each_wrong_field_is_named(mara_api, music, wrong, expected):
    answer = mara_api.post("conversions", SALE | wrong)

    assert (answer.status_code, errors(answer)) == (400, [expected])


def test_a_sale_without_amount_and_currency_is_told_of_both(mara_api, music):
    answer = mara_api.post("conversions", SALE | {"amount": None, "currency": None})

    assert errors(answer) == [("amount", "required"), ("currency", "required")]


def test_a_sale_in_the_future_is_refused_but_clocks_may_differ(mara_api, music):
    def at(minutes: int) -> str:
        return (timezone.now() + timedelta(minutes=minutes)).isoformat()

    assert errors(mara_api.post("conversions", SALE | {"occurred_at": at(6)})) == [("occurred_at", "future")]
    assert mara_api.post("conversions", SALE | {"occurred_at": at(4)}).status_code == 201


def test_one_bad_row_of_a_thousand_harms_no_other(mara_api, coupon, django_assert_max_num_queries):
    rows = [SALE | {"external_id": f"o-{n}", "coupon": "ANA10"} for n in range(1000)]
    rows[500]["amount"] = "12,50"
    with django_assert_max_num_queries(45):
        answer = mara_api.post("conversions/batch", {"conversions": rows})

    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [row["status"] for row in results] == [201] * 500 + [400] + [201] * 499
    assert results[500]["errors"][0]["field"] == "amount" and results[500]["id"] is None
    assert results[999]["id"] == results[999]["conversion"]["id"]
    assert Conversion.objects.count() == 999


def test_a_batch_answers_each_row_as_it_would_have_been_answered_alone(mara_api, coupon, books):
    mara_api.post("conversions", SALE)
    rows = [
        SALE,
        SALE | {"amount": "51.00"},
        SALE | {"external_id": "new"},
        SALE | {"external_id": "new"},
        SALE | {"program": "books"},
        "no object",
        None,
    ]
    results = mara_api.post("conversions/batch", {"conversions": rows}).json()["results"]

    assert [row["status"] for row in results] == [200, 409, 201, 200, 400, 400, 400]
    assert results[2]["id"] == results[3]["id"]


def test_a_batch_has_one_to_a_thousand_rows(mara_api, music):
    assert errors(mara_api.post("conversions/batch", {"conversions": []})) == [("conversions", "min_length")]
    assert errors(mara_api.post("conversions/batch", {"conversions": [SALE] * 1001})) == [("conversions", "max_length")]


def test_refunds_are_partial_then_known_then_beyond(mara_api, coupon):
    mara_api.post("conversions", SALE | {"coupon": "ANA10"})
    refund = {"external_id": "r-1", "amount": "20.00", "reason": "Scratched"}
    first = mara_api.post("conversions/order-1/refunds", refund)
    again = mara_api.post("conversions/order-1/refunds", refund)
    beyond = mara_api.post("conversions/order-1/refunds", {"external_id": "r-2", "amount": "30.01"})
    other = mara_api.post("conversions/order-1/refunds", refund | {"amount": "19.00"})

    assert (first.status_code, again.status_code, beyond.status_code, other.status_code) == (201, 200, 409, 409)
    assert first.json() == again.json()
    assert errors(beyond) == [("amount", "beyond_what_is_left")]
    conversion = mara_api.get("conversions/order-1").json()
    assert (conversion["status"], conversion["refunded"]) == ("partially_refunded", "20.00")
    assert [row["id"] for row in mara_api.get("conversions/order-1/refunds").json()["results"]] == [first.json()["id"]]


def test_a_refund_before_its_sale_is_taken_at_the_sales_time(mara_api, coupon):
    sale = mara_api.post("conversions", SALE).json()
    early = {"external_id": "r", "amount": "1.00", "occurred_at": "2020-01-01T00:00:00Z"}

    assert mara_api.post("conversions/order-1/refunds", early).json()["occurred_at"] == sale["occurred_at"]
    assert mara_api.post("conversions/nowhere/refunds", early).status_code == 404


def test_an_engineers_key_records_but_sees_no_money(jun_api, coupon, ana):
    answer = jun_api.post("conversions", SALE | {"coupon": "ANA10"})

    assert answer.status_code == 201
    assert (answer.json()["affiliate"], answer.json()["commissions"]) == (ana.public_id, None)
    batch = jun_api.post("conversions/batch", {"conversions": [SALE | {"coupon": "ANA10"}]}).json()
    assert batch["results"][0]["conversion"]["commissions"] is None
    assert jun_api.get("conversions").json()["results"][0]["commissions"] is None
    for path in (
        "commissions",
        "commission-rules",
        f"affiliates/{ana.public_id}/balance",
        "payout-batches",
        "reports/performance",
    ):
        assert jun_api.get(path).status_code == 403


def test_conversions_of_another_program_look_absent(mara_api, books):
    other = make_conversion(books, external_id="b-1")

    for name in (other.public_id, "b-1"):
        assert mara_api.get(f"conversions/{name}").status_code == 404
        assert mara_api.post(f"conversions/{name}/refunds", {"external_id": "r", "amount": "1.00"}).status_code == 404
    assert mara_api.get("conversions").json()["results"] == []


def test_an_external_id_that_names_two_conversions_names_neither(mara_api, music):
    mara_api.post("conversions", SALE)
    mara_api.post("conversions", SALE | {"event": "recurring"})

    answer = mara_api.get("conversions/order-1")
    assert (answer.status_code, errors(answer)) == (404, [(None, "ambiguous")])
    refund = mara_api.post("conversions/order-1/refunds", {"external_id": "r-1", "amount": "1.00"})
    assert (refund.status_code, errors(refund)) == (404, [(None, "ambiguous")])
    assert [row["event"] for row in mara_api.get("conversions", external_id="order-1").json()["results"]] == ["recurring", "sale"]


def test_days_are_the_programs_days(mara_api, music):
    music.time_zone = "America/New_York"
    music.save()
    mara_api.post("conversions", SALE | {"occurred_at": "2026-05-02T03:30:00Z"})  # still the first of May in New York

    def found(first: str, last: str) -> int:
        return len(mara_api.get("conversions", program="music", from_=first, to=last).json()["results"])

    assert (found("2026-05-01", "2026-05-01"), found("2026-05-02", "2026-05-02")) == (1, 0)
    assert errors(mara_api.get("conversions", from_="1.5.2026")) == [("from", "date")]
