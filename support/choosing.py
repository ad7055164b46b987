"""Who gets a ticket, of those who are there: pure, without a database.

Simple questions go to whoever has support duty, the rest to the affiliate's personal manager. Where that one is off shift, away or
full, and where there is none, it goes to who covers: whoever has room, the fitting duty, the language, knows the program, and has
the least open work for what they can carry.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from core.languages import language_name
from support.models import Level, Ticket, TicketType
from team.models import Duty

SIMPLE = (TicketType.QUESTION, TicketType.OTHER)
# Whose duty comes first; engineers and traffic experts answer what is not theirs only where nobody else is there.
FOR_SUPPORT = (Duty.SUPPORT, Duty.MANAGER)
FOR_MANAGERS = (Duty.MANAGER, Duty.SUPPORT)


@dataclass(frozen=True)
class Candidate:
    """Somebody who is there now and may answer in the ticket's program."""

    person: int
    name: str
    duties: Collection[str]
    languages: Collection[str]
    knows: bool  # the program
    open: int  # tickets in which it is their turn
    limit: int

    @property
    def full(self) -> bool:
        return self.open >= self.limit

    def speaks(self, language: str) -> bool:
        return not language or language.partition("-")[0] in {each.partition("-")[0] for each in self.languages}


@dataclass(frozen=True)
class Case:
    simple: bool
    language: str
    manager: int | None = None  # who looks after the affiliate now: their personal manager, or whoever covers
    manager_name: str = ""
    absent: str = ""  # why that one is not there, in words


@dataclass(frozen=True)
class Choice:
    person: int
    reason: str


def is_simple(ticket: Ticket) -> bool:
    return ticket.type in SIMPLE and ticket.level == Level.SUPPORT


def choose(case: Case, there: Sequence[Candidate]) -> Choice | None:
    """None where nobody is there."""
    if not there:
        return None
    if case.simple:
        return _best(case, there, FOR_SUPPORT, _("A simple question."))
    if case.manager is None:
        return _best(case, there, FOR_SUPPORT, _("Nobody is the personal manager: it belongs to the support pool."))
    own = next((candidate for candidate in there if candidate.person == case.manager), None)
    if own is not None and (not own.full or len(there) == 1):
        return Choice(own.person, _("%(person)s looks after this affiliate.") % {"person": own.name})
    others = [candidate for candidate in there if candidate is not own]
    told = {"person": case.manager_name, "why": case.absent}
    if own is None:
        why = _("%(person)s looks after this affiliate, but %(why)s.") % told
    elif all(candidate.full or not set(candidate.duties) & set(FOR_MANAGERS) for candidate in others):
        return Choice(own.person, _("%(person)s looks after this affiliate; everybody who is there is full.") % told)
    else:
        why = _("%(person)s looks after this affiliate, but is full.") % told
    return _best(case, others, FOR_MANAGERS, why)


def _best(case: Case, there: Sequence[Candidate], duties: Sequence[str], why: str) -> Choice:
    def fitness(candidate: Candidate) -> int:
        return min((duties.index(duty) for duty in candidate.duties if duty in duties), default=len(duties))

    def rank(candidate: Candidate) -> tuple[bool, bool, int, bool, bool, float, int, int]:
        fit = fitness(candidate)
        load = candidate.open / candidate.limit if candidate.limit else float("inf")
        return (
            fit == len(duties),
            candidate.full,
            fit,
            not candidate.speaks(case.language),
            not candidate.knows,
            load,
            candidate.open,
            candidate.person,
        )

    chosen = min(there, key=rank)
    return Choice(chosen.person, f"{why} {_told(case, chosen, fitness(chosen) < len(duties))}")


def _told(case: Case, chosen: Candidate, on_that_duty: bool) -> str:
    duty = next((each for each in (*FOR_SUPPORT, *Duty.values) if each in chosen.duties), "")
    parts = [_("%(person)s is on duty (%(duty)s)") % {"person": chosen.name, "duty": Duty(duty).label if duty else "–"}]
    if case.language:
        language = language_name(case.language.partition("-")[0])
        spoken = _("speaks %(language)s") if chosen.speaks(case.language) else _("nobody who fits better speaks %(language)s")
        parts.append(spoken % {"language": language})
    if chosen.full:
        parts.append(_("everybody is full"))
    parts.append(_("has %(open)s of %(limit)s open tickets") % {"open": chosen.open, "limit": chosen.limit})
    return ", ".join(parts) + "."
