"""From a click to a paid affiliate, as an outsider meets it: HTTP alone, against a started Tributary with real workers."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.live import LiveStack, wait_for


class Outsider:
    """Somebody with an API key and nothing else."""

    def __init__(self, stack: LiveStack, role: str, name: str, *limits: str) -> None:
        self.address = f"{stack.base_url}/api/v1"
        self.session = requests.Session()
        key = stack.manage("api_key_create", "--name", name, "--role", role, *limits).split()[-1]
        self.session.headers["Authorization"] = f"Bearer {key}"

    def call(self, method: str, path: str, status: int, body: dict | None = None, **headers: str) -> dict:
        answer = self.session.request(method, self.address + path, json=body, headers=headers, timeout=30)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        return answer.json()

    def post(self, path: str, expected: int = 201, /, **body: object) -> dict:
        return self.call("POST", path, expected, body)

    def get(self, path: str, status: int = 200) -> dict:
        return self.call("GET", path, status)


@pytest.fixture(scope="module")
def shop(live_stack: LiveStack) -> Outsider:
    return Outsider(live_stack, "admin", "The shop")


@pytest.fixture(scope="module")
def finance(live_stack: LiveStack) -> Outsider:
    return Outsider(live_stack, "finance", "Finance")


@pytest.fixture(scope="module")
def world(shop: Outsider) -> dict:
    """A program with an offer, a rule of ten percent, and an affiliate with a link and a payout method."""
    shop.post(
        "/programs", name="Journey", slug="journey", currency="USD", attribution_model="last_click", attribution_window_days=30,
        hold_days=0, minimum_payout="5.00",
    )  # fmt: skip
    offer = shop.post("/offers", program="journey", name="Shop", landing_url="https://shop.example/buy?ref=1#top")
    affiliate = shop.post("/affiliates", email="ana@journey.example", name="Ana", external_id="ana-1")
    shop.post("/enrollments", affiliate="ana-1", program="journey", status="approved")
    shop.post("/commission-rules", program="journey", name="Sales", event="sale", type="percentage", value="10")
    link = shop.post("/links", affiliate="ana-1", offer=offer["id"])
    shop.post("/affiliates/ana-1/payout-methods", type="manual", currency="USD")
    return {"offer": offer["id"], "affiliate": affiliate["id"], "link": link}


def click(link: dict, **query: str) -> str:
    answer = requests.get(link["url"], params=query, allow_redirects=False, timeout=10)
    assert answer.status_code == 302
    target = urlsplit(answer.headers["Location"])
    assert (target.netloc, target.fragment, parse_qs(target.query)["ref"]) == ("shop.example", "top", ["1"])
    [click_id] = parse_qs(target.query)["click_id"]
    assert answer.cookies["trb_click"] == click_id
    return click_id


def computed(caller: Outsider, batch: str) -> dict:
    wait_for(lambda: caller.get(f"/payout-batches/{batch}")["status"] == "draft", 30)
    return caller.get(f"/payout-batches/{batch}")


def test_click_sale_refund_payout_refund(shop: Outsider, finance: Outsider, world: dict) -> None:
    click_id = click(world["link"], sub1="spring")
    sale = {
        "program": "journey", "event": "sale", "external_id": "order-1", "amount": "99.99", "currency": "USD",
        "click_id": click_id, "customer": {"external_id": "c-1"},
    }  # fmt: skip

    conversion = shop.call("POST", "/conversions", 201, sale, **{"Idempotency-Key": "k1"})
    again = shop.call("POST", "/conversions", 201, sale, **{"Idempotency-Key": "k1"})
    replay = shop.call("POST", "/conversions", 200, sale)
    assert conversion["id"] == again["id"] == replay["id"]
    assert conversion["affiliate"] == world["affiliate"]
    assert (conversion["attribution"]["source"], conversion["attribution"]["click_id"]) == ("click", click_id)
    [commission] = conversion["commissions"]
    assert (commission["amount"], commission["currency"], commission["status"]) == ("10.00", "USD", "pending")
    assert "10%" in commission["explanation"]
    shop.call("POST", "/conversions", 409, sale | {"amount": "1.00"})

    refund = shop.post(f"/conversions/{conversion['id']}/refunds", external_id="r-1", amount="33.33")
    assert shop.post(f"/conversions/{conversion['id']}/refunds", 200, external_id="r-1", amount="33.33")["id"] == refund["id"]
    shop.post(f"/conversions/{conversion['id']}/refunds", 409, external_id="r-2", amount="66.67")

    shop.post("/commissions/approve", 200, ids=[commission["id"]])
    [balance] = shop.get(f"/affiliates/{world['affiliate']}/balance")
    assert (balance["payable"], balance["reversed"]) == ("6.67", "3.33")

    cutoff = datetime.now(UTC).isoformat()
    batch = computed(shop, shop.post("/payout-batches", program="journey", currency="USD", cutoff=cutoff)["id"])
    assert (batch["total"], [p["amount"] for p in batch["payouts"]]) == ("6.67", ["6.67"])
    shop.post(f"/payout-batches/{batch['id']}/approve", 403)
    finance.post(f"/payout-batches/{batch['id']}/approve", 200)
    file = finance.session.get(f"{finance.address}/payout-batches/{batch['id']}/files/csv", timeout=10)
    assert file.status_code == 200 and "6.67" in file.text
    assert finance.post(f"/payout-batches/{batch['id']}/paid", 200, reference="bank-1")["status"] == "done"

    shop.post(f"/conversions/{conversion['id']}/refunds", external_id="r-3", amount="66.66")
    [balance] = shop.get(f"/affiliates/{world['affiliate']}/balance")
    assert (balance["paid"], balance["payable"], balance["reversed"]) == ("6.67", "-6.67", "10.00")

    rows = shop.get("/reports/performance?program=journey&group_by=sub1")["results"]
    assert [(row["key"], row["clicks"], row["conversions"], row["commission"]) for row in rows] == [("spring", 1, 1, "10.00")]


def test_a_sale_that_comes_fifty_times_at_once_is_one(shop: Outsider, world: dict) -> None:
    click_id = click(world["link"])
    body = {
        "program": "journey",
        "event": "sale",
        "external_id": "at-once",
        "amount": "20.00",
        "currency": "USD",
        "click_id": click_id,
    }
    answers: list[tuple[int, str]] = []

    def bring() -> None:
        answer = requests.post(f"{shop.address}/conversions", json=body, headers=shop.session.headers, timeout=60)
        answers.append((answer.status_code, answer.json()["id"]))

    threads = [threading.Thread(target=bring) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(status for status, _id in answers) == [200] * 49 + [201]
    assert len({found for _status, found in answers}) == 1


def test_a_paused_affiliate_stops_earning_within_a_second(shop: Outsider, world: dict) -> None:
    enrollment = shop.get("/enrollments?affiliate=ana-1")["results"][0]
    before = click(world["link"])
    shop.call("PATCH", f"/enrollments/{enrollment['id']}", 200, {"status": "suspended", "reason": "Under review"})
    body = {
        "program": "journey",
        "event": "sale",
        "external_id": "suspended",
        "amount": "20.00",
        "currency": "USD",
        "click_id": before,
    }
    assert shop.post("/conversions", **body)["affiliate"] is None

    def goes_elsewhere() -> bool:
        answer = requests.get(world["link"]["url"], allow_redirects=False, timeout=10)
        return "click_id" not in answer.headers["Location"]

    wait_for(goes_elsewhere, 1.5)
    shop.call("PATCH", f"/enrollments/{enrollment['id']}", 200, {"status": "approved"})


def test_the_ledger_holds_after_all_this(live_stack: LiveStack, world: dict) -> None:
    assert "invariants proved" in live_stack.manage("ledger_verify")


def test_metrics_health_and_docs_answer(live_stack: LiveStack) -> None:
    for address in (f"{live_stack.base_url}/health/", f"{live_stack.click_url}/health/", f"{live_stack.base_url}/api/v1/schema/"):
        assert requests.get(address, timeout=10).status_code == 200
