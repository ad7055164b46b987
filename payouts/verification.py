"""The ledger's proof: every invariant is a query for the rows that break it; none may return any.

`manage.py ledger_verify` runs them all. They stand here, above the ledger, because they hold it against commissions,
reversals and payouts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commissions.pricing import reversed_after
from core.rows import select_rows

_BALANCE = """
    SELECT a.id, a.program_id, a.affiliate_id, a.currency, a.kind,
           coalesce((SELECT sum(amount) FROM ledger_transfer WHERE credit_id = a.id), 0)
         - coalesce((SELECT sum(amount) FROM ledger_transfer WHERE debit_id = a.id), 0) AS balance
    FROM ledger_account a"""

INVARIANTS: dict[str, str] = {
    "every approved commission is posted once, with its amount, from its program to its affiliate; no other is": """
        SELECT c.id, c.decision, c.amount, t.key, t.amount
        FROM (SELECT c.*, v.program_id FROM commissions_commission c JOIN tracking_conversion v ON v.id = c.conversion_id) c
        FULL JOIN (SELECT t.*, substr(key, 12)::bigint AS source FROM ledger_transfer t WHERE kind = 'earned') t ON t.source = c.id
        LEFT JOIN ledger_account d ON d.id = t.debit_id LEFT JOIN ledger_account k ON k.id = t.credit_id
        WHERE c.id IS NULL OR (c.decision = 'approved') <> (t.id IS NOT NULL)
           OR t.id IS NOT NULL AND (t.key <> 'commission:' || c.id OR t.amount <> c.amount OR t.currency <> c.currency
              OR (d.kind, d.program_id) IS DISTINCT FROM ('expense', c.program_id)
              OR (k.kind, k.program_id, k.affiliate_id) IS DISTINCT FROM ('owed', c.program_id, c.affiliate_id))""",
    "every reversal of an approved commission is posted once, with its amount; no other is": """
        SELECT r.id, r.amount, c.decision, t.key, t.amount
        FROM commissions_reversal r JOIN commissions_commission c ON c.id = r.commission_id
        FULL JOIN (SELECT t.*, substr(key, 10)::bigint AS source FROM ledger_transfer t WHERE kind = 'reversed') t ON t.source = r.id
        WHERE r.id IS NULL OR (c.decision = 'approved') <> (t.id IS NOT NULL)
           OR t.id IS NOT NULL AND (t.amount <> r.amount OR t.currency <> c.currency)""",
    "every payout is reserved once, and then released or paid as its status says": """
        SELECT p.id, p.status, p.amount, array_agg(t.kind ORDER BY t.id), array_agg(t.amount ORDER BY t.id)
        FROM payouts_payout p
        LEFT JOIN ledger_transfer t ON t.key IN ('payout:' || p.id || ':reserved', 'payout:' || p.id || ':released', 'payout:' || p.id || ':paid')
        GROUP BY p.id
        HAVING coalesce(array_agg(t.kind::text ORDER BY t.id) FILTER (WHERE t.id IS NOT NULL), '{}') <> CASE p.status
                   WHEN 'skipped' THEN '{}'::text[] WHEN 'ready' THEN '{reserved}' WHEN 'paid' THEN '{reserved,paid}' ELSE '{reserved,released}' END
            OR count(*) FILTER (WHERE t.amount <> p.amount OR t.currency <> p.currency) > 0""",
    "no transfer is without its payout": """
        SELECT t.id, t.key FROM ledger_transfer t
        WHERE t.kind IN ('reserved', 'released', 'paid')
          AND NOT EXISTS (SELECT FROM payouts_payout p WHERE t.key = 'payout:' || p.id || ':' || t.kind)""",
    "a payout is the sum of its lines": """
        SELECT p.id, p.status, p.amount, sum(l.amount) FROM payouts_payout p LEFT JOIN payouts_payoutline l ON l.payout_id = p.id
        GROUP BY p.id HAVING coalesce(sum(l.amount), 0) <> CASE WHEN p.status = 'skipped' THEN 0 ELSE p.amount END""",
    "a line is its commission's or its reversal's whole amount, of the payout's affiliate, program and currency": """
        SELECT l.id, l.amount, c.amount, r.amount
        FROM payouts_payoutline l JOIN payouts_payout p ON p.id = l.payout_id JOIN payouts_payoutbatch b ON b.id = p.batch_id
        LEFT JOIN commissions_reversal r ON r.id = l.reversal_id
        JOIN commissions_commission c ON c.id = coalesce(l.commission_id, r.commission_id) JOIN tracking_conversion v ON v.id = c.conversion_id
        WHERE l.amount <> coalesce(-r.amount, c.amount) OR c.affiliate_id <> p.affiliate_id OR c.currency <> p.currency
           OR v.program_id <> b.program_id OR c.decision <> 'approved'""",
    "lines are released where their payout was cancelled or failed, and nowhere else": """
        SELECT l.id, p.status, l.released_at FROM payouts_payoutline l JOIN payouts_payout p ON p.id = l.payout_id
        WHERE (l.released_at IS NOT NULL) <> (p.status IN ('cancelled', 'failed'))""",
    "a commission's reversed sum is that of its reversals": """
        SELECT c.id, c.amount, c.reversed, sum(r.amount) FROM commissions_commission c
        LEFT JOIN commissions_reversal r ON r.commission_id = c.id
        GROUP BY c.id HAVING c.reversed <> coalesce(sum(r.amount), 0)""",
    "a conversion's refunded sum is that of its refunds": """
        SELECT v.id, v.refunded, sum(r.amount) FROM tracking_conversion v LEFT JOIN tracking_refund r ON r.conversion_id = v.id
        WHERE v.refunded <> 0 OR r.id IS NOT NULL
        GROUP BY v.id HAVING v.refunded <> coalesce(sum(r.amount), 0)""",
    "what is owed to an affiliate is what was approved, less reversals, less what payouts hold or paid": f"""
        SELECT b.* , expected.amount FROM ({_BALANCE} WHERE a.kind = 'owed') b
        LEFT JOIN (
            SELECT program_id, affiliate_id, currency, sum(amount) AS amount FROM (
                SELECT v.program_id, c.affiliate_id, c.currency, c.amount - c.reversed AS amount
                FROM commissions_commission c JOIN tracking_conversion v ON v.id = c.conversion_id WHERE c.decision = 'approved'
              UNION ALL
                SELECT b.program_id, p.affiliate_id, p.currency, -p.amount
                FROM payouts_payout p JOIN payouts_payoutbatch b ON b.id = p.batch_id WHERE p.status IN ('ready', 'paid')
            ) AS parts GROUP BY 1, 2, 3
        ) expected USING (program_id, affiliate_id, currency)
        WHERE b.balance <> coalesce(expected.amount, 0)""",
    "what is in payout is what open payouts hold": f"""
        SELECT b.*, expected.amount FROM ({_BALANCE} WHERE a.kind = 'in_payout') b
        LEFT JOIN (
            SELECT b.program_id, p.affiliate_id, p.currency, sum(p.amount) AS amount
            FROM payouts_payout p JOIN payouts_payoutbatch b ON b.id = p.batch_id WHERE p.status = 'ready' GROUP BY 1, 2, 3
        ) expected USING (program_id, affiliate_id, currency)
        WHERE b.balance <> coalesce(expected.amount, 0)""",
    "the ledger's tables refuse UPDATE, DELETE and TRUNCATE": """
        SELECT wanted.relation, wanted.kind FROM (
            SELECT relation, kind, bit FROM unnest(ARRAY['ledger_account', 'ledger_transfer']) AS relation,
                   (VALUES ('UPDATE', 16), ('DELETE', 8), ('TRUNCATE', 32)) AS kinds (kind, bit)
        ) AS wanted
        WHERE NOT EXISTS (
            SELECT FROM pg_trigger t WHERE t.tgrelid = wanted.relation::regclass AND t.tgtype & wanted.bit > 0 AND t.tgtype & 2 > 0
               AND t.tgenabled IN ('O', 'A') AND t.tgname LIKE 'pgtrigger%%'
        )""",
    "composite keys hold every transfer to the currency of its accounts": """
        SELECT name FROM unnest(ARRAY['transfer_debit_currency', 'transfer_credit_currency']) AS name
        WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = name AND c.convalidated)""",
}  # fmt: skip


@dataclass(frozen=True)
class Broken:
    """An invariant that does not hold, with the first rows that break it."""

    invariant: str
    count: int
    rows: list[tuple[Any, ...]]


REFUNDED = "what is taken back from a commission is round(commission × refunded / amount)"


def _wrongly_reversed() -> list[tuple[Any, ...]]:
    """Commissions whose reversals are not what their conversion's refunds ask. One that was rejected keeps what refunds before
    the rejection took back, and no more."""
    rows = select_rows(
        """SELECT c.id, c.decision, c.amount, c.currency, c.reversed, v.refunded, v.amount
           FROM commissions_commission c JOIN tracking_conversion v ON v.id = c.conversion_id
           WHERE v.refunded > 0 OR c.reversed > 0"""
    )
    wrong = []
    for row in rows:
        _pk, decision, amount, currency, found, refunded, whole = row
        asked = reversed_after(amount, refunded, whole, currency)
        if found > asked or (found < asked and decision != "rejected"):
            wrong.append((*row, asked))
    return wrong


def verify_ledger(show: int = 10) -> list[Broken]:
    """Check every invariant; empty where the ledger is proved."""
    broken = []
    for invariant, statement in INVARIANTS.items():
        rows = select_rows(statement, {})
        if rows:
            broken.append(Broken(invariant, len(rows), rows[:show]))
    if wrong := _wrongly_reversed():
        broken.append(Broken(REFUNDED, len(wrong), wrong[:show]))
    return broken
