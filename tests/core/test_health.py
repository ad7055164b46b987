import time

import pytest
from django.core.cache import cache
from django.db import OperationalError

from accounts.services import create_key
from core import health
from demo.models import LOADED, Chapter


@pytest.fixture
def alive(db):
    for part in ("worker", "post", "beat"):
        health.show_life(part)


def test_all_is_well_while_worker_and_beat_show_life(client, alive):
    answer = client.get("/health/")
    assert answer.status_code == 200
    assert set(answer.json()["parts"].values()) == {"ok"}


@pytest.mark.parametrize("part", ["worker", "post", "beat"])
@pytest.mark.parametrize(("since", "told"), [(None, "no sign of life yet"), (45, "last sign of life 45 s ago")])
def test_a_silent_part_is_not_well(client, alive, part, since, told):
    cache.set(f"alive:{part}", since and time.time() - since, timeout=None)
    answer = client.get("/health/")
    assert answer.status_code == 503
    assert {name: state for name, state in answer.json()["parts"].items() if state != "ok"} == {part: told}


def test_a_part_that_raises_is_named_and_the_others_still_told(client, alive, monkeypatch):
    def away() -> str:
        raise OperationalError("password=secret host=10.0.0.1")

    monkeypatch.setitem(health._checks, "database", away)
    answer = client.get("/health/")
    assert answer.status_code == 503
    assert answer.json()["parts"]["database"] == "OperationalError"
    assert "secret" not in answer.content.decode()


def test_where_the_demo_is_wanted_all_is_well_once_it_is_loaded(client, alive, settings):
    settings.DEMO = True
    answer = client.get("/health/")
    assert (answer.status_code, answer.json()["parts"]["demo"]) == (503, "not loaded yet")
    Chapter.objects.create(name=LOADED)
    assert client.get("/health/").status_code == 200


def test_metrics_are_for_this_machine_and_for_admins(client, as_person, ada, hana, otto, mara, music):
    far = {"REMOTE_ADDR": "203.0.113.9"}
    assert b"django_http_requests" in client.get("/metrics").content
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 403
    assert client.get("/metrics", **far).status_code == 403
    for person, status in ((ada, 200), (hana, 403), (mara, 403), (otto, 403)):
        assert as_person(person).get("/metrics", **far).status_code == status
    for user, role, program, status in ((ada, "admin", None, 200), (mara, "manager", music, 403)):
        _key, text = create_key(user, name="Prometheus", role=role, program=program, by=ada)
        assert client.get("/metrics", headers={"Authorization": f"Bearer {text}"}, **far).status_code == status
