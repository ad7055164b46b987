"""What people fill in beside a ticket."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Any, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.queries import people_who
from channels.files import keep_file, safe_name
from core.access import Can
from support.models import Task, Ticket, TicketStatus
from support.services.messages import NamedFile

MORNING, EVENING = time(9), time(18)
PICK = "pick"  # "until" is then a moment of one's own
LATEST = timedelta(days=730)


def _local(day: datetime, at: time, days: int = 0) -> datetime:
    """At this time of the reader's day, so many days later: whatever their clocks do in between."""
    return timezone.make_aware(datetime.combine(day.date() + timedelta(days=days), at), day.tzinfo)


def snooze_presets(now: datetime) -> list[tuple[str, str, datetime]]:
    """(key, label, moment) in the zone of `now`, the soonest first; one that would be over is left out."""
    to_monday = 7 - now.weekday()
    presets = [
        ("1h", _("In an hour"), now + timedelta(hours=1)),
        ("3h", _("In three hours"), now + timedelta(hours=3)),
        ("evening", _("This evening"), _local(now, EVENING)),
        ("tomorrow", _("Tomorrow morning"), _local(now, MORNING, 1)),
        ("monday", _("On Monday morning"), _local(now, MORNING, to_monday)),
        ("week", _("In a week"), _local(now, MORNING, 7)),
    ]
    shown: dict[datetime, tuple[str, str, datetime]] = {}
    for key, label, at in presets:
        if at > now:
            shown.setdefault(at, (key, label, at))
    return sorted(shown.values(), key=lambda preset: preset[2])


class UntilForm(forms.Form):
    """When something is to come back."""

    when = forms.ChoiceField(label=gettext_lazy("When"))
    until = forms.DateTimeField(
        label=gettext_lazy("At"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    why = forms.CharField(required=False, max_length=300)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.presets = snooze_presets(timezone.localtime())
        self.fields["when"].choices = [*((key, label) for key, label, _at in self.presets), (PICK, _("At a time of your own"))]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("when") == PICK:
            if cleaned.get("until") is None and "until" not in self.errors:
                self.add_error("until", _("Choose a day and a time."))
        elif cleaned.get("when"):
            cleaned["until"] = {key: at for key, _label, at in self.presets}[cleaned["when"]]
        until = cleaned.get("until")
        if until is not None and not timezone.now() < until < timezone.now() + LATEST:
            self.add_error("until", _("Choose a moment within the next two years."))
        return cleaned


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files (Django's documentation, "Uploading multiple files")."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=ManyFiles(), required=False, **kwargs)

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        given = data if isinstance(data, (list, tuple)) else [data] if data else []
        return [super(FilesField, self).clean(each, initial) for each in given]


class MessageForm(forms.Form):
    """A reply, a first word, or a note. What becomes of the ticket afterwards is said with it."""

    MODES = (
        ("reply", gettext_lazy("Reply")),
        ("first", gettext_lazy("First word")),
        ("note", gettext_lazy("Internal note")),
    )
    AFTER = (
        (TicketStatus.PENDING, gettext_lazy("then wait for them")),
        (TicketStatus.OPEN, gettext_lazy("and keep it open")),
        (TicketStatus.RESOLVED, gettext_lazy("and resolve it")),
    )
    mode = forms.ChoiceField(choices=MODES)
    body = forms.CharField(required=False, strip=True, max_length=100_000)
    after = forms.ChoiceField(choices=AFTER, required=False)
    attached = FilesField(max_length=255)

    def kept_files(self) -> list[NamedFile]:
        """On disk, each under its own name made safe. Raises channels.files.TooLarge."""
        return [NamedFile(keep_file(file.read()), safe_name(file.name or "")) for file in self.cleaned_data["attached"]]


class AssignForm(forms.Form):
    """Whose it is now: by a person's address, "me", or nobody's."""

    to = forms.CharField(required=False, max_length=320)
    reason = forms.CharField(required=False, max_length=500)

    def __init__(self, *args: Any, by: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by

    def clean_to(self) -> Any:
        to = self.cleaned_data["to"]
        if to == "me":
            return self.by
        if not to:
            return None
        person = people_who(Can.ANSWER_TICKETS).filter(email__iexact=to).first()
        if person is None:
            raise forms.ValidationError(_("Nobody of this address answers tickets."))
        return person


class StatusForm(forms.Form):
    """The state that a person puts a ticket into; one that waits may come back by itself."""

    status = forms.ChoiceField(choices=[choice for choice in TicketStatus.choices if choice[0] != TicketStatus.NEW])
    until = forms.DateTimeField(required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    reason = forms.CharField(required=False, max_length=300)


class ChangeForm(forms.ModelForm):
    """What the ticket is about."""

    tags = forms.CharField(
        label=gettext_lazy("Tags"), required=False, max_length=500, help_text=gettext_lazy("Separated by commas.")
    )

    class Meta:
        model = Ticket
        fields = ["subject", "type", "priority", "tags"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["tags"] = ", ".join(self.instance.tags)

    def clean_tags(self) -> list[str]:
        return [tag.strip() for tag in self.cleaned_data["tags"].split(",") if tag.strip()]

    def _post_clean(self) -> None:
        """The service writes, and refuses; the row that the page shows stays as it is."""


class OtherTicketForm(forms.Form):
    """Another ticket: chosen among those beside this one, or by its id or the address of its page, which counts before a choice."""

    other = forms.CharField(
        label=gettext_lazy("The other ticket"),
        help_text=gettext_lazy("Its tkt_… or the address of its page"),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, by: Any, ticket: Ticket, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by, self.ticket = by, ticket

    def clean_other(self) -> Ticket:
        given = " ".join(reversed(self.data.getlist("other")))  # type: ignore[attr-defined]
        text = next((part for part in re.split(r"[/?#\s]", given) if part.startswith("tkt_")), "")
        found = Ticket.objects.visible_to(self.by).filter(pk=Ticket.pk_from(text.strip()) or 0).first()
        if found is None:
            raise forms.ValidationError(_("Choose a ticket, or give its id: it begins with tkt_."))
        return found


class SplitForm(forms.Form):
    """What becomes a ticket of its own."""

    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=500, required=False)
    later = forms.BooleanField(label=gettext_lazy("With all that was written after it"), required=False)


class TaskForm(forms.ModelForm):
    """What is to be done, by whom, until when."""

    class Meta:
        model = Task
        fields = ["title", "owner", "due_at"]
        widgets = {"due_at": forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")}

    def __init__(self, *args: Any, ticket: Ticket, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owner = cast(forms.ModelChoiceField, self.fields["owner"])
        owner.queryset = people_who(Can.SEE_TICKETS, ticket.program_id)

    def _post_clean(self) -> None:
        """The service makes the row."""
