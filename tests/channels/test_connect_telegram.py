"""Bots are connected by their token, which the Bot API tells the owner of."""

import pytest

from channels.kinds import ChannelError
from channels.models import Channel
from channels.services import change_channel, create_channel
from channels.telegram.accounts import TelegramRefusal
from core.errors import Conflict
from tests.servers.bot_api import bot_api_server

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server():
    with bot_api_server() as running:
        yield running


def connect(server, token, program, by, slug="bot"):
    settings = {"token": token, "api_base_url": server.url}
    return create_channel(by=by, kind="telegram", name="Bot", slug=slug, program=program, settings=settings)


def test_a_bot_is_known_by_its_token_which_is_kept_encrypted(server, music, ada):
    bot = server.bot()
    channel = connect(server, bot.token, music, ada)

    assert channel.settings["bot_id"] == int(bot.token.partition(":")[0])
    assert channel.settings["username"]
    assert bot.token not in str(channel.settings)
    assert channel.read_secrets()["token"] == bot.token
    assert channel.hook_url.endswith("/hooks/telegram/bot")


def test_a_token_that_nobody_has_and_a_bot_that_is_connected_are_refused(server, music, ada):
    bot = server.bot()
    connect(server, bot.token, music, ada)

    with pytest.raises(Conflict):
        connect(server, bot.token, music, ada, slug="again")
    with pytest.raises(TelegramRefusal):
        connect(server, "5999999999:AAE-nobody_has_this_token_of_letters", music, ada, slug="other")
    with pytest.raises(ChannelError):
        create_channel(by=ada, kind="telegram", name="B", slug="b", program=music, settings={"colour": "red"})
    assert Channel.objects.filter(kind="telegram").count() == 1


def test_a_name_changes_without_the_token_being_entered_again(server, music, ada):
    channel = connect(server, server.bot().token, music, ada)
    change_channel(channel, by=ada, name="Partner bot", settings={"polling": True, "token": ""})

    changed = Channel.objects.get()
    assert (changed.name, changed.settings["polling"]) == ("Partner bot", True)
    assert changed.read_secrets() == channel.read_secrets()
