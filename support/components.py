"""The inbox's small pieces, as functions that return HTML (core.components holds those of every page). A queue shows many rows and
is asked for again whenever something has changed: as a template each row cost ten times as much. Labels come from the choices
themselves: a field's display compares all its translated labels."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from channels.models import Channel
from core.components import chip, icon, when
from support.models import Level, Priority, TicketStatus
from support.models.tickets import shown_state
from support.queries.queue import QueueRow

CHANNEL_ICONS = {"telegram": "brand-telegram", "email": "mail", "phone": "phone"}
PRIORITY_TONES = {Priority.URGENT.value: "stopped", Priority.HIGH.value: "waiting"}
MOST_TAGS = 3


def channel_mark(channel: Any, size: int = 14) -> SafeString:
    """Through which door: a channel with its name, or the kind that an address is of."""
    kind = type(channel).Kind(channel.kind)
    return _door(kind.value, str(kind.label), str(getattr(channel, "name", kind.label)), size)


@lru_cache(maxsize=1024)  # a queue shows few doors and owners, each in many rows
def _door(kind: str, label: str, name: str, size: int) -> SafeString:
    return format_html(
        '<span class="channel" title="{}">{}<span class="visually-hidden">{}</span></span>',
        name,
        icon(CHANNEL_ICONS.get(kind, "world"), size),
        label,
    )


def queue_row(row: QueueRow, *, now: datetime, picks: bool = False, states: bool = False) -> SafeString:
    """`picks`: it can be selected; `states`: its state is told even where it is not new. Which one is open, the page's script
    tells."""
    asleep = row.snoozed_until is not None and row.snoozed_until > now
    return format_html(
        '<li class="queue-row{late}" data-id="{id}" data-last="{last}" data-who="{who}" data-subject="{subject}">{pick}'
        '<a class="queue-link" href="{url}">'
        '<span class="queue-line"><strong class="queue-who">{who}</strong> <span class="queue-due">{due}</span></span>'
        '<span class="queue-subject">{subject}</span>{reason}'
        '<span class="queue-last">{said}</span><span class="queue-marks">{marks}</span></a></li>',
        late=f" is-{row.late}" if row.late else "",
        id=row.public_id,
        last=int(row.last_in_at.timestamp()) if row.last_in_at else "",
        who=row.party,
        subject=row.subject,
        pick=_pick(row) if picks else "",
        url=row.url,
        due=_due(row, asleep),
        reason=_reason(row) if asleep and row.snoozed_reason else "",
        said=_said(row),
        marks=_marks(row, states),
    )


def _pick(row: QueueRow) -> SafeString:
    return format_html(
        '<label class="queue-pick"><input class="form-check-input" type="checkbox" name="selected" value="{}" form="bulk">'
        '<span class="visually-hidden">{}</span></label>',
        row.pk,
        _("Select %(subject)s") % {"subject": row.subject},
    )


def _due(row: QueueRow, asleep: bool) -> SafeString:
    if asleep:
        return format_html("{}{} {}", icon("alarm-snooze", 14), _("until"), when(row.snoozed_until))
    if row.next_due and row.status != TicketStatus.RESOLVED:
        return icon("clock-exclamation" if row.late == "late" else "clock", 14) + when(row.next_due)
    return when(row.last_at)


def _reason(row: QueueRow) -> SafeString:
    return format_html('<span class="queue-last">{}{}</span>', icon("alarm-snooze", 12), row.snoozed_reason)


def _said(row: QueueRow) -> SafeString:
    """The last words, or those around what was searched for."""
    if row.excerpt:
        return row.excerpt
    mark = {"out": "corner-up-left", "note": "lock"}.get(row.direction or "")
    return format_html("{}{}", icon(mark, 12) if mark else "", row.said or "")


def _marks(row: QueueRow, states: bool) -> SafeString:
    marks = [_door(row.channel_kind, str(Channel.Kind(row.channel_kind).label), row.channel, 14)]
    if states or row.status == TicketStatus.NEW:
        marks.append(chip(shown_state(row.status), TicketStatus(row.status).label))
    if row.priority in PRIORITY_TONES:
        tone = PRIORITY_TONES[row.priority]
        marks.append(format_html('<span class="chip chip-{}">{}</span>', tone, Priority(row.priority).label))
    if row.level != Level.SUPPORT:
        marks.append(format_html('<span class="chip">{}</span>', Level(row.level).label))
    if row.drafted:
        marks.append(format_html('<span class="quiet">{}{}</span>', icon("pencil", 12), _("Draft")))
    marks += [format_html('<span class="tag">{}</span>', tag) for tag in row.tags[:MOST_TAGS]]
    marks.append(_owner(row.owner))
    return mark_safe(" ".join(marks))


@lru_cache(maxsize=1024)
def _owner(name: str | None) -> SafeString:
    if name is None:
        return mark_safe('<span class="queue-owner"></span>')
    return format_html(
        '<span class="queue-owner"><span class="initials" title="{name}">{initial}</span>'
        '<span class="visually-hidden">{name}</span></span>',
        name=name,
        initial=name[:1].upper(),
    )


def ticket_state(ticket: Any) -> SafeString:
    return chip(shown_state(ticket.status), TicketStatus(ticket.status).label)
