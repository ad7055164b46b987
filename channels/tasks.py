import random
from threading import BoundedSemaphore

from celery import shared_task

from channels import imap, inbound, outgoing
from channels.models import Channel
from channels.telegram import standing_in
from core.tasks import place, send_soon

RECEIVING, SENDING = BoundedSemaphore(3), BoundedSemaphore(4)  # places (core.tasks)


@shared_task
def send_channel(channel_id: int) -> None:
    """A while of sending, and on with the rest, of every channel: a worker that is asked to stop is never kept long, and channels
    that have much to send leave places to the others."""
    with place(SENDING) as free:
        sent = outgoing.send_due(channel_id) if free else 0
    if sent:
        send_soon(send_due_outgoing)


@shared_task
def send_due_outgoing() -> None:
    channels = outgoing.channels_with_work()
    for channel_id in random.sample(channels, len(channels)):  # so that each finds a place, whichever hang
        send_soon(send_channel, channel_id)


@shared_task
def file_received() -> None:
    inbound.process_due()


@shared_task
def poll_mailbox(channel_id: int) -> None:
    with place(RECEIVING) as free:
        if free:
            imap.poll(channel_id)


@shared_task
def poll_mailboxes() -> None:
    mailboxes = Channel.objects.filter(kind=Channel.Kind.EMAIL, status=Channel.Status.ACTIVE, settings__polls=True)
    for pk in mailboxes.order_by("?").values_list("pk", flat=True):  # so that each finds a place, whichever hang
        send_soon(poll_mailbox, pk)


@shared_task
def look_after_accounts() -> None:
    standing_in.look_after_accounts()
