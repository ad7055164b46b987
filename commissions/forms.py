from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from commissions.models import ReasonCode


class ReasonForm(forms.Form):
    """Why a commission is refused or set aside: the affiliate sees the reason, the note stays with the team's history."""

    reason_code = forms.ChoiceField(label=_("Reason"), choices=[("", _("Choose a reason")), *ReasonCode.choices])
    note = forms.CharField(label=_("Note"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def clean(self) -> dict[str, str]:
        cleaned = super().clean() or {}
        if cleaned.get("reason_code") == ReasonCode.OTHER and not cleaned.get("note"):
            self.add_error("note", _("Say in the note what the reason is."))
        return cleaned


class RejectForm(ReasonForm):
    prefix = "reject"


class HoldForm(ReasonForm):
    prefix = "hold"
