"""The ledger's proof: every invariant is a query for the rows that break it; none may return any.

`manage.py ledger_verify` runs them all. They stand here, above the ledger, because they hold it against commissions,
reversals and payouts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from commissions.pricing import reversed_after
from core.money import MoneyField
from core.rows import select_rows

Rows = list[tuple[Any, ...]]


def _transfers_that_differ() -> Rows:
    """Every transfer that the facts ask for, held against every one that is there."""
    return select_rows("""
        WITH program_of AS (
            SELECT c.id, c.affiliate_id, c.decision, c.amount, c.currency, v.program_id
            FROM commissions_commission c JOIN tracking_conversion v ON v.id = c.conversion_id WHERE c.decision = 'approved'
        ), asked AS (
            SELECT 'commission:' || id AS key, 'earned' AS kind, amount, currency, program_id, affiliate_id, 'expense' AS debit, 'owed' AS credit
            FROM program_of
          UNION ALL
            SELECT 'reversal:' || r.id, 'reversed', r.amount, r.currency, c.program_id, c.affiliate_id, 'owed', 'expense'
            FROM commissions_reversal r JOIN program_of c ON c.id = r.commission_id
          UNION ALL
            SELECT 'adjustment:' || a.id, 'adjusted', a.amount, a.currency, b.program_id, p.affiliate_id, 'expense', 'owed'
            FROM payouts_adjustment a JOIN payouts_payout p ON p.id = a.payout_id JOIN payouts_payoutbatch b ON b.id = p.batch_id
          UNION ALL
            SELECT 'payout:' || p.id || ':' || step.kind, step.kind, p.amount, p.currency, b.program_id, p.affiliate_id, step.debit, step.credit
            FROM payouts_payout p JOIN payouts_payoutbatch b ON b.id = p.batch_id
            JOIN (VALUES ('reserved', 'owed', 'in_payout', ARRAY['ready', 'paid', 'cancelled', 'failed']),
                         ('released', 'in_payout', 'owed', ARRAY['cancelled', 'failed']),
                         ('paid', 'in_payout', 'paid_out', ARRAY['paid'])) AS step (kind, debit, credit, statuses) ON p.status = ANY(step.statuses)
        ), posted AS (
            SELECT t.*, d.kind AS debit, k.kind AS credit, d.program_id, k.program_id AS credit_program,
                   d.affiliate_id AS debit_affiliate, k.affiliate_id AS credit_affiliate
            FROM ledger_transfer t LEFT JOIN ledger_account d ON d.id = t.debit_id LEFT JOIN ledger_account k ON k.id = t.credit_id
        )
        SELECT coalesce(asked.key, posted.key), asked.kind, asked.debit, asked.credit, asked.amount, asked.currency,
               posted.kind, posted.debit, posted.credit, posted.amount, posted.currency
        FROM asked FULL JOIN posted ON posted.key = asked.key
        WHERE (asked.kind, asked.amount, asked.currency, asked.debit, asked.credit, asked.program_id, asked.program_id,
               CASE WHEN asked.debit IN ('owed', 'in_payout') THEN asked.affiliate_id END,
               CASE WHEN asked.credit IN ('owed', 'in_payout') THEN asked.affiliate_id END)
           IS DISTINCT FROM
              (posted.kind, posted.amount, posted.currency, posted.debit, posted.credit, posted.program_id, posted.credit_program,
               posted.debit_affiliate, posted.credit_affiliate)""")


def _wrongly_reversed() -> Rows:
    """Commissions whose reversals are not what their conversion's refunds ask. One that was rejected keeps what refunds before
    the rejection took back, and no more."""
    rows = select_rows(
        """SELECT c.id, c.decision, c.amount, c.currency, c.reversed, v.refunded, v.amount
           FROM commissions_commission c JOIN tracking_conversion v ON v.id = c.conversion_id
           WHERE (v.refunded > 0 OR c.reversed > 0) AND 'NaN' NOT IN (c.amount, c.reversed, v.refunded, v.amount)"""
    )
    wrong = []
    for row in rows:
        _pk, decision, amount, currency, found, refunded, whole = row
        asked = reversed_after(amount, refunded, whole, currency) if whole else 0
        if found > asked or (found < asked and decision != "rejected"):
            wrong.append((*row, asked))
    return wrong


def _no_numbers() -> Rows:
    """The database refuses them, in every column of money; nothing else that is proved here would find one."""
    columns = [
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, MoneyField) and model._meta.managed
    ]
    return [
        row
        for table, column in columns
        for row in select_rows(f"SELECT '{table}', '{column}', t.* FROM {table} t WHERE {column} = 'NaN'")
    ]


INVARIANTS: dict[str | Promise, str | Callable[[], Rows]] = {
    _("every transfer that approved commissions, refunds, payouts and adjustments ask for is there once, between the right accounts; no other is"): (
        _transfers_that_differ
    ),
    _("every amount is a number"): _no_numbers,
    _("a commission, a reversal or an adjustment is in one payout that stands, at the most"): """
        SELECT commission_id, reversal_id, adjustment_id, array_agg(payout_id ORDER BY payout_id) FROM payouts_payoutline
        WHERE released_at IS NULL GROUP BY 1, 2, 3 HAVING count(*) > 1""",
    _("a payout is the sum of its lines"): """
        SELECT p.id, p.status, p.amount, sum(l.amount) FROM payouts_payout p LEFT JOIN payouts_payoutline l ON l.payout_id = p.id
        GROUP BY p.id HAVING coalesce(sum(l.amount), 0) <> CASE WHEN p.status = 'skipped' THEN 0 ELSE p.amount END""",
    _("a line is the whole amount of a commission or a reversal, approved, or of an adjustment, of the payout's affiliate, program and currency"): """
        SELECT l.id, l.amount, c.amount, r.amount, a.amount
        FROM payouts_payoutline l JOIN payouts_payout p ON p.id = l.payout_id JOIN payouts_payoutbatch b ON b.id = p.batch_id
        LEFT JOIN commissions_reversal r ON r.id = l.reversal_id
        LEFT JOIN commissions_commission c ON c.id = coalesce(l.commission_id, r.commission_id)
        LEFT JOIN tracking_conversion v ON v.id = c.conversion_id
        LEFT JOIN payouts_adjustment a ON a.id = l.adjustment_id LEFT JOIN payouts_payout ap ON ap.id = a.payout_id
        LEFT JOIN payouts_payoutbatch ab ON ab.id = ap.batch_id
        WHERE CASE WHEN l.adjustment_id IS NULL
              THEN (l.amount, p.affiliate_id, p.currency, b.program_id, 'approved')
                   IS DISTINCT FROM (coalesce(-r.amount, c.amount), c.affiliate_id, c.currency, v.program_id, c.decision)
              ELSE (l.amount, p.affiliate_id, p.currency, b.program_id)
                   IS DISTINCT FROM (a.amount, ap.affiliate_id, a.currency, ab.program_id) END""",
    _("an adjustment is in its payout's currency"): """
        SELECT a.id, a.currency, p.currency FROM payouts_adjustment a JOIN payouts_payout p ON p.id = a.payout_id
        WHERE a.currency <> p.currency""",
    _("lines are released where their payout was cancelled or failed, and nowhere else"): """
        SELECT l.id, p.status, l.released_at FROM payouts_payoutline l JOIN payouts_payout p ON p.id = l.payout_id
        WHERE (l.released_at IS NOT NULL) <> (p.status IN ('cancelled', 'failed'))""",
    _("a payout is as far as its batch, in its currency, and goes to its affiliate's own method"): """
        SELECT p.id, p.status, b.status, p.currency, b.currency, m.affiliate_id, m.currency
        FROM payouts_payout p JOIN payouts_payoutbatch b ON b.id = p.batch_id LEFT JOIN payouts_payoutmethod m ON m.id = p.method_id
        WHERE p.currency <> b.currency OR (m.affiliate_id, m.currency) <> (p.affiliate_id, p.currency)
           OR p.status = 'ready' AND b.status IN ('done', 'cancelled') OR p.status = 'paid' AND b.status <> 'done'
           OR p.status = 'cancelled' AND b.status <> 'cancelled'""",
    _("a batch beyond its draft was approved, and by another person than its maker"): """
        SELECT id, status, created_by_id, approved_by_id FROM payouts_payoutbatch
        WHERE created_by_id = approved_by_id OR status IN ('approved', 'executing', 'done') AND approved_by_id IS NULL""",
    _("a commission's reversed sum is that of its reversals"): """
        SELECT c.id, c.amount, c.reversed, sum(r.amount) FROM commissions_commission c
        LEFT JOIN commissions_reversal r ON r.commission_id = c.id
        GROUP BY c.id HAVING c.reversed <> coalesce(sum(r.amount), 0)""",
    _("a reversal is of a refund of its commission's conversion, in the commission's currency"): """
        SELECT r.id, r.currency, c.currency, c.conversion_id, f.conversion_id FROM commissions_reversal r
        LEFT JOIN commissions_commission c ON c.id = r.commission_id LEFT JOIN tracking_refund f ON f.id = r.refund_id
        WHERE (r.currency, f.conversion_id) IS DISTINCT FROM (c.currency, c.conversion_id)""",
    _("a conversion's refunded sum is that of its refunds"): """
        SELECT v.id, v.refunded, sum(r.amount) FROM tracking_conversion v LEFT JOIN tracking_refund r ON r.conversion_id = v.id
        WHERE v.refunded <> 0 OR r.id IS NOT NULL
        GROUP BY v.id HAVING v.refunded <> coalesce(sum(r.amount), 0)""",
    _("what is taken back from a commission is round(commission × refunded / amount)"): _wrongly_reversed,
    _("the ledger's tables refuse UPDATE, DELETE and TRUNCATE"): """
        SELECT wanted.relation, wanted.kind FROM (
            SELECT relation, kind, bit FROM unnest(ARRAY['ledger_account', 'ledger_transfer']) AS relation,
                   (VALUES ('UPDATE', 16), ('DELETE', 8), ('TRUNCATE', 32)) AS kinds (kind, bit)
        ) AS wanted
        WHERE NOT EXISTS (
            SELECT FROM pg_trigger t WHERE t.tgrelid = wanted.relation::regclass AND t.tgtype & wanted.bit > 0 AND t.tgtype & 2 > 0
               AND t.tgenabled IN ('O', 'A') AND t.tgname LIKE 'pgtrigger%%'
        )""",
    _("composite keys hold every transfer to the currency of its accounts"): """
        SELECT name FROM unnest(ARRAY['transfer_debit_currency', 'transfer_credit_currency']) AS name
        WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = name AND c.convalidated)""",
}  # fmt: skip


@dataclass(frozen=True)
class Broken:
    """An invariant that does not hold, with the first rows that break it."""

    invariant: str | Promise
    count: int
    rows: Rows


def verify_ledger(show: int = 10) -> list[Broken]:
    """Check every invariant; empty where the ledger is proved."""
    broken = []
    for invariant, check in INVARIANTS.items():
        rows = select_rows(check, {}) if isinstance(check, str) else check()
        if rows:
            broken.append(Broken(invariant, len(rows), rows[:show]))
    return broken
