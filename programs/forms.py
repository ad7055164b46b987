"""What managers enter about programs, offers and terms."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.choices import currency_choices
from core.money import round_money
from programs.models import AttributionModel, Offer, Program, zone_choices


class ProgramForm(forms.ModelForm):
    """A program's settings. The currency is chosen once."""

    currency = forms.ChoiceField(
        label=gettext_lazy("Currency"),
        help_text=gettext_lazy("Commissions, balances and payouts are in it. It cannot be changed later."),
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        initial="UTC",
        help_text=gettext_lazy("Days in reports begin at midnight there."),
    )
    fallback_url = forms.URLField(
        label=gettext_lazy("Fallback address"),
        max_length=2000,
        required=False,
        assume_scheme="https",
        help_text=gettext_lazy(
            "Visitors of paused links, suspended affiliates and closed offers are sent there. Empty: to the landing page."
        ),
    )
    attribution_model = forms.ChoiceField(
        label=gettext_lazy("Who is credited"),
        choices=[
            (AttributionModel.LAST_CLICK, gettext_lazy("The last click before the sale")),
            (AttributionModel.FIRST_CLICK, gettext_lazy("The first click within the window")),
        ],
        widget=forms.RadioSelect,
        initial=AttributionModel.LAST_CLICK,
    )

    class Meta:
        model = Program
        fields = [
            "name", "slug", "summary", "description", "currency", "minimum_payout", "hold_days", "attribution_model",
            "attribution_window_days", "fallback_url", "time_zone", "status", "public", "shows_support",
            "accent_color",
        ]  # fmt: skip
        widgets = {
            "summary": forms.TextInput,
            "description": forms.Textarea(attrs={"rows": 6}),
            "accent_color": forms.TextInput(attrs={"type": "color"}),
        }
        labels = {
            "slug": gettext_lazy("Short name in addresses"),
            "attribution_window_days": gettext_lazy("Window, in days"),
            "hold_days": gettext_lazy("Hold, in days after the sale"),
            "public": gettext_lazy("Show on the public page and take applications"),
            "accent_color": gettext_lazy("Colour of its mark"),
        }
        help_texts = {
            "name": gettext_lazy("As affiliates know it."),
            "slug": gettext_lazy("Letters, digits and hyphens, such as autumn-music. Empty: made of the name."),
            "summary": gettext_lazy("One sentence under the name on the public page."),
            "description": gettext_lazy("For the public page: what is sold, to whom, and why it is worth promoting."),
            "minimum_payout": gettext_lazy("Less than this waits for the next payout. 0 pays everything."),
            "hold_days": gettext_lazy("Time for returns: an approved commission becomes payable when it is over. 0: at once."),
            "attribution_window_days": gettext_lazy("A click counts for this long before the sale."),
            "status": gettext_lazy(
                "Paused and closed programs send visitors to the fallback address and credit nothing; what was earned stays."
            ),
            "shows_support": gettext_lazy("The measured figures of the last 30 days, on the program's page and in the portal."),
            "public": gettext_lazy("Anyone may then apply; you decide about every application."),
        }

    fieldsets = [
        (gettext_lazy("Program"), ["name", "slug", "summary", "description"]),
        (gettext_lazy("Money"), ["currency", "minimum_payout", "hold_days"]),
        (gettext_lazy("Credit"), ["attribution_model", "attribution_window_days", "fallback_url"]),
        (gettext_lazy("Open or not"), ["status", "public", "shows_support", "time_zone", "accent_color"]),
    ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["slug"].required = False
        self.fields["time_zone"].choices = zone_choices()  # type: ignore[attr-defined]
        currency = self.fields["currency"]
        currency.choices = currency_choices()  # type: ignore[attr-defined]
        if self.instance.pk:
            currency.choices = [c for c in currency.choices if c[0] == self.instance.currency]  # type: ignore[attr-defined]
            currency.disabled = True
            currency.help_text = _("Commissions and balances are in it; it stays.")
            self.initial["minimum_payout"] = round_money(self.instance.minimum_payout, self.instance.currency)
        else:
            currency.initial = "USD"
            del self.fields["status"]  # a new one is active

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not cleaned.get("slug") and cleaned.get("name"):
            cleaned["slug"] = slugify(cleaned["name"])[:60].strip("-")
            if not cleaned["slug"]:
                self.add_error("slug", _("Give a short name in Latin letters, such as autumn-music."))
        return cleaned


class OfferForm(forms.ModelForm):
    """What affiliates of one program promote."""

    landing_url = forms.URLField(
        label=gettext_lazy("Landing page"),
        max_length=2000,
        assume_scheme="https",
        widget=forms.URLInput(attrs={"placeholder": "https://shop.example/welcome"}),
        help_text=gettext_lazy("Where visitors arrive. The click's id is added to it as click_id."),
    )
    allowed_domains = forms.CharField(
        label=gettext_lazy("Other domains"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "One a line, such as shop.example. Affiliates may link deeply to the landing page's site and to these, "
            "subdomains included; other addresses are refused."
        ),
    )

    class Meta:
        model = Offer
        fields = ["name", "landing_url", "allowed_domains", "description", "slug", "status"]
        widgets = {
            "description": forms.Textarea(attrs={"rows": 4}),
        }
        help_texts = {
            "slug": gettext_lazy("For the API. Empty: made of the name."),
            "description": gettext_lazy("What affiliates should know to promote it."),
            "status": gettext_lazy(
                "Links of an offer that is not active lead to the program's fallback address, and credit nothing."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["slug"].required = bool(self.instance.pk)
        if self.instance.pk:
            self.initial["allowed_domains"] = "\n".join(self.instance.allowed_domains)
        else:
            del self.fields["status"]  # a new one is active

    def clean_allowed_domains(self) -> list[str]:
        return self.cleaned_data["allowed_domains"].replace(",", " ").split()


class TermsForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("Terms"),
        widget=forms.Textarea(attrs={"rows": 18}),
        help_text=gettext_lazy("Publishing makes a new version. The versions before stay readable."),
    )
