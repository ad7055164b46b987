import base64
from functools import cache
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.browsers import browser_in_words


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up by themselves: affiliates come by invitation or application, members of the team are appointed."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "cannot_remove_primary_email": _("This is your main address. Make another one the main one first."),
        "duplicate_email": _("This address is yours already."),
        "email_password_mismatch": _("The e-mail or the password is wrong."),
        "email_taken": _("This address belongs to another account."),
        "enter_current_password": _("That is not the password until now."),
        "incorrect_password": _("That is not your password."),
        "invalid_password_reset": _("This link no longer works. Ask for another one."),
        "max_email_addresses": _("You cannot have more than %d addresses."),
        "rate_limited": _("Too many tries. Wait a few minutes, then try again."),
        "too_many_login_attempts": _("Too many failed tries. Wait five minutes, or choose a new password by the link below."),
        "unverified_primary_email": _("Confirm this address first, by the link in the mail that went there."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Mails name Tributary at its own address, not at the one that the request happened to come to."""
        site = SimpleNamespace(name="Tributary", domain=urlsplit(settings.BASE_URL).netloc)
        super().send_mail(template_prefix, email, {**context, "current_site": site, "base_url": settings.BASE_URL})

    def get_reset_password_from_key_url(self, key: str) -> str:
        return _at_home(super().get_reset_password_from_key_url(key))

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return _at_home(super().get_email_confirmation_url(request, emailconfirmation))

    def populate_username(self, request: HttpRequest, user: Any) -> None:
        """There are no user names."""


def _at_home(url: str) -> str:
    return settings.BASE_URL + urlsplit(url).path


class SecondFactorAdapter(DefaultMFAAdapter):
    """Seeds of authenticator apps and recovery codes are encrypted in the database, under a key derived from SECRET_KEY."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "add_email_blocked": _("Turn the second factor off before you add an address."),
        "cannot_delete_authenticator": _("The second factor cannot be turned off."),
        "cannot_generate_recovery_codes": _("Recovery codes come with a second factor: set one up first."),
        "incorrect_code": _("This code is wrong or was used already."),
        "unverified_email": _("Confirm your address before you set up a second factor."),
    }

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        """What a new key is called until somebody names it: where it was added."""
        return browser_in_words(context.request.headers.get("User-Agent", ""))

    def encrypt(self, text: str) -> str:
        return _fernet(settings.SECRET_KEY).encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        return MultiFernet([_fernet(key) for key in keys]).decrypt(encrypted_text.encode()).decode()


@cache
def _fernet(secret: str) -> Fernet:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tributary second factors").derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(key))
