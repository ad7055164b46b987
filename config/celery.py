import os

from celery import Celery
from celery.signals import after_task_publish, beat_init, heartbeat_sent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("tributary")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


PART = "worker"  # which of the two workers this process is (config.runtime.post)


# Signs of life for /health/. No task carries them: it would wait behind the long ones.
@heartbeat_sent.connect
def show_worker(**_: object) -> None:
    """The worker's own process does this every two seconds, beside its pool."""
    from core.health import show_life

    show_life(PART)


@beat_init.connect
def watch_beat(**_: object) -> None:
    after_task_publish.connect(show_beat)
    show_beat()


def show_beat(**_: object) -> None:
    """Beat has begun, or has handed a task to the broker, as it does every ten seconds at the latest."""
    from core.health import show_life

    show_life("beat")
