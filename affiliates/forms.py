"""What is entered about affiliates, their enrollments and their people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from affiliates.models import Affiliate, EnrollmentStatus, Function
from affiliates.queries import affiliate_managers
from core.access import Can
from core.choices import country_choices, currency_choices
from core.languages import language_choices
from programs.models import Program
from programs.queries import visible_programs


class FunctionsForm(forms.Form):
    """What a person does for the affiliate."""

    functions = forms.MultipleChoiceField(
        label=_("Functions"),
        choices=Function.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "Owners may do everything, people included. Marketing makes links, finance sees to payouts,"
            " leaders make links, keep the profile and see the money."
        ),
    )


class InviteForm(FunctionsForm):
    email = forms.EmailField(
        label=_("E-mail"), max_length=254, help_text=_("A mail with a link goes there; it is good for 14 days.")
    )

    field_order = ["email", "functions"]


class AcceptForm(forms.Form):
    """For somebody who has no account yet."""

    name = forms.CharField(label=_("Your name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        label=_("Choose a password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Eight characters or more; a sentence is easy to remember."),
    )


class SuggestingInput(forms.TextInput):
    """A text input that offers some values while one types; whatever else is typed is taken as well."""

    suggestions: Iterable[tuple[str, str]] = ()

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        attrs = {**(attrs or {}), "list": f"suggest_{name}", "autocomplete": "off"}
        options = format_html_join("", '<option value="{}">{}</option>', self.suggestions)
        return format_html(
            '{}<datalist id="{}">{}</datalist>', super().render(name, value, attrs, renderer), attrs["list"], options
        )


class AffiliateChoice(forms.CharField):
    """One of these affiliates, by e-mail, external id, id, or a name that only one has."""

    SUGGESTED = 200

    def __init__(self, queryset: QuerySet[Affiliate] | None = None, **kwargs: Any) -> None:
        self.queryset = queryset if queryset is not None else Affiliate.objects.none()
        kwargs.setdefault("label", _("Affiliate"))
        kwargs.setdefault("help_text", _("Name, e-mail, external id or id."))
        super().__init__(widget=SuggestingInput, max_length=320, **kwargs)

    def offer(self, queryset: QuerySet[Affiliate]) -> None:
        """Take one of these, and suggest the first of them."""
        self.queryset = queryset
        names = queryset.order_by("name").values_list("email", "name")[: self.SUGGESTED]
        self.widget.suggestions = names

    def prepare_value(self, value: Any) -> Any:
        return value.email if isinstance(value, Affiliate) else value

    def clean(self, value: Any) -> Affiliate | None:
        text = super().clean(value)
        if not text:
            return None
        known = Q(email__iexact=text) | Q(external_id=text) | Q(name__iexact=text)
        if (pk := Affiliate.pk_from(text)) is not None:
            known |= Q(pk=pk)
        found = list(self.queryset.filter(known)[:10])
        exact = [a for a in found if text.lower() in (a.email.lower(), a.public_id.lower()) or text == a.external_id]
        if len(exact or found) != 1:
            raise ValidationError(
                _("Several affiliates have this name. Give the e-mail.") if found else _("There is no such affiliate."),
                code="invalid_choice",
            )
        return (exact or found)[0]


class AffiliateForm(forms.ModelForm):
    """An affiliate's own row. The e-mail is none of the model's fields here: the service says in its words where it is taken."""

    email = forms.EmailField(label=_("E-mail"), max_length=254, help_text=_("Mails about the program go here."))
    country = forms.ChoiceField(label=_("Country"), required=False)
    language = forms.ChoiceField(
        label=_("Language"), required=False, help_text=_("Answers, ratings and articles come in it where they exist.")
    )
    currency = forms.ChoiceField(
        label=_("Preferred currency"), required=False, help_text=_("Payouts are in the programs' currencies; this is a wish.")
    )
    website = forms.URLField(label=_("Website"), max_length=500, required=False, assume_scheme="https")
    parent = AffiliateChoice(label=_("Recruited by"), required=False)
    manager = forms.ModelChoiceField(
        label=_("Personal manager"), queryset=User.objects.none(), required=False, empty_label=_("Nobody yet")
    )

    class Meta:
        model = Affiliate
        fields = ["name", "kind", "country", "language", "website", "currency", "manager", "external_id", "parent", "note"]
        widgets = {"note": forms.Textarea(attrs={"rows": 4})}
        labels = {"note": _("Note for colleagues")}
        help_texts = {
            "name": _("The person or the firm, as payouts and statements name it."),
            "external_id": _("Your own number or name for them; the API takes it wherever it takes an id."),
            "note": _("Affiliates never see it."),
        }

    fieldsets = [
        (_("Who they are"), ["name", "email", "kind", "country", "language", "website"]),
        (_("In the program"), ["program", "invite"]),
        (_("For you"), ["manager", "external_id", "currency", "parent", "note"]),
    ]

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].choices = [("", _("Not known")), *country_choices()]  # type: ignore[attr-defined]
        self.fields["language"].choices = [("", _("Not known")), *language_choices()]  # type: ignore[attr-defined]
        self.fields["currency"].choices = [("", _("No preference")), *currency_choices()]  # type: ignore[attr-defined]
        self.fields["manager"].queryset = affiliate_managers()  # type: ignore[attr-defined]
        others = Affiliate.objects.visible_to(by)
        if self.instance.pk:
            others = others.exclude(pk=self.instance.pk)
            self.initial["email"] = self.instance.email
            self.initial["parent"] = self.instance.parent
            if not Affiliate.objects.entrusted_to(by).filter(pk=self.instance.pk).exists():
                for name in ("email", "external_id"):
                    self.fields[name].disabled = True
                    self.fields[name].help_text = _(
                        "Other programs use it too: whoever manages affiliates in all of them changes it."
                    )
        self.fields["parent"].offer(others)  # type: ignore[attr-defined]

    def validate_unique(self) -> None:
        """The service says what is taken; asking here too would be another query and another text."""

    def clean_external_id(self) -> str | None:
        return self.cleaned_data["external_id"] or None


class NewAffiliateForm(AffiliateForm):
    """With what usually comes next: a program, and the mail that opens their account."""

    program = forms.ModelChoiceField(
        label=_("Program"),
        queryset=Program.objects.none(),
        required=False,
        empty_label=_("None yet"),
        help_text=_("They are approved at once: their links earn from the first click."),
    )
    invite = forms.BooleanField(
        label=_("Mail them an invitation"),
        required=False,
        initial=True,
        help_text=_("A link to choose a password, good for 14 days."),
    )

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, by=by, **kwargs)
        programs = visible_programs(by, Can.MANAGE_AFFILIATES).filter(status=Program.Status.ACTIVE)
        field = self.fields["program"]
        field.queryset = programs  # type: ignore[attr-defined]
        first = list(programs[:2])
        if len(first) == 1:
            field.initial = first[0]


class EnrollForm(forms.Form):
    """Put an affiliate into another program."""

    program = forms.ModelChoiceField(label=_("Program"), queryset=Program.objects.none(), empty_label=None)
    status = forms.ChoiceField(
        label=_("As"),
        choices=[(s.value, s.label) for s in (EnrollmentStatus.APPROVED, EnrollmentStatus.PENDING, EnrollmentStatus.INVITED)],
    )

    def __init__(self, *args: Any, programs: QuerySet[Program], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["program"].queryset = programs  # type: ignore[attr-defined]


class DecisionForm(forms.Form):
    """A new state of enrollments; what takes something away says why."""

    NEEDS_REASON = frozenset({EnrollmentStatus.REJECTED, EnrollmentStatus.SUSPENDED, EnrollmentStatus.TERMINATED})

    status = forms.ChoiceField(choices=EnrollmentStatus.choices, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("Why"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Stands on the timeline for your colleagues."),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("status") in self.NEEDS_REASON and not cleaned.get("reason"):
            self.add_error("reason", _("Say why: it stands on the timeline."))
        return cleaned


class RejectForm(forms.Form):
    """The field of the bulk action."""

    reason = forms.CharField(label=_("Why"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))


class ApplicationForm(forms.Form):
    """The public application. `nickname` is out of sight: whoever fills it in is no person."""

    name = forms.CharField(
        label=_("Your name, or your firm’s"), max_length=160, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        help_text=_("The answer goes there."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    kind = forms.ChoiceField(label=_("You promote by"), choices=Affiliate.Kind.choices)
    website = forms.URLField(
        label=_("Website or channel"), max_length=500, required=False, assume_scheme="https",
        widget=forms.TextInput(attrs={"inputmode": "url", "placeholder": "https://", "autocomplete": "url"}),
    )  # fmt: skip
    country = forms.ChoiceField(label=_("Country"), required=False)
    pitch = forms.CharField(
        label=_("How you will promote it"), max_length=4000, widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Whom you reach and how, in a few sentences. People read it."),
    )  # fmt: skip
    terms = forms.BooleanField(
        label=_("I have read the terms and agree to them"),
        error_messages={"required": _("Without agreeing to the terms nobody is admitted.")},
    )
    version = forms.CharField(widget=forms.HiddenInput, required=False)  # of the terms that the page showed
    nickname = forms.CharField(required=False, widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}))

    def __init__(self, *args: Any, with_terms: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].choices = [("", _("Choose a country")), *country_choices()]  # type: ignore[attr-defined]
        if not with_terms:
            del self.fields["terms"], self.fields["version"]

    def clean_version(self) -> int:
        """0, which is no version, where it cannot be read."""
        text = self.cleaned_data["version"]
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0
