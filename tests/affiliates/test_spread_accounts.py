"""Accounts of somebody who is away: to whom, with which rights, and back again."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from affiliates.models import Affiliate, Cover, Enrollment
from affiliates.queries import accounts_carried, manager_at
from affiliates.services import (
    AffiliateError,
    end_covers,
    give_back,
    propose_cover,
    spread_accounts,
    start_covers,
    suggest_managers,
)
from affiliates.spreading import Account, Colleague, spread
from core.access import AccessError, Can, rights_of
from core.errors import Refusal
from team.services import end_absence, set_capacity
from tests.factories import assign, event_names, make_affiliate, make_enrollment, make_user
from tests.factories_team import make_absence

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
FIRST, LAST = date(2026, 11, 25), date(2026, 12, 8)
DURING = datetime(2026, 11, 28, tzinfo=UTC)
AFTER = datetime(2026, 12, 9, 0, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def account(music, mara):
    affiliate = make_affiliate(name="Ana", manager=mara, language="de")
    make_enrollment(affiliate, music)
    return affiliate


@pytest.fixture
def colleague(music):
    return assign(make_user("lena@tributary.example", "Lena", language="de"), "manager", music)


@pytest.fixture
def vacation(mara):
    return make_absence(mara, FIRST, LAST)


def fresh(user):
    return type(user).objects.get(pk=user.pk)


def test_an_account_goes_to_who_speaks_its_language(music, account, colleague, vacation, hana):
    assign(make_user("otis@tributary.example", "Otis"), "manager", music)

    (cover,) = spread_accounts(vacation, by=hana)

    assert cover.to_person == colleague
    assert "speaks de" in cover.reason
    assert event_names(account) == ["cover.planned"]


def test_before_during_and_after_it_is_looked_after_by_the_right_one(account, colleague, vacation, mara, hana):
    spread_accounts(vacation, by=hana)

    assert [manager_at(account, at) for at in (NOW, DURING, AFTER)] == [mara, colleague, mara]
    assert accounts_carried(NOW) == {mara.pk: 1}
    assert accounts_carried(DURING) == {colleague.pk: 1}


def test_it_is_handed_over_when_the_days_begin_and_given_back_when_they_end(account, colleague, vacation, hana):
    spread_accounts(vacation, by=hana)
    assert start_covers() == 0
    with time_machine.travel(DURING, tick=False):
        assert (start_covers(), start_covers(), end_covers()) == (1, 0, 0)
    with time_machine.travel(AFTER, tick=False):
        assert (end_covers(), end_covers()) == (1, 0)

    assert event_names(account) == ["cover.planned", "cover.started", "cover.ended"]


def test_a_deputy_takes_all_with_the_rights_that_they_lack_for_that_time(books, account, vacation, hana, mara):
    deputy = assign(make_user(), "support", books)
    vacation.deputy = deputy
    vacation.save()
    program = account.enrollments.get().program.pk

    spread_accounts(vacation, by=hana)
    assert not rights_of(fresh(deputy)).has(Can.MANAGE_AFFILIATES, program)
    with time_machine.travel(DURING, tick=False):
        start_covers()
        assert rights_of(fresh(deputy)).has(Can.MANAGE_AFFILIATES, program)
    with time_machine.travel(AFTER, tick=False):
        end_covers()
        assert not rights_of(fresh(deputy)).has(Can.MANAGE_AFFILIATES, program)

    assert event_names(deputy) == ["cover.planned", "role.granted", "cover.started", "role.revoked", "cover.ended"]


def test_a_role_that_two_accounts_need_ends_with_the_last(music, books, account, mara, vacation, hana):
    other = make_affiliate(manager=mara)
    make_enrollment(other, music)
    vacation.deputy = deputy = assign(make_user(), "support", books)
    vacation.save()
    with time_machine.travel(DURING, tick=False):
        first, second = spread_accounts(vacation, by=hana)
        give_back(first, by=hana)
        assert rights_of(fresh(deputy)).has(Can.MANAGE_AFFILIATES, music.pk)
        give_back(second, by=hana)
        assert not rights_of(fresh(deputy)).has(Can.MANAGE_AFFILIATES, music.pk)


def test_back_sooner_the_account_is_given_back_sooner(account, colleague, vacation, mara, hana):
    spread_accounts(vacation, by=hana)
    with time_machine.travel(DURING, tick=False):
        start_covers()
        end_absence(vacation, date(2026, 11, 26), by=mara)
        assert end_covers() == 1
        assert manager_at(account, DURING) == mara


def test_who_is_away_in_these_days_too_takes_nothing(account, colleague, vacation, hana):
    make_absence(colleague, LAST, LAST + timedelta(days=3))

    (share,) = propose_cover(vacation)

    assert share.person == hana.pk  # no other manager is there
    with pytest.raises(AffiliateError, match="away"):
        spread_accounts(vacation, by=hana, chosen={account.pk: colleague.pk})


def test_what_a_person_chooses_comes_before_what_is_proposed(music, account, colleague, vacation, hana):
    otis = assign(make_user("otis@tributary.example", "Otis"), "manager", music)

    (cover,) = spread_accounts(vacation, by=hana, chosen={account.pk: otis.pk})

    assert (cover.to_person, cover.reason) == (otis, "Chosen by Hana.")


def test_an_account_is_spread_once(account, colleague, vacation, hana):
    assert len(spread_accounts(vacation, by=hana)) == 1
    assert spread_accounts(vacation, by=hana) == []
    assert Cover.objects.count() == 1


def test_only_who_plans_spreads_and_only_what_was_approved(account, colleague, vacation, mara, hana):
    with pytest.raises(AccessError):
        spread_accounts(vacation, by=colleague)
    vacation.state = "asked"
    vacation.save()
    with pytest.raises(AffiliateError):
        spread_accounts(vacation, by=hana)


def test_knowing_a_program_is_narrower_than_having_the_right(music, account, colleague, vacation, hana, books):
    set_capacity(colleague, by=hana, accounts=30, open_tickets=20, languages=["de"], programs=[books])

    assert propose_cover(vacation)[0].person == hana.pk


# The choice itself.

colleagues = st.lists(
    st.builds(
        Colleague,
        person=st.integers(1, 5),
        programs=st.one_of(st.none(), st.frozensets(st.integers(1, 3))),
        languages=st.frozensets(st.sampled_from(["de", "en", "vi"]), min_size=1),
        accounts=st.integers(0, 6),
        limit=st.integers(0, 6),
    ),
    unique_by=lambda colleague: colleague.person,
    max_size=5,
)
accounts = st.lists(
    st.builds(Account, st.integers(1, 30), st.sampled_from(["", "de", "vi", "id"]), st.frozensets(st.integers(1, 3))),
    unique_by=lambda account: account.affiliate,
    max_size=12,
)


@given(accounts, colleagues)
def test_every_account_finds_the_best_who_may_and_nobody_else(found, able):
    shares = spread(found, able)

    assert [share.affiliate for share in shares] == [account.affiliate for account in found]
    people = {colleague.person: colleague for colleague in able}
    for account, share in zip(found, shares, strict=True):
        fitting = [colleague for colleague in able if colleague.knows(account)]
        if share.person is None:
            assert fitting == []
            continue
        chosen = people[share.person]
        assert chosen.knows(account)
        assert chosen.speaks(account) or not any(colleague.speaks(account) for colleague in fitting)


@given(st.integers(1, 40), st.integers(1, 4))
def test_equal_colleagues_carry_equally(number, able):
    shares = spread(
        [Account(n, "", frozenset({1})) for n in range(number)], [Colleague(p, None, ["en"], 0, 10) for p in range(able)]
    )

    carried = [sum(share.person == person for share in shares) for person in range(able)]
    assert max(carried) - min(carried) <= 1


def test_accounts_go_to_nobody_who_does_not_work_here(account, colleague, vacation, hana):
    """A chosen person gets a manager's role for these days: a number of somebody else's must not do."""
    stranger = make_user("ana@blog.example")
    for number in (stranger.pk, 10**9):
        with pytest.raises(Refusal):
            spread_accounts(vacation, by=hana, chosen={account.pk: number})
    assert not Cover.objects.exists()


def test_two_thousand_accounts_are_spread_lent_and_given_back_as_one_set(music, mara, vacation, hana):
    for number in range(40):
        assign(make_user(f"m{number}@tributary.example", f"Colleague {number}"), "manager", music)
    rows = [Affiliate(name=f"A{n}", email=f"a{n}@example.org", manager=mara, language="en") for n in range(2000)]
    accounts = Affiliate.objects.bulk_create(rows)
    made = [Enrollment(affiliate=a, program=music, status="approved", status_at=NOW) for a in accounts]
    Enrollment.objects.bulk_create(made)

    with CaptureQueriesContext(connection) as queries:
        covers = spread_accounts(vacation, by=hana)
        with time_machine.travel(DURING, tick=False):
            assert start_covers() == 2000
        with time_machine.travel(AFTER, tick=False):
            assert end_covers() == 2000

    assert Counter(Counter(cover.to_person_id for cover in covers).values()) == {50: 40}
    assert len(queries) < 250  # a few for each of forty colleagues, none for each account
    assert accounts_carried(DURING).total() == accounts_carried(AFTER).total() == 2000


def test_the_least_loaded_who_knows_and_speaks_is_suggested_as_a_manager(music, mara, ana, bao):
    lena = assign(make_user("lena@tributary.example", "Lena", language="de"), "manager", music)
    otis = assign(make_user("otis@tributary.example", "Otis"), "manager", music)
    set_capacity(otis, by=assign(make_user(), "head"), accounts=30, open_tickets=9, languages=["en", "de"], programs=[])
    make_enrollment(make_affiliate(manager=lena), music)
    pool = [make_affiliate(language="de"), make_affiliate(language="de")]
    for affiliate in pool:
        make_enrollment(affiliate, music)

    found = suggest_managers(Affiliate.objects.filter(pk__in=[a.pk for a in pool]).prefetch_related("enrollments"))

    assert {found[affiliate.pk].person for affiliate in pool} == {lena.pk, otis.pk}
    assert "speaks de" in found[pool[0].pk].reason
