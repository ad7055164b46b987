"""What can be decided about an enrollment, in words and buttons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from affiliates.forms import DecisionForm
from affiliates.models import Enrollment, EnrollmentStatus
from affiliates.services.enrollments import MOVES

S = EnrollmentStatus


@dataclass(frozen=True)
class Move:
    """One button: where the enrollment goes, and what is asked before."""

    status: str
    label: Any
    icon: str
    tone: str
    confirm: str
    asks_why: bool


# In the order in which they stand: status, label, icon, tone, question.
_MOVES = [
    (S.APPROVED, _("Approve"), "circle-check", "primary", ""),
    (S.PENDING, _("Take up again"), "arrow-back-up", "", ""),
    (
        S.SUSPENDED,
        _("Suspend"),
        "player-pause",
        "danger",
        _(
            "Suspend %(affiliate)s in %(program)s? They get a mail, and their links credit nothing until you approve again; what was earned stays."
        ),
    ),
    (
        S.REJECTED,
        _("Reject"),
        "x",
        "danger",
        _("Reject %(affiliate)s for %(program)s? Applicants get a mail. It can be taken up again later."),
    ),
    (
        S.TERMINATED,
        _("End for good"),
        "ban",
        "danger",
        _(
            "End %(affiliate)s in %(program)s for good? They get a mail. This cannot be taken up again; what was earned is still paid."
        ),
    ),
]


def moves_of(enrollment: Enrollment) -> list[Move]:
    told = {"affiliate": enrollment.affiliate, "program": enrollment.program}
    allowed = MOVES[enrollment.status]
    return [
        Move(status.value, label, icon, tone, str(confirm) % told if confirm else "", status in DecisionForm.NEEDS_REASON)
        for status, label, icon, tone, confirm in _MOVES
        if status in allowed
    ]
