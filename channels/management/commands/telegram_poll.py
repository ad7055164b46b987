"""Fetches what is written to the Telegram bots that Telegram cannot call. Runs until it is told to stop."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, close_old_connections

from channels.telegram.polling import LOOK, Pollers


class Command(BaseCommand):
    help = "Fetches messages to Telegram bots by long polling, where Telegram has no public address to call."

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        pollers = Pollers()
        while not stopping.is_set():
            close_old_connections()
            try:
                pollers.look(time.monotonic())
            except (OperationalError, InterfaceError) as error:
                self.stderr.write(f"the database is away: {error}")
            stopping.wait(LOOK)
        pollers.stop()
