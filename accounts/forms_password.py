"""Where a password is chosen: the sign-in library's forms in our words."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import ChangePasswordForm, ResetPasswordKeyForm
from django.utils.translation import gettext_lazy as _

HELP = _("Eight characters or more; a sentence is easy to remember.")


class ChoosePasswordForm(ResetPasswordKeyForm):
    """Behind the link of a mail."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _in_our_words(self)


class NewPasswordForm(ChangePasswordForm):
    """By somebody who is signed in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = _("The password until now")
        _in_our_words(self)


def _in_our_words(form: Any) -> None:
    form.fields["password1"].label = _("New password")
    form.fields["password1"].help_text = HELP
    form.fields["password2"].label = _("The same once more")
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)
