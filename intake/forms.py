"""What is entered about a refund by hand."""

from __future__ import annotations

import secrets
from datetime import date, datetime, time
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.components import money_text
from core.money import NumberInput, currency_digits, plain_amount
from tracking.models import Conversion


class RefundForm(forms.Form):
    """A refund of one conversion. `key` is made when the form is first shown and names the refund where people give no number
    of their own: however often the form is sent, it is one refund."""

    day = forms.DateField(label=gettext_lazy("Refunded on"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=300, required=False, help_text=gettext_lazy("It stands in the history.")
    )
    number = forms.CharField(
        label=gettext_lazy("Refund number"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Your shop's own, if it tells refunds over the API as well: the same number is the same refund."),
    )
    key = forms.CharField(widget=forms.HiddenInput, validators=[RegexValidator(r"^[0-9a-f]{16}\Z")])

    def __init__(self, *args: Any, conversion: Conversion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conversion = conversion
        digits = currency_digits(conversion.currency)
        self.fields["amount"] = NumberInput(
            label=_("Amount in %(currency)s") % {"currency": conversion.currency},
            max_digits=19,
            decimal_places=digits,
            min_value=0,
            help_text=_("%(left)s of the order are left to refund.")
            % {"left": money_text(conversion.left_to_refund, conversion.currency)},
        )
        self.order_fields(["amount", "day", "reason", "number", "key"])

    @staticmethod
    def first(conversion: Conversion) -> dict[str, Any]:
        """What is asked about at first: all that is left, today."""
        return {
            "amount": plain_amount(conversion.left_to_refund, conversion.currency),
            "day": f"{timezone.localdate():%Y-%m-%d}",
            "key": secrets.token_hex(8),
        }

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if day > timezone.localdate():
            raise forms.ValidationError(_("This lies in the future."))
        return day

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "key" in self.errors:  # of a hidden field: nobody can mend it here
            self.add_error(None, _("This form is broken. Open it anew from the order."))
        amount, left = cleaned.get("amount"), self.conversion.left_to_refund
        if amount is not None and not amount:
            self.add_error("amount", _("A refund is more than zero."))
        elif amount is not None and amount > left and not self.known:
            self.add_error(
                "amount", _("Only %(left)s are left to refund.") % {"left": money_text(left, self.conversion.currency)}
            )
        return cleaned

    @property
    def external_id(self) -> str:
        return self.cleaned_data.get("number") or f"by-hand-{self.cleaned_data.get('key', '')}"

    @property
    def known(self) -> bool:
        """Whether this very refund is recorded already."""
        return self.conversion.refunds.filter(external_id=self.external_id).exists()

    @property
    def occurred_at(self) -> datetime | None:
        """Noon of the day in the program's own zone, so that its reports count it on that day; now where it is today."""
        day = self.cleaned_data["day"]
        return None if day == timezone.localdate() else datetime.combine(day, time(12), self.conversion.program.zone)
