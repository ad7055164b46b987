from celery import Task, shared_task

from core import events, mail


def send_soon(task: Task, *args: int) -> None:
    """Ask a worker now; where the broker is away, beat's next round finds the work in the database."""
    from kombu.exceptions import OperationalError

    try:
        task.apply_async(args, retry=False)
    except (OperationalError, OSError):
        return


@shared_task
def deliver_due_events() -> None:
    events.deliver_due()


@shared_task
def send_due_mails() -> None:
    mail.send_due()
