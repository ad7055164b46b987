"""The team and the sign-ins of the demo."""

from __future__ import annotations

import re
from functools import cache

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import make_password

from accounts.models import Role, RoleAssignment, User
from programs.models import Program

TEAM = [
    ("ada@tributary.example", "Ada", Role.ADMIN, False),
    ("hana@tributary.example", "Hana", Role.HEAD, False),
    ("mara@tributary.example", "Mara", Role.MANAGER, False),
    ("felix@tributary.example", "Felix", Role.FINANCE, False),
    ("sofia@tributary.example", "Sofia", Role.SUPPORT, True),
    ("jun@tributary.example", "Jun", Role.ENGINEER, True),
    ("vera@tributary.example", "Vera", Role.QUALITY, True),
]
SIGN_INS = [
    ("affiliate manager", "mara@tributary.example"),
    ("finance (approves payouts)", "felix@tributary.example"),
    ("admin", "ada@tributary.example"),
    ("affiliate", "ana@tributary.example"),
]


def demo_password() -> str:
    """One password for all demo people, made for this installation: a known one would open every forgotten demo to anybody."""
    letters = re.sub(r"[^a-z0-9]", "", settings.DEMO_SEED.lower())
    return f"{letters[:4]}-{letters[4:8]}-{letters[8:12]}"


@cache
def _hashed_password() -> str:
    """Hashed once: forty slow hashes of the same word would only delay the first start."""
    return make_password(demo_password())


def make_person(email: str, name: str) -> User:
    user = User.objects.filter(email=email).first()
    if user is None:
        user = User.objects.create(email=email, name=name, password=_hashed_password())
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def make_team(program: Program) -> None:
    for email, name, role, here_alone in TEAM:
        user = make_person(email, name)
        RoleAssignment.objects.get_or_create(user=user, role=role, program=program if here_alone else None, revoked_at=None)
    make_person("otto@tributary.example", "Otto")
