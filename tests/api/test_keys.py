"""Who calls: keys, their rights, and how often they may."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import pytest
import redis
from django.utils import timezone

from accounts import api_auth
from accounts.models import ApiKey
from accounts.services import revoke_key
from tests.api.client import Api, errors
from tests.api.conftest import key_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer a b", "Basic YTpi", "Bearer trb_unknown", "Token x", "Bearer \xff"]
)
def test_without_a_good_key_there_is_no_answer(header, music):
    api = Api()
    if header is not None:
        api.headers["Authorization"] = header
    answer = api.get("programs")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert errors(answer)[0][1] in {"not_authenticated", "bad_key"}


@pytest.fixture(autouse=True)
def patient(monkeypatch, settings):
    """On a machine that is busy with tests Valkey may need longer for its answer than a request would wait."""
    client = redis.Redis.from_url(settings.CACHES["default"]["LOCATION"], socket_timeout=30)
    monkeypatch.setattr(api_auth.KeyThrottle, "away_until", 0.0)
    monkeypatch.setattr(api_auth, "_take_one", lambda: client.register_script(api_auth._TAKE_ONE))


def test_a_session_is_no_key(as_person, mara):
    assert as_person(mara).get("/api/v1/programs").status_code == 401


def test_a_revoked_key_opens_nothing_from_the_next_request_on(ada, mara):
    key, text = key_of(mara)
    assert Api(text).get("programs").status_code == 200
    revoke_key(key, by=ada)

    assert Api(text).get("programs").status_code == 401


def test_a_deactivated_users_key_opens_nothing(mara):
    api = Api(key_of(mara)[1])
    mara.is_active = False
    mara.save()

    assert api.get("programs").status_code == 401


def test_a_key_holds_no_more_than_its_users_role_at_this_moment(mara):
    api = Api(key_of(mara)[1])
    mara.assignments.update(ends_on=timezone.now().date() - timedelta(days=1))

    assert api.get("programs").status_code == 403


def test_a_key_for_one_program_sees_that_one(ada, music, books):
    api = Api(key_of(ada, program=books)[1])

    assert [row["slug"] for row in api.get("programs").json()["results"]] == ["books"]
    assert api.get("programs/music").status_code == 404
    assert errors(api.post("offers", {"program": "music", "name": "X", "landing_url": "https://x.example/"})) == [
        ("program", "not_found")
    ]


def test_the_last_use_is_kept_to_the_minute(mara):
    key, text = key_of(mara)
    api = Api(text)
    api.get("programs")
    first = ApiKey.objects.get(pk=key.pk).last_used_at
    api.get("programs")
    assert ApiKey.objects.get(pk=key.pk).last_used_at == first

    ApiKey.objects.update(last_used_at=first - timedelta(seconds=61))
    api.get("programs")
    assert ApiKey.objects.get(pk=key.pk).last_used_at > first - timedelta(seconds=61)


def test_every_answer_says_how_much_is_left(mara_api):
    answers = [mara_api.get("programs") for _ in range(3)]

    assert [answer["RateLimit-Limit"] for answer in answers] == ["6000"] * 3
    left = [int(answer["RateLimit-Remaining"]) for answer in answers]
    assert left[0] == 999 and left == sorted(left, reverse=True)


def test_a_key_that_asks_too_often_is_told_when_to_come_back(mara_api, felix_api):
    with patch.object(api_auth, "BURST", 3), patch.object(api_auth, "PER_MINUTE", 6):
        answers = [mara_api.get("programs") for _ in range(4)]
        other = felix_api.get("programs")

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert errors(answers[3]) == [(None, "throttled")]
    assert 1 <= int(answers[3]["Retry-After"]) <= 10
    assert answers[3]["RateLimit-Remaining"] == "0"
    assert other.status_code == 200


def test_nobody_is_held_up_while_redis_is_away(mara_api, monkeypatch):
    def away():
        raise redis.ConnectionError

    monkeypatch.setattr(api_auth, "_take_one", away)
    monkeypatch.setattr(api_auth.KeyThrottle, "away_until", 0.0)
    answer = mara_api.get("programs")

    assert answer.status_code == 200
    assert "RateLimit-Limit" not in answer
