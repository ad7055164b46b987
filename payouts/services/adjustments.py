"""What somebody decided that is owed beside a payout."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from core.access import Can, check
from core.components import money_text
from core.events import record
from core.money import plain_amount, round_money
from ledger.models import TransferKind
from ledger.services import Posting, earned, post_transfers
from payouts import events
from payouts.models import Adjustment, Payout, PayoutStatus
from payouts.services.batches import NotNow, PayoutError


@transaction.atomic
def adjust_payout(payout: Payout, amount: Decimal, *, by: Any, reason: str) -> Adjustment:
    """Owe the affiliate `amount` (above zero, in the payout's currency) beside a payout that stands: the next batch pays it.

    Once for a payout, which the database holds. What was left out of its batch is payable again as it is, and not adjusted.
    """
    payout = Payout.objects.select_for_update(of=("self",)).select_related("batch", "affiliate").get(pk=payout.pk)
    program, currency = payout.batch.program_id, payout.currency
    check(by, Can.DECIDE_COMMISSIONS, program)
    if payout.status not in (PayoutStatus.READY, PayoutStatus.PAID):
        raise NotNow(_("This payout was not made: what it named is payable as it is, with the next one."), code="state")
    if not amount.is_finite() or amount <= 0 or amount >= 10**12:
        raise PayoutError(_("The amount is above zero."), code="invalid", field="amount")
    if amount != round_money(amount, currency):
        raise PayoutError(_("The amount has more decimals than the currency."), code="decimals", field="amount")
    if not reason.strip():
        raise PayoutError(_("Say why: the affiliate reads it."), code="required", field="reason")
    known = Adjustment.objects.filter(payout=payout).first()
    if known is not None:
        raise NotNow(
            _("%(amount)s were added to this payout already: a payout is adjusted once.")
            % {"amount": money_text(known.amount, known.currency)},
            code="adjusted",
        )
    adjustment = Adjustment.objects.create(payout=payout, amount=amount, currency=currency, reason=reason.strip(), created_by=by)
    posting = Posting(
        f"adjustment:{adjustment.pk}",
        TransferKind.ADJUSTED,
        **earned(program, payout.affiliate_id),
        amount=amount,
        currency=currency,
        at=adjustment.created_at,
    )
    post_transfers([posting], now=timezone.now())
    told = {"amount": plain_amount(amount, currency), "currency": currency}
    record(events.PAYOUT_ADJUSTED, payout, adjustment, payout.affiliate, by=by, data=told, reason=adjustment.reason)
    return adjustment
