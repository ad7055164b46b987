"""What is entered about claims, disputes and requests for better terms."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from affiliates.models import Affiliate
from commissions.models import RuleType
from core.money import NumberInput, known_currencies
from payouts.models import PayoutStatus
from programs.models import Offer, Program
from support.models import ClaimDecision, Ticket
from support.services.claims import LONGEST_CLAIM
from support.services.missing_sales import Sale
from tracking.forms_portal import promoted_offers

Kind = ClaimDecision.Kind


class ClaimForm(forms.Form):
    text = forms.CharField(
        label=_("What is wrong, and what would be right?"), max_length=LONGEST_CLAIM, widget=forms.Textarea(attrs={"rows": 5})
    )


# What each decision would do to what it is about, in words.
_OF_COMMISSION = {
    Kind.UPHOLD: _("The claim is right: what is not decided is approved, what was rejected is earned anew"),
    Kind.CORRECT: _("It should have earned another amount"),
    Kind.REFUSE: _("Refuse it: everything stays as it is"),
}
_OF_NOTHING = {Kind.REFUSE: _OF_COMMISSION[Kind.REFUSE]}
_MORE_IS_OWED = {Kind.CORRECT: _("More is owed beside it: the next batch pays that"), Kind.REFUSE: _OF_COMMISSION[Kind.REFUSE]}
_NOT_MADE = {Kind.REFUSE: _("Refuse it: the payout was not made, and what it named is payable as it is")}
_OF_PAYOUT = {
    PayoutStatus.READY.value: {
        Kind.UPHOLD: _("The dispute is right: take the payout out of its batch; what it holds is payable again"),
        **_MORE_IS_OWED,
    },
    PayoutStatus.PAID.value: {Kind.UPHOLD: _("The payout was right: it stands"), **_MORE_IS_OWED},
}


class DecisionForm(forms.Form):
    kind = forms.ChoiceField(label=_("Decision"), choices=Kind.choices, widget=forms.RadioSelect)
    amount = forms.DecimalField(
        label=_("Amount"),
        required=False,
        max_digits=16,
        decimal_places=4,
        min_value=Decimal(0),
        help_text=_("Where it is corrected: what it should have earned in all, of the whole sale."),
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
        payout, amount = ticket.about_payout, self.fields["amount"]
        if payout is None or payout.status == PayoutStatus.PAID:
            del self.fields["not_executed"]
        if payout is not None:
            amount.label = _("Still owed beside it, in %(currency)s") % {"currency": payout.currency}
            amount.help_text = _("Where it is corrected: the next batch pays it.")
        if payout is not None:
            told = _OF_PAYOUT.get(payout.status) or _NOT_MADE
        else:
            told = _OF_COMMISSION if ticket.about_commission_id else _OF_NOTHING
        self.fields["kind"].choices = list(told.items())  # type: ignore[attr-defined]

    @property
    def decision(self) -> dict[str, Any]:
        return self.cleaned_data


class SaleForm(forms.Form):
    """A sale as it is told: in the portal what the affiliate knows of it, beside the decision what is recorded."""

    order = forms.CharField(label=_("Order number"), max_length=200)
    occurred_at = forms.DateTimeField(
        label=_("When it was bought"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    sold = NumberInput(label=_("Amount of the sale"), max_digits=19, decimal_places=4, required=False)
    currency = forms.CharField(label=_("Currency"), max_length=3, min_length=3, required=False)
    click_id = forms.CharField(
        label=_("Click id"), max_length=200, required=False, help_text=_("As the landing page got it, where you have it.")
    )
    coupon = forms.CharField(label=_("Coupon"), max_length=200, required=False)

    def clean_currency(self) -> str:
        text: str = self.cleaned_data["currency"].upper()
        if text and text not in known_currencies():
            raise forms.ValidationError(_("This is no currency."))
        return text

    def clean_occurred_at(self) -> datetime:
        at: datetime = self.cleaned_data["occurred_at"]
        if at > timezone.now() + timedelta(minutes=5):
            raise forms.ValidationError(_("This lies in the future."))
        return at

    @property
    def sale(self) -> Sale:
        data = self.cleaned_data
        return Sale(
            data["order"].strip(), data["occurred_at"], data["sold"], data["currency"], "sale", data["click_id"], data["coupon"]
        )


class MissingSaleForm(SaleForm):
    program = forms.ModelChoiceField(label=_("Program"), queryset=Program.objects.none(), empty_label=_("Choose a program"))
    text = forms.CharField(label=_("How do you know of it?"), max_length=LONGEST_CLAIM, widget=forms.Textarea(attrs={"rows": 4}))
    field_order = ["program"]

    def __init__(self, *args: Any, affiliate: Affiliate, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        programs = Program.objects.filter(enrollments__affiliate=affiliate, enrollments__status="approved").order_by("name")
        choice: Any = self.fields["program"]
        choice.queryset = programs
        if len(found := list(programs[:2])) == 1:
            choice.initial = found[0]
            self.fields["currency"].initial = found[0].currency


class MissingDecisionForm(SaleForm):
    """The decision about a sale that never came in: it is recorded as it stands here, or refused."""

    kind = forms.ChoiceField(
        label=_("Decision"),
        choices=[(Kind.CORRECT, _("Record the sale: the rules of its time say what it earns")), (Kind.REFUSE, _("Refuse it"))],
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_CLAIM,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("The affiliate reads it."),
    )
    field_order = ["kind"]

    def __init__(self, data: Any = None, *, sale: Sale) -> None:
        told = {"order": sale.order, "occurred_at": sale.occurred_at, "currency": sale.currency}
        initial = told | {"sold": sale.amount, "click_id": sale.click_id, "coupon": sale.coupon}
        super().__init__(data, initial=initial)

    @property
    def decision(self) -> dict[str, Any]:
        data = self.cleaned_data
        kind = data["kind"]
        return {"kind": kind, "reason": data["reason"], "sale": self.sale if kind == Kind.CORRECT else None}


class TermsAskForm(forms.Form):
    program = forms.ModelChoiceField(label=_("Program"), queryset=Program.objects.none(), empty_label=_("Choose a program"))
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
    starts = forms.DateField(
        label=_("From (empty: from now on)"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    until = forms.DateField(
        label=_("Until (this day included)"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    reason = forms.CharField(
        label=_("What the affiliate reads with it"), required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 3})
    )


class LimitForm(forms.Form):
    percentage = forms.DecimalField(
        label=_("Percent"), required=False, max_digits=7, decimal_places=4, min_value=Decimal(0), max_value=Decimal(100)
    )
    flat = forms.DecimalField(label=_("Flat amount"), required=False, max_digits=16, decimal_places=4, min_value=Decimal(0))
    days = forms.IntegerField(label=_("For at most (days)"), min_value=1, max_value=3650)
