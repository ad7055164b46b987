"""The started server against its own schema: whatever comes, well-formed or not, gets only what is described there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.live import LiveStack

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
EXAMPLES = 8  # of each operation, besides the edges of every parameter and field: about forty requests an operation


@pytest.fixture
def key(live_stack: LiveStack) -> str:
    """An admin's key. There is one thing of each kind, so that requests get past 404."""
    text = live_stack.manage("api_key_create", "--name", "Schemathesis", "--role", "admin").split()[-1]
    things = [
        ("programs", {"name": "Any", "slug": "any", "currency": "USD"}),
        ("offers", {"program": "any", "name": "Any", "slug": "any", "landing_url": "https://any.example/"}),
        ("affiliates", {"email": "any@any.example", "name": "Any", "external_id": "any"}),
        ("enrollments", {"affiliate": "any", "program": "any", "status": "approved"}),
        ("links", {"affiliate": "any", "offer": "any", "code": "any"}),
        ("coupons", {"affiliate": "any", "program": "any", "code": "any"}),
        ("commission-rules", {"program": "any", "name": "Any", "event": "sale", "type": "percentage", "value": "10"}),
        (
            "conversions",
            {"program": "any", "event": "sale", "external_id": "any", "amount": "9.00", "currency": "USD", "coupon": "any"},
        ),
        ("conversions/any/refunds", {"external_id": "any", "amount": "1.00", "reason": "any"}),
        ("affiliates/any/payout-methods", {"type": "manual", "currency": "USD"}),
        ("payout-batches", {"program": "any", "currency": "USD", "cutoff": "2026-01-01"}),
        ("tickets", {"program": "any", "affiliate": "any", "subject": "Any", "body": "Any?"}),
    ]
    for path, body in things:
        answer = requests.post(
            f"{live_stack.base_url}/api/v1/{path}", json=body, headers={"Authorization": f"Bearer {text}"}, timeout=30
        )
        assert answer.status_code == 201, answer.text
    return text


def test_schemathesis_finds_nothing_that_is_not_described(live_stack: LiveStack, key: str, tmp_path: Path):
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{live_stack.base_url}/api/v1/schema/"),
            *("--header", f"Authorization: Bearer {key}"),
            *("--checks", ",".join(CHECKS)),
            *("--phases", "examples,coverage,fuzzing"),
            *("--max-examples", str(EXAMPLES), "--seed", "1", "--generation-deterministic"),
            # One worker: Python 3.11 loses count where two threads compile at once ("AST constructor recursion depth mismatch").
            *("--workers", "1", "--warnings", "off", "--no-color"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "Tested: 0" not in done.stdout and "passed" in done.stdout
