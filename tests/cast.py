"""The cast, as fixtures. The team works in the program `music`; `books` is another one, with its own manager, Nils.

Users come with `_rights` unread. Affiliates are the affiliates themselves; `owner_of(ana)` is the person who signs in.
"""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Role, User
from affiliates.models import Affiliate
from programs.models import Offer, Program
from tests.factories import assign, make_affiliate, make_enrollment, make_offer, make_program, make_user, owner_of


@pytest.fixture
def music(db) -> Program:
    return make_program("music", name="Music", currency="USD", hold_days=30, minimum_payout="20.00")


@pytest.fixture
def books(db) -> Program:
    return make_program("books", name="Books", currency="EUR", hold_days=14, minimum_payout="50.00")


@pytest.fixture
def music_offer(music: Program) -> Offer:
    return make_offer(music, "music-shop", name="Music shop", landing_url="https://music.example/shop")


@pytest.fixture
def books_offer(books: Program) -> Offer:
    return make_offer(books, "book-shop", name="Book shop", landing_url="https://books.example/shop")


@pytest.fixture
def mara(music: Program) -> User:
    """Affiliate manager of music."""
    return assign(make_user("mara@tributary.example", "Mara"), Role.MANAGER, music)


@pytest.fixture
def felix(music: Program) -> User:
    """Finance, of music."""
    return assign(make_user("felix@tributary.example", "Felix"), Role.FINANCE, music)


@pytest.fixture
def sofia(music: Program) -> User:
    """Support, of music."""
    return assign(make_user("sofia@tributary.example", "Sofia"), Role.SUPPORT, music)


@pytest.fixture
def jun(music: Program) -> User:
    """Engineer, of music; from an outside firm in the stories."""
    return assign(make_user("jun@tributary.example", "Jun"), Role.ENGINEER, music)


@pytest.fixture
def vera(music: Program) -> User:
    """Quality, of music."""
    return assign(make_user("vera@tributary.example", "Vera"), Role.QUALITY, music)


@pytest.fixture
def ada(db) -> User:
    """Admin."""
    return assign(make_user("ada@tributary.example", "Ada"), Role.ADMIN)


@pytest.fixture
def hana(db) -> User:
    """Head of affiliates."""
    return assign(make_user("hana@tributary.example", "Hana"), Role.HEAD)


@pytest.fixture
def nils(books: Program) -> User:
    """Affiliate manager of books: music is none of his business."""
    return assign(make_user("nils@tributary.example", "Nils"), Role.MANAGER, books)


@pytest.fixture
def otto(db) -> User:
    """Belongs nowhere and is refused everywhere."""
    return make_user("otto@tributary.example", "Otto")


@pytest.fixture
def ana(music: Program) -> Affiliate:
    return _enrolled(music, "ana@tributary.example", "Ana", country="DE", currency="EUR", kind="blog")


@pytest.fixture
def bao(music: Program) -> Affiliate:
    return _enrolled(music, "bao@tributary.example", "Bao", country="VN", currency="USD", kind="video")


@pytest.fixture
def citra(music: Program) -> Affiliate:
    return _enrolled(music, "citra@tributary.example", "Citra", country="ID", currency="USD", kind="coupon")


@pytest.fixture
def dmitri(music: Program) -> Affiliate:
    return _enrolled(music, "dmitri@tributary.example", "Dmitri", country="KZ", currency="USD", kind="paid")


@pytest.fixture
def ella(music: Program) -> Affiliate:
    """A beginner: her application to music is pending."""
    affiliate = make_affiliate("ella@tributary.example", "Ella", owner=True, country="PH", currency="USD", kind="other")
    make_enrollment(affiliate, music, "pending")
    return affiliate


@pytest.fixture
def as_person():
    """A browser in which this person is signed in: as_person(mara).get("/manage/"); an affiliate's owner for an affiliate."""

    def sign_in(person: User | Affiliate) -> Client:
        client = Client()
        client.force_login(owner_of(person) if isinstance(person, Affiliate) else person)
        return client

    return sign_in


def _enrolled(program: Program, email: str, name: str, **fields: str) -> Affiliate:
    affiliate = make_affiliate(email, name, owner=True, **fields)
    make_enrollment(affiliate, program)
    return affiliate
