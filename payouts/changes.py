"""What has come in since a draft was computed: for whom it would be another payout, or none, if it were computed now."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext as _

from payouts.models import PayoutBatch, PayoutException, PayoutStatus
from payouts.payable import BATCH_SHARES, select_judged


@dataclass(frozen=True, slots=True)
class Change:
    """One affiliate's: what the draft pays (nothing to one who is left for later), what it would pay now, and why not."""

    name: str
    affiliate_id: int
    currency: str
    computed: Decimal
    payable: Decimal  # now, this batch's own lines included
    exceptions: list[str]
    elsewhere: bool  # it would go to another payout method

    @property
    def holds_up(self) -> bool:
        """Nobody is paid who would not be paid now, or paid where they are not paid any more."""
        return self.computed > 0 and bool(self.exceptions or self.elsewhere)

    @property
    def now(self) -> Decimal:
        return Decimal(0) if self.exceptions else self.payable

    @property
    def difference(self) -> Decimal:
        return self.now - self.computed

    @property
    def reason(self) -> str:
        """Why it would not be paid as it was computed."""
        if self.exceptions:
            return "; ".join(str(PayoutException(exception).label) for exception in self.exceptions)
        return _("The payout method was changed") if self.elsewhere else ""

    @property
    def told(self) -> str:
        """What it means for the approval, in a sentence."""
        if self.holds_up:
            return _("%(reason)s. It holds up the approval.") % {"reason": self.reason}
        if self.computed and self.difference < 0:
            return _("Refunds came in. It is paid as computed, and the next payout takes them off.")
        return _("More can be paid by now: the next payout takes it in.")


def changes_since(batch: PayoutBatch) -> list[Change]:
    """Of a draft, in one statement: what holds up its approval first, then what would be paid less, then more. What somebody
    left out of it by hand stays out."""
    rows = select_judged(
        """SELECT a.name, a.id, %(currency)s, CASE WHEN p.status = 'ready' THEN p.amount ELSE 0 END, coalesce(j.amount, 0),
                  coalesce(j.exceptions, ARRAY[%(nothing)s]), coalesce(p.status = 'ready' AND p.method_id <> j.method_id, false)
           FROM judged j
           FULL JOIN (SELECT * FROM payouts_payout WHERE batch_id = %(batch)s) p ON p.affiliate_id = j.affiliate_id
           JOIN affiliates_affiliate a ON a.id = coalesce(p.affiliate_id, j.affiliate_id)
           WHERE CASE WHEN p.status = 'ready'
                      THEN j.affiliate_id IS NULL OR j.exceptions <> '{}' OR j.amount <> p.amount OR j.method_id <> p.method_id
                      ELSE coalesce(p.status, %(skipped)s) = %(skipped)s AND j.exceptions = '{}' END""",
        BATCH_SHARES,
        now=timezone.now(),
        at=batch.cutoff,
        besides=batch.pk,
        program=batch.program_id,
        currency=batch.currency,
        batch=batch.pk,
        nothing=PayoutException.NOT_POSITIVE.value,
        skipped=PayoutStatus.SKIPPED.value,
    )
    changes = [Change(*row) for row in rows]
    return sorted(changes, key=lambda change: (not change.holds_up, change.difference, change.name))
