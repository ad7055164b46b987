from __future__ import annotations

import pytest

from accounts.models import ApiKey, User
from accounts.services import create_key
from tests.api.client import Api


def key_of(user: User, role: str = "", program=None) -> tuple[ApiKey, str]:
    """A key of this person for their own (first) role and program."""
    held = user.assignments.first()
    user.__dict__.pop("_rights", None)
    return create_key(user, name="Test", role=role or held.role, program=program or held.program, by=None)


@pytest.fixture
def as_caller():
    """as_caller(mara).get("programs"): a key that holds what she holds."""

    def call(user: User, **limits) -> Api:
        return Api(key_of(user, **limits)[1])

    return call


@pytest.fixture
def mara_api(mara, as_caller) -> Api:
    return as_caller(mara)


@pytest.fixture
def ada_api(ada, as_caller) -> Api:
    return as_caller(ada)


@pytest.fixture
def jun_api(jun, as_caller) -> Api:
    return as_caller(jun)


@pytest.fixture
def felix_api(felix, as_caller) -> Api:
    return as_caller(felix)
