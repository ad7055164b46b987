"""Payment files: what finance hands to the bank. CSV now; the formats of banks and services have their place here."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from core.money import plain_amount
from payouts.models import BatchStatus, PayoutBatch, PayoutStatus
from payouts.services import PayoutError, method_details

FORMATS = {"csv": "text/csv; charset=utf-8"}
COLUMNS = ["payout_id", "affiliate_id", "affiliate", "amount", "currency", "method", "account_holder", "account", "reference"]


def payment_rows(batch: PayoutBatch) -> Iterator[list[str]]:
    """One row a payout to be made, headed by COLUMNS, the details in the clear. Only an approved batch has a payment file."""
    if batch.status not in (BatchStatus.APPROVED, BatchStatus.EXECUTING, BatchStatus.DONE):
        raise PayoutError(_("There is no payment file before a second person has approved the batch."), code="not_approved")
    yield COLUMNS
    payouts = (
        batch.payouts.filter(status__in=[PayoutStatus.READY, PayoutStatus.PAID])
        .select_related("affiliate", "method")
        .order_by("pk")
    )
    for payout in payouts:
        assert payout.method is not None  # the database holds that a payout to be made has one
        details = method_details(payout.method)
        yield [
            payout.public_id,
            payout.affiliate.public_id,
            payout.affiliate.name,
            plain_amount(payout.amount, payout.currency),
            payout.currency,
            payout.method.type,
            details.get("account_holder", ""),
            details.get("iban") or details.get("email") or details.get("instructions", ""),
            f"{batch.program.name} {payout.public_id}",
        ]
