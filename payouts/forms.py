"""The team's forms about batches and payouts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.money import check_currency
from core.ui import refusals_as_errors
from programs.models import Program


class MomentField(forms.DateTimeField):
    """A minute in the reader's zone, as browsers' own picker writes it."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(**{"widget": widget, **kwargs})


def this_minute() -> datetime:
    return timezone.now().replace(second=0, microsecond=0)


def next_minute() -> str:
    """The minute that is about to begin, in the reader's zone, as the picker writes it: what is payable now is before it."""
    return f"{timezone.localtime() + timedelta(minutes=1):%Y-%m-%dT%H:%M}"


class BatchForm(forms.Form):
    """What a batch is of. The programs are those in which the reader prepares payouts."""

    program = forms.ModelChoiceField(label=_("Program"), queryset=Program.objects.none(), to_field_name="slug", empty_label=None)
    currency = forms.CharField(
        label=_("Currency"), max_length=3, required=False, help_text=_("Left empty: the program's own currency.")
    )
    cutoff = MomentField(
        label=_("Payable until"),
        help_text=_("Commissions whose hold is over by then are taken in, and the refunds that came since the last payout."),
    )

    def __init__(self, *args: Any, programs: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["program"].queryset = programs  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        program: Program | None = cleaned.get("program")
        if program is not None and "currency" in cleaned:
            cleaned["currency"] = cleaned["currency"].strip().upper() or program.currency
            with refusals_as_errors(self):
                check_currency(cleaned["currency"])
        return cleaned


class PaidForm(forms.Form):
    paid_at = MomentField(label=_("Paid on"), initial=this_minute)
    reference = forms.CharField(
        label=_("Reference"),
        max_length=120,
        required=False,
        help_text=_("Such as the bank's number of the order. Affiliates see it on their statement."),
    )

    def __init__(self, *args: Any, approved_at: datetime | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.approved_at = approved_at

    def clean_paid_at(self) -> datetime:
        """The picker knows whole minutes: what was paid in the minute of the approval was paid after it."""
        paid_at: datetime = self.cleaned_data["paid_at"]
        if self.approved_at and paid_at < self.approved_at < paid_at + timedelta(minutes=1):
            return self.approved_at
        return paid_at


class CancelForm(forms.Form):
    """What undoes payments. Once the payment file is out it asks for a statement about the bank."""

    not_executed = forms.BooleanField(
        label=_("The bank has not executed this payment"),
        error_messages={"required": _("The bank may have paid: ask it, and state that it has not executed this.")},
    )

    def __init__(self, *args: Any, executing: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not executing:
            del self.fields["not_executed"]

    @property
    def message(self) -> str:
        """Its errors in one line."""
        return " ".join(str(error) for errors in self.errors.values() for error in errors)


class LeaveOutForm(CancelForm):
    reason = forms.CharField(
        label=_("Why?"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("The affiliate will ask."),
        error_messages={"required": _("Say why it is left out: the affiliate will ask.")},
    )
    field_order = ("reason", "not_executed")
