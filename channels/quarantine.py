"""What a person does with an item that could not be filed by itself: try again, make a ticket of it, or set it aside."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from channels.contacts import find_or_make_contact
from channels.events import INBOUND_DISMISSED, INBOUND_RESCUED
from channels.inbound import LEASE, process_item
from channels.mime import Unreadable, parse_mail
from channels.models import Channel, Contact, InboundItem
from channels.parsed import ParsedFile, rescue_item
from core.access import Can, check
from core.errors import Refusal
from core.events import record

Status = InboundItem.Status


class QuarantineError(Refusal):
    """Why nothing is done with this item."""


def readable_text(item: InboundItem, longest: int = 20_000) -> str:
    """What can be read of it, for a person: the words of a mail where it has any, else its bytes as text."""
    raw = bytes(item.raw or b"")
    if item.channel.kind == Channel.Kind.EMAIL:
        try:
            words = parse_mail(raw).text
        except Unreadable:
            words = ""
        if words.strip():
            return words[:longest]
    return raw[: 4 * longest].decode("utf-8", "replace").replace("\x00", "")[:longest]


def try_again(item: InboundItem, *, by: Any) -> InboundItem:
    """File it as if it had just come in: what was in its way may have been mended."""
    with transaction.atomic():
        item = _locked(item, by)
        item.status, item.reason, item.attempts = Status.RECEIVED, "", 1
        item.dismissed_at = item.dismissed_by = None
        item.due_at = timezone.now() + LEASE
        item.save()
    process_item(item, told_at_once=True)
    item.refresh_from_db()
    return item


@transaction.atomic
def make_ticket(
    item: InboundItem,
    *,
    by: Any,
    subject: str,
    text: str,
    contact: Contact | None = None,
    kind: str = "",
    value: str = "",
    name: str = "",
) -> str:
    """A ticket of it, from a known contact or from a new address; the whole goes with it as a file. Returns its reference."""
    item = _locked(item, by)
    if contact is None:
        if not value.strip():
            raise QuarantineError(_("Say whose it is: an address."), code="required", field="value")
        contact = find_or_make_contact(kind, value, name, item.channel.program)
    whole = ParsedFile(f"{item.public_id}.{'eml' if item.channel.kind == Channel.Kind.EMAIL else 'json'}", bytes(item.raw or b""))
    item.filed_as = rescue_item(item, contact=contact, subject=subject, text=text, files=[whole], by=by)
    item.status, item.reason = Status.FILED, ""
    item.save()
    record(INBOUND_RESCUED, item, item.channel, item.filed_as, by=by)
    return item.filed_as


@transaction.atomic
def set_aside(item: InboundItem, *, by: Any, reason: str = "") -> None:
    """Out of the list; it is kept, counted as quarantined, and can be taken up again."""
    item = _locked(item, by)
    item.dismissed_by, item.dismissed_at = by, timezone.now()
    item.save(update_fields=["dismissed_by", "dismissed_at"])
    record(INBOUND_DISMISSED, item, item.channel, by=by, reason=reason)


def _locked(item: InboundItem, by: Any) -> InboundItem:
    item = InboundItem.objects.select_for_update(of=("self",)).select_related("channel__program").get(pk=item.pk)
    check(by, Can.ANSWER_TICKETS, item.channel.program_id)
    if item.status != Status.QUARANTINED:
        raise QuarantineError(_("Somebody else has taken this up in the meantime. Reload and look again."))
    return item
