from celery import shared_task

from channels import imap, inbound, outgoing
from channels.models import Channel
from channels.telegram import standing_in
from core.tasks import send_soon


@shared_task
def send_channel(channel_id: int) -> None:
    """A while of sending, and on with the rest: a worker that is asked to stop is never kept long."""
    if outgoing.send_due(channel_id):
        send_soon(send_channel, channel_id)


@shared_task
def send_due_outgoing() -> None:
    for channel_id in outgoing.channels_with_work():
        send_soon(send_channel, channel_id)


@shared_task
def file_received() -> None:
    inbound.process_due()


@shared_task
def poll_mailbox(channel_id: int) -> None:
    imap.poll(channel_id)


@shared_task
def poll_mailboxes() -> None:
    mailboxes = Channel.objects.filter(kind=Channel.Kind.EMAIL, status=Channel.Status.ACTIVE, settings__polls=True)
    for pk in mailboxes.values_list("pk", flat=True):
        send_soon(poll_mailbox, pk)


@shared_task
def look_after_accounts() -> None:
    standing_in.look_after_accounts()
