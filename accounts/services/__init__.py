"""The team, its roles and its API keys: one door to what can be done."""

from accounts.errors import PeopleError
from accounts.services.keys import create_key, create_service, find_key, opens_anything, revoke_key
from accounts.services.operator import operator
from accounts.services.team import appoint_person, deactivate_person, reactivate_person, return_role, revoke_role

__all__ = [
    "PeopleError",
    "appoint_person",
    "create_key",
    "create_service",
    "deactivate_person",
    "find_key",
    "opens_anything",
    "operator",
    "reactivate_person",
    "return_role",
    "revoke_key",
    "revoke_role",
]
