"""One door: payout methods, and batches from their making to the money's way out."""

from payouts.services.adjustments import adjust_payout
from payouts.services.batches import (
    PayoutError,
    approve_batch,
    cancel_batch,
    fail_payout,
    mark_batch_paid,
    may_be_executed,
    prepare_batch,
    recompute_batch,
    start_payment,
)
from payouts.services.computing import compute_batch
from payouts.services.methods import MethodError, method_details, set_payout_method
from payouts.services.payment_files import hand_out_payment_file

__all__ = [
    "MethodError",
    "PayoutError",
    "adjust_payout",
    "approve_batch",
    "cancel_batch",
    "compute_batch",
    "fail_payout",
    "hand_out_payment_file",
    "mark_batch_paid",
    "may_be_executed",
    "method_details",
    "prepare_batch",
    "recompute_batch",
    "set_payout_method",
    "start_payment",
]
