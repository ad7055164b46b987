"""Messages to chats: one call a claim, at Telegram's pace, each of its answers taken for what it means."""

from dataclasses import replace

import pytest

from channels import outgoing
from channels.files import keep_file
from channels.models import Channel, Outgoing
from channels.outgoing import queue, send_due
from channels.telegram.sending import TELEGRAM, pause_after
from tests.channels.telegram import bot_api as bot_api
from tests.channels.telegram import door as door
from tests.factories_support import make_business_connection, make_chat

KEYBOARD = {"inline_keyboard": [[{"text": "Good", "callback_data": "csat:x"}]]}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No pauses: what is tested here is what is said; the pace has a test of its own."""
    monkeypatch.setitem(outgoing._senders, "telegram", replace(TELEGRAM, per_second=0, pause=lambda row: 0.0, longest_pause=0.0))


@pytest.fixture
def chat(door):
    chat = make_chat(door.channel)
    door.bot.known_chats[chat.provider_id] = {"id": chat.provider_id, "type": "private"}
    return chat


def send(chat, payload, key="a", seconds=5.0):
    row = queue(chat.channel, str(chat.provider_id), payload, key=key, chat=chat)
    send_due(chat.channel_id, seconds=seconds)
    row.refresh_from_db()
    return row


def test_a_text_is_sent_once_and_its_name_is_kept(door, chat):
    row = send(chat, {"text": "Your money leaves on Friday."})
    send_due(chat.channel_id)

    assert door.bot.texts == ["Your money leaves on Friday."]
    assert (row.status, row.provider_id) == ("sent", str(door.bot.sent[0]["message_id"]))


def test_a_long_text_goes_in_parts_and_the_buttons_under_the_last(door, chat):
    text = " ".join(["word"] * 2000)
    reply = {"message_id": 5, "allow_sending_without_reply": True}
    row = send(chat, {"method": "sendMessage", "text": text, "reply_parameters": reply, "reply_markup": KEYBOARD})

    assert row.status == "sent"
    assert " ".join(door.bot.texts) == text and len(door.bot.texts) == 3
    assert [("reply_markup" in c, "reply_parameters" in c) for c in door.bot.sent] == [
        (False, True),
        (False, False),
        (True, False),
    ]
    assert row.provider_id == str(door.bot.sent[0]["message_id"])
    assert row.payload["sent"] == [call["message_id"] for call in door.bot.sent]


def test_what_went_of_a_long_text_is_not_sent_again(door, chat):
    door.server.trouble.extend([(500, "Internal Server Error", {})])
    text = " ".join(["word"] * 1500)
    row = send(chat, {"text": text, "sent": [41]})

    assert (row.status, door.bot.texts) == ("unknown", [])
    Outgoing.objects.update(status="queued", settled_at=None)
    send_due(chat.channel_id)
    assert len(door.bot.texts) == 1


def test_pictures_are_shown_voices_heard_and_the_rest_is_a_document(door, chat, settings, tmp_path):
    settings.DATA_FOLDER = tmp_path
    png = keep_file(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(40))
    ogg = keep_file(b"OggS\x00\x02" + bytes(40))
    pdf = keep_file(b"%PDF-1.7\n" + bytes(40))
    send(chat, {"text": "The banner", "files": [{"file": png.pk, "name": "banner.png"}]})
    send(chat, {"text": "Both", "files": [{"file": ogg.pk, "name": "a.ogg"}, {"file": pdf.pk, "name": "b.pdf"}]}, key="b")

    assert [(c["method"], c.get("caption") or c.get("text")) for c in door.bot.sent] == [
        ("sendPhoto", "The banner"), ("sendMessage", "Both"), ("sendVoice" if ogg.type.endswith("ogg") else "sendDocument", None),
        ("sendDocument", None),
    ]  # fmt: skip
    assert door.bot.sent[0]["photo"][0] == "banner.png"


def test_nobody_knows_whether_it_arrived_so_a_person_decides(door, chat):
    door.server.trouble.append("hang up")
    row = send(chat, {"text": "Hello"})
    send_due(chat.channel_id)

    assert row.status == "unknown"
    assert door.bot.texts == ["Hello"]


def test_a_blocked_bot_closes_the_chat_and_the_message_fails(door, chat):
    door.bot.gone[chat.provider_id] = (403, "Forbidden: bot was blocked by the user", {})
    row = send(chat, {"text": "Hello"})

    chat.refresh_from_db()
    assert (row.status, row.error) == ("failed", "Forbidden: bot was blocked by the user")
    assert "blocked the bot" in chat.closed_reason


def test_a_group_that_grew_gets_its_message_under_the_new_id(door):
    group = make_chat(door.channel, kind="group", provider_id=-500)
    door.bot.known_chats[-100500] = {"id": -100500, "type": "supergroup"}
    door.bot.gone[-500] = (400, "Bad Request: group chat was upgraded to a supergroup chat", {"migrate_to_chat_id": -100500})

    row = send(group, {"text": "Hello all"})

    group.refresh_from_db()
    assert (row.status, row.to, group.provider_id) == ("sent", "-100500", -100500)
    assert [call["chat_id"] for call in door.bot.sent] == [-100500]


def test_too_many_requests_quiet_the_whole_channel_until_telegram_says(door, chat):
    other = make_chat(door.channel)
    door.server.trouble.append((429, "Too Many Requests: retry after 30", {"retry_after": 30}))
    row = send(chat, {"text": "Hello"})
    later = send(other, {"text": "Hello"}, key="b", seconds=0.2)

    channel = Channel.objects.get()
    assert (row.status, later.status, door.bot.sent) == ("queued", "queued", [])
    assert 25 < (row.due_at - row.created_at).total_seconds() < 35
    assert channel.quiet_until is not None
    assert 25 < (later.due_at - later.created_at).total_seconds() < 35
    assert [method for method, _ in door.bot.calls] == ["sendMessage"]


def test_a_token_that_ended_stops_the_channel_and_keeps_the_message(door, chat):
    door.server.bots.pop(door.bot.token)
    row = send(chat, {"text": "Hello"})

    assert row.status == "queued"
    assert "token" in Channel.objects.get().send_error


def test_an_account_that_was_disconnected_is_known_before_the_next_one_types(door):
    account = make_business_connection(door.channel)
    chat = make_chat(door.channel, business=account)
    door.bot.known_chats[chat.provider_id] = {"id": chat.provider_id, "type": "private"}
    row = send(chat, {"text": "Hello"})

    account.refresh_from_db()
    assert (row.status, account.is_enabled) == ("failed", False)
    assert "has disconnected the bot" in row.error
    assert door.bot.calls[-1][1]["business_connection_id"] == account.connection_id


class Clock:
    """Time that passes only where somebody sleeps, for the sender and for the Bot API alike."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def test_the_pace_of_thirty_a_second_and_one_in_a_chat_is_kept(door, monkeypatch):
    """A hundred messages to forty chats and a group, and the Bot API refuses none; a later sender knows of the one before it."""
    clock = Clock()
    monkeypatch.setitem(outgoing._senders, "telegram", TELEGRAM)
    monkeypatch.setattr(outgoing, "time", clock)
    monkeypatch.setattr(door.server, "clock", clock.monotonic)
    door.server.limits = True
    chats = [make_chat(door.channel) for _ in range(40)]
    group = make_chat(door.channel, kind="group")
    rows = [(chat, number) for number in range(2) for chat in chats] + [(group, number) for number in range(20)]
    for chat, number in rows:
        door.bot.known_chats[chat.provider_id] = {"id": chat.provider_id}
        queue(chat.channel, str(chat.provider_id), {"text": f"{chat.pk} {number}"}, key=f"{chat.pk}/{number}", chat=chat)
    began = clock.now

    send_due(door.channel.pk, seconds=1.0)
    send_due(door.channel.pk, seconds=100.0)

    assert set(Outgoing.objects.values_list("status", "error")) == {("sent", "")}
    assert len(door.bot.calls) == 100
    assert [text for text in door.bot.texts if text.startswith(f"{group.pk} ")] == [f"{group.pk} {n}" for n in range(20)]
    assert 59 < clock.now - began < 65  # the group's nineteen pauses


def test_groups_get_twenty_a_minute_and_taps_are_answered_at_once():
    assert pause_after(Outgoing(to="-100500", payload={})) > 3
    assert 1 <= pause_after(Outgoing(to="7001", payload={})) < 1.5
    assert pause_after(Outgoing(to="tap:1", payload={"method": "answerCallbackQuery"})) == 0
