"""Affiliates, their enrollments and their people: one door to what can be done."""

from affiliates.errors import AffiliateError
from affiliates.services.cover import (
    end_covers,
    give_back,
    propose_cover,
    spread_accounts,
    start_covers,
    suggest_managers,
    uncovered_accounts,
)
from affiliates.services.enrollments import MOVES, apply_to_program, change_enrollments, enroll_affiliate
from affiliates.services.people import (
    accept_invitation,
    find_invitation,
    invite_member,
    remove_member,
    revoke_invitation,
    set_member_functions,
)
from affiliates.services.records import create_affiliate, update_affiliate

__all__ = [
    "MOVES",
    "AffiliateError",
    "accept_invitation",
    "apply_to_program",
    "change_enrollments",
    "create_affiliate",
    "end_covers",
    "enroll_affiliate",
    "find_invitation",
    "give_back",
    "invite_member",
    "propose_cover",
    "remove_member",
    "revoke_invitation",
    "set_member_functions",
    "spread_accounts",
    "start_covers",
    "suggest_managers",
    "uncovered_accounts",
    "update_affiliate",
]
