from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from affiliates.models import Function


class FunctionsForm(forms.Form):
    """What a person does for the affiliate."""

    functions = forms.MultipleChoiceField(
        label=_("Functions"),
        choices=Function.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Owners may do everything, people included. Marketing makes links, finance sees to payouts."),
    )


class InviteForm(FunctionsForm):
    email = forms.EmailField(
        label=_("E-mail"), max_length=254, help_text=_("A mail with a link goes there; it is good for 14 days.")
    )

    field_order = ["email", "functions"]


class AcceptForm(forms.Form):
    """For somebody who has no account yet."""

    name = forms.CharField(label=_("Your name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        label=_("Choose a password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Eight characters or more; a sentence is easy to remember."),
    )
