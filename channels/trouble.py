"""What is wrong with a channel, and since when: shown where channels are, until it works again. Receiving and sending fail apart."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from channels.events import CHANNEL_FAILED, CHANNEL_RECOVERED
from channels.models import Channel
from core.events import record

RECEIVING = "receive"
SENDING = "send"


def note_trouble(channel: Channel, source: str, error: str) -> None:
    """Its first moment is kept while it lasts, whatever the words become."""
    error = error.replace("\x00", "")[:2000] or "?"
    row = Channel.objects.filter(pk=channel.pk)
    with transaction.atomic():
        first = row.filter(**{f"{source}_error": ""})
        if first.update(**{f"{source}_error": error, f"{source}_error_since": timezone.now()}):
            record(CHANNEL_FAILED, channel, data={"channel": channel.name}, reason=error)
        else:
            row.update(**{f"{source}_error": error})


def trouble_over(channel: Channel, source: str) -> None:
    row = Channel.objects.filter(pk=channel.pk).exclude(**{f"{source}_error": ""})
    with transaction.atomic():
        if row.update(**{f"{source}_error": "", f"{source}_error_since": None}):
            record(CHANNEL_RECOVERED, channel, data={"channel": channel.name})
