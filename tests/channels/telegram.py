"""A bot of ours at the local Bot API, and what becomes of what is written to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from channels import parsed as parsed_module
from channels.inbound import take_in
from channels.models import Channel, InboundItem
from channels.parsed import Parsed
from channels.telegram.polling import update_name
from tests.factories import make_program
from tests.factories_support import make_channel
from tests.servers.bot_api import Bot, BotApiServer, bot_api_server

SECRET = "a-secret_token"


@dataclass
class Door:
    """A bot as Telegram knows it, and as the channel that it is here."""

    server: BotApiServer
    bot: Bot
    channel: Channel

    def take_in(self, update: dict[str, Any]) -> InboundItem:
        return take_in(self.channel, json.dumps(update).encode(), update_name(self.channel, update["update_id"]))

    def say(self, text: str | None = "Hello", **fields: Any) -> InboundItem:
        return self.take_in(self.server.say(self.bot, text, **fields))

    def hear(self, **content: Any) -> InboundItem:
        return self.take_in(self.server.update(self.bot, **content))


@pytest.fixture(scope="session")
def bot_api() -> Iterator[BotApiServer]:
    with bot_api_server() as server:
        yield server


@pytest.fixture
def door(db: None, bot_api: BotApiServer) -> Door:
    bot_api.limits = False
    bot_api.trouble.clear()
    bot = bot_api.bot()
    return Door(bot_api, bot, connect(bot_api, bot))


def connect(server: BotApiServer, bot: Bot, **fields: Any) -> Channel:
    settings = {"bot_id": bot.id, "username": bot.username, "api_base_url": server.url}
    secrets = {"token": bot.token, "hook_secret": SECRET}
    return make_channel(fields.pop("program", None) or make_program(), "telegram", settings=settings, secrets=secrets, **fields)


@pytest.fixture
def filed(monkeypatch: pytest.MonkeyPatch) -> list[Parsed]:
    """What the filer was given, in place of support's."""
    found: list[Parsed] = []

    def file(item: InboundItem, parsed: Parsed) -> str:
        found.append(parsed)
        return f"message:{len(found)}"

    monkeypatch.setattr(parsed_module, "_filers", [])
    parsed_module.register_filer(file)
    return found
