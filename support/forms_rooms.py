"""What the team enters about rooms."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.queries import people_who
from core.access import Can
from support.models import Room


class RoomForm(forms.ModelForm):
    people = forms.ModelMultipleChoiceField(
        queryset=User.objects.none(), label=_("Who is in it"), required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Room
        fields = ["name", "about"]

    def __init__(self, *args: Any, by: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["people"].queryset = people_who(Can.SEE).exclude(pk=by.pk)  # type: ignore[attr-defined]

    def _post_clean(self) -> None:
        """The service checks and writes."""
