"""Who may do what, where: roles give capabilities, in given programs or in all. One guard per audience stands at the edge.

Everything asks here: views by the guards, the API by its keys, querysets by `programs_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from core.errors import Refusal


class AccessError(Refusal):
    """Not allowed to the one who asked."""


class Can(StrEnum):
    SEE = "see"  # programs, offers, affiliates, enrollments
    MANAGE_PROGRAMS = "manage_programs"  # programs, offers, terms
    MANAGE_AFFILIATES = "manage_affiliates"  # affiliates, enrollments, their people
    SEE_TRACKING = "see_tracking"  # links, coupons, clicks, conversions
    MANAGE_TRACKING = "manage_tracking"  # links, coupons
    RECORD_CONVERSIONS = "record_conversions"  # conversions and refunds come in
    SEE_MONEY = "see_money"  # rules, commissions, payouts, balances
    SET_RULES = "set_rules"
    EXCEED_TERMS_LIMIT = "exceed_terms_limit"  # better terms for an affiliate beyond the managers' limit, and that limit
    DECIDE_COMMISSIONS = "decide_commissions"
    PREPARE_PAYOUTS = "prepare_payouts"
    APPROVE_PAYOUTS = "approve_payouts"  # approve, cancel, mark as paid, payment files
    MANAGE_PAYOUT_METHODS = "manage_payout_methods"
    SEE_TICKETS = "see_tickets"  # the inbox: tickets, contacts, what came in
    ANSWER_TICKETS = "answer_tickets"  # replies, notes, assignment, escalation, macros
    SET_INBOX = "set_inbox"  # service levels, tags, rules of the inbox
    MANAGE_CHANNELS = "manage_channels"  # mail, Telegram and phone accounts
    WRITE_ARTICLES = "write_articles"  # knowledge base
    SEE_TEAM = "see_team"
    PLAN_TEAM = "plan_team"  # shifts, absences, capacity of others
    MANAGE_PEOPLE = "manage_people"  # appoint and remove members of the team
    ADMINISTER = "administer"  # keys, mails, settings, style page, Django admin


_CAN: dict[str, frozenset[Can]] = {
    "admin": frozenset(Can),
    "head": frozenset(Can) - {Can.ADMINISTER},
    "manager": frozenset(
        {
            Can.SEE, Can.MANAGE_PROGRAMS, Can.MANAGE_AFFILIATES, Can.SEE_TRACKING, Can.MANAGE_TRACKING, Can.RECORD_CONVERSIONS, Can.SEE_MONEY,
            Can.SET_RULES, Can.DECIDE_COMMISSIONS, Can.PREPARE_PAYOUTS, Can.MANAGE_PAYOUT_METHODS, Can.SEE_TEAM,
            Can.SEE_TICKETS, Can.ANSWER_TICKETS, Can.WRITE_ARTICLES,
        }
    ),
    "finance": frozenset(
        {
            Can.SEE, Can.SEE_TRACKING, Can.SEE_MONEY, Can.PREPARE_PAYOUTS, Can.APPROVE_PAYOUTS, Can.MANAGE_PAYOUT_METHODS, Can.SEE_TEAM,
            Can.SEE_TICKETS, Can.ANSWER_TICKETS,
        }
    ),
    "support": frozenset(
        {Can.SEE, Can.SEE_TRACKING, Can.SEE_MONEY, Can.SEE_TEAM, Can.SEE_TICKETS, Can.ANSWER_TICKETS, Can.WRITE_ARTICLES}
    ),
    "engineer": frozenset(
        {
            Can.SEE, Can.SEE_TRACKING, Can.MANAGE_TRACKING, Can.RECORD_CONVERSIONS,
            Can.SEE_TICKETS, Can.ANSWER_TICKETS, Can.WRITE_ARTICLES,
        }
    ),
    "buyer": frozenset({Can.SEE, Can.SEE_TRACKING}),  # buys traffic in-house; tickets and money are not theirs
    "quality": frozenset({Can.SEE, Can.SEE_TEAM, Can.SEE_TICKETS}),
}  # fmt: skip


@dataclass
class Rights:
    """For each capability the programs (their row numbers) it holds in; None stands for every program, present and future."""

    programs: dict[Can, frozenset[int] | None] = field(default_factory=dict)
    roles: frozenset[str] = frozenset()

    @classmethod
    def of(cls, roles: Iterable[tuple[str, int | None]]) -> Rights:
        """What these roles give together, each in its program (None: in every one)."""
        rights = cls()
        for role, program in roles:
            rights.grant(role, program)
        return rights

    @property
    def holds_anything(self) -> bool:
        """Whether anything is held anywhere."""
        return any(held is None or held for held in self.programs.values())

    def grant(self, role: str, program: int | None) -> None:
        self.roles |= {role}
        for can in _CAN[role]:
            held = self.programs.get(can, frozenset())
            self.programs[can] = None if program is None or held is None else held | {program}

    def has(self, can: Can, program: int | None = None) -> bool:
        """With a program: in that one. Without: anywhere."""
        held = self.programs.get(can, frozenset())
        return held is None or (bool(held) if program is None else program in held)

    def everywhere(self, can: Can) -> bool:
        """In every program, those yet to be made included."""
        return self.programs.get(can, frozenset()) is None

    def covers(self, role: str, program: int | None) -> bool:
        """Whether these rights hold all that the role gives in the program (None: in every program)."""
        return all(self.everywhere(can) if program is None else self.has(can, program) for can in _CAN[role])

    def limited_to(self, role: str, program: int | None) -> Rights:
        """What is left of these rights under a key of this role and program."""
        limited = Rights(roles=frozenset({role}))
        for can in _CAN[role]:
            held = self.programs.get(can, frozenset())
            if program is not None:
                held = frozenset({program}) if held is None or program in held else frozenset()
            limited.programs[can] = held
        return limited


def rights_of(user: Any) -> Rights:
    """The rights of a user, read once per user object. A key's user carries the rights that its key leaves."""
    if user is None or not user.is_authenticated or not user.is_active:
        return Rights()
    if getattr(user, "_rights", None) is None:
        user._rights = Rights.of(user.assignments.current().values_list("role", "program_id"))
    rights: Rights = user._rights
    return rights


def programs_of(user: Any, can: Can = Can.SEE) -> frozenset[int] | None:
    """The programs in which the user can; None for all of them. The start of every manager query."""
    return rights_of(user).programs.get(can, frozenset())


def roles_with(can: Can) -> list[str]:
    """The roles that give this capability."""
    return [role for role, gives in _CAN.items() if can in gives]


def is_admin(user: Any) -> bool:
    return rights_of(user).everywhere(Can.ADMINISTER)


def is_team(user: Any) -> bool:
    return bool(rights_of(user).roles)


def check(user: Any, can: Can, program: int | None = None) -> None:
    """AccessError unless the user can (in that program): what services that take an actor begin with."""
    if not rights_of(user).has(can, program):
        raise AccessError(_("Your role does not allow this here. Ask an admin or the head of affiliates."), code="forbidden")


View = Callable[..., HttpResponseBase]


def manager_required(can: Can = Can.SEE) -> Callable[[View], View]:
    """The managers' guard: members of the team who have the capability in at least one program."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not rights_of(request.user).has(can):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        guarded.guard = ("manager", can)  # type: ignore[attr-defined]
        return guarded

    return guard


def person_required(view: View) -> View:
    """The guard of pages about oneself: whoever is signed in."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return view(request, *args, **kwargs)

    guarded.guard = ("person", None)  # type: ignore[attr-defined]
    return guarded


def public_page(view: View) -> View:
    """Says on purpose: whoever comes may see this."""
    view.guard = ("public", None)  # type: ignore[attr-defined]
    return view
