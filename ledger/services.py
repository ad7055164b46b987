"""Posting: the one door to the ledger, always in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection

from core.rows import insert_rows, select_rows
from ledger.models import AccountKind, TransferKind


@dataclass(frozen=True, slots=True)
class Pot:
    """An account by what it is: the program's, or (affiliate given) what stands between the program and an affiliate."""

    program: int
    kind: AccountKind
    affiliate: int | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    """One transfer to post. `key` names its cause; a key that is already posted raises IntegrityError and undoes the caller's work."""

    key: str
    kind: TransferKind
    debit: Pot
    credit: Pot
    amount: Decimal  # above zero
    currency: str
    at: datetime


def post_transfers(postings: Sequence[Posting], *, now: datetime) -> None:
    """Append these transfers as one set, opening accounts that are not there yet."""
    if not postings:
        return
    if not connection.in_atomic_block:
        raise RuntimeError("transfers are posted in the transaction of what they tell")
    accounts = _open_accounts({(pot, p.currency) for p in postings for pot in (p.debit, p.credit)})
    insert_rows(
        "ledger_transfer",
        ["created_at", "debit_id", "credit_id", "amount", "currency", "kind", "key", "at"],
        [
            (now, accounts[p.debit, p.currency], accounts[p.credit, p.currency], p.amount, p.currency, p.kind.value, p.key, p.at)
            for p in postings
        ],
    )


def _open_accounts(wanted: set[tuple[Pot, str]]) -> dict[tuple[Pot, str], int]:
    rows = sorted((pot.program, pot.affiliate or 0, pot.kind.value, currency) for pot, currency in wanted)
    insert_rows(
        "ledger_account",
        ["program_id", "affiliate_id", "kind", "currency"],
        [(program, affiliate or None, kind, currency) for program, affiliate, kind, currency in rows],
        on_conflict="DO NOTHING",
    )
    found = select_rows(
        """SELECT program_id, affiliate_id, kind, currency, id FROM ledger_account
           WHERE program_id = ANY(%s) AND currency = ANY(%s) AND (affiliate_id IS NULL OR affiliate_id = ANY(%s))""",
        [
            sorted({pot.program for pot, _ in wanted}),
            sorted({currency for _, currency in wanted}),
            sorted({pot.affiliate for pot, _ in wanted if pot.affiliate}),
        ],
    )
    return {(Pot(program, AccountKind(kind), affiliate), currency): pk for program, affiliate, kind, currency, pk in found}


def earned(program: int, affiliate: int) -> dict[str, Pot]:
    """Debit and credit of an approved commission or an adjustment: the program's expense, owed to the affiliate."""
    return {"debit": Pot(program, AccountKind.EXPENSE), "credit": Pot(program, AccountKind.OWED, affiliate)}


def taken_back(program: int, affiliate: int) -> dict[str, Pot]:
    return {"debit": Pot(program, AccountKind.OWED, affiliate), "credit": Pot(program, AccountKind.EXPENSE)}


def reserved(program: int, affiliate: int) -> dict[str, Pot]:
    return {"debit": Pot(program, AccountKind.OWED, affiliate), "credit": Pot(program, AccountKind.IN_PAYOUT, affiliate)}


def released(program: int, affiliate: int) -> dict[str, Pot]:
    return {"debit": Pot(program, AccountKind.IN_PAYOUT, affiliate), "credit": Pot(program, AccountKind.OWED, affiliate)}


def paid_out(program: int, affiliate: int) -> dict[str, Pot]:
    return {"debit": Pot(program, AccountKind.IN_PAYOUT, affiliate), "credit": Pot(program, AccountKind.PAID_OUT)}
