"""What managers enter about commission rules."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from affiliates.forms import AffiliateChoice, SuggestingInput
from affiliates.models import Affiliate
from commissions.models import RuleType
from core.money import NumberInput
from programs.models import Offer, Program
from tracking.api import event_name
from tracking.conversion_events import EVENTS

NOW, BEGINNING = "now", "beginning"


class RateForm(forms.Form):
    """What a version of a rule pays, and from when."""

    type = forms.ChoiceField(
        label=_("Pays"),
        choices=[(RuleType.PERCENTAGE, _("A percentage of the amount")), (RuleType.FLAT, _("A flat amount each time"))],
        widget=forms.RadioSelect,
        initial=RuleType.PERCENTAGE,
    )
    value = NumberInput(label=_("Value"), min_value=Decimal(0), max_digits=19, decimal_places=4)
    starts_at = forms.DateTimeField(
        label=_("From"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("In your time zone. Empty: from now. What counts is when the sale happened, not when it is reported."),
    )

    def __init__(self, *args: Any, program: Program, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["value"].help_text = _("Percent, such as 10 or 7.5; or an amount in %(currency)s.") % {
            "currency": program.currency
        }


class RuleForm(RateForm):
    event = forms.CharField(
        label=_("For the event"),
        initial="sale",
        max_length=40,
        validators=[event_name],
        widget=SuggestingInput,
        help_text=_("As your shop reports it: sale, lead, signup, install, recurring or a name of your own."),
    )
    offer = forms.ModelChoiceField(
        label=_("For the offer"), queryset=Offer.objects.none(), required=False, empty_label=_("All offers")
    )
    affiliate = AffiliateChoice(
        label=_("For one affiliate alone"), required=False, help_text=_("Name, e-mail or id. Empty: for everybody.")
    )
    otherwise = forms.ChoiceField(
        label=_("Where no moment is given"),
        choices=[
            (NOW, _("It starts now")),
            (BEGINNING, _("It prices sales of the past too, where they are reported or imported later")),
        ],
        widget=forms.RadioSelect,
        initial=NOW,
    )
    priority = forms.IntegerField(
        label=_("Priority"),
        initial=0,
        min_value=-1000,
        max_value=1000,
        help_text=_("Of several rules that match, the highest priority wins. Leave it at 0 unless one must beat another."),
    )
    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=120,
        help_text=_("Affiliates read it in the sentence that explains a commission. Empty: made of what it pays."),
    )

    field_order = ["type", "value", "event", "offer", "affiliate", "starts_at", "otherwise", "priority", "name"]
    fieldsets = [
        (_("What it pays"), ["type", "value", "event"]),
        (_("For whom"), ["offer", "affiliate"]),
        (_("Since when, and before which others"), ["starts_at", "otherwise", "priority", "name"]),
    ]

    def __init__(self, *args: Any, program: Program, **kwargs: Any) -> None:
        super().__init__(*args, program=program, **kwargs)
        self.fields["offer"].queryset = program.offers.order_by("name")  # type: ignore[attr-defined]
        self.fields["affiliate"].offer(Affiliate.objects.filter(enrollments__program=program))  # type: ignore[attr-defined]
        self.fields["event"].widget.suggestions = list(EVENTS.items())
        self.fields["starts_at"].help_text = _(
            "In your time zone. What counts is when the sale happened, not when it is reported."
        )
        if not program.rules.exists():
            self.initial.setdefault("otherwise", BEGINNING)  # a program's first rule is what it always meant to pay

    def clean(self) -> dict[str, Any]:
        """`starts_at` is None where the rule is in force from the beginning."""
        cleaned = super().clean() or {}
        if cleaned.pop("otherwise", NOW) == NOW:
            cleaned["starts_at"] = cleaned.get("starts_at") or timezone.now()
        return cleaned
