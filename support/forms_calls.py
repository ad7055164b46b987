"""What is written down about a call."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.queries import people_who
from affiliates.models import Affiliate
from core.access import Can, programs_of
from programs.models import Program
from support.models import PhoneCall, Ticket
from support.services.calls import LONGEST_CALL


class CallForm(forms.Form):
    program = forms.ModelChoiceField(label=_("Program"), queryset=Program.objects.none(), empty_label=_("Choose a program"))
    kind = forms.ChoiceField(label=_("Which way"), choices=PhoneCall.Kind.choices)
    affiliate = forms.CharField(
        label=_("Affiliate"), required=False, max_length=254, help_text=_("Their id or e-mail; empty for somebody not known yet.")
    )
    number = forms.CharField(label=_("Number"), required=False, max_length=40, help_text=_("With its country: +49 30 1234567."))
    name = forms.CharField(label=_("Who it was"), required=False, max_length=160)
    started_at = forms.DateTimeField(
        label=_("When"),
        initial=timezone.localtime,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    minutes = forms.IntegerField(label=_("Minutes"), initial=0, min_value=0, max_value=LONGEST_CALL)
    said = forms.CharField(label=_("What they said"), required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 4}))
    answered = forms.CharField(
        label=_("What you said"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Both stand in their chat, so that they find again what was agreed. What is for the team goes into a note."),
    )
    follow_up = forms.CharField(label=_("What follows"), required=False, max_length=300)
    follow_up_due = forms.DateTimeField(
        label=_("By when"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    follow_up_owner = forms.ModelChoiceField(
        label=_("Who does it"), queryset=User.objects.none(), required=False, empty_label=_("I do")
    )
    ticket = forms.CharField(widget=forms.HiddenInput, required=False)
    solved = forms.BooleanField(label=_("Nothing is open any more"), required=False)

    fieldsets = [
        (_("The call"), ["program", "kind", "affiliate", "number", "name", "started_at", "minutes"]),
        (_("What was said"), ["said", "answered"]),
        (_("What follows"), ["follow_up", "follow_up_due", "follow_up_owner", "solved", "ticket"]),
    ]

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = programs_of(user, Can.ANSWER_TICKETS)
        program: Any = self.fields["program"]
        program.queryset = Program.objects.all() if held is None else Program.objects.filter(pk__in=held)
        if len(found := list(program.queryset[:2])) == 1:
            program.initial = found[0]
        if isinstance(slug := self.initial.get("program"), str):
            self.initial["program"] = program.queryset.filter(slug=slug).first()
        owner: Any = self.fields["follow_up_owner"]
        owner.queryset = people_who(Can.ANSWER_TICKETS)
        self.user = user

    def clean_ticket(self) -> Ticket | None:
        text = self.cleaned_data["ticket"]
        visible = Ticket.objects.visible_to(self.user, Can.ANSWER_TICKETS)
        found = visible.filter(pk=Ticket.pk_from(text) or 0).first() if text else None
        if text and found is None:
            raise forms.ValidationError(_("There is no such request for you."))
        return found

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        data["about"] = data.pop("ticket", None)
        return data

    def clean_affiliate(self) -> Affiliate | None:
        text = self.cleaned_data["affiliate"].strip()
        if not text:
            return None
        visible = Affiliate.objects.visible_to(self.user)
        pk = Affiliate.pk_from(text)
        found = visible.filter(pk=pk).first() if pk else visible.filter(email__iexact=text).first()
        if found is None:
            raise forms.ValidationError(_("There is no such affiliate for you."))
        return found
