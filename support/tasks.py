from celery import shared_task

from support.services import notify_unread, wake_due


@shared_task
def wake_tickets() -> None:
    wake_due()


@shared_task
def notify_unread_messages() -> None:
    notify_unread()
