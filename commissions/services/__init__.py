"""One door: rules; the pricing of conversions; decisions; reversals."""

from commissions.errors import CommissionError
from commissions.services.corrections import award_commission, check_not_corrected
from commissions.services.decisions import approve_commissions, hold_commissions, reject_commissions, release_commissions
from commissions.services.pricing import price_conversions
from commissions.services.reversals import reverse_for_refund
from commissions.services.rules import archive_rule, create_rule, revise_rule

__all__ = [
    "CommissionError",
    "approve_commissions",
    "archive_rule",
    "award_commission",
    "check_not_corrected",
    "create_rule",
    "hold_commissions",
    "price_conversions",
    "reject_commissions",
    "release_commissions",
    "reverse_for_refund",
    "revise_rule",
]
