"""The proof finds whatever somebody with the database in their hands could plant, and stays silent where all is well."""

from decimal import Decimal
from importlib import import_module

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from commissions.services import approve_commissions, reject_commissions
from core.money import MoneyField
from intake.services import record_refund
from payouts.services import approve_batch, cancel_batch, compute_batch, mark_batch_paid, prepare_batch, set_payout_method
from payouts.verification import verify_ledger
from tests.factories import make_commission, make_conversion, owner_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def history(music, mara, felix, ana, bao):
    """Ana: a paid payout, a sale refunded in part before and one after it. Bao: an open payout after a cancelled one."""
    music.hold_days, music.minimum_payout = 0, 0
    music.save()
    for affiliate in (ana, bao):
        set_payout_method(affiliate, by=owner_of(affiliate), type="manual", currency="USD", details={})

    def earn(affiliate, refunded=""):
        conversion = make_conversion(music, affiliate, "99.99")
        commission = make_commission(conversion)
        if refunded:
            record_refund(conversion, external_id="early", amount=Decimal(refunded), by=mara)
        approve_commissions([commission.pk], by=mara)
        return conversion

    def batch():
        return compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk)

    earn(ana, "33.33")
    late = earn(ana)
    mark_batch_paid(approve_batch(batch(), by=felix), by=felix)
    record_refund(late, external_id="late", amount=Decimal("10.00"), by=mara)
    earn(bao)
    cancel_batch(batch(), by=mara)
    batch()
    rejected = make_commission(make_conversion(music, bao))
    reject_commissions([rejected.pk], by=mara, reason_code="test_order")
    make_commission(make_conversion(music, bao))
    assert verify_ledger() == []


def plant(*statements: str) -> None:
    """With triggers and foreign keys off, as a superuser could."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)
            assert cursor.rowcount, statement
        cursor.execute("SET LOCAL session_replication_role = origin")


TRANSFERS, ONE_PAYOUT, SUM, LINES, RELEASED, BATCH, SECOND, REVERSED, REFUND, REFUNDED, PROPORTION = (
    "every transfer that",
    "a commission, a reversal or an adjustment is in one payout",
    "a payout is the sum",
    "a line is the whole amount",
    "lines are released",
    "a payout is as far as",
    "a batch beyond its draft",
    "a commission's reversed sum",
    "a reversal is of a refund",
    "a conversion's refunded sum",
    "what is taken back",
)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE ledger_transfer SET amount = amount + 0.01 WHERE key LIKE 'commission:%'", TRANSFERS),
        ("UPDATE ledger_transfer SET amount = amount + 0.01 WHERE key LIKE 'reversal:%'", TRANSFERS),
        ("UPDATE ledger_transfer SET amount = amount + 0.01 WHERE kind = 'reserved'", TRANSFERS),
        ("UPDATE ledger_transfer SET amount = amount + 0.01 WHERE kind = 'released'", TRANSFERS),
        ("UPDATE ledger_transfer SET amount = amount + 0.01 WHERE kind = 'paid'", TRANSFERS),
        ("UPDATE ledger_transfer SET currency = 'EUR' WHERE kind = 'paid'", TRANSFERS),
        ("UPDATE ledger_transfer SET kind = 'released' WHERE kind = 'paid'", TRANSFERS),
        ("UPDATE ledger_transfer SET key = key || 'x' WHERE kind = 'earned'", TRANSFERS),
        ("UPDATE ledger_transfer SET debit_id = credit_id, credit_id = debit_id WHERE kind = 'reversed'", TRANSFERS),
        (
            "UPDATE ledger_transfer SET credit_id = (SELECT id FROM ledger_account WHERE kind = 'expense') WHERE kind = 'paid'",
            TRANSFERS,
        ),
        ("DELETE FROM ledger_transfer WHERE kind = 'earned'", TRANSFERS),
        ("DELETE FROM ledger_transfer WHERE kind = 'reserved'", TRANSFERS),
        ("DELETE FROM ledger_account WHERE kind = 'paid_out'", TRANSFERS),
        ("UPDATE ledger_account SET affiliate_id = affiliate_id + 1000 WHERE kind = 'owed'", TRANSFERS),
        ("UPDATE ledger_account SET program_id = program_id + 1000 WHERE kind = 'expense'", TRANSFERS),
        ("UPDATE commissions_commission SET amount = amount + 1 WHERE decision = 'approved'", TRANSFERS),
        ("UPDATE commissions_commission SET affiliate_id = affiliate_id + 1000 WHERE decision = 'approved'", TRANSFERS),
        (
            "UPDATE commissions_commission SET decision = 'approved', payable_at = now(), decided_at = now() WHERE decision = 'pending'",
            TRANSFERS,
        ),
        ("DELETE FROM commissions_commission WHERE decision = 'approved'", TRANSFERS),
        ("DELETE FROM commissions_reversal", REVERSED),
        ("UPDATE commissions_reversal SET amount = amount + 0.01", REVERSED),
        ("UPDATE commissions_reversal SET currency = 'EUR'", REFUND),
        ("UPDATE commissions_reversal SET refund_id = refund_id + 1000", REFUND),
        ("UPDATE commissions_commission SET reversed = reversed + 0.01 WHERE reversed > 0", PROPORTION),
        ("UPDATE tracking_conversion SET refunded = refunded + 0.01 WHERE refunded > 0", REFUNDED),
        ("DELETE FROM tracking_refund", REFUNDED),
        ("UPDATE tracking_conversion SET refunded = 50, amount = 50 WHERE refunded > 0", PROPORTION),
        ("UPDATE payouts_payout SET amount = amount + 1 WHERE status = 'ready'", SUM),
        ("UPDATE payouts_payout SET status = 'paid', paid_at = now() WHERE status = 'ready'", BATCH),
        ("UPDATE payouts_payout SET status = 'failed' WHERE status = 'ready'", RELEASED),
        ("UPDATE payouts_payout SET currency = 'EUR'", BATCH),
        ("UPDATE payouts_payoutmethod SET affiliate_id = affiliate_id + 1000", BATCH),
        ("UPDATE payouts_payoutbatch SET status = 'cancelled' WHERE status = 'draft'", BATCH),
        ("DELETE FROM payouts_payout WHERE status = 'paid'", TRANSFERS),
        ("DELETE FROM payouts_payoutline WHERE reversal_id IS NOT NULL", SUM),
        ("UPDATE payouts_payoutline SET amount = amount + 0.01 WHERE commission_id IS NOT NULL", LINES),
        ("UPDATE payouts_payoutline SET commission_id = commission_id + 1000 WHERE commission_id IS NOT NULL", LINES),
        ("UPDATE payouts_payoutline SET released_at = now() WHERE released_at IS NULL", RELEASED),
    ],
)
def test_what_is_planted_is_found(history, statement, found):
    plant(statement)

    assert any(broken.invariant.startswith(found) and broken.rows for broken in verify_ledger())


@pytest.mark.parametrize("kind", ["earned", "gift"])
def test_a_transfer_without_a_cause_is_found(history, kind):
    plant(
        f"""INSERT INTO ledger_transfer (created_at, at, debit_id, credit_id, amount, currency, kind, key)
            SELECT now(), now(), (SELECT id FROM ledger_account WHERE kind = 'expense'), id, 1, 'USD', '{kind}', 'nothing'
            FROM ledger_account WHERE kind = 'paid_out'"""
    )

    assert [broken.rows[0][0] for broken in verify_ledger()] == ["nothing"]


def test_a_commission_that_two_payouts_pay_is_found_though_its_index_was_dropped(history):
    plant(
        "DROP INDEX commission_in_one_payout",
        """INSERT INTO payouts_payoutline (payout_id, commission_id, amount)
           SELECT (SELECT id FROM payouts_payout WHERE status = 'ready'), commission_id, amount FROM payouts_payoutline
           WHERE commission_id IS NOT NULL AND released_at IS NULL ORDER BY id LIMIT 1""",
    )

    assert any(broken.invariant.startswith(ONE_PAYOUT) for broken in verify_ledger())


def test_a_batch_that_its_maker_approved_is_found_though_the_check_was_dropped(history):
    plant(
        "ALTER TABLE payouts_payoutbatch DROP CONSTRAINT batch_approved_by_a_second_person",
        "UPDATE payouts_payoutbatch SET approved_by_id = created_by_id WHERE status = 'done'",
    )

    assert [broken.invariant.startswith(SECOND) for broken in verify_ledger()] == [True]


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.fields
        if isinstance(field, MoneyField)
    ],
)
def test_no_column_of_money_takes_what_is_no_number(db, table, column):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'", [table]
        )
        assert any(f"{column} <> 'NaN'" in text for (text,) in cursor.fetchall())


def test_a_rate_is_a_number(history):
    with pytest.raises(IntegrityError, match="rule_value_a_number"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE commissions_ruleversion SET type = 'flat', value = 'NaN'")


def test_an_amount_that_is_no_number_is_found_though_its_check_was_dropped(history):
    for table, column in (
        ("ledger_transfer", "amount"),
        ("commissions_commission", "amount"),
        ("tracking_refund", "amount"),
    ):
        with transaction.atomic():
            plant(f"ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_check", f"UPDATE {table} SET {column} = 'NaN'")
            assert ("every amount is a number", (table, column)) in [
                (broken.invariant, row[:2]) for broken in verify_ledger() for row in broken.rows
            ]
            transaction.set_rollback(True)


def test_columns_that_were_made_before_refuse_it_as_well_from_the_migration_on(db):
    migration = import_module("core.migrations.0003_amounts_are_numbers")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_transfer DROP CONSTRAINT ledger_transfer_amount_check")
        cursor.execute(migration.REFUSE_NAN)
        cursor.execute(migration.REFUSE_NAN)
        cursor.execute("SELECT count(*) FROM pg_constraint WHERE conname LIKE 'ledger_transfer_amount_check%'")
        assert cursor.fetchone() == (1,)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("ALTER TABLE ledger_transfer DISABLE TRIGGER USER", "refuse UPDATE"),
        ("DROP TRIGGER pgtrigger_no_truncate_8ae86 ON ledger_transfer", "refuse UPDATE"),
        ("ALTER TABLE ledger_transfer DROP CONSTRAINT transfer_debit_currency", "composite keys"),
    ],
)
def test_a_guard_that_was_taken_away_is_missed(history, statement, found):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement)

    assert [found in broken.invariant for broken in verify_ledger()] == [True]


@pytest.mark.django_db(transaction=True)
def test_the_command_shows_the_first_rows_and_fails(history, capsys):
    plant("UPDATE ledger_transfer SET amount = amount + 0.01 WHERE kind = 'paid'")
    with pytest.raises(SystemExit) as left:
        call_command("ledger_verify")

    assert left.value.code == 1
    assert "BROKEN: every transfer" in capsys.readouterr().err
