"""Long polling ("getUpdates"), where no public address exists: the post worker keeps a thread for each
bot, so that a poll which waits at Telegram holds up no worker.

A page of updates is stored together with the offset that confirms it, and filed after that commit; so a kill at any point loses
nothing, and what comes twice is a duplicate. One poller a bot, by an advisory lock.
"""

from __future__ import annotations

import json
import logging
import threading
from typing import Any

from django.db import InterfaceError, OperationalError, close_old_connections, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from channels.inbound import Arrival, process_due, store_many
from channels.models import Channel
from channels.telegram.accounts import arrange_delivery, is_called, trouble_of_hook
from channels.telegram.client import BotApi, BotApiError, RefusedByTelegram
from channels.telegram.updates import ALLOWED
from channels.trouble import RECEIVING, note_trouble, trouble_over
from core.secrets import Unreadable

WAIT = 25  # seconds that Telegram may hold a poll
LOOK = 5.0  # seconds after which a new or changed bot is noticed
CHECK_HOOK = 600.0
AFTER_TROUBLE = (2, 5, 15, 30, 60)  # seconds, longer each time

_log = logging.getLogger(__name__)


def poll_once(channel: Channel, *, wait: int = WAIT) -> int:
    """Ask once, store what came with the offset, then file it; returns how many updates came. Raises BotApiError."""
    offset = Channel.objects.values_list("telegram_offset", flat=True).get(pk=channel.pk)
    parameters = {"offset": offset, "limit": 100, "timeout": wait, "allowed_updates": ALLOWED}
    updates = BotApi.of(channel).call("getUpdates", parameters)
    known = [(update["update_id"], update) for update in updates if _is_update(update)]
    with transaction.atomic():
        if known:
            store_many(channel, [Arrival(update_name(channel, number), _raw(update)) for number, update in known])
        following = max((number + 1 for number, _update in known), default=offset)
        Channel.objects.filter(pk=channel.pk).update(telegram_offset=following, polled_at=timezone.now())
    if known:
        process_due(channel)
    return len(known)


def _is_update(update: Any) -> bool:
    return isinstance(update, dict) and isinstance(update.get("update_id"), int)


def _raw(update: dict[str, Any]) -> bytes:
    return json.dumps(update, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def update_name(channel: Channel, update_id: int) -> str:
    """As in InboundItem.provider_id: the same for an update however it came."""
    return f"{channel.settings.get('bot_id', channel.pk)}:{update_id}"


class Poller:
    """One bot's thread."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"telegram {channel.slug}", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        failures = 0
        while not self.stopping.is_set():
            try:
                good = self._round()
            except Exception:  # a thread that ends would be a bot that nobody hears
                _log.exception("polling %s", self.channel.slug)
                good = False
            failures = 0 if good else failures + 1
            if failures:
                self.stopping.wait(AFTER_TROUBLE[min(failures, len(AFTER_TROUBLE)) - 1])
        connection.close()

    def _round(self) -> bool:
        """Poll while all is well and the lock is ours; whether it was well."""
        close_old_connections()
        try:
            if not _lock(self.channel):
                self.stopping.wait(LOOK)  # another copy of us polls this bot
                return True
            arrange_delivery(self.channel)
            while not self.stopping.is_set():
                poll_once(self.channel)
                trouble_over(self.channel, RECEIVING)
        except (BotApiError, Unreadable) as error:
            note_trouble(self.channel, RECEIVING, told(error))
            return False
        except (OperationalError, InterfaceError) as error:
            _log.warning("polling %s: %s", self.channel.slug, error)
            return False
        finally:
            connection.close()  # and the lock with it
        return True


def told(error: Exception) -> str:
    if isinstance(error, Unreadable):
        return _("The token cannot be read: SECRET_KEY has changed. Enter the token again.")
    if isinstance(error, RefusedByTelegram) and error.code in (401, 404):
        return _("Telegram does not accept this bot's token any more: %(error)s") % {"error": error}
    if isinstance(error, RefusedByTelegram) and error.code == 409:
        return _("Another program fetches this bot's messages: %(error)s") % {"error": error}
    return _("Telegram cannot be reached: %(error)s") % {"error": error}


def _lock(channel: Channel) -> bool:
    """Held by this thread's connection until it closes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('telegram'), %s)", [channel.pk])
        return bool(cursor.fetchone()[0])


class Pollers:
    """All of them: one for each bot in use that Telegram does not call. Of the others it is asked now and then how its calls go."""

    def __init__(self) -> None:
        self.running: dict[tuple[int, bytes], Poller] = {}
        self.checked: dict[int, float] = {}

    def look(self, now: float) -> None:
        """Start what is missing, end what is not wanted any more."""
        bots = list(Channel.objects.filter(kind=Channel.Kind.TELEGRAM, status=Channel.Status.ACTIVE))
        wanted = {(bot.pk, bytes(bot.secrets or b"")): bot for bot in bots if not is_called(bot)}
        for key in self.running.keys() - wanted.keys():
            self.running.pop(key).stopping.set()
        for key in wanted.keys() - self.running.keys():
            self.running[key] = Poller(wanted[key])
        for bot in bots:
            if is_called(bot) and now - self.checked.get(bot.pk, float("-inf")) > CHECK_HOOK:
                self.checked[bot.pk] = now
                check_hook(bot)

    def stop(self) -> None:
        for poller in self.running.values():
            poller.stopping.set()


def check_hook(channel: Channel) -> None:
    """Where Telegram says that its calls fail, the channel's page says so; a webhook that is not ours is set anew."""
    try:
        trouble = trouble_of_hook(channel)
    except (BotApiError, Unreadable) as error:
        trouble = told(error)
    if trouble:
        note_trouble(channel, RECEIVING, trouble)
    else:
        trouble_over(channel, RECEIVING)
