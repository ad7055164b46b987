"""What is entered about rules that start requests."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from channels.models import Channel
from core.access import Can, programs_of
from programs.models import Program
from support.models import StartRule


class StartRuleForm(forms.ModelForm):
    """One condition, and where it counts."""

    class Meta:
        model = StartRule
        fields = ["kind", "hours", "words", "program", "channel", "is_active"]
        help_texts = {
            "hours": gettext_lazy("Of silence, or since it was resolved."),
            "words": gettext_lazy("Whole words, separated by commas; small or large letters are the same."),
            "is_active": gettext_lazy("One that is not in use starts nothing."),
        }

    fieldsets = [
        (gettext_lazy("When a request of its own begins"), ["kind", "hours", "words"]),
        (gettext_lazy("Where"), ["program", "channel", "is_active"]),
    ]

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = programs_of(user, Can.SET_INBOX)
        program: Any = self.fields["program"]
        if held is not None:
            program.queryset = Program.objects.filter(pk__in=held)
            program.required = True
        program.empty_label = gettext_lazy("Every program")
        kind: Any = self.fields["kind"]
        kind.choices = [("", gettext_lazy("Choose")), *StartRule.Kind.choices]
        channel: Any = self.fields["channel"]
        channel.queryset = Channel.objects.filter(program__in=program.queryset).order_by("name")
        channel.empty_label = gettext_lazy("Every channel")

    def _post_clean(self) -> None:
        """The service checks and writes; the row that the page shows takes what was entered."""
        for name, value in self.cleaned_data.items():
            setattr(self.instance, name, value)
