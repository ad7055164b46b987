"""How somebody is asked for a rating: in the portal's chat, and by mail with signed links."""

from __future__ import annotations

from django.db import transaction

from channels.models import Channel
from support.models import Rating, Ticket
from support.models.messages import Direction
from support.services.ratings import ask_rating, mail_rating


@transaction.atomic
def ask_for_rating(ticket: Ticket) -> Rating | None:
    """Ask where the request was answered. In the portal the question stands in the chat; a mail tells those who are not there."""
    rating = ask_rating(ticket)
    if rating is None:
        return None
    if rating.ticket.channel.kind in (Channel.Kind.PORTAL, Channel.Kind.EMAIL) and (to := _address(rating.ticket)):
        mail_rating(rating, to)
    return rating


def _address(ticket: Ticket) -> str:
    """Of whoever wrote last."""
    last = ticket.messages.filter(direction=Direction.IN, automatic="").select_related("author", "contact").order_by("pk").last()
    if last is not None and last.author is not None:
        return last.author.email
    contact = (last.contact if last else None) or ticket.contact
    address = contact.addresses.filter(kind="email").order_by("-verified_at", "-pk").first() if contact else None
    return address.value if address else ""
