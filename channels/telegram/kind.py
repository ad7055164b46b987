"""What a bot asks for when it is connected: its token, which Telegram tells the owner of."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from channels.kinds import ChannelError, Given, Rules, refuse_unknown, text_of
from channels.models import Channel
from channels.telegram.accounts import TelegramRefusal, arrange_delivery, is_called, try_token
from channels.telegram.client import API, BotApiError
from channels.telegram.polling import told
from channels.trouble import RECEIVING, note_trouble, trouble_over
from core.errors import Conflict
from core.secrets import Unreadable

KNOWN = {"token", "api_base_url", "polling"}


def read(given: dict[str, Any], channel: Channel) -> Given:
    refuse_unknown(given, KNOWN)
    settings, secrets = dict(channel.settings), _secrets_of(channel)
    if "polling" in given:
        if not isinstance(given["polling"], bool):
            raise ChannelError(_("Say true or false."), code="type", field="polling")
        settings["polling"] = given["polling"]
    if "api_base_url" in given:
        settings["api_base_url"] = text_of(given, "api_base_url").rstrip("/")
    if text_of(given, "token"):
        secrets["token"] = text_of(given, "token")
    if secrets.get("token") != _secrets_of(channel).get("token") or "api_base_url" in given or not secrets.get("token"):
        settings |= _account(secrets.get("token", ""), str(settings.get("api_base_url", "")), channel)
    return Given(settings, secrets)


def _account(token: str, api_base_url: str, channel: Channel) -> dict[str, Any]:
    me = try_token(token, api_base_url)
    others = Channel.objects.filter(kind=Channel.Kind.TELEGRAM, settings__bot_id=me.id).exclude(pk=channel.pk)
    if others.exclude(status=Channel.Status.CLOSED).exists():
        raise Conflict(_("This bot is connected already."), code="taken", field="token")
    return {"bot_id": me.id, "username": me.username, "business": me.business}


def connect(channel: Channel) -> None:
    """Telegram is told where to call; where it cannot call us, the pollers find the bot by themselves."""
    if channel.status != Channel.Status.ACTIVE or not is_called(channel):
        return
    try:
        arrange_delivery(channel)
    except (BotApiError, Unreadable) as error:
        note_trouble(channel, RECEIVING, told(error))
    else:
        trouble_over(channel, RECEIVING)


def trial(channel: Channel) -> None:
    try:
        token = str(channel.read_secrets().get("token", ""))
        try_token(token, str(channel.settings.get("api_base_url") or API))
        if is_called(channel):
            arrange_delivery(channel)
    except TelegramRefusal as refusal:
        raise ChannelError(refusal.message, code=refusal.code, field=refusal.field) from None
    except (BotApiError, Unreadable) as error:
        raise ChannelError(told(error), code="unreachable", field="token") from None


def _secrets_of(channel: Channel) -> dict[str, Any]:
    try:
        return channel.read_secrets()
    except Unreadable:
        return {}


RULES = Rules(read, connect, trial, hook="telegram_hook")
