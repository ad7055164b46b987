"""What affiliates do in their chat: write with files, once however often it is sent, and read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from affiliates.models import Affiliate
from channels.files import MOST_BYTES, keep_file, safe_name
from core.components import number_text
from programs.models import Program
from support.errors import TicketError
from support.live import forget_numbers
from support.models import ChatRead, Message
from support.portal import unread_key
from support.services.messages import MOST_FILES, NamedFile
from support.services.portal import mark_read, write_in_portal

LONGEST_MESSAGE = 20_000  # characters


@transaction.atomic
def write_in_chat(
    affiliate: Affiliate,
    program: Program,
    *,
    by: Any,
    text: str,
    files: Sequence[Any] = (),
    reply_to: Message | None = None,
    key: UUID | None = None,
) -> Message:
    """One message with its uploads (name, size, read()). The same `key` again is the same message: a page that heard no answer
    sends it once more."""
    _check(text, files)
    Affiliate.objects.select_for_update(no_key=True).get(pk=affiliate.pk)
    provider_id = f"portal {affiliate.pk} {key}" if key else ""
    if key and (sent := Message.objects.filter(provider_id=provider_id).first()):
        return sent
    named = [NamedFile(keep_file(file.read()), safe_name(file.name)) for file in files]
    message = write_in_portal(affiliate, program, text, author=by, files=named, reply_to=reply_to)
    if provider_id:
        message.provider_id = provider_id
        message.save(update_fields=["provider_id"])
    return message


def _check(text: str, files: Sequence[Any]) -> None:
    if len(text) > LONGEST_MESSAGE:
        raise TicketError(
            _("Write at most %(most)s characters at once, or put them into a file.") % {"most": number_text(LONGEST_MESSAGE)},
            code="max_length",
            field="text",
        )
    if len(files) > MOST_FILES:
        raise TicketError(
            _("At most %(most)s files at once.") % {"most": number_text(MOST_FILES)}, code="max_length", field="files"
        )
    if any(file.size > MOST_BYTES for file in files):
        raise TicketError(
            _("A file may have %(most)s MB at most.") % {"most": number_text(MOST_BYTES // 2**20)}, code="max_size", field="files"
        )


@transaction.atomic
def mark_chat_read(affiliate: Affiliate, program: Program, *, by: Any, until: datetime | None = None) -> None:
    """This person has seen the chat up to then. It never goes back; what was seen is not told by mail any more."""
    until = min(until or timezone.now(), timezone.now())
    read, new = ChatRead.objects.get_or_create(affiliate=affiliate, program=program, user=by, defaults={"read_at": until})
    if not new:
        ChatRead.objects.filter(pk=read.pk, read_at__lt=until).update(read_at=until)
    mark_read(affiliate, program)
    forget_numbers(*(unread_key(affiliate.pk, by, money) for money in (True, False)))
