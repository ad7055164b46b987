"""Which service level takes which of the open tickets."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet

from core.access import Can
from support.models import SlaPolicy, Ticket
from support.services.clocks import active_policies, fitting_tickets


def open_tickets_by_policy(user: Any) -> dict[int | None, int]:
    """How many tickets that are not resolved each has, as it was chosen last; None: without any."""
    found = Ticket.objects.visible_to(user, Can.SET_INBOX).unresolved().order_by().values_list("policy").annotate(n=Count("pk"))
    return dict(found)


def tickets_it_would_take(policy: SlaPolicy, user: Any) -> QuerySet[Ticket]:
    """Of the open tickets those that would be this one's if it stood as it is given here: its conditions fit, and those of none
    that is asked before it. A new one is asked first."""
    if not policy.is_active:
        return Ticket.objects.none()
    found = fitting_tickets(policy).visible_to(user, Can.SET_INBOX).unresolved()
    for other in active_policies() if policy.pk else []:
        if (other.position, other.pk) < (policy.position, policy.pk):
            found = found.exclude(pk__in=fitting_tickets(other).values("pk"))
    return found.select_related("affiliate", "contact", "program").order_by("-last_at")
