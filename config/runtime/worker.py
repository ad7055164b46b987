"""The Celery worker of `script/server`: `python -m config.runtime.worker`."""

from __future__ import annotations

from celery import Celery
from celery.bin.celery import celery

from config.celery import app
from config.env import environment


def main() -> None:
    if environment().embedded_valkey:
        put_back(app)
    # Not app.worker_main: it loses the exit status, and a worker that failed would seem to have been told to stop.
    celery(
        [
            "--quiet",
            "-A",
            "config",
            "worker",
            "--concurrency",
            "2",
            "--queues",
            "celery",
            "--loglevel",
            "WARNING",
            "--without-gossip",
            "--without-mingle",
        ]
    )


def put_back(app: Celery) -> None:
    """Give the queue back what a killed worker had taken and not finished.

    Celery itself would wait for its visibility timeout, as another worker may still be at it. With the embedded Valkey nobody
    else notes what he has in hand under the same name (config.runtime.post has its own).
    """
    options = {**app.conf.broker_transport_options, "visibility_timeout": 0}
    with app.connection_for_write(transport_options=options) as connection:
        connection.default_channel.qos.restore_visible(num=1_000_000)


if __name__ == "__main__":
    main()
