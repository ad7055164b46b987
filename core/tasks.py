from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from celery import Task, shared_task

from core import events, mail

# Of the threads of the worker for what is due within seconds (config.runtime.post), how many may do one thing at once: a server
# that does not answer holds each that asks it for half a minute, and nothing else must wait for that.
MAILING = BoundedSemaphore(2)
DELIVERING = BoundedSemaphore(2)  # what follows from an event may take long as well


def send_soon(task: Task, *args: int) -> None:
    """Ask a worker now; where the broker is away, beat's next round finds the work in the database."""
    from kombu.exceptions import OperationalError

    try:
        task.apply_async(args, retry=False)
    except (OperationalError, OSError):
        return


def stopping() -> bool:
    """Whether this worker was asked to end: what goes on in rounds begins no other one. Only workers with threads hear it."""
    from celery.worker import state

    return any(asked is not None and asked is not False for asked in (state.should_stop, state.should_terminate))


@contextmanager
def place(places: BoundedSemaphore) -> Iterator[bool]:
    """Whether one was free. Who finds none does nothing: beat asks again, and the work is in the database."""
    free = places.acquire(blocking=False)
    try:
        yield free
    finally:
        if free:
            places.release()


@shared_task
def deliver_due_events() -> None:
    with place(DELIVERING) as free:
        if free:
            events.deliver_due()


@shared_task
def send_due_mails() -> None:
    with place(MAILING) as free:
        if free:
            mail.send_due()
