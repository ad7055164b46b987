"""What support puts on pages of its own tickets and of lower apps: clocks, promises, measured figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.queries import programs_by_person
from affiliates.models import Affiliate
from core.access import Can, programs_of, rights_of
from core.components import duration_text, exact
from programs.models import Program
from support.clocks import Clock, State
from support.models import ClockName, Commitment, SlaPolicy, StatusChange, Ticket
from support.queries.numbers import PUBLIC_DAYS, shown_figures
from support.queries.promises import state_label, state_of
from support.services.clocks import Reading, active_policies, read_ticket

PROMISES = 8


@dataclass(frozen=True)
class ClockLine:
    label: str
    state: str
    state_label: str
    due: datetime | None
    why: list[str]


def clocks_card(request: HttpRequest, ticket: Ticket) -> dict[str, Any] | None:
    """Each clock as it stands, with what was counted and what paused it; and which service level set it, and why that one."""
    if ticket.merged_into_id is not None:
        return None
    policies = active_policies()
    reading = read_ticket(ticket, policies=policies)
    lines = [_line(name, clock, reading) for name, clock in reading.current().items() if clock.started_at is not None]
    return {"lines": lines, "policy_why": _policy_why(ticket, reading.policy, policies)} if lines else None


_STATES = {
    State.NONE: ("none", lambda: _("Not asked for")),
    State.RUNNING: ("clock_running", lambda: _("Running")),
    State.PAUSED: ("paused", lambda: _("Paused")),
    State.MET: ("clock_met", lambda: _("Met")),
    State.MISSED: ("clock_missed", lambda: _("Missed")),
}


def _line(name: ClockName, clock: Clock, reading: Reading) -> ClockLine:
    state, label = _STATES[clock.state]
    return ClockLine(
        str(name.label), state, label(), clock.due_at if clock.is_running else clock.done_at, _clock_why(clock, reading)
    )


def _clock_why(clock: Clock, reading: Reading) -> list[str]:
    told = {
        "start": exact(clock.started_at) if clock.started_at else "",
        "used": duration_text(clock.used),
        "target": duration_text(clock.target),
        "hours": reading.policy.calendar if reading.policy and reading.policy.calendar else _("around the clock"),
    }
    why = [_("It began at %(start)s, with what the affiliate wrote.") % told]
    if clock.target is None:
        why.append(_("%(used)s were counted; no target is set.") % told)
    else:
        why.append(_("%(used)s of %(target)s were counted, by these hours: %(hours)s.") % told)
    if clock.done_at is not None:
        why.append(_("What it asks for came at %(at)s.") % {"at": exact(clock.done_at)})
    end = clock.done_at or reading.at
    pauses = _pauses(reading, clock.started_at or end, end)
    why += [_("Not counted: %(status)s, from %(since)s to %(until)s.") % pause for pause in pauses]
    if not pauses:
        why.append(_("Nothing paused it."))
    return why


def _pauses(reading: Reading, start: datetime, end: datetime) -> list[dict[str, str]]:
    """When it waited for the affiliate, was on hold or resolved, within the clock's time: of the ticket's own states."""
    track = reading.history.tracks[0] if reading.history.tracks else []
    found = []
    for change, after in zip(track, [*track[1:], None], strict=True):
        since, until = max(change.at, start), min(after.at if after else end, end)
        if change.status not in ("new", "open") and since < until:
            label = StatusChange(status=change.status).get_status_display()
            found.append({"status": label, "since": exact(since), "until": exact(until)})
    return found


def _policy_why(ticket: Ticket, policy: SlaPolicy | None, policies: list[SlaPolicy]) -> list[str]:
    if policy is None:
        return [_("No active service level fits this ticket: times are measured, and nothing is due.")]
    why = [_("The service level “%(name)s” is the first one that fits.") % {"name": policy}]
    given = [
        _("program: %(value)s") % {"value": policy.program} if policy.program_id else "",
        _("segment: %(value)s") % {"value": policy.segment} if policy.segment else "",
        _("channel: %(value)s") % {"value": policy.get_channel_kind_display()} if policy.channel_kind else "",
        _("priority: %(value)s") % {"value": policy.get_priority_display()} if policy.priority else "",
    ]
    conditions = ", ".join(filter(None, given))
    why.append(_("It is for %(conditions)s.") % {"conditions": conditions} if conditions else _("It is for every ticket."))
    before = policies[: policies.index(policy)] if policy in policies else []
    passed = [str(each) for each in before if each.program_id in (None, ticket.program_id)]  # another program's is its own affair
    if passed:
        why.append(_("Asked before it, and not fitting: %(names)s.") % {"names": ", ".join(passed)})
    return why


def ticket_promises_card(request: HttpRequest, ticket: Ticket) -> dict[str, Any] | None:
    if not ticket.around.promised:  # type: ignore[attr-defined]
        return None
    return _promises(request, Commitment.objects.filter(ticket=ticket), ticket.program_id, "")


def affiliate_promises_card(request: HttpRequest, affiliate: Affiliate) -> dict[str, Any] | None:
    """The open ones and the last that were settled, in the programs whose inbox the reader sees."""
    rows = Commitment.objects.visible_to(request.user).filter(ticket__affiliate=affiliate)
    return _promises(request, rows, None, "card") if programs_of(request.user, Can.SEE_TICKETS) != frozenset() else None


def _promises(request: HttpRequest, rows: Any, program: int | None, css: str) -> dict[str, Any] | None:
    found = rows.select_related("owner", "ticket").order_by("settled_at", "due_at")
    open_first = sorted(found[:50], key=lambda each: (each.settled_at is not None, each.due_at))[:PROMISES]
    if not open_first:
        return None
    settles = rights_of(request.user).has(Can.ANSWER_TICKETS, program)
    takers = _takers(open_first) if settles else {}
    promises = [(each, state_of(each), state_label(each), takers.get(each.pk, [])) for each in open_first]
    return {"promises": promises, "settles": settles, "class": css}


def _takers(promises: list[Commitment]) -> dict[int, list[User]]:
    """To whom each open promise can be given: those who answer in its program, but for its owner."""
    if not any(each.settled_at is None for each in promises):
        return {}
    answering = programs_by_person(Can.ANSWER_TICKETS)
    people = list(User.objects.filter(pk__in=answering).order_by("name", "email"))
    found: dict[int, list[User]] = {}
    for each in promises:
        program = each.ticket.program_id
        found[each.pk] = [
            person
            for person in people
            if person.pk != each.owner_id and ((may := answering[person.pk]) is None or program in may)
        ]
    return found


def composer_promises(request: HttpRequest, ticket: Ticket) -> dict[str, Any]:
    return {"open": list(ticket.commitments.open()[:5]) if ticket.around.promises else []}  # type: ignore[attr-defined]


def shown_figures_card(request: HttpRequest, program: Program) -> dict[str, Any] | None:
    """On the program's public page, and under the chat in the portal."""
    shown = shown_figures(program)
    return {"shown": shown, "days": PUBLIC_DAYS} if shown else None


def improvement_card(request: HttpRequest, ticket: Ticket) -> dict[str, Any] | None:
    """Which improvements the ticket raises, and filing it as one."""
    voices = list(ticket.voices.select_related("improvement")) if ticket.around.voices else []  # type: ignore[attr-defined]
    files = rights_of(request.user).has(Can.ANSWER_TICKETS, ticket.program_id) and ticket.merged_into_id is None
    return {"voices": voices, "files": files, "ticket": ticket} if voices or files else None
