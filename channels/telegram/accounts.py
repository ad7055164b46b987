"""A bot of the company's: its token tried, and the way on which Telegram hands over what was written to it.

Where BASE_URL is an https address that others can reach, Telegram calls us (setWebhook, with a secret token); else we ask (long
polling). Which of the two holds is worked out at every start, as addresses may change between starts.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from channels.models import Channel
from channels.telegram.client import API, BotApi, NoAnswer, NotReached, RefusedByTelegram
from channels.telegram.updates import ALLOWED
from core.errors import Refusal

_TOKEN = re.compile(r"\d{5,20}:[A-Za-z0-9_-]{20,80}")


class TelegramRefusal(Refusal):
    """Why this bot cannot be connected, in words for whoever entered it."""


@dataclass(frozen=True)
class BotAccount:
    """What getMe tells."""

    id: int
    username: str
    name: str
    business: bool  # whether accounts may be connected to it (BotFather: Business Mode)


def try_token(token: str, api_base_url: str = "") -> BotAccount:
    """Ask Telegram whose token this is. Raises TelegramRefusal."""
    token = token.strip()
    if not _TOKEN.fullmatch(token):
        raise TelegramRefusal(_("Paste the token as BotFather gave it: digits, a colon, letters."), code="invalid", field="token")
    if api_base_url and urlsplit(api_base_url).scheme not in ("http", "https"):
        raise TelegramRefusal(_("The Bot API's address begins with https://."), code="invalid", field="api_base_url")
    try:
        me = BotApi(token, api_base_url or API).call("getMe")
        return BotAccount(int(me["id"]), str(me["username"]), str(me["first_name"]), me.get("can_connect_to_business") is True)
    except RefusedByTelegram as error:
        told = _("Telegram does not know this token (%(error)s). Ask BotFather for a new one.") % {"error": error}
        raise TelegramRefusal(told, code="invalid", field="token") from None
    except NotReached as error:
        told = _("The Bot API cannot be reached: %(error)s") % {"error": error}
        raise TelegramRefusal(told, code="unreachable", field="api_base_url") from None
    except (NoAnswer, KeyError, TypeError, ValueError, AttributeError) as error:
        told = _("This is no answer of the Bot API: %(error)s") % {"error": error}
        raise TelegramRefusal(told, code="unreachable", field="api_base_url") from None


def make_hook_secret() -> str:
    """What Telegram shows us in X-Telegram-Bot-Api-Secret-Token: 1-256 of A-Z a-z 0-9 _ - ("setWebhook")."""
    return secrets.token_urlsafe(32)


def hook_url(channel: Channel) -> str:
    return settings.BASE_URL + reverse("telegram_hook", args=[channel.slug])


def is_called(channel: Channel) -> bool:
    """Whether Telegram calls us for this bot; else we ask. A person may choose asking where nothing gets in from outside."""
    return not channel.settings.get("polling") and _reachable(settings.BASE_URL)


def _reachable(base_url: str) -> bool:
    """Https, by a name or an address of the public network, on a port that Telegram calls."""
    address = urlsplit(base_url)
    host = address.hostname or ""
    if address.scheme != "https" or (address.port or 443) not in (443, 80, 88, 8443):
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".internal", ".localhost", ".test"))


def arrange_delivery(channel: Channel) -> None:
    """Tell Telegram which way its updates go. Nothing that waits there is dropped. Raises BotApiError."""
    api = BotApi.of(channel)
    if not is_called(channel):
        api.call("deleteWebhook", {"drop_pending_updates": False})
        return
    parameters: dict[str, Any] = {
        "url": hook_url(channel),
        "secret_token": channel.read_secrets()["hook_secret"],
        "allowed_updates": ALLOWED,
        "max_connections": 20,
    }
    api.call("setWebhook", parameters)


def trouble_of_hook(channel: Channel) -> str:
    """What Telegram says of its calls to us: "" where they arrive. Raises BotApiError."""
    told = BotApi.of(channel).call("getWebhookInfo")
    if told.get("url") != hook_url(channel):
        arrange_delivery(channel)
        return ""
    return str(told.get("last_error_message") or "") if told.get("pending_update_count") else ""
