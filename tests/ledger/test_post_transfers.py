"""The ledger holds by itself: what breaks it is refused by the database."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from ledger.models import Account, AccountKind, Transfer, TransferKind
from ledger.services import Posting, earned, post_transfers

NOW = timezone.now()
pytestmark = pytest.mark.django_db


@pytest.fixture
def posting(music, ana):
    def posting(key="commission:1", amount="10.00", currency="USD"):
        return Posting(key, TransferKind.EARNED, **earned(music.pk, ana.pk), amount=Decimal(amount), currency=currency, at=NOW)

    return posting


def test_a_transfer_leaves_one_account_and_reaches_another(posting, music, ana):
    post_transfers([posting()], now=NOW)

    transfer = Transfer.objects.select_related("debit", "credit").get()
    assert (transfer.debit.kind, transfer.debit.affiliate, transfer.debit.program) == ("expense", None, music)
    assert (transfer.credit.kind, transfer.credit.affiliate, transfer.credit.program) == ("owed", ana, music)
    assert (transfer.amount, transfer.currency) == (Decimal("10"), "USD")


def test_the_same_cause_is_never_posted_twice(posting):
    post_transfers([posting()], now=NOW)

    with pytest.raises(IntegrityError), transaction.atomic():
        post_transfers([posting()], now=NOW)


@pytest.mark.parametrize("amount", ["0", "-1"])
def test_only_amounts_above_zero_move(posting, amount):
    with pytest.raises(IntegrityError, match="transfer_amount_positive"):
        post_transfers([posting(amount=amount)], now=NOW)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_transfer SET amount = 1",
        "DELETE FROM ledger_transfer",
        "TRUNCATE ledger_transfer",
        "UPDATE ledger_account SET kind = 'owed'",
        "DELETE FROM ledger_account",
        "TRUNCATE ledger_account CASCADE",
    ],
)
def test_nothing_is_ever_changed_or_taken_out(posting, statement):
    post_transfers([posting()], now=NOW)

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert Transfer.objects.count() == 1


def test_a_transfer_keeps_to_the_currency_of_its_accounts(posting, music, ana):
    post_transfers([posting()], now=NOW)
    debit, credit = Account.objects.get(kind="expense"), Account.objects.get(kind="owed")

    with pytest.raises(IntegrityError, match="transfer_(debit|credit)_currency"), transaction.atomic():
        Transfer.objects.create(debit=debit, credit=credit, amount=1, currency="EUR", kind="earned", key="x", at=NOW)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_an_account_belongs_to_whom_its_kind_says(music, ana):
    with pytest.raises(IntegrityError, match="account_owner_fits_kind"):
        Account.objects.create(program=music, affiliate=ana, kind=AccountKind.EXPENSE, currency="USD")
