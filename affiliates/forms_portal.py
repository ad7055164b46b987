"""What an affiliate's own people keep up about it."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from affiliates.models import Affiliate
from core.choices import country_choices
from core.languages import language_choices


class ProfileForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=160, help_text=_("Yours, or your firm’s. It stands on your statements."))
    kind = forms.ChoiceField(label=_("How you promote"), choices=Affiliate.Kind.choices)
    website = forms.URLField(
        label=_("Website or channel"),
        max_length=500,
        required=False,
        assume_scheme="https",
        help_text=_("Where people find you, such as https://example.com."),
    )
    country = forms.ChoiceField(label=_("Country"), required=False, choices=lambda: [("", _("Not said")), *country_choices()])
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=lambda: [("", _("Not said")), *language_choices()],
        help_text=_("People who speak it look after you where they can, and articles and messages come in it where they exist."),
    )
