"""How an affiliate is written to by itself: in their language and their days."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

from django.utils import timezone, translation

from affiliates.models import AffiliateMember
from channels.models import Contact
from core.languages import letter_language
from core.middleware import zone_of
from support.models import Ticket


def written_language(about: Ticket | Contact) -> str:
    """The affiliate's decides, then that of whoever writes for them."""
    affiliate = about.affiliate.language if about.affiliate else ""
    user = about.user.language if isinstance(about, Contact) and about.user else ""
    return letter_language(affiliate, about.language, user)


@contextmanager
def as_read_by(about: Ticket | Contact) -> Iterator[None]:
    with translation.override(written_language(about)), timezone.override(_zone(about)):
        yield


def _zone(about: Ticket | Contact) -> ZoneInfo:
    """The zone of the member who wrote, else of the affiliate's first member, else the program's."""
    contact = about if isinstance(about, Contact) else about.contact
    user = contact.user if contact else None
    if user is None and about.affiliate is not None:
        members = AffiliateMember.objects.filter(affiliate=about.affiliate, removed_at=None).select_related("user")
        member = members.order_by("pk").first()
        user = member.user if member else None
    if user is None and isinstance(about, Ticket):
        return about.program.zone
    return zone_of(user)
