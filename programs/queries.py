"""Which programs and offers a member of the team sees."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from core.access import Can, programs_of
from programs.models import Offer, Program


def visible_programs(user: Any, can: Can = Can.SEE) -> QuerySet[Program]:
    programs = programs_of(user, can)
    return Program.objects.all() if programs is None else Program.objects.filter(pk__in=programs)


def several_programs(user: Any, can: Can = Can.SEE) -> bool:
    """Whether the reader sees more than one program, so that a list says something by naming each row's."""
    return visible_programs(user, can)[:2].count() > 1


def visible_offers(user: Any, can: Can = Can.SEE) -> QuerySet[Offer]:
    programs = programs_of(user, can)
    return Offer.objects.all() if programs is None else Offer.objects.filter(program__in=programs)


def open_programs() -> QuerySet[Program]:
    """What everybody may see and apply to."""
    return Program.objects.filter(public=True, status=Program.Status.ACTIVE)
