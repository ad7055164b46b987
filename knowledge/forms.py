"""What the team enters about articles."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import RoleAssignment, User
from core.access import Can, rights_of
from knowledge.models import Article
from programs.queries import visible_programs

TEXT_HELP = _("Markdown: ## heading, **bold**, - list, [words](https://…), tables. No pictures and no HTML.")


class ArticleForm(forms.ModelForm):
    """The words and the place of an article. A translation has its original's audience and program."""

    read_as = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Article
        fields = ["title", "text", "audience", "is_public", "program", "topic", "language", "owner", "review_by"]
        widgets = {
            "text": forms.Textarea(attrs={"rows": 20, "data-article-text": ""}),
            "review_by": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "audience": forms.RadioSelect,
        }
        help_texts = {
            "text": TEXT_HELP,
            "audience": _("What is for the team alone is shown to no affiliate, anywhere."),
            "is_public": _("Everybody can read it there, search engines included."),
            "program": _("Empty: it holds for every program."),
            "review_by": _("From this day on it stands under “To review” until somebody looks at it again."),
        }

    def __init__(self, *args: Any, by: Any, original: Article | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        programs = self.fields["program"]
        programs.queryset = visible_programs(by, Can.WRITE_ARTICLES)  # type: ignore[attr-defined]
        if rights_of(by).everywhere(Can.WRITE_ARTICLES):
            programs.empty_label = _("Every program")  # type: ignore[attr-defined]
        else:
            programs.required, programs.help_text = True, ""
            programs.empty_label = None  # type: ignore[attr-defined]
        team = RoleAssignment.objects.current().values("user")
        self.fields["owner"].queryset = User.objects.filter(pk__in=team, is_active=True, is_service=False)  # type: ignore[attr-defined]
        self.fields["owner"].empty_label = _("Nobody")  # type: ignore[attr-defined]
        self.fields["audience"].choices = Article.Audience.choices  # type: ignore[attr-defined]
        self.initial["read_as"] = self.instance.number if self.instance.pk else None
        if not self.instance.pk:
            self.initial.setdefault("owner", by.pk)
        if original is not None:
            for name in ("audience", "is_public", "program"):
                del self.fields[name]
            taken = {original.language, *original.translations.values_list("language", flat=True)}
            choices = [(code, label) for code, label in self.fields["language"].choices if code not in taken]  # type: ignore[attr-defined]
            self.fields["language"].choices = choices  # type: ignore[attr-defined]

    @property
    def fieldsets(self) -> list[tuple[Any, list[str]]]:
        groups = [
            ("", ["title", "text", "read_as"]),
            (_("For whom"), ["audience", "is_public", "program"]),
            (_("Where it stands"), ["topic", "language", "owner", "review_by"]),
        ]
        return [(legend, [name for name in names if name in self.fields]) for legend, names in groups if names[0] in self.fields]

    def _post_clean(self) -> None:
        """The service checks and writes; the instance here stays as it was read."""


class VoteForm(forms.Form):
    helped = forms.TypedChoiceField(choices=[("yes", ""), ("no", "")], coerce=lambda value: value == "yes")
    missing = forms.CharField(max_length=500, required=False)
