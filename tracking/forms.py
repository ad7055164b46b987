"""What managers fill in for links and coupons."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from affiliates.forms import AffiliateChoice
from affiliates.models import Affiliate
from core.access import Can
from programs.models import Offer, Program
from programs.queries import visible_offers, visible_programs

PLAIN = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}


class OfferChoice(forms.ModelChoiceField):
    """An offer, its program beside it."""

    def label_from_instance(self, offer: Offer) -> str:
        return f"{offer.name} · {offer.program.name}"


class LinkForm(forms.Form):
    affiliate = AffiliateChoice()
    offer = OfferChoice(queryset=Offer.objects.none(), label=_("Offer"), empty_label=None)
    code = forms.CharField(
        label=_("Code"),
        required=False,
        max_length=60,
        help_text=_("The end of the link: letters, digits, - and _. Empty: a short one is chosen."),
        widget=forms.TextInput(attrs=PLAIN),
    )
    destination_url = forms.CharField(
        label=_("Page to link to"),
        required=False,
        max_length=2000,
        help_text=_("Any page on the offer's site. Empty: its landing page."),
        widget=forms.URLInput(attrs=PLAIN),
    )

    def __init__(self, *args: Any, by: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["affiliate"].offer(Affiliate.objects.visible_to(by))  # type: ignore[attr-defined]
        self.fields["offer"].queryset = active_offers(by)  # type: ignore[attr-defined]


class CouponForm(forms.Form):
    affiliate = AffiliateChoice()
    program = forms.ModelChoiceField(label=_("Program"), queryset=Program.objects.none(), empty_label=None)
    code = forms.CharField(
        label=_("Coupon"),
        max_length=60,
        help_text=_("What customers type at the checkout, such as ANA10. Case does not matter. Your shop must know it too."),
        widget=forms.TextInput(attrs=PLAIN),
    )
    offer = OfferChoice(
        label=_("Offer"),
        queryset=Offer.objects.none(),
        required=False,
        empty_label=_("Any"),
        help_text=_("Rules for this offer then apply to sales by the coupon."),
    )

    def __init__(self, *args: Any, by: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["affiliate"].offer(Affiliate.objects.visible_to(by))  # type: ignore[attr-defined]
        self.fields["program"].queryset = visible_programs(by, Can.MANAGE_TRACKING).order_by("name")  # type: ignore[attr-defined]
        self.fields["offer"].queryset = active_offers(by)  # type: ignore[attr-defined]


def active_offers(by: Any) -> Any:
    """The offers for which links are made now, in programs where the person manages tracking."""
    offers = visible_offers(by, Can.MANAGE_TRACKING)
    open_ones = offers.filter(status=Offer.Status.ACTIVE, program__status=Program.Status.ACTIVE)
    return open_ones.select_related("program").order_by("program__name", "name")
