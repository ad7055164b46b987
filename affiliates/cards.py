"""What affiliates show on the pages of programs."""

from __future__ import annotations

from typing import Any

from django.db.models import Count
from django.http import HttpRequest

from affiliates.models import Enrollment, EnrollmentStatus
from core.access import Can, rights_of
from programs.models import Program


def enrollments_card(request: HttpRequest, program: Program) -> dict[str, Any]:
    """How many affiliates are in the program, by state."""
    found = dict(Enrollment.objects.filter(program=program).order_by().values_list("status").annotate(Count("pk")))
    counts = [(status.value, found[status.value]) for status in EnrollmentStatus if status.value in found]
    return {"program": program, "counts": counts, "total": sum(found.values())}


def affiliate_step(request: HttpRequest, program: Program) -> dict[str, Any] | None:
    """ "The first affiliate" among what a program still needs."""
    if not rights_of(request.user).has(Can.MANAGE_AFFILIATES, program.pk):
        return None
    if Enrollment.objects.filter(program=program).exists():
        return None
    return {"program": program}
