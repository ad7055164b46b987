"""What is entered when somebody who knows more is asked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.queries import people_who
from core.access import Can
from support.models import Level, Message, Ticket
from support.models.messages import Direction
from support.services.escalations import LONGEST, SHORTEST_QUESTION

SHOWABLE = 30  # messages, the newest


class EscalationForm(forms.Form):
    level = forms.ChoiceField(label=_("Whom"), choices=[choice for choice in Level.choices if choice[0] != Level.SUPPORT])
    question = forms.CharField(
        label=_("What is to be found out"),
        min_length=SHORTEST_QUESTION,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("One precise question, and what you have looked at already."),
    )
    reason = forms.CharField(
        label=_("Why it goes further"),
        required=False,
        max_length=LONGEST,
        help_text=_("Needed when it was asked before: each hand-over is counted."),
    )
    holder = forms.ModelChoiceField(
        label=_("Meant for"), queryset=User.objects.none(), required=False, empty_label=_("Whoever of that level takes it")
    )
    expert_name = forms.CharField(label=_("Expert outside the team: name"), required=False, max_length=120)
    expert_email = forms.EmailField(
        label=_("Their e-mail"),
        required=False,
        help_text=_("A link goes there that opens this question for seven days, without an account."),
    )
    shown = forms.ModelMultipleChoiceField(
        label=_("What the expert may read besides the question"),
        queryset=Message.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    fieldsets = [
        (_("The question"), ["level", "question", "reason", "holder"]),
        (_("A company expert outside the team"), ["expert_name", "expert_email", "shown"]),
    ]

    def __init__(self, *args: Any, ticket: Ticket, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        holder: Any = self.fields["holder"]
        holder.queryset = people_who(Can.ANSWER_TICKETS, ticket.program_id)
        newest = ticket.messages.exclude(direction=Direction.NOTE).order_by("-pk").values_list("pk", flat=True)[:SHOWABLE]
        shown: Any = self.fields["shown"]
        shown.queryset = Message.objects.filter(pk__in=list(newest)).order_by("pk")
