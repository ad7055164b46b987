"""The facts that this app publishes."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.components import number_text
from core.ui import register_fact, with_money

BATCH_CREATED = "batch.created"
BATCH_COMPUTED = "batch.computed"
BATCH_RECOMPUTED = "batch.recomputed"  # data: before, again (the public ids of the cancelled one and of the one in its place)
BATCH_APPROVED = "batch.approved"
BATCH_STARTED = "batch.started"
BATCH_FILE_HANDED_OUT = "batch.file_handed_out"  # data: format
BATCH_CANCELLED = "batch.cancelled"
BATCH_PAID = "batch.paid"
PAYOUT_PAID = "payout.paid"
PAYOUT_FAILED = "payout.failed"  # data: affiliate (the name)
PAYOUT_ADJUSTED = "payout.adjusted"  # data: amount, currency
METHOD_CHANGED = "payout_method.changed"  # data: currency, hint, first


def register_facts() -> None:
    """How the timeline tells them."""
    register_fact(BATCH_CREATED, "plus", gettext_lazy("Batch prepared"))
    register_fact(BATCH_COMPUTED, "calculator", _computed)
    register_fact(BATCH_RECOMPUTED, "refresh", gettext_lazy("Computed again: %(before)s is cancelled, %(again)s is in its place"))
    register_fact(BATCH_STARTED, "building-bank", gettext_lazy("Payment started"))
    register_fact(BATCH_APPROVED, "circle-check", gettext_lazy("Batch approved"))
    register_fact(BATCH_FILE_HANDED_OUT, "file-type-csv", gettext_lazy("Payment file downloaded"))
    register_fact(BATCH_CANCELLED, "circle-minus", gettext_lazy("Batch cancelled: everything in it is payable again"))
    register_fact(BATCH_PAID, "cash-banknote", _paid)
    register_fact(PAYOUT_PAID, "cash-banknote", with_money(gettext_lazy("Payout of %(amount)s made")))
    register_fact(PAYOUT_FAILED, "user-minus", gettext_lazy("%(affiliate)s left out of the batch: it is payable again"))
    register_fact(
        PAYOUT_ADJUSTED, "plus-minus", with_money(gettext_lazy("%(amount)s more are owed beside the payout: with the next batch"))
    )
    register_fact(METHOD_CHANGED, "credit-card", _method)


def _computed(event: Any) -> str:
    number = event.data["affiliates"]
    text = ngettext("Computed: %(number)s affiliate", "Computed: %(number)s affiliates", number)
    return text % {"number": number_text(number)}


def _paid(event: Any) -> str:
    reference = event.data.get("reference")
    return _("Paid, reference %(reference)s") % {"reference": reference} if reference else _("Paid")


def _method(event: Any) -> str:
    text = (
        _("Payout method set: %(hint)s, %(currency)s")
        if event.data.get("first")
        else _("Payout method changed: %(hint)s, %(currency)s")
    )
    return text % {"hint": event.data.get("hint") or _("by arrangement"), "currency": event.data.get("currency", "")}
