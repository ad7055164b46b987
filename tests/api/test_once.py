"""Idempotency-Key: a repeated request has one effect and gets one answer, for good."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts.models import KeptAnswer
from affiliates.models import Affiliate
from tests.api.client import errors
from tracking.models import Conversion

AFFILIATE = {"email": "new@tributary.example", "name": "New"}


@pytest.mark.django_db
def test_the_same_key_gets_the_first_answer_again(mara_api):
    first = mara_api.post("affiliates", AFFILIATE, once="a")
    again = mara_api.post("affiliates", AFFILIATE, once="a")
    reordered = mara_api.post("affiliates", raw=b'{ "name": "New", "email": "new@tributary.example" }', once="a")

    assert [answer.status_code for answer in (first, again, reordered)] == [201] * 3
    assert first.json() == again.json() == reordered.json()
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert Affiliate.objects.count() == 1


@pytest.mark.django_db
def test_another_body_under_the_same_key_is_a_conflict(mara_api):
    mara_api.post("affiliates", AFFILIATE, once="a")
    answer = mara_api.post("affiliates", AFFILIATE | {"name": "Newer"}, once="a")

    assert answer.status_code == 409
    assert errors(answer) == [("Idempotency-Key", "idempotency_key")]


@pytest.mark.django_db
def test_a_key_is_of_its_caller_and_its_path(mara_api, ada_api, music, ana):
    mara_api.post("affiliates", AFFILIATE, once="a")

    other_caller = ada_api.post("affiliates", AFFILIATE | {"email": "other@tributary.example"}, once="a")
    other_path = mara_api.post("coupons", {"affiliate": ana.public_id, "program": "music", "code": "X"}, once="a")
    assert (other_caller.status_code, other_path.status_code) == (201, 201)


@pytest.mark.django_db
def test_refusals_are_not_kept(mara_api):
    assert mara_api.post("affiliates", {"name": "New"}, once="a").status_code == 400
    assert not KeptAnswer.objects.exists()

    assert mara_api.post("affiliates", AFFILIATE, once="a").status_code == 201


@pytest.mark.django_db
def test_an_answer_is_kept_with_its_status(mara_api, music):
    sale = {"program": "music", "event": "sale", "external_id": "1", "amount": "1.00", "currency": "USD"}
    mara_api.post("conversions", sale, once="a")
    known = mara_api.post("conversions", sale, once="b")
    again = mara_api.post("conversions", sale, once="b")

    assert (known.status_code, again.status_code) == (200, 200)
    assert mara_api.post("conversions", sale, once="a").status_code == 201


@pytest.mark.django_db
def test_a_batch_is_kept_with_the_errors_of_its_rows(mara_api, music):
    rows = {"conversions": [{"program": "music", "event": "lead", "external_id": "1"}, {"program": "music"}]}
    first = mara_api.post("conversions/batch", rows, once="a")
    again = mara_api.post("conversions/batch", rows, once="a")

    assert [row["status"] for row in first.json()["results"]] == [201, 400]
    assert again.json() == first.json()


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "ключ"])
def test_a_key_is_short_and_printable(mara_api, key):
    answer = mara_api.post("affiliates", AFFILIATE, **{"Idempotency-Key": key})

    assert (answer.status_code, errors(answer)) == (400, [("Idempotency-Key", "key")])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("once", ["a", ""])
def test_fifty_at_once_from_eight_connections_have_one_effect(mara_api, music, once):
    sale = {
        "program": "music",
        "event": "sale",
        "external_id": "1",
        "amount": "1.00",
        "currency": "USD",
        "customer": {"external_id": "c"},
    }

    def send(_number: int):
        try:
            return mara_api.post("conversions", sale, once=once)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(send, range(50)))

    assert {answer.json()["id"] for answer in answers} == {Conversion.objects.get().public_id}
    new = [answer for answer in answers if answer.status_code == 201 and "Idempotent-Replayed" not in answer]
    assert len(new) == 1
    assert {answer.status_code for answer in answers} == ({201} if once else {200, 201})
