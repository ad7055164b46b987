"""What a person makes of an item that could not be filed by itself; and where what was filed stands."""

from __future__ import annotations

from typing import Any

from channels.models import Contact, InboundItem
from channels.parsed import Filed, ParsedFile
from core.events import ref
from support.filing import keep_files
from support.models import Message
from support.services import open_ticket, receive
from support.subjects import bare_subject, title_of


def find_filed(reference: str) -> Filed | None:
    """Registered with channels.parsed.register_desk."""
    kind, _colon, pk = reference.partition(":")
    if kind != "message" or not pk.isdigit():
        return None
    message = Message.objects.select_related("ticket").filter(pk=pk).first()
    return Filed(message.ticket.public_id, message.public_id) if message else None


def rescue_item(item: InboundItem, *, contact: Contact, subject: str, text: str, files: list[ParsedFile], by: Any) -> str:
    """Registered with channels.parsed.register_desk: a ticket of its own, with what could be read and the whole as a file."""
    ticket = open_ticket(
        program=item.channel.program,
        channel=item.channel,
        affiliate=contact.affiliate,
        contact=contact,
        subject=bare_subject(subject) or title_of(text),
        by=by,
    )
    kept, left_out = keep_files(files)
    return ref(receive(ticket, text=text, contact=contact, files=kept, inbound=item, remarks="\n".join(left_out)))
