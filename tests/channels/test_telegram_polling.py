"""Long polling: a page and the offset that confirms it are one commit, so nothing is lost and nothing is filed twice."""

import time

import pytest
from django.db import connections

from channels.models import Channel, InboundItem
from channels.telegram import polling
from channels.telegram.accounts import TelegramRefusal, arrange_delivery, is_called, try_token
from channels.telegram.client import RefusedByTelegram
from channels.telegram.polling import Pollers, check_hook, poll_once
from tests.channels.telegram import bot_api as bot_api
from tests.channels.telegram import connect
from tests.channels.telegram import door as door
from tests.channels.telegram import filed as filed
from tests.live import free_ports, wait_for


def test_a_page_is_filed_in_its_order_and_confirmed_with_the_next_one(door, filed):
    for number in range(130):
        door.server.say(door.bot, f"Message {number}")

    assert [poll_once(door.channel, wait=0) for _ in range(3)] == [100, 30, 0]

    assert [parsed.text for parsed in filed] == [f"Message {number}" for number in range(130)]
    assert not door.bot.updates
    assert Channel.objects.get().polled_at is not None


def test_a_page_that_comes_again_is_a_page_of_duplicates(door, filed):
    door.server.say(door.bot, "Hello")
    poll_once(door.channel, wait=0)
    Channel.objects.update(telegram_offset=0)
    poll_once(door.channel, wait=0)

    assert sorted(InboundItem.objects.values_list("status", flat=True)) == ["duplicate", "filed"]
    assert len(filed) == 1


def test_a_database_that_fails_confirms_nothing(door, filed, monkeypatch):
    door.server.say(door.bot, "Hello")

    def broken(*args):
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(polling, "store_many", broken)
        with pytest.raises(RuntimeError):
            poll_once(door.channel, wait=0)
    assert poll_once(door.channel, wait=0) == 1
    assert len(filed) == 1


def test_a_webhook_that_is_set_somewhere_is_taken_away_before_polling(door):
    door.bot.webhook = {"url": "https://elsewhere.example/"}
    with pytest.raises(RefusedByTelegram, match="Conflict"):
        poll_once(door.channel, wait=0)
    arrange_delivery(door.channel)
    assert poll_once(door.channel, wait=0) == 0


@pytest.mark.parametrize(
    ("base_url", "called"),
    [
        ("https://partners.music.example", True),
        ("https://partners.music.example:8443", True),
        ("https://partners.music.example:9000", False),
        ("http://partners.music.example", False),
        ("https://localhost", False),
        ("https://192.168.1.5", False),
        ("https://93.184.216.34", True),
        ("https://tributary.local", False),
    ],
)
def test_telegram_calls_where_it_can_and_is_asked_elsewhere(door, settings, base_url, called):
    settings.BASE_URL = base_url
    assert is_called(door.channel) is called
    arrange_delivery(door.channel)
    assert bool(door.bot.webhook) is called
    door.channel.settings["polling"] = True
    assert not is_called(door.channel)


def test_the_webhook_is_ours_with_a_secret_and_set_anew_when_the_address_changes(door, settings):
    settings.BASE_URL = "https://partners.music.example"
    arrange_delivery(door.channel)
    assert door.bot.webhook["url"] == f"https://partners.music.example/hooks/telegram/{door.channel.slug}"
    assert door.bot.webhook["secret_token"] == "a-secret_token"
    settings.BASE_URL = "https://affiliates.music.example"
    check_hook(door.channel)
    assert door.bot.webhook["url"].startswith("https://affiliates.music.example/")
    door.bot.webhook["last_error_message"] = "Connection timed out"
    door.server.say(door.bot, "Hello")
    check_hook(door.channel)
    assert Channel.objects.get().receive_error == "Connection timed out"


def test_a_token_is_tried_before_it_is_kept(bot_api):
    bot = bot_api.bot(username="music_bot")
    assert try_token(f" {bot.token} ", bot_api.url).username == "music_bot"
    for token, url, field in [
        ("not a token", bot_api.url, "token"),
        ("123456:AAE-another_token_of_thirty_five_ch", bot_api.url, "token"),
        (bot.token, f"http://127.0.0.1:{free_ports(1)[0]}", "api_base_url"),
        (bot.token, "ftp://files.example", "api_base_url"),
    ]:
        with pytest.raises(TelegramRefusal) as refused:
            try_token(token, url)
        assert refused.value.field == field


@pytest.mark.django_db(transaction=True)
def test_each_bot_is_polled_by_a_thread_of_its_own_until_it_is_paused(bot_api, filed):
    first, second = bot_api.bot(), bot_api.bot()
    channels = [connect(bot_api, first), connect(bot_api, second)]
    pollers = Pollers()
    try:
        pollers.look(0.0)
        bot_api.say(first, "One")
        bot_api.say(second, "Two")
        wait_for(lambda: sorted(p.text for p in filed) == ["One", "Two"], seconds=10)
        Channel.objects.filter(pk=channels[0].pk).update(status="paused")
        pollers.look(1.0)
        assert len(pollers.running) == 1
    finally:
        threads = [poller.thread for poller in pollers.running.values()]
        pollers.stop()
        for thread in threads:
            thread.join(10)
        time.sleep(0)
        connections.close_all()
