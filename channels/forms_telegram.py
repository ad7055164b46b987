"""Who writes under an account, and whose a group is."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.queries import people_who
from affiliates.forms import AffiliateChoice
from affiliates.models import Affiliate
from channels.models import BusinessConnection
from channels.telegram.business import MOST_NAME
from core.access import Can


class AccountForm(forms.Form):
    person = forms.ModelChoiceField(
        label=_("Writes there now"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("Nobody"),
        help_text=_("Contacts are told: at once where they wrote within 24 hours, else with their next message."),
    )
    shown_name = forms.CharField(
        label=_("Shown name"),
        max_length=MOST_NAME,
        help_text=_("What contacts see above the chat. Telegram changes it where the account lets the bot edit its name."),
    )

    def __init__(self, *args: Any, account: BusinessConnection, **kwargs: Any) -> None:
        kwargs["initial"] = {"person": account.person, "shown_name": account.shown_name, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        people: Any = self.fields["person"]
        people.queryset = people_who(Can.ANSWER_TICKETS, account.channel.program_id)


class GroupForm(forms.Form):
    affiliate = AffiliateChoice(
        required=False,
        help_text=_("Name, e-mail, external id or id. What is written in the group from now on is theirs; empty is nobody's."),
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["affiliate"]
        choice.queryset = Affiliate.objects.visible_to(user)
