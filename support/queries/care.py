"""Who looks after an affiliate, as the affiliate is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from affiliates.models import Affiliate, Cover


@dataclass(frozen=True)
class Care:
    """`person` is who looks after them now, None: the support team. `sentence` says it."""

    person: User | None
    sentence: str


def care_of(affiliate: Affiliate, at: datetime | None = None) -> Care:
    """A personal manager, whoever covers for them, or the support team with the same times."""
    cover = (
        Cover.objects.current(at or timezone.now()).filter(affiliate=affiliate).select_related("to_person", "from_person").first()
    )
    if cover is not None:
        told = {"person": cover.to_person.get_full_name(), "absent": cover.from_person.get_full_name()}
        return Care(cover.to_person, _("%(person)s looks after you while %(absent)s is away.") % told)
    if affiliate.manager is not None:
        return Care(affiliate.manager, _("%(person)s looks after you.") % {"person": affiliate.manager.get_full_name()})
    return Care(
        None,
        _("You have no personal manager: the support team looks after you, and answers as soon as a personal manager would."),
    )
