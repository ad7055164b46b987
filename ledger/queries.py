from __future__ import annotations

from decimal import Decimal

from core.rows import select_rows

_BALANCES = """
SELECT a.program_id, a.affiliate_id, a.kind, a.currency,
       coalesce((SELECT sum(amount) FROM ledger_transfer WHERE credit_id = a.id), 0)
     - coalesce((SELECT sum(amount) FROM ledger_transfer WHERE debit_id = a.id), 0)
FROM ledger_account a
"""


def account_balances(program: int | None = None, affiliate: int | None = None) -> list[tuple[int, int | None, str, str, Decimal]]:
    """Every account as (program, affiliate or None, kind, currency, balance): what came in less what went out."""
    return select_rows(
        _BALANCES
        + " WHERE (%(program)s::bigint IS NULL OR a.program_id = %(program)s) AND (%(affiliate)s::bigint IS NULL OR a.affiliate_id = %(affiliate)s)"
        " ORDER BY a.program_id, a.affiliate_id NULLS FIRST, a.kind, a.currency",
        {"program": program, "affiliate": affiliate},
    )
