"""What the composer sends about promises, and what is entered about them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy

from accounts.models import User
from support.models import Commitment, Message, Ticket
from support.services.promises import keep_by_reply, take_promise

MOMENT = "%Y-%m-%dT%H:%M"


class PromiseForm(forms.Form):
    """Beside a reply: what it promises for when, as its writer saw it, and which promises it keeps. `promise_offered`: the words
    that were offered as one, ticked or not; where the writer never saw them, the reply's own words tell. `promise_due_offered`: for
    when, as it was read from them then; left so, it is read again as the reply goes out: "in 5 minutes" begins then."""

    promise_offered = forms.CharField(required=False, max_length=200)
    promise_due_offered = forms.DateTimeField(required=False, input_formats=[MOMENT])
    promise = forms.BooleanField(required=False)
    promise_text = forms.CharField(label=gettext_lazy("What is promised"), required=False, max_length=200)
    promise_due = forms.DateTimeField(label=gettext_lazy("For when"), required=False, input_formats=[MOMENT])
    keeps = forms.ModelMultipleChoiceField(queryset=Commitment.objects.none(), required=False)

    def __init__(self, *args: Any, ticket: Ticket, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["keeps"].queryset = ticket.commitments.open()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("promise"):
            for name in ("promise_text", "promise_due"):
                if not data.get(name) and name not in self.errors:
                    self.add_error(name, self.fields[name].error_messages["required"])
        return data

    @transaction.atomic
    def keep(self, message: Message, *, by: User) -> None:
        """In the reply's own transaction: a promise that cannot stand stops the reply."""
        data = self.cleaned_data
        seen = data["promise_offered"] and data["promise_offered"] in message.body_text
        if data["promise"] and (seen or not data["promise_offered"]):
            due = data["promise_due"] if data["promise_due"] != data["promise_due_offered"] else None
            take_promise(message, by=by, is_one=True, text=data["promise_text"], due_at=due)
        else:
            take_promise(message, by=by, is_one=False if seen else None)
        keep_by_reply(message, data["keeps"], by=by)


class SettleForm(forms.Form):
    """What became of a promise."""

    status = forms.ChoiceField(choices=[choice for choice in Commitment.Status.choices if choice[0] not in ("open", "late")])
    reason = forms.CharField(required=False, max_length=300)
