"""The contract's words, held by somebody who has nothing but them: names, statuses, prefixes, and what is refused, over HTTP."""

from __future__ import annotations

import re
import threading
import uuid
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
import requests

from tests.journeys.test_click_to_paid import Outsider, computed
from tests.live import LiveStack

SALE = {"program": "words", "event": "sale", "amount": "99.99", "currency": "USD", "coupon": "WORDS"}
BALANCE = {"currency", "pending", "approved", "payable", "in_payout", "paid", "reversed"}


@pytest.fixture(scope="module")
def made(live_stack: LiveStack) -> dict[str, dict]:
    """One of each thing, by its noun, made by an admin's key."""
    shop = Outsider(live_stack, "admin", "Contract")
    things = {
        "program": {
            "name": "Words", "slug": "words", "currency": "USD", "attribution_model": "last_click", "attribution_window_days": 30,
            "hold_days": 0, "minimum_payout": "5.00",
        },
        "offer": {"program": "words", "name": "Shop", "landing_url": "https://shop.example/", "allowed_domains": ["m.example"]},
        "affiliate": {"email": "words@journey.example", "name": "Wanda", "country": "DE", "external_id": "wanda"},
        "enrollment": {"affiliate": "wanda", "program": "words", "status": "approved"},
        "link": {"affiliate": "wanda", "offer": "shop-of-words"},
        "coupon": {"affiliate": "wanda", "program": "words", "code": "words"},
        "commission-rule": {"program": "words", "name": "Ten", "event": "sale", "type": "percentage", "value": "10"},
    }  # fmt: skip
    things["offer"]["slug"] = "shop-of-words"
    found = {noun: shop.post(f"/{noun}s", **body) for noun, body in things.items()}
    for noun, body in things.items():
        kept = {name: value for name, value in body.items() if name not in {"program", "affiliate", "offer"}}
        assert {name: found[noun][name] for name in kept} == kept
    return found


@pytest.fixture(scope="module")
def shop(live_stack: LiveStack, made: dict) -> Outsider:
    return Outsider(live_stack, "admin", "Words")


@pytest.fixture(scope="module")
def finance(live_stack: LiveStack, made: dict) -> Outsider:
    return Outsider(live_stack, "finance", "Words' finance")


def sold(shop: Outsider, amount: str = "99.99", **fields: object) -> dict:
    return shop.post("/conversions", **(SALE | {"external_id": uuid.uuid4().hex, "amount": amount} | fields))


def refused(caller: Outsider, status: int, method: str, path: str, **send) -> list[tuple[str | None, str]]:
    answer = caller.session.request(method, caller.address + path, timeout=60, **send)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json"), answer.text
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "instance", "errors"} and problem["status"] == status
    assert all(set(error) == {"field", "code", "message"} for error in problem["errors"])
    return [(error["field"], error["code"]) for error in problem["errors"]]


def test_ids_have_their_prefixes(made):
    prefixes = {"program": "prg", "offer": "off", "affiliate": "aff", "enrollment": "enr", "link": "lnk", "coupon": "cpn"}
    for noun, prefix in (prefixes | {"commission-rule": "rul"}).items():
        assert re.fullmatch(prefix + r"_[0-9A-Za-z]+", made[noun]["id"])


def test_a_name_is_taken_wherever_an_id_is(shop, made):
    for path in (
        "/programs/words",
        "/offers/shop-of-words",
        "/affiliates/wanda",
        f"/links/{made['link']['code']}",
        "/coupons/words",
    ):
        assert shop.get(path)["id"] in {thing["id"] for thing in made.values()}
    sale = sold(shop, program=made["program"]["id"], external_id="by-name")
    assert shop.post("/conversions/by-name/refunds", external_id="r", amount="1.00")["conversion"] == sale["id"]


def test_a_conversion_says_what_the_contract_says(shop, made):
    sale = sold(shop)
    assert sale["id"].startswith("cnv_") and sale["affiliate"] == made["affiliate"]["id"]
    assert sale["attribution"] == {
        "source": "coupon", "click_id": None, "link": None, "coupon": made["coupon"]["id"], "reason": "coupon",
    }  # fmt: skip
    [commission] = sale["commissions"]
    assert set(commission) == {"id", "affiliate", "amount", "currency", "status", "rule", "reason", "explanation"}
    assert (commission["rule"], commission["reason"]) == (made["commission-rule"]["id"], None)


@pytest.mark.parametrize(
    "other",
    [
        {"amount": "99.98"},
        {"currency": "EUR"},
        {"coupon": None},
        {"click_id": str(uuid.uuid4())},
        {"customer": {"external_id": "c"}},
        {"items": [{"sku": "a", "quantity": 1, "amount": "99.99"}]},
    ],
)
def test_other_content_under_a_known_name_is_a_conflict(shop, other):
    body = SALE | {"external_id": f"known-{sorted(other)}"}
    first = shop.post("/conversions", **body)

    shop.call("POST", "/conversions", 409, body | other)
    assert shop.call("POST", "/conversions", 200, body | {"metadata": {"again": True}})["id"] == first["id"]


@pytest.mark.parametrize(
    "amount", ["1e3", "-1", "1,5", " 1", "1.", ".5", "+1", "１", "NaN", "1" * 13, "1.005", "1.00\n", "", None, True]
)
def test_amounts_out_of_the_grammar_are_refused(shop, amount):
    assert refused(shop, 400, "POST", "/conversions", json=SALE | {"external_id": "never", "amount": amount})[0][0] == "amount"


@pytest.mark.parametrize("name", ["segment", "conditions", "tiers", "max_payments", "max_months", "cap"])
def test_what_rules_do_not_offer_yet_is_refused_by_name(shop, name):
    body = {"program": "words", "name": "Later", "event": "sale", "type": "percentage", "value": "1", name: 1}
    assert refused(shop, 400, "POST", "/commission-rules", json=body) == [(name, "not_offered")]


def test_after_every_partial_refund_the_sum_is_rounded_as_a_whole(shop):
    sale = sold(shop, "87.65")
    earned, refunded = Decimal(sale["commissions"][0]["amount"]), Decimal(0)
    for number, part in enumerate(["0.01", "13.37", "33.33", "7.49", "0.99", "32.46"]):
        shop.post(f"/conversions/{sale['id']}/refunds", external_id=f"part-{number}", amount=part)
        refunded += Decimal(part)
        whole = (earned * refunded / Decimal("87.65")).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
        assert Decimal(shop.get(f"/commissions/{sale['commissions'][0]['id']}")["reversed"]) == whole
    assert refunded == Decimal("87.65") and whole == earned


def test_an_idempotency_key_is_one_effect_of_sixteen_at_once(shop):
    body, answers = {"email": "once@journey.example", "name": "Once"}, []

    def send() -> None:
        headers = {**shop.session.headers, "Idempotency-Key": "once"}
        answers.append(requests.post(f"{shop.address}/affiliates", json=body, headers=headers, timeout=60))

    threads = [threading.Thread(target=send) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 16
    assert all(answer.json() == answers[0].json() for answer in answers)
    once = {"Idempotency-Key": "once"}
    assert refused(shop, 409, "POST", "/affiliates", json=body | {"name": "Other"}, headers=once)[0][0] == "Idempotency-Key"
    shop.call("POST", "/affiliates", 201, {"email": "path@journey.example", "name": "Other"}, **{"Idempotency-Key": "another"})


def test_pages_lead_to_each_other_by_full_addresses(shop):
    for _ in range(5):
        sold(shop)
    seen, address = [], f"{shop.address}/conversions?program=words&limit=2"
    while address:
        page = shop.session.get(address, timeout=30).json()
        assert set(page) == {"next", "previous", "results"} and len(page["results"]) <= 2
        seen += [row["id"] for row in page["results"]]
        address = page["next"]
        assert address is None or address.startswith(f"{shop.address}/conversions?")
    assert len(seen) == len(set(seen)) >= 5
    for path, largest in (("/conversions", 100), ("/reports/performance", 1000)):
        shop.get(f"{path}?limit={largest}")
        assert refused(shop, 400, "GET", f"{path}?limit={largest + 1}") == [("limit", "limit")]


@pytest.mark.parametrize("group_by", ["day", "affiliate", "offer", "link", "sub1", "sub12"])
def test_reports_have_their_numbers_and_no_null(shop, group_by):
    sold(shop)
    today = datetime.now(UTC).date()
    rows = shop.get(f"/reports/performance?program=words&group_by={group_by}&from={today}&to={today}")["results"]
    wanted = {"key", "clicks", "unique_clicks", "conversions", "amount", "refunded", "commission", "epc", "conversion_rate"}
    assert rows and all(wanted <= set(row) and None not in row.values() for row in rows)


def test_money_moves_through_its_states_and_four_eyes_see_it(live_stack, shop, finance):
    shop.post("/affiliates/wanda/payout-methods", type="manual", currency="USD")
    sale = sold(shop, "200.00")
    [commission] = sale["commissions"]
    assert refused(finance, 403, "POST", "/commissions/approve", json={"ids": [commission["id"]]}) == [(None, "forbidden")]
    shop.post("/commissions/approve", 200, ids=[commission["id"]])
    assert refused(shop, 409, "POST", "/commissions/approve", json={"ids": [commission["id"]]}) == [(None, "decided")]
    rejected = sold(shop)["commissions"][0]["id"]
    shop.post("/commissions/reject", 200, ids=[rejected], reason_code="test_order")
    assert shop.get(f"/commissions/{rejected}")["status"] == "rejected"

    batch = shop.post("/payout-batches", program="words", currency="USD", cutoff=datetime.now(UTC).date().isoformat())
    assert batch["id"].startswith("bat_")
    batch = computed(shop, batch["id"])
    path = f"/payout-batches/{batch['id']}"
    [payout] = batch["payouts"]
    assert {"id", "affiliate", "amount", "currency", "status", "exceptions"} <= set(payout)
    assert (payout["id"][:4], payout["amount"], batch["total"]) == ("pay_", "20.00", "20.00")

    [user] = re.findall(
        r"of (\S+@service\.invalid)", live_stack.manage("api_key_create", "--name", "Two keys", "--role", "admin")
    )
    first, second = (Outsider(live_stack, "admin", name, "--user", user) for name in ("First", "Second"))
    own = computed(first, first.post("/payout-batches", program="words", currency="USD", cutoff="2026-01-01")["id"])
    assert refused(second, 403, "POST", f"/payout-batches/{own['id']}/approve") == [(None, "second_person")]
    assert refused(shop, 403, "POST", f"{path}/approve") == [(None, "second_person")]

    assert refused(finance, 409, "GET", f"{path}/files/csv") == [(None, "not_approved")]
    assert finance.post(f"{path}/approve", 200)["status"] == "approved"
    assert finance.session.head(f"{finance.address}{path}/files/csv", timeout=10).status_code == 405
    assert shop.get(path)["status"] == "approved"
    assert "20.00" in finance.session.get(f"{finance.address}{path}/files/csv", timeout=10).text
    assert shop.get(path)["status"] == "approved"  # reading changes nothing
    assert finance.post(f"{path}/start", 200)["status"] == "executing"
    assert finance.post(f"{path}/paid", 200)["status"] == "done"
    assert refused(finance, 409, "POST", f"{path}/cancel") == [(None, "state")]

    shop.post(f"/conversions/{sale['id']}/refunds", external_id="late", amount="50.00")
    [balance] = shop.get("/affiliates/wanda/balance")
    assert set(balance) == BALANCE and (balance["payable"], balance["paid"]) == ("-5.00", "20.00")
    assert "invariants proved" in live_stack.manage("ledger_verify")


@pytest.mark.parametrize("size", [9 * 1024 * 1024, 40 * 1024 * 1024])
def test_a_body_that_is_too_large_is_told_so_while_it_is_still_coming(shop, size):
    assert refused(shop, 413, "POST", "/conversions", data=b" " * size, headers={"Content-Type": "application/json"}) == [
        (None, "too_large")
    ]


def test_a_large_body_under_a_bad_key_is_told_so(shop):
    stranger = {"Authorization": "Bearer trb_nobody", "Content-Type": "application/json"}
    answer = requests.post(f"{shop.address}/conversions", data=b" " * 5_000_000, headers=stranger, timeout=60)

    assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_every_answer_says_how_many_requests_are_left(shop):
    headers = shop.session.get(f"{shop.address}/programs", timeout=10).headers

    assert headers["RateLimit-Limit"] == "6000" and 0 <= int(headers["RateLimit-Remaining"]) < 1000


def test_a_key_of_another_program_opens_nothing_here(live_stack, shop, made):
    shop.post("/programs", name="Other words", slug="other-words", currency="USD")
    other = Outsider(live_stack, "engineer", "Other words", "--program", "other-words")

    assert [row["slug"] for row in other.get("/programs")["results"]] == ["other-words"]
    assert refused(other, 400, "POST", "/conversions", json=SALE | {"external_id": "x"}) == [("program", "not_found")]
    assert refused(other, 403, "GET", "/commissions") == [(None, "forbidden")]
