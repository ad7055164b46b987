from celery import shared_task

from channels import inbound, outgoing
from core.tasks import send_soon


@shared_task
def send_channel(channel_id: int) -> None:
    outgoing.send_due(channel_id)


@shared_task
def send_due_outgoing() -> None:
    for channel_id in outgoing.channels_with_work():
        send_soon(send_channel, channel_id)


@shared_task
def file_received() -> None:
    inbound.process_due()
