"""What is entered about calendars."""

from __future__ import annotations

from datetime import date
from typing import Any

import holidays
from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.choices import country_name
from core.errors import Refusal
from programs.models import zone_choices
from team.models import Calendar
from team.weeks import read_hours, write_hours


class HoursField(forms.CharField):
    """One weekday's hours."""

    def prepare_value(self, value: Any) -> Any:
        return write_hours(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        try:
            return read_hours(super().to_python(value) or "")
        except Refusal as refusal:
            raise forms.ValidationError(refusal.message) from refusal


class DaysField(forms.CharField):
    """Dates, one a line."""

    widget = forms.Textarea(attrs={"rows": 4, "placeholder": "2026-12-24"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(day.isoformat() for day in value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        days = set()
        for line in (super().to_python(value) or "").replace(",", " ").split():
            try:
                days.add(date.fromisoformat(line))
            except ValueError as error:
                raise forms.ValidationError(_("“%(day)s” is no date. Write it as 2026-12-24.") % {"day": line}) from error
        return sorted(days)


class CalendarForm(forms.ModelForm):
    """A week's hours, the holidays that are left out, and the days of our own."""

    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"), help_text=gettext_lazy("The hours are of the wall clock there.")
    )
    holidays_country = forms.ChoiceField(label=gettext_lazy("Closed on the holidays of"), required=False)
    holidays_subdivision = forms.CharField(
        label=gettext_lazy("Region"),
        required=False,
        max_length=10,
        help_text=gettext_lazy("Its code, such as BY for Bavaria: its holidays are added. Empty: the country's alone."),
    )
    closed_days = DaysField(label=gettext_lazy("Own closed days"), required=False, help_text=gettext_lazy("One date a line."))
    open_days = DaysField(
        label=gettext_lazy("Holidays on which we work"),
        required=False,
        help_text=gettext_lazy("One date a line. An own closed day stays closed."),
    )

    class Meta:
        model = Calendar
        fields = ["name", "time_zone", "holidays_country", "holidays_subdivision", "closed_days", "open_days"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        supported = holidays.list_supported_countries(include_aliases=False)
        countries = sorted(((code, country_name(code)) for code in supported if len(code) == 2), key=lambda choice: choice[1])
        self.fields["time_zone"].choices = zone_choices()  # type: ignore[attr-defined]
        self.fields["holidays_country"].choices = [("", _("No holidays")), *countries]  # type: ignore[attr-defined]
        week = self.instance.weekly_hours or [[[540, 1080]]] * 5 + [[], []]
        days = [f"day_{number}" for number in range(7)]
        for number, name in enumerate(days):
            self.fields[name] = HoursField(label=WEEKDAYS[number], required=False, initial=week[number])
        self.fieldsets = [
            (_("Calendar"), ["name", "time_zone"]),
            (_("Hours, such as 9:00-12:30, 13:30-18:00; empty where it is closed"), days),
            (_("Holidays"), ["holidays_country", "holidays_subdivision", "open_days"]),
            (_("Days of our own"), ["closed_days"]),
        ]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        country, region = data.get("holidays_country", ""), data.get("holidays_subdivision", "").upper()
        known = holidays.list_supported_countries(include_aliases=False).get(country, [])
        if region and region not in known:
            text = _("Known regions: %(codes)s.") % {"codes": ", ".join(known)} if known else _("No regions are known there.")
            self.add_error("holidays_subdivision", text)
        data["holidays_subdivision"] = region
        data["weekly_hours"] = [data.pop(f"day_{number}", []) for number in range(7)]
        return data
