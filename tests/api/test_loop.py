"""From a program to a paid affiliate, by the API alone."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from core.events import deliver_due
from payouts.models import PayoutBatch
from payouts.services import compute_batch
from tests.api.client import Api, errors
from tests.factories import make_click
from tracking.models import Link

pytestmark = pytest.mark.django_db


def test_from_nothing_to_a_paid_affiliate(ada_api: Api, hana, as_caller):
    api, second = ada_api, as_caller(hana)
    program = api.post(
        "programs", {"name": "CDs", "slug": "cds", "currency": "USD", "hold_days": 0, "minimum_payout": "1.00"}
    ).json()
    offer = api.post("offers", {"program": "cds", "name": "Shop", "landing_url": "https://shop.example/"}).json()
    affiliate = api.post("affiliates", {"email": "eva@tributary.example", "name": "Eva", "external_id": "eva-1"}).json()
    enrollment = api.post("enrollments", {"affiliate": "eva-1", "program": "cds", "status": "approved"}).json()
    assert (enrollment["affiliate"], enrollment["program"], enrollment["status"]) == (affiliate["id"], program["id"], "approved")
    rule = api.post(
        "commission-rules",
        {
            "program": "cds",
            "name": "Ten",
            "event": "sale",
            "type": "percentage",
            "value": "10",
            "starts_at": "2020-01-01T00:00:00Z",
        },
    ).json()
    link = api.post("links", {"affiliate": "eva-1", "offer": offer["slug"], "code": "eva"}).json()
    assert link["url"].endswith("/r/eva")
    method = api.post(
        "affiliates/eva-1/payout-methods", {"type": "manual", "currency": "USD", "details": {"instructions": "cash"}}
    )
    assert method.status_code == 201

    click = make_click(Link.objects.get(code="eva"))
    sale = {
        "program": "cds",
        "event": "sale",
        "external_id": "order-1",
        "amount": "99.99",
        "currency": "USD",
        "click_id": str(click),
        "customer": {"external_id": "c-1"},
    }
    recorded = api.post("conversions", sale)
    assert recorded.status_code == 201
    conversion = recorded.json()
    assert conversion["affiliate"] == affiliate["id"]
    assert conversion["attribution"] == {
        "source": "click",
        "click_id": str(click),
        "link": link["id"],
        "coupon": None,
        "reason": "click",
    }
    [commission] = conversion["commissions"]
    assert {name: commission[name] for name in ("affiliate", "amount", "currency", "status", "rule", "reason")} == {
        "affiliate": affiliate["id"],
        "amount": "10.00",
        "currency": "USD",
        "status": "pending",
        "rule": rule["id"],
        "reason": None,
    }
    assert "10% of $99.99" in commission["explanation"]

    refund = api.post("conversions/order-1/refunds", {"external_id": "r-1", "amount": "33.33"})
    assert refund.status_code == 201
    assert api.post("commissions/approve", {"ids": [commission["id"]]}).json() == {"approved": 1}
    assert api.get("affiliates/eva-1/balance").json() == [
        {
            "currency": "USD",
            "pending": "0.00",
            "approved": "0.00",
            "payable": "6.67",
            "in_payout": "0.00",
            "paid": "0.00",
            "reversed": "3.33",
        }
    ]

    made = api.post(
        "payout-batches", {"program": "cds", "currency": "USD", "cutoff": f"{timezone.now() + timedelta(days=1):%Y-%m-%d}"}
    )
    assert (made.status_code, made.json()["status"]) == (201, "computing")
    batch = made.json()["id"]
    compute_batch(PayoutBatch.pk_from(batch))
    computed = api.get(f"payout-batches/{batch}").json()
    assert (computed["status"], computed["total"]) == ("draft", "6.67")
    [payout] = computed["payouts"]
    assert {name: payout[name] for name in ("affiliate", "amount", "currency", "status", "exceptions")} == {
        "affiliate": affiliate["id"],
        "amount": "6.67",
        "currency": "USD",
        "status": "ready",
        "exceptions": [],
    }

    own = api.post(f"payout-batches/{batch}/approve")
    assert (own.status_code, errors(own)) == (403, [(None, "second_person")])
    assert second.get(f"payout-batches/{batch}/files/csv").status_code == 409
    assert second.post(f"payout-batches/{batch}/approve").json()["status"] == "approved"
    file = second.get(f"payout-batches/{batch}/files/csv")
    assert file["Content-Type"] == "text/csv; charset=utf-8" and "attachment" in file["Content-Disposition"]
    [line] = csv.DictReader(io.StringIO(file.content.decode()))
    assert (line["payout_id"], line["amount"], line["currency"], line["account"]) == (payout["id"], "6.67", "USD", "cash")

    paid = second.post(f"payout-batches/{batch}/paid", {"reference": "bank 7"})
    assert (paid.status_code, paid.json()["status"]) == (200, "done")
    assert second.post(f"payout-batches/{batch}/paid").status_code == 409
    assert api.get("affiliates/eva-1/balance").json()[0]["paid"] == "6.67"
    deliver_due()
    assert api.get(f"conversions/{conversion['id']}").json()["commissions"][0]["status"] == "paid"

    [row] = api.get("reports/performance", program="cds", group_by="affiliate").json()["results"]
    assert row == {
        "program": conversion["program"],
        "key": affiliate["id"],
        "clicks": 1,
        "unique_clicks": 1,
        "conversions": 1,
        "currency": "USD",
        "amount": "99.99",
        "refunded": "33.33",
        "commission": "10.00",
        "epc": "10.0000",
        "conversion_rate": "1.0000",
    }
    assert Decimal(row["amount"]) == Decimal("99.99")
