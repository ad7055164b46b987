"""Cards that channels puts on lower apps' pages."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from affiliates.models import Affiliate
from channels.telegram.chats import why_silent
from channels.telegram.start_links import connected_contacts, open_bots


def silence_card(request: HttpRequest, thing: Any) -> dict[str, Any] | None:
    """Above the composer of whatever has a chat: why nothing can be sent into it now, before somebody types."""
    reason = why_silent(thing.chat) if thing.chat is not None else ""
    return {"reason": reason} if reason else None


def telegram_card(request: HttpRequest, affiliate: Affiliate) -> dict[str, Any] | None:
    """On the affiliate's account page, where one of their programs has a bot or a Telegram account is tied to them."""
    bots, contacts = list(open_bots(affiliate)), list(connected_contacts(affiliate))
    if not bots and not contacts:
        return None
    handles = [(contact, ", ".join(str(a) for a in contact.addresses.all() if a.kind == "telegram")) for contact in contacts]
    return {"bots": bots, "contacts": handles}
