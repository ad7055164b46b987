"""What managers fill in about channels, contacts and what is quarantined."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from affiliates.forms import AffiliateChoice
from affiliates.models import Affiliate
from channels.models import Channel, ContactAddress
from core.access import Can
from programs.models import Program
from programs.queries import visible_programs

PLAIN = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}


class ChannelForm(forms.Form):
    """The fields of every kind; `settings()` are those of its own, without what was left as it is."""

    own: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()  # secrets: empty means as before

    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("As the team calls it, such as “Partner support”."))
    program = forms.ModelChoiceField(label=_("Program"), queryset=Program.objects.none(), empty_label=None)
    slug = forms.SlugField(
        label=_("Short name in addresses"), max_length=60, help_text=_("It stays: others call it."), widget=forms.TextInput(PLAIN)
    )
    status = forms.ChoiceField(
        label=_("State"),
        choices=Channel.Status.choices,
        help_text=_("Paused: nothing is fetched or sent, what is handed over is kept. Closed: nothing gets in or out any more."),
    )

    def __init__(self, data: Any = None, *, by: Any, channel: Channel | None = None) -> None:
        initial = {"name": channel.name, "status": channel.status, **channel.settings} if channel else {}
        super().__init__(data, initial=initial)
        self.channel = channel
        for name in ("program", "slug") if channel else ("status",):
            del self.fields[name]
        if channel is None:
            self.fields["program"].queryset = visible_programs(by, Can.MANAGE_CHANNELS)  # type: ignore[attr-defined]
        for name in self.kept if channel else ():
            self.fields[name].required = False
            self.initial.pop(name, None)

    def settings(self) -> dict[str, Any]:
        given = {name: self.cleaned_data[name] for name in self.own}
        return {name: value for name, value in given.items() if value or name not in self.kept or not self.channel}


class EmailChannelForm(ChannelForm):
    own = ("address", "sender_name", "imap_url", "smtp_url", "skip_existing", "answers_itself", "authserv_id")
    kept = ("imap_url", "smtp_url")

    address = forms.EmailField(label=_("E-mail address"), help_text=_("Affiliates write to it, and our answers come from it."))
    sender_name = forms.CharField(
        label=_("Name shown as sender"), max_length=120, required=False, help_text=_("Empty: the program's.")
    )
    imap_url = forms.CharField(
        label=_("IMAP server"),
        required=False,
        max_length=1000,
        widget=forms.TextInput({**PLAIN, "placeholder": "imaps://user:password@imap.example.com/INBOX"}),
        help_text=_(
            "Where mails are fetched. Empty: they are handed over by the hook alone. Escape @ and / in a password (%40, %2F)."
        ),
    )
    smtp_url = forms.CharField(
        label=_("SMTP server"),
        required=False,
        max_length=1000,
        widget=forms.TextInput({**PLAIN, "placeholder": "smtp+tls://user:password@smtp.example.com:587"}),
        help_text=_("Where answers are sent. Empty: by the mail server of the installation (EMAIL_URL)."),
    )
    skip_existing = forms.BooleanField(
        label=_("Leave mails from before today where they are"),
        required=False,
        help_text=_("Else everything in the folder becomes tickets."),
    )
    answers_itself = forms.BooleanField(
        label=_("Answer plain questions by itself"),
        required=False,
        help_text=_(
            "“When do I get my money?” and the like, from real data, to whom the mail server has proved to be one of the affiliate’s"
            " people. A person reads the mail all the same."
        ),
    )
    authserv_id = forms.CharField(
        label=_("Mail server whose word counts"),
        required=False,
        max_length=255,
        widget=forms.TextInput({**PLAIN, "placeholder": "mx.example.com"}),
        help_text=_(
            "The name that begins Authentication-Results in the mails it takes in. Empty: learned from the mails. Who fails there"
            " is treated as a stranger."
        ),
    )

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        if self.channel:
            for name in self.kept:
                shown = self.channel.settings.get(name)
                if shown:
                    self.fields[name].help_text = _("Now: %(server)s. Empty: it stays.") % {"server": shown}


class TelegramChannelForm(ChannelForm):
    own = ("token", "api_base_url", "polling")
    kept = ("token",)

    token = forms.CharField(
        label=_("Token"),
        max_length=120,
        widget=forms.PasswordInput({**PLAIN, "autocomplete": "new-password"}),
        help_text=_("From @BotFather. It is kept encrypted."),
    )
    api_base_url = forms.URLField(
        label=_("Bot API server"),
        required=False,
        assume_scheme="https",
        help_text=_("Only where you run one of your own. Empty: Telegram's."),
    )
    polling = forms.BooleanField(
        label=_("Ask Telegram for messages"), required=False, help_text=_("Where Telegram cannot reach this server by https.")
    )


class PhoneChannelForm(ChannelForm):
    own = ("number",)

    number = forms.CharField(
        label=_("Number"), max_length=40, required=False, help_text=_("With its country's, such as +49 30 1234567.")
    )


FORMS: dict[str, type[ChannelForm]] = {
    Channel.Kind.EMAIL: EmailChannelForm,
    Channel.Kind.TELEGRAM: TelegramChannelForm,
    Channel.Kind.PHONE: PhoneChannelForm,
}


class RescueForm(forms.Form):
    """Whose a quarantined item is, and what it says."""

    value = forms.CharField(
        label=_("From"), max_length=320, help_text=_("Whose it is: an e-mail address, or a Telegram account's number.")
    )
    name = forms.CharField(label=_("Name"), max_length=160, required=False)
    subject = forms.CharField(label=_("Subject"), max_length=500, required=False)
    text = forms.CharField(label=_("What it says"), widget=forms.Textarea({"rows": 8}), required=False)

    def __init__(self, *args: Any, channel: Channel, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = ContactAddress.Kind.TELEGRAM if channel.kind == Channel.Kind.TELEGRAM else ContactAddress.Kind.EMAIL
        if self.kind == ContactAddress.Kind.EMAIL:
            self.fields["value"] = forms.EmailField(label=_("From"), help_text=self.fields["value"].help_text)


class MatchForm(forms.Form):
    affiliate = AffiliateChoice()
    reason = forms.CharField(
        label=_("How do you know?"),
        max_length=300,
        help_text=_("Kept in the history: a call, a code in their site, their manager's word."),
    )

    def __init__(self, *args: Any, by: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["affiliate"].offer(Affiliate.objects.visible_to(by))  # type: ignore[attr-defined]


class UntieForm(forms.Form):
    """Whether a contact was never the affiliate's, or is so no more."""

    WRONG, LEFT = "wrong", "left"
    what = forms.ChoiceField(
        label=_("What is true?"),
        choices=[
            (WRONG, _("It never was them: what was written goes with the sender, and the affiliate sees none of it any more")),
            (LEFT, _("They have left: what was written until now stays with the affiliate")),
        ],
        widget=forms.RadioSelect,
        initial=WRONG,
    )
    reason = forms.CharField(label=_("Why?"), max_length=300)
