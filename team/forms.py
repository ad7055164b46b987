from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from core.access import Can
from programs.models import Program, zone_choices
from programs.queries import visible_programs
from team.models import Absence, Calendar, Coverage, Door, Duty
from team.queries import members
from team.shifts import check_rule, weekly

DAYS = [
    (0, gettext_lazy("Monday")),
    (1, gettext_lazy("Tuesday")),
    (2, gettext_lazy("Wednesday")),
    (3, gettext_lazy("Thursday")),
    (4, gettext_lazy("Friday")),
    (5, gettext_lazy("Saturday")),
    (6, gettext_lazy("Sunday")),
]


def day_field(label: Any, **kwargs: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **kwargs)


class ShiftForm(forms.Form):
    """A shift in the words of people: from, to, on which days. What repeats otherwise is written as a rule."""

    person = forms.ModelChoiceField(
        label=gettext_lazy("Who"), queryset=User.objects.none(), empty_label=gettext_lazy("Choose somebody")
    )
    duty = forms.ChoiceField(label=gettext_lazy("Duty"), choices=Duty.choices)
    start_time = forms.TimeField(
        label=gettext_lazy("From"), initial="09:00", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    end_time = forms.TimeField(
        label=gettext_lazy("To"),
        initial="17:00",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=gettext_lazy("Not later than “from”: it ends on the day after."),
    )
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"), required=False)
    weekdays = forms.TypedMultipleChoiceField(
        label=gettext_lazy("On"),
        choices=DAYS,
        coerce=int,
        initial=[0, 1, 2, 3, 4],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None: once, on the first day."),
    )
    every = forms.IntegerField(
        label=gettext_lazy("Every how many weeks"), initial=1, validators=[MinValueValidator(1), MaxValueValidator(52)]
    )
    rule = forms.CharField(
        label=gettext_lazy("Another rule"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("An RRULE (RFC 5545) in place of weekdays, such as FREQ=MONTHLY;BYDAY=1MO."),
    )
    first_day = day_field(gettext_lazy("First day"))
    last_day = day_field(gettext_lazy("Last day"), required=False, help_text=gettext_lazy("Empty: until you end it."))
    program = forms.ModelChoiceField(
        label=gettext_lazy("Program"), queryset=Program.objects.none(), required=False, empty_label=gettext_lazy("All programs")
    )
    channel_kind = forms.ChoiceField(
        label=gettext_lazy("Channel"), required=False, choices=[("", gettext_lazy("All channels")), *Door.choices]
    )

    fieldsets = [
        (gettext_lazy("Who and for what"), ["person", "duty", "program", "channel_kind"]),
        (gettext_lazy("When"), ["start_time", "end_time", "time_zone", "weekdays", "every", "first_day", "last_day", "rule"]),
    ]

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["program"].queryset = visible_programs(by, Can.PLAN_TEAM)  # type: ignore[attr-defined]
        self.fields["person"].queryset = members()  # type: ignore[attr-defined]
        self.fields["time_zone"].choices = [("", _("The person’s own")), *zone_choices()]  # type: ignore[attr-defined]

    def clean_rule(self) -> str:
        rule: str = self.cleaned_data["rule"].strip().upper().removeprefix("RRULE:")
        try:
            check_rule(rule)
        except ValueError:
            raise forms.ValidationError(_("Not a rule that repeats by day, week, month or year.")) from None
        return rule

    def plan(self) -> dict[str, Any]:
        """What `plan_shift` takes, but for the person and the duty."""
        given = self.cleaned_data
        start, end = given["start_time"], given["end_time"]
        minutes = (end.hour - start.hour) * 60 + end.minute - start.minute
        rule = given["rule"] or (weekly(given["weekdays"], given["every"]) if given["weekdays"] else "")
        return {
            **{name: given[name] for name in ("first_day", "last_day", "time_zone", "program", "channel_kind")},
            "start_time": start,
            "minutes": minutes if minutes > 0 else minutes + 1440,
            "rule": rule,
        }


class LastDayForm(forms.Form):
    last_day = day_field(gettext_lazy("Last day"))


class AbsenceForm(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("What"), choices=Absence.Kind.choices)
    first_day = day_field(gettext_lazy("First day"))
    last_day = day_field(gettext_lazy("Last day"))
    deputy = forms.ModelChoiceField(
        label=gettext_lazy("Deputy"),
        queryset=User.objects.none(),
        required=False,
        empty_label=gettext_lazy("Nobody: spread over colleagues"),
        help_text=gettext_lazy("Takes all your accounts in these days, with the rights for them."),
    )
    note = forms.CharField(label=gettext_lazy("Note"), required=False, max_length=300)

    def __init__(self, *args: Any, by: User, plans: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["deputy"].queryset = members()  # type: ignore[attr-defined]
        if plans:
            person = forms.ModelChoiceField(label=_("Who"), queryset=members(), initial=by.pk)
            self.fields = {"person": person, **self.fields}


class SwapForm(forms.Form):
    taker = forms.ModelChoiceField(
        label=gettext_lazy("Who takes it"), queryset=User.objects.none(), empty_label=gettext_lazy("Choose somebody")
    )
    in_return = forms.ChoiceField(label=gettext_lazy("In return for"), required=False)
    note = forms.CharField(label=gettext_lazy("Note"), required=False, max_length=300)

    def __init__(self, *args: Any, by: User, returns: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["taker"].queryset = members().exclude(pk=by.pk)  # type: ignore[attr-defined]
        self.fields["in_return"].choices = [("", _("Nothing")), *returns]  # type: ignore[attr-defined]


class CoverageForm(forms.ModelForm):
    class Meta:
        model = Coverage
        fields = ["duty", "program", "channel_kind", "calendar"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["program"].empty_label = _("Each active program")  # type: ignore[attr-defined]
        self.fields["duty"].choices = Duty.choices  # type: ignore[attr-defined]
        self.fields["channel_kind"].choices = [("", _("Any")), *Door.choices]  # type: ignore[attr-defined]
        self.fields["calendar"].queryset = Calendar.objects.all()  # type: ignore[attr-defined]
        self.fields["calendar"].empty_label = _("Around the clock")  # type: ignore[attr-defined]

    def validate_constraints(self) -> None:
        """What is asked for again gets the new hours: no row is refused for being there."""
