"""The second Celery worker of `script/server`, for what waits for others: mail servers, Telegram, the inbox's clocks.

`python -m config.runtime.post`. Its tasks are light and wait a lot, so they run in threads; they would hold up the long ones of
the first worker, and those them. Bots that are asked rather than called (long polling) have a thread each in the same process.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from celery.bin.celery import celery
from celery.signals import worker_ready, worker_shutting_down

from config import celery as parts
from config.celery import app
from config.env import environment
from config.runtime.worker import put_back

THREADS = 14  # eleven may be held by servers outside and by events (core.tasks): the others are for clocks, owners and filing
_stop = threading.Event()


def main() -> None:
    parts.PART = "post"
    # What each worker has in hand is noted apart: putting back the one's must not put back the other's.
    app.conf.broker_transport_options |= {f"unacked_{name}key": f"unacked_post_{name}" for name in ("", "index_", "mutex_")}
    if environment().embedded_valkey:
        put_back(app)
    worker_ready.connect(start_polling)
    worker_shutting_down.connect(stop_polling)
    words = ["--quiet", "-A", "config", "worker", "--pool", "threads", "--concurrency", str(THREADS), "--queues", "post"]
    celery([*words, "--hostname", "post@%h", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"])


def start_polling(**_: Any) -> None:
    threading.Thread(target=poll, name="telegram", daemon=True).start()


def stop_polling(**_: Any) -> None:
    _stop.set()


def poll() -> None:
    """Look every few seconds which bots are to be asked; each has a thread of its own."""
    import logging

    from django.db import Error, connection

    from channels.telegram.polling import LOOK, Pollers

    pollers = Pollers()
    while not _stop.is_set():
        try:
            pollers.look(time.monotonic())
        except Error as error:  # the database is away: the next look is with a new connection
            logging.getLogger(__name__).warning("looking for bots: %s", error)
            connection.close()
        _stop.wait(LOOK)
    pollers.stop()


if __name__ == "__main__":
    main()
