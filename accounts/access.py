"""The access vocabulary under its familiar name: it lives in `core.access`, as programs, a floor below, ask it too."""

from core.access import (
    AccessError,
    Can,
    Rights,
    check,
    is_admin,
    is_team,
    manager_required,
    person_required,
    programs_of,
    public_page,
    rights_of,
)

__all__ = [
    "AccessError",
    "Can",
    "Rights",
    "check",
    "is_admin",
    "is_team",
    "manager_required",
    "person_required",
    "programs_of",
    "public_page",
    "rights_of",
]
