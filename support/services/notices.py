"""Telling one person of the team that a ticket needs them: on their pages, and by mail where that is due."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.models import User
from core.mail import write_mail
from core.ui import url_if_any
from support import live
from support.models import Notice, Ticket
from team.queries import may_be_notified


def notify(
    user: User,
    ticket: Ticket,
    kind: str,
    *,
    clock: str = "",
    due_at: datetime | None = None,
    text: str = "",
    by_mail: bool = False,
) -> Notice | None:
    """On leave nothing notifies a person: None then."""
    if not may_be_notified(user):
        return None
    notice = Notice.objects.create(user=user, ticket=ticket, kind=kind, clock=clock, due_at=due_at, text=text[:300])
    live.touch_user(user.pk)
    if by_mail:
        path = url_if_any("manage:inbox")
        told = {"person": user.get_short_name(), "ticket": ticket, "notice": notice, "path": f"{path}?ticket={ticket.public_id}"}
        write_mail(user.email, "support/mails/notice", told, about=[ticket])
    return notice


def unseen_notices(user: Any) -> list[Notice]:
    """What a person has not looked at yet, newest first."""
    found = Notice.objects.filter(user=user, seen_at__isnull=True)
    return list(found.select_related("ticket__affiliate", "ticket__contact", "ticket__program")[:50])


def see_notices(user: Any, ticket: int | None = None) -> int:
    """A ticket is open before them (or: they have read them all)."""
    unseen = Notice.objects.filter(user=user, seen_at__isnull=True)
    return (unseen if ticket is None else unseen.filter(ticket=ticket)).update(seen_at=timezone.now())
