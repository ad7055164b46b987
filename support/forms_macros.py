"""What the team enters about macros."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms import formset_factory
from django.utils.translation import gettext_lazy as _

from core.access import Can, rights_of
from knowledge.languages import CHOICES
from programs.queries import visible_programs
from support.models import Macro

MOST_VARIANTS = 30


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Any number of files; the value is a list."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        given = data if isinstance(data, list | tuple) else [data]
        return [file for file in (super(ManyFilesField, self).clean(each, initial) for each in given) if file]


class MacroForm(forms.ModelForm):
    add_tags = forms.CharField(label=_("Add tags"), required=False, max_length=300, help_text=_("Separated by commas."))
    files = ManyFilesField(label=_("Add files"), required=False)  # type: ignore[assignment]

    class Meta:
        model = Macro
        fields = ["name", "program", "is_active", "set_status", "set_type", "set_level", "set_priority", "add_tags"]
        help_texts = {"name": _("As you would look for it: it is found by any part of its name or its words.")}

    fieldsets = [
        ("", ["name", "program", "is_active"]),
        (_("What happens with the ticket"), ["set_status", "set_type", "set_level", "set_priority", "add_tags"]),
        (_("What goes along"), ["files"]),
    ]

    def __init__(self, *args: Any, by: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        programs = self.fields["program"]
        programs.queryset = visible_programs(by, Can.ANSWER_TICKETS)  # type: ignore[attr-defined]
        if rights_of(by).everywhere(Can.ANSWER_TICKETS):
            programs.empty_label = _("Every program")  # type: ignore[attr-defined]
        else:
            programs.required, programs.empty_label = True, None  # type: ignore[attr-defined]
        for name in ("set_status", "set_type", "set_level", "set_priority"):
            self.fields[name].choices = [("", _("As it is")), *[c for c in self.fields[name].choices if c[0]]]  # type: ignore[attr-defined]
        if self.instance.pk:
            self.initial["add_tags"] = ", ".join(self.instance.add_tags)

    def clean_add_tags(self) -> list[str]:
        words = (" ".join(word.lower().split())[:40] for word in self.cleaned_data["add_tags"].split(","))
        return list(dict.fromkeys(word for word in words if word))

    def _post_clean(self) -> None:
        """The service checks and writes; the instance here stays as it was read."""


class VariantForm(forms.Form):
    """Without a text it is none."""

    segment = forms.CharField(
        label=_("Segment"), max_length=40, required=False, help_text=_("A tag of the affiliate. Empty: everybody.")
    )
    language = forms.ChoiceField(label=_("Language"), choices=[("", _("Any")), *CHOICES], required=False)
    text = forms.CharField(
        label=_("Text"), max_length=20_000, required=False, widget=forms.Textarea(attrs={"rows": 7, "data-variant-text": ""})
    )


VariantFormSet = formset_factory(VariantForm, extra=1, max_num=MOST_VARIANTS, validate_max=True)
