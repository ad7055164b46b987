"""Where an affiliate is paid: one form for each way, so that no page asks what is not needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from payouts.models import MethodType


class PayoutMethodForm(forms.Form):
    """The fields of one type. What they hold is checked by the service; the form itself is never kept."""

    account = forms.CharField(widget=forms.HiddenInput)  # whose page it was: another tab may show another account by now

    def __init__(self, *args: Any, type: str, account: str, currencies: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.type, self.whose = type, account
        self.initial["account"] = account
        self.fields["currency"] = forms.ChoiceField(
            label=_("Currency"),
            choices=[(code, code) for code in currencies],
            help_text=_("What you earn in this currency is paid there. Each currency has a method of its own."),
        )
        self.fields |= FIELDS[type]()
        for name in self.fields:
            self.fields[name].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("account") != self.whose:
            raise forms.ValidationError(
                _("You have changed to another account meanwhile. Nothing was saved: open this page again.")
            )
        return cleaned

    def details(self) -> dict[str, str]:
        return {name: value for name, value in self.cleaned_data.items() if name not in ("account", "currency")}


def _bank_fields() -> dict[str, forms.Field]:
    return {
        "account_holder": forms.CharField(
            label=_("Account holder"), max_length=200, help_text=_("The person’s or firm’s name as the bank knows it.")
        ),
        "iban": forms.CharField(
            label="IBAN", max_length=60, help_text=_("Such as DE89 3704 0044 0532 0130 00. Spaces do not matter.")
        ),
    }


def _paypal_fields() -> dict[str, forms.Field]:
    return {
        "email": forms.EmailField(label=_("E-mail address of your PayPal account"), max_length=254),
    }


def _manual_fields() -> dict[str, forms.Field]:
    return {
        "instructions": forms.CharField(
            label=_("What you arranged with your manager"),
            max_length=500,
            required=False,
            widget=forms.Textarea(attrs={"rows": 3}),
        ),
    }


FIELDS = {
    MethodType.BANK_TRANSFER.value: _bank_fields,
    MethodType.PAYPAL.value: _paypal_fields,
    MethodType.MANUAL.value: _manual_fields,
}
WAYS = [  # type, icon, what it means
    (MethodType.BANK_TRANSFER, "building-bank", _("To an account with an IBAN, in Europe and many other countries.")),
    (MethodType.PAYPAL, "brand-paypal", _("To the e-mail address of your PayPal account.")),
    (MethodType.MANUAL, "message-circle", _("Another way that you agreed with your manager.")),
]
