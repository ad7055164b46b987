"""The payment file on its way out: it leaves a trace."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.access import Can
from core.errors import NotVisible
from core.events import record
from core.secrets import Unreadable
from payouts import events
from payouts.files import COLUMNS, FORMATS, payment_row
from payouts.models import BatchStatus, PayoutBatch, PayoutStatus
from payouts.services.batches import NotNow, PayoutError, lock_batch
from payouts.services.methods import method_details


@transaction.atomic
def hand_out_payment_file(batch: PayoutBatch, format: str, *, by: Any) -> list[list[str]]:
    """The rows of an approved batch's payment file, headed by COLUMNS, bank details in the clear.

    Reading it changes nothing of the batch (`start_payment` does). Each time is recorded with who it was, and what was read
    the bank may have: nothing of it is undone without somebody's word (`may_be_executed`). All details are read before
    anything is given: a file is whole or there is none. The lock keeps a batch that is just being cancelled from giving one.
    """
    batch = lock_batch(batch, Can.APPROVE_PAYOUTS, by)
    if format not in FORMATS:
        raise NotVisible(
            _("There is no such format. Ask for one of: %(names)s.") % {"names": ", ".join(FORMATS)}, code="not_found"
        )
    if batch.status not in (BatchStatus.APPROVED, BatchStatus.EXECUTING, BatchStatus.DONE):
        raise NotNow(_("There is no payment file before a second person has approved the batch."), code="not_approved")
    rows = _rows(batch)
    record(events.BATCH_FILE_HANDED_OUT, batch, batch.program, by=by, data={"format": format})
    return rows


def _rows(batch: PayoutBatch) -> list[list[str]]:
    payouts = (
        batch.payouts.filter(status__in=[PayoutStatus.READY, PayoutStatus.PAID])
        .select_related("affiliate", "method", "batch__program")
        .order_by("pk")
    )
    rows, unreadable = [COLUMNS], []
    for payout in payouts:
        assert payout.method is not None  # the database holds that a payout to be made has one
        try:
            rows.append(payment_row(payout, payout.method, method_details(payout.method)))
        except Unreadable:
            unreadable.append(payout.affiliate.name)
    if unreadable:
        raise PayoutError(
            _(
                "The payout details of %(names)s cannot be read: the secret key was changed. Have the former key named in"
                " SECRET_KEY_FALLBACKS, or leave these payouts out and ask for the details anew."
            )
            % {"names": ", ".join(unreadable)},
            code="unreadable_details",
        )
    return rows
