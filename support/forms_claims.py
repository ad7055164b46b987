"""What is entered about claims, disputes and requests for better terms."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from affiliates.models import Affiliate
from commissions.models import RuleType
from programs.models import Offer, Program
from support.models import ClaimDecision, Ticket
from support.services.claims import LONGEST_CLAIM
from tracking.forms_portal import promoted_offers


class ClaimForm(forms.Form):
    text = forms.CharField(
        label=_("What is wrong, and what would be right?"), max_length=LONGEST_CLAIM, widget=forms.Textarea(attrs={"rows": 5})
    )


class DecisionForm(forms.Form):
    kind = forms.ChoiceField(label=_("Decision"), choices=ClaimDecision.Kind.choices)
    amount = forms.DecimalField(
        label=_("Amount"),
        required=False,
        max_digits=16,
        decimal_places=4,
        min_value=Decimal(0),
        help_text=_("Where it is corrected: what it should have earned in all; of a payout, what is still owed beside it."),
    )
    not_executed = forms.BooleanField(
        label=_("The bank says that it has not executed this payment"),
        required=False,
        help_text=_("Only for a payout whose payment was started."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_CLAIM,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("The affiliate reads it."),
    )

    def __init__(self, *args: Any, ticket: Ticket, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if ticket.about_payout_id is None:
            del self.fields["not_executed"]


class TermsAskForm(forms.Form):
    program = forms.ModelChoiceField(label=_("Program"), queryset=Program.objects.none())
    offer = forms.ModelChoiceField(
        label=_("Offer"), queryset=Offer.objects.none(), required=False, empty_label=_("All of the program’s")
    )
    wanted = forms.CharField(label=_("What you ask for"), max_length=300)
    why = forms.CharField(label=_("Why it pays for both"), max_length=5000, widget=forms.Textarea(attrs={"rows": 5}))

    def __init__(self, *args: Any, affiliate: Affiliate, program: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        programs = Program.objects.filter(enrollments__affiliate=affiliate, enrollments__status="approved")
        choice: Any = self.fields["program"]
        choice.queryset = programs
        found = list(programs)
        choice.initial = found[0] if len(found) == 1 else next((each for each in found if each.slug == program), None)
        offer: Any = self.fields["offer"]
        offer.queryset = promoted_offers(affiliate)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        offer, program = data.get("offer"), data.get("program")
        if offer is not None and program is not None and offer.program_id != program.pk:
            self.add_error("offer", _("This offer belongs to another program."))
        return data


class GrantForm(forms.Form):
    type = forms.ChoiceField(label=_("Type"), choices=RuleType.choices)
    value = forms.DecimalField(label=_("Value"), max_digits=16, decimal_places=4, min_value=Decimal(0))
    until = forms.DateField(
        label=_("Until (this day included)"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    reason = forms.CharField(
        label=_("What the affiliate reads with it"), required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def ends_at(self, program: Program) -> datetime:
        """The end of that day in the program's zone."""
        return timezone.make_aware(datetime.combine(self.cleaned_data["until"], time.max), program.zone)


class LimitForm(forms.Form):
    percentage = forms.DecimalField(
        label=_("Percent"), required=False, max_digits=7, decimal_places=4, min_value=Decimal(0), max_value=Decimal(100)
    )
    flat = forms.DecimalField(label=_("Flat amount"), required=False, max_digits=16, decimal_places=4, min_value=Decimal(0))
    days = forms.IntegerField(label=_("For at most (days)"), min_value=1, max_value=3650)
