"""Telling one person of the team that a ticket needs them: on their pages, and by mail where that is due."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from core.mail import write_mail
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
        path = reverse("manage:ticket_detail", args=[ticket.public_id])
        told = {"person": user.get_short_name(), "ticket": ticket, "notice": notice, "path": path}
        write_mail(user.email, "support/mails/notice", told, about=[ticket])
    return notice


def visible_notices(user: Any) -> QuerySet[Notice]:
    """What a person was told, newest first, of tickets that they still see; not "due soon" of what is overdue by now."""
    found = Notice.objects.filter(user=user.pk, ticket__in=Ticket.objects.visible_to(user))
    overdue = Notice.objects.filter(
        kind=Notice.Kind.BREACHED, **{name: OuterRef(name) for name in ("user", "ticket", "clock", "due_at")}
    )
    found = found.exclude(Exists(overdue), kind=Notice.Kind.WARNED)
    return found.select_related("ticket__affiliate", "ticket__contact")


def see_notices(user: Any, ticket: int) -> None:
    """The ticket is open before them: what told them of it is seen."""
    Notice.objects.filter(user=user, ticket=ticket, seen_at__isnull=True).update(seen_at=timezone.now())
