"""Stating when a message begins a request of its own."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from core.access import AccessError, Can, programs_of
from core.events import record
from core.models import Event
from support import events
from support.errors import NotNow, TicketError
from support.models import StartRule

FIELDS = ("kind", "hours", "words", "program", "channel", "is_active")


@transaction.atomic
def save_start_rule(rule: StartRule, *, by: Any, **fields: Any) -> StartRule:
    """Make a rule, or change one. What comes in from now on falls under it; what has begun stays as it is."""
    is_new = rule.pk is None
    if not is_new:
        rule = StartRule.objects.select_for_update(of=("self",)).get(pk=rule.pk)
        _check_may_set(rule, by)
    for name in FIELDS:
        setattr(rule, name, fields.get(name, getattr(rule, name)))
    if rule.channel is not None and rule.program_id is None:
        rule.program = rule.channel.program
    _check_whole(rule)
    _check_may_set(rule, by)
    rule.save()
    name = events.START_RULE_MADE if is_new else events.START_RULE_CHANGED
    record(name, rule, by=by, data={"rule": rule.sentence, "active": rule.is_active})
    return rule


@transaction.atomic
def delete_start_rule(rule: StartRule, *, by: Any) -> None:
    """It is gone, and its history tells what it was; requests that it has started keep saying so."""
    found = StartRule.objects.select_for_update(of=("self",)).filter(pk=rule.pk).first()
    if found is None:
        raise NotNow(_("This rule is gone already."), code="gone")
    _check_may_set(found, by)
    record(events.START_RULE_DELETED, found, by=by, data={"rule": found.sentence, "program": found.program_id})
    found.delete()


def deleted_start_rules(user: Any) -> QuerySet[Event]:
    """Those that were deleted, of what `visible_start_rules` would have shown; the newest first."""
    held = programs_of(user, Can.SEE_TICKETS)
    gone = Event.objects.filter(name=events.START_RULE_DELETED).select_related("by")
    if held is not None:
        gone = gone.filter(Q(data__program=None) | Q(data__program__in=list(held)))
    return gone.order_by("-at", "-pk")


def _check_whole(rule: StartRule) -> None:
    if rule.kind not in StartRule.Kind.values:
        raise TicketError(_("There is no such choice."), code="choice", field="kind")
    if rule.channel is not None and rule.channel.program_id != rule.program_id:
        raise TicketError(_("This channel is of another program."), code="other_program", field="channel")
    if rule.kind in (StartRule.Kind.QUIET, StartRule.Kind.RESOLVED):
        rule.words = ""
        if not rule.hours:
            raise TicketError(_("Say after how many hours."), code="required", field="hours")
    elif rule.kind in (StartRule.Kind.BEGINS, StartRule.Kind.CONTAINS):
        rule.hours = None
        if not rule.word_list():
            raise TicketError(_("Say which words."), code="required", field="words")
    else:
        rule.hours, rule.words = None, ""


def _check_may_set(rule: StartRule, by: Any) -> None:
    held = programs_of(by, Can.SET_INBOX)
    if held is not None and rule.program_id not in held:
        raise AccessError(_("This rule reaches into programs that are not yours to set up."), code="forbidden")


def visible_start_rules(user: Any, can: Can = Can.SEE_TICKETS) -> QuerySet[StartRule]:
    """Those for every program, and those of the programs that the user sees."""
    held = programs_of(user, can)
    rules = StartRule.objects.select_related("program", "channel")
    return rules if held is None else rules.filter(Q(program=None) | Q(program__in=held))
