"""What each kind of channel asks for: what may be shown of it (`settings`), what opens it (`secrets`), and what connects it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from channels.models import Channel
from core.errors import Conflict, Refusal
from core.secrets import Unreadable
from core.server_urls import imap_server, smtp_server


class ChannelError(Refusal):
    """A channel that cannot stand so."""


@dataclass(frozen=True)
class Given:
    """Settings as they were given, those of before where they were not, read: checked and parted."""

    settings: dict[str, Any]
    secrets: dict[str, Any]


def nothing(channel: Channel) -> None:
    """There is nothing to try, or to tell anybody."""


@dataclass(frozen=True)
class Rules:
    """`read(given, channel)`: `given` are the settings asked for; `channel` is the one that they change, or a new one that is not
    saved. Raises ChannelError, its field the setting's name. `connect(channel)` runs after the commit of a new or changed channel;
    `trial(channel)` tries everything and raises ChannelError with what is wrong."""

    read: Callable[[dict[str, Any], Channel], Given]
    connect: Callable[[Channel], None] = nothing
    trial: Callable[[Channel], None] = nothing
    hook: str = ""  # the name of the address at which it takes what comes in


_rules: dict[str, Rules] = {}


def register_kind(kind: str, rules: Rules) -> None:
    _rules[kind] = rules


def rules_of(kind: str) -> Rules:
    """ChannelError for a kind that nobody makes by hand (a portal is there with its program)."""
    if kind not in _rules:
        raise ChannelError(_("Choose e-mail, Telegram or phone."), code="kind", field="kind")
    return _rules[kind]


def hook_of(kind: str) -> str:
    return _rules[kind].hook if kind in _rules else ""


def refuse_unknown(given: dict[str, Any], known: set[str]) -> None:
    for name in given:
        if name not in known:
            raise ChannelError(
                _("There is no setting “%(name)s” here: %(known)s.") % {"name": name[:40], "known": ", ".join(sorted(known))},
                code="unknown",
                field="settings",
            )


def text_of(given: dict[str, Any], name: str, *, longest: int = 300) -> str:
    """A setting that is a text; "" where it is not given."""
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        raise ChannelError(_("Give a text of one line."), code="type", field=name)
    return value.strip()


# E-mail and phone

EMAIL = {"address", "sender_name", "imap_url", "smtp_url", "skip_existing", "answers_itself", "authserv_id"}


def read_email(given: dict[str, Any], channel: Channel) -> Given:
    refuse_unknown(given, EMAIL)
    settings = dict(channel.settings)
    try:
        secrets = channel.read_secrets()
    except Unreadable:  # SECRET_KEY has changed: what is not entered again is gone
        secrets = {}
    if "address" in given or not settings:
        settings["address"] = _address(text_of(given, "address"), channel)
    if "sender_name" in given:
        settings["sender_name"] = text_of(given, "sender_name", longest=120)
    if "authserv_id" in given:
        settings["authserv_id"] = text_of(given, "authserv_id", longest=255).lower()
    for name in ("skip_existing", "answers_itself"):
        if name in given:
            if not isinstance(given[name], bool):
                raise ChannelError(_("Say true or false."), code="type", field=name)
            settings[name] = given[name]
    for name, read, example in (
        ("imap_url", imap_server, "imaps://user:password@imap.example.com/INBOX"),
        ("smtp_url", smtp_server, "smtp+tls://user:password@smtp.example.com:587"),
    ):
        if name not in given:
            continue
        url = text_of(given, name, longest=1000)
        try:
            if url:
                read(url)
        except ValueError:
            raise ChannelError(
                _("This cannot be read: it should look like %(example)s.") % {"example": example}, code="invalid", field=name
            ) from None
        secrets[name] = url
        settings[name] = without_password(url)
    settings["polls"] = bool(secrets.get("imap_url"))
    return Given(settings, secrets)


def _address(text: str, channel: Channel) -> str:
    try:
        validate_email(text)
        if "+" in text or len(text.partition("@")[0]) > 32:  # a token has to fit beside it (channels.tokens)
            raise ValidationError("")
    except ValidationError:
        raise ChannelError(
            _("Give the mailbox's own address: no plus sign in it, at most 32 characters before the @."),
            code="invalid",
            field="address",
        ) from None
    others = Channel.objects.filter(kind=Channel.Kind.EMAIL, settings__address__iexact=text).exclude(pk=channel.pk)
    if others.exclude(status=Channel.Status.CLOSED).exists():
        raise Conflict(_("This address is connected already: what comes in would be filed twice."), code="taken", field="address")
    return text


def without_password(url: str) -> str:
    """What may be shown of a server's address."""
    parts = urlsplit(url)
    if not parts.netloc:
        return ""
    user, _at, host = parts.netloc.rpartition("@")
    return urlunsplit((parts.scheme, f"{user.partition(':')[0]}@{host}" if user else host, parts.path, "", ""))


def connect_email(channel: Channel) -> None:
    from channels.tasks import poll_mailbox
    from core.tasks import send_soon

    if channel.settings.get("polls"):
        send_soon(poll_mailbox, channel.pk)


def try_email(channel: Channel) -> None:
    from channels.imap import Trouble, try_receiving
    from channels.outgoing import Away
    from channels.smtp import try_sending

    if channel.settings.get("polls"):
        try:
            try_receiving(channel)
        except Trouble as trouble:
            raise ChannelError(_("Receiving: %(error)s") % {"error": trouble}, code="unreachable", field="imap_url") from None
    try:
        try_sending(channel)
    except Away as away:
        raise ChannelError(_("Sending: %(error)s") % {"error": away}, code="unreachable", field="smtp_url") from None


def read_phone(given: dict[str, Any], channel: Channel) -> Given:
    refuse_unknown(given, {"number"})
    number = re.sub(r"[\s().-]", "", text_of(given, "number", longest=40)) or str(channel.settings.get("number", ""))
    if number and not re.fullmatch(r"\+[1-9]\d{6,14}", number, re.ASCII):
        raise ChannelError(_("Give the number with its country's, such as +49 30 1234567."), code="invalid", field="number")
    return Given({"number": number} if number else {}, {})
