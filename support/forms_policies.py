"""What is entered about service levels."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from core.access import Can, programs_of
from programs.models import Program
from support.models import SlaPolicy


class PolicyForm(forms.ModelForm):
    """For whom it is meant, by which hours it counts, and how long what may take."""

    class Meta:
        model = SlaPolicy
        fields = [
            "name", "is_active", "program", "segment", "channel_kind", "priority", "calendar", "first_reply_minutes",
            "answer_minutes", "next_reply_minutes", "resolution_minutes", "warn_percent",
        ]  # fmt: skip
        labels = {
            "first_reply_minutes": gettext_lazy("First human reply, in minutes"),
            "answer_minutes": gettext_lazy("Professional answer, in minutes"),
            "next_reply_minutes": gettext_lazy("Next reply, in minutes"),
            "resolution_minutes": gettext_lazy("Resolution, in minutes"),
            "warn_percent": gettext_lazy("Warn when this much of the time is used, in %"),
        }
        help_texts = {
            "program": "",  # its first choice says it
            "calendar": "",
            "is_active": gettext_lazy("One that is not in use takes no ticket."),
            "first_reply_minutes": gettext_lazy("Empty: measured, and nothing is due. The same for the others."),
            "resolution_minutes": gettext_lazy("1440 are a day of open time."),
        }

    fieldsets = [
        (gettext_lazy("Service level"), ["name", "is_active"]),
        (gettext_lazy("For whom: whatever is empty fits all"), ["program", "segment", "channel_kind", "priority"]),
        (
            gettext_lazy("How soon"),
            ["calendar", "first_reply_minutes", "answer_minutes", "next_reply_minutes", "resolution_minutes", "warn_percent"],
        ),
    ]

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = programs_of(user, Can.SET_INBOX)
        program: Any = self.fields["program"]
        if held is not None:
            program.queryset = Program.objects.filter(pk__in=held)
            program.required = True
        program.empty_label = gettext_lazy("Every program")
        self.fields["calendar"].empty_label = gettext_lazy("Around the clock")  # type: ignore[attr-defined]
        for name in ("channel_kind", "priority"):
            field: Any = self.fields[name]
            field.choices = [("", gettext_lazy("All")), *[choice for choice in field.choices if choice[0]]]
