from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User
from accounts.services.team import may_decide_about
from core.access import Can, programs_of
from programs.models import Program, zone_choices


class RoleForm(forms.Form):
    """A role for somebody: only what `by` may give is offered."""

    role = forms.ChoiceField(label=_("Role"), initial=Role.MANAGER)
    program = forms.ModelChoiceField(label=_("Program"), queryset=Program.objects.none(), required=False)
    ends_on = forms.DateField(
        label=_("Until"),
        required=False,
        help_text=_("The last day (it ends at midnight UTC), for people from outside. Empty: for good."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        programs = programs_of(by, Can.MANAGE_PEOPLE)
        everywhere = programs is None
        field = self.fields["program"]
        field.queryset = Program.objects.all() if programs is None else Program.objects.filter(pk__in=programs)  # type: ignore[attr-defined]
        field.empty_label = _("All programs")  # type: ignore[attr-defined]
        if not everywhere:
            field.required = True
            field.empty_label = None  # type: ignore[attr-defined]
        anywhere = None if everywhere else field.queryset.first()  # type: ignore[attr-defined]
        self.fields["role"].choices = [choice for choice in Role.choices if may_decide_about(by, choice[0], anywhere)]  # type: ignore[attr-defined]


class AppointForm(RoleForm):
    email = forms.EmailField(
        label=_("E-mail"), help_text=_("Somebody new gets a mail with a link to choose a password."), max_length=254
    )
    name = forms.CharField(label=_("Name"), max_length=120, required=False, help_text=_("For somebody new."))

    field_order = ["email", "name", "role", "program", "ends_on"]


class KeyForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("Where the key is used, such as “Shop server”."))
    role = forms.ChoiceField(
        label=_("Role"),
        choices=Role.choices,
        initial=Role.MANAGER,
        help_text=_("What the key may do. Engineer is enough for a shop that reports sales and refunds."),
    )
    program = forms.ModelChoiceField(
        label=_("Program"), queryset=Program.objects.all(), required=False, empty_label=_("All programs")
    )
    user = forms.ModelChoiceField(
        label=_("Acts for"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("A service of its own"),
        help_text=_("A key never holds more than its user, and stops with them. What it does is told under their name."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        members = User.objects.filter(is_active=True, is_service=False, assignments__revoked_at__isnull=True)
        self.fields["user"].queryset = members.exclude(assignments=None).distinct()  # type: ignore[attr-defined]


class ProfileForm(forms.ModelForm):
    time_zone = forms.ChoiceField(label=_("Time zone"), help_text=_("Times are shown in it."))

    class Meta:
        model = User
        fields = ["name", "time_zone"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = True
        self.fields["time_zone"].choices = zone_choices()  # type: ignore[attr-defined]
