"""Payment files: what finance hands to the bank. CSV now; the formats of banks and services have their place here."""

from __future__ import annotations

from typing import Any

from core.money import plain_amount
from payouts.models import Payout, PayoutMethod

FORMATS = {"csv": "text/csv; charset=utf-8"}
COLUMNS = ["payout_id", "affiliate_id", "affiliate", "amount", "currency", "method", "account_holder", "account", "reference"]


def payment_row(payout: Payout, method: PayoutMethod, details: dict[str, Any]) -> list[str]:
    """One payout to be made, as COLUMNS name it, the details in the clear."""
    return [
        payout.public_id,
        payout.affiliate.public_id,
        payout.affiliate.name,
        plain_amount(payout.amount, payout.currency),
        payout.currency,
        method.type,
        details.get("account_holder", ""),
        details.get("iban") or details.get("email") or details.get("instructions", ""),
        f"{payout.batch.program.name} {payout.public_id}",
    ]
