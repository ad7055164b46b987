"""Service levels: making, changing and ordering them. What is open is computed anew afterwards."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.access import AccessError, Can, programs_of, rights_of
from core.errors import Conflict
from core.events import record
from core.tasks import send_soon
from support import events
from support.models import SlaPolicy

FIELDS = (
    "name", "is_active", "program", "segment", "channel_kind", "priority", "calendar", "first_reply_minutes", "answer_minutes",
    "next_reply_minutes", "resolution_minutes", "warn_percent",
)  # fmt: skip


@transaction.atomic
def save_policy(policy: SlaPolicy, *, by: Any, **fields: Any) -> SlaPolicy:
    """Make a service level, or change one. One for every program is for those who set the inbox up everywhere; a new one is
    asked first of all, as its conditions are meant to be an exception."""
    is_new = policy.pk is None
    if not is_new:
        policy = SlaPolicy.objects.select_for_update().get(pk=policy.pk)
        check_may_set(policy, by)
    if SlaPolicy.objects.filter(name=fields.get("name", policy.name)).exclude(pk=policy.pk).exists():
        raise Conflict(_("There is a service level of this name already."), code="taken", field="name")
    changed = [name for name in FIELDS if name in fields and getattr(policy, name) != fields[name]]
    for name in changed:
        setattr(policy, name, fields[name])
    check_may_set(policy, by)
    if is_new or changed:
        if is_new:
            policy.position = _places([policy])
        policy.save()
        labels = [str(SlaPolicy._meta.get_field(name).verbose_name) for name in changed]  # type: ignore[union-attr]
        record(events.POLICY_MADE if is_new else events.POLICY_CHANGED, policy, by=by, data={"fields": ", ".join(labels)})
        _refresh_after_commit()
    return policy


def _places(first: list[SlaPolicy]) -> int:
    """The place before all others, which move down by one."""
    for place, other in enumerate(SlaPolicy.objects.select_for_update().order_by("position", "pk"), len(first) + 1):
        if other.position != place:
            SlaPolicy.objects.filter(pk=other.pk).update(position=place)
    return 1


@transaction.atomic
def move_policy(policy: SlaPolicy, *, by: Any, up: bool) -> None:
    """Ask this one before (or after) its neighbour."""
    check_may_set(policy, by)
    order = list(SlaPolicy.objects.select_for_update().order_by("position", "pk"))
    at = next(place for place, each in enumerate(order) if each.pk == policy.pk)
    to = at - 1 if up else at + 1
    if not 0 <= to < len(order):
        return
    check_may_set(order[to], by)
    order[at], order[to] = order[to], order[at]
    for place, each in enumerate(order, 1):
        if each.position != place:
            SlaPolicy.objects.filter(pk=each.pk).update(position=place)
    record(events.POLICY_MOVED, policy, by=by, data={"other": order[at].name, "up": up})
    _refresh_after_commit()


def check_may_set(policy: SlaPolicy, by: Any) -> None:
    held = programs_of(by, Can.SET_INBOX)
    if held is not None and policy.program_id not in held:
        raise AccessError(_("This service level reaches into programs that are not yours to set up."), code="forbidden")


def visible_policies(user: Any) -> Any:
    """Those for every program, and those of the programs whose inbox the user sets up."""
    held = programs_of(user, Can.SET_INBOX)
    found = SlaPolicy.objects.select_related("program", "calendar")
    if held is None:
        return found
    return found.filter(program__in=held) | found.filter(program__isnull=True)


def sets_everywhere(user: Any) -> bool:
    return rights_of(user).everywhere(Can.SET_INBOX)


def _refresh_after_commit() -> None:
    from support.tasks import refresh_open_tickets

    transaction.on_commit(lambda: send_soon(refresh_open_tickets), robust=True)
