"""What affiliates fill in for their links."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from affiliates.models import Affiliate, EnrollmentStatus
from programs.models import Offer, Program

SUBS = 3  # the links carry up to twelve; three are enough for a form, and the page says that there are more


def promoted_offers(affiliate: Affiliate) -> Any:
    """The offers that the affiliate may promote now: active ones of active programs in which it is approved."""
    return (
        Offer.objects.filter(
            status=Offer.Status.ACTIVE,
            program__status=Program.Status.ACTIVE,
            program__enrollments__affiliate=affiliate,
            program__enrollments__status=EnrollmentStatus.APPROVED,
        )
        .select_related("program")
        .order_by("program__name", "name")
    )


def linkable_sites(offer: Offer) -> list[str]:
    """The hosts that links of the offer may lead to, each with everything beneath it."""
    landing = urlsplit(offer.landing_url).hostname or ""
    return list(dict.fromkeys(site for site in [landing, *offer.allowed_domains] if site))


class OfferField(forms.ModelChoiceField):
    def label_from_instance(self, offer: Offer) -> str:
        return f"{offer.name} · {offer.program.name}"


class LinkForm(forms.Form):
    offer = OfferField(queryset=Offer.objects.none(), to_field_name="slug", label=gettext_lazy("Offer"), empty_label=None)
    destination_url = forms.CharField(
        label=gettext_lazy("Page to link to"),
        required=False,
        max_length=2000,
        help_text=gettext_lazy("Copy the address of any page of the shop, such as one product. Empty: the offer’s landing page."),
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    code = forms.CharField(
        label=gettext_lazy("Your own code"),
        required=False,
        max_length=60,
        help_text=gettext_lazy("The end of the link, such as “summer-sale”. Empty: a short one is chosen."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
    )

    def __init__(self, *args: Any, affiliate: Affiliate, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["offer"].queryset = promoted_offers(affiliate)  # type: ignore[attr-defined]

    def clean_destination_url(self) -> str:
        return self.cleaned_data["destination_url"].strip()

    def clean_code(self) -> str:
        return self.cleaned_data["code"].strip()


class SubsForm(forms.Form):
    """Sub ids to be put behind a link; nothing of it is kept."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        examples = [_("newsletter"), _("top-banner"), _("june")]
        for number in range(1, SUBS + 1):
            self.fields[f"sub{number}"] = forms.CharField(
                label=f"sub{number}",
                required=False,
                max_length=200,
                widget=forms.TextInput(attrs={"placeholder": examples[number - 1], "autocomplete": "off", "spellcheck": "false"}),
            )

    def chosen(self) -> dict[str, str]:
        """Those that are filled in; what cannot be read is left out."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}
