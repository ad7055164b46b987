"""Taking a question back: it is closed, the ticket is the support's again, and whoever works on it hears that they need not."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from core.events import record
from core.mail import write_mail
from support import events
from support.models import Escalation, Level, Ticket
from team.queries import may_be_notified


def withdraw(escalation: Escalation, ticket: Ticket, *, by: User | None, reason: str = "") -> None:
    """Both rows are locked, the question is open. The caller saves and follows the ticket."""
    escalation.status, escalation.closed_at = Escalation.Status.WITHDRAWN, timezone.now()
    escalation.save()
    ticket.level = Level.SUPPORT
    record(events.ESCALATION_WITHDRAWN, escalation, ticket, by=by, reason=reason)
    if escalation.expert_email:
        write_mail(escalation.expert_email, "support/mails/escalation_withdrawn", {"escalation": escalation, "ticket": ticket})
    elif escalation.holder is not None and escalation.holder != by and may_be_notified(escalation.holder):
        context = {"escalation": escalation, "ticket": ticket, "reason": reason}
        write_mail(escalation.holder.email, "support/mails/escalation_withdrawn", context, about=[ticket])


def withdraw_what_is_open(ticket: Ticket, *, by: User | None, reason: str = "") -> None:
    """A resolved ticket asks nobody anything. The row is locked; the caller saves and follows it."""
    rows = ticket.escalations.open().select_for_update(of=("self",)).select_related("holder", "asked_by")
    for escalation in rows:
        withdraw(escalation, ticket, by=by, reason=reason or _("The ticket was resolved."))
