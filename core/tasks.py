from celery import Task, shared_task

from core import events, mail


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


@shared_task
def deliver_due_events() -> None:
    events.deliver_due()


@shared_task
def send_due_mails() -> None:
    mail.send_due()
