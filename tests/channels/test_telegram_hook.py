"""/hooks/telegram/<slug>: the secret first, the bytes kept, and 200 for whatever they hold."""

import json

import pytest
from django.urls import reverse

from channels.models import InboundItem
from tests.channels.telegram import SECRET
from tests.channels.telegram import bot_api as bot_api
from tests.channels.telegram import door as door
from tests.channels.telegram import filed as filed

HEADER = "X-Telegram-Bot-Api-Secret-Token"


def post(client, door, body, secret=SECRET):
    url = reverse("telegram_hook", args=[door.channel.slug])
    assert url == f"/hooks/telegram/{door.channel.slug}"
    return client.post(url, body, content_type="application/json", headers={HEADER: secret} if secret is not None else {})


def test_an_update_is_kept_as_it_came_and_filed_once(client, door, filed):
    body = json.dumps(door.server.say(door.bot, "Xin chào")).encode()
    first, again = post(client, door, body), post(client, door, body)

    assert [(a.status_code, a.json()["status"]) for a in (first, again)] == [(200, "filed"), (200, "duplicate")]
    assert bytes(InboundItem.objects.get(status="filed").raw) == body
    assert len(filed) == 1


@pytest.mark.parametrize("secret", [None, "", "another", "é"])
def test_without_the_secret_nothing_is_kept(client, door, secret):
    assert post(client, door, b"{}", secret).status_code == 403
    assert not InboundItem.objects.exists()


@pytest.mark.parametrize("body", [b"", b"not json", b"[1]", b'{"update_id": 1}', b'{"update_id": 2, "message": 7}', b"\xff\xfe"])
def test_whatever_it_holds_is_kept_and_answered_with_200(client, door, filed, body):
    answer = post(client, door, body)
    assert (answer.status_code, answer.json()["status"]) == (200, "quarantined")
    assert bytes(InboundItem.objects.get().raw) == body


def test_a_file_is_fetched_by_a_worker_and_the_answer_does_not_wait_for_it(client, door, filed):
    voice = door.server.file(door.bot, b"OggS", "voice/file_1.oga")
    update = door.server.say(door.bot, None, voice={"file_id": voice, "duration": 2})
    assert post(client, door, json.dumps(update)).json() == {"status": "received"}
    assert InboundItem.objects.get().status == "filed"  # by the task, which runs at once in tests
    assert filed[0].files[0].content == b"OggS"


def test_a_bot_that_is_not_here_is_a_404_and_a_huge_body_is_refused(client, door):
    assert client.post("/hooks/telegram/nobody", b"{}", content_type="application/json").status_code == 404
    assert post(client, door, b"x" * (1024 * 1024 + 1)).status_code == 413
    door.channel.status = "closed"
    door.channel.save()
    assert post(client, door, b"{}").status_code == 404


def test_after_a_change_of_the_key_what_is_written_is_filed_and_a_file_that_cannot_be_fetched_waits(
    client, door, filed, settings
):
    settings.SECRET_KEY = "another"

    assert post(client, door, json.dumps(door.server.say(door.bot, "Hello"))).json()["status"] == "filed"
    post(client, door, json.dumps(door.server.say(door.bot, None, voice={"file_id": "x", "duration": 2})))
    assert InboundItem.objects.order_by("pk").last().status == "received"

    type(door.channel).objects.update(hook_secret_hash="")
    assert post(client, door, json.dumps(door.server.say(door.bot, "More"))).status_code == 503
