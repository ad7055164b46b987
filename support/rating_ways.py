"""How somebody is asked for a rating: in the portal's chat, by mail with signed links, in Telegram by buttons."""

from __future__ import annotations

from django.db import transaction

from channels.models import Channel
from support.models import Rating, Ticket
from support.models.messages import Direction
from support.rating_buttons import ask_in_telegram, takes_buttons
from support.services.ratings import ask_rating, mail_rating


@transaction.atomic
def ask_for_rating(ticket: Ticket) -> Rating | None:
    """Ask where the request was answered. In the portal the question stands in the chat; a mail tells those who are not there."""
    rating = ask_rating(ticket)
    if rating is None:
        return None
    kind, chat = rating.ticket.channel.kind, rating.ticket.chat
    if kind in (Channel.Kind.PORTAL, Channel.Kind.EMAIL) and (to := _address(rating.ticket)):
        mail_rating(rating, to)
    elif kind == Channel.Kind.TELEGRAM and chat is not None and takes_buttons(chat):
        ask_in_telegram(rating, chat)
    return rating


def _address(ticket: Ticket) -> str:
    """Of whoever wrote last."""
    last = ticket.messages.filter(direction=Direction.IN, automatic="").select_related("author", "contact").order_by("pk").last()
    if last is not None and last.author is not None:
        return last.author.email
    contact = (last.contact if last else None) or ticket.contact
    address = contact.addresses.filter(kind="email").order_by("-verified_at", "-pk").first() if contact else None
    return address.value if address else ""
