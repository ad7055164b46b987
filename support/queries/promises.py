"""How a promise stands, told alike wherever it is shown."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _

from support.models import Commitment


def state_of(commitment: Commitment) -> str:
    """The state chip's key."""
    if commitment.status == Commitment.Status.OPEN:
        return "overdue" if commitment.due_at <= timezone.now() else "promised"
    return f"promise_{commitment.status}"


def state_label(commitment: Commitment) -> str:
    return _("Overdue") if state_of(commitment) == "overdue" else commitment.get_status_display()
