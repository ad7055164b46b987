"""The sign-in library's forms in our words: one name for one thing, and labels instead of placeholders."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as account
from allauth.mfa.base import forms as factor
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django.forms import Form
from django.utils.translation import gettext_lazy as _

EMAIL = _("E-mail")
PASSWORD = _("Password")
PASSWORD_HELP = _("Eight characters or more; a sentence is easy to remember.")
NEW_PASSWORD = {"password1": _("New password"), "password2": _("The same once more")}
CODE = _("Code")
CODE_HELP = _("Six digits from your authenticator app, or one of your recovery codes.")


class SignInForm(account.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call(self, login=EMAIL, password=PASSWORD)


class AddressForm(account.AddEmailForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call(self, email=EMAIL)
        self.fields["email"].help_text = _("A mail with a link to confirm it goes there.")


class ForgottenForm(account.ResetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call(self, email=EMAIL)


class ConfirmForm(account.ReauthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call(self, password=PASSWORD)


class ChoosePasswordForm(account.ResetPasswordKeyForm):
    """Behind the link of a mail."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call(self, **NEW_PASSWORD)
        self.fields["password1"].help_text = PASSWORD_HELP


class NewPasswordForm(account.ChangePasswordForm):
    """By somebody who is signed in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call(self, oldpassword=_("The password until now"), **NEW_PASSWORD)
        self.fields["password1"].help_text = PASSWORD_HELP


class CodeForm(factor.AuthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call(self, code=CODE)
        self.fields["code"].help_text = CODE_HELP


class ConfirmCodeForm(factor.ReauthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call(self, code=CODE)
        self.fields["code"].help_text = CODE_HELP


class AppForm(totp.ActivateTOTPForm):
    """The first code of an authenticator app that is being set up."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call(self, code=CODE)
        self.fields["code"].help_text = _("The six digits that the app shows now.")
        self.fields["code"].widget.attrs["inputmode"] = "numeric"


class KeyForm(webauthn.AddWebAuthnForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call(self, name=_("Name"), passwordless=_("Sign in with it alone, without the password"))
        self.fields["name"].help_text = _("What you recognise it by, such as “Phone” or “Blue key”.")
        self.fields["passwordless"].help_text = _("A passkey: it asks for your fingerprint, your face or its own PIN each time.")


class KeyNameForm(webauthn.EditWebAuthnForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call(self, name=_("Name"))


def _call(form: Form, **labels: Any) -> None:
    for name, label in labels.items():
        form.fields[name].label = label
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)
