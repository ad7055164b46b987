"""Mails out: what is queued for a mailbox, handed to its mail server."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.utils import formataddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils.translation import gettext as _

from channels.files import read_file
from channels.models import Channel, Outgoing, StoredFile
from channels.outgoing import Away, Later, Lost, Send, Sender
from channels.outgoing import Refused as RefusedForGood
from core.secrets import Unreadable
from core.server_urls import smtp_server
from core.smtp import NotNow, Refused, Server, Unknown

TIMEOUT = 20  # seconds without a word


@contextmanager
def door(channel: Channel) -> Iterator[Send]:
    """One connection for a round of mails. Raises Away."""
    server = Server(**server_of(channel), timeout=TIMEOUT, fail_silently=False)
    try:
        _open(server)
        yield lambda outgoing: _send(outgoing, channel, server)
    finally:
        with suppress(OSError, smtplib.SMTPException):
            server.close()


SENDER = Sender(door)


def server_of(channel: Channel) -> dict[str, Any]:
    """The mailbox's own mail server, else the one of the installation (EMAIL_URL). Raises Away where there is none."""
    try:
        url = str(channel.read_secrets().get("smtp_url") or "")
    except Unreadable:
        raise Away(_("Its password cannot be read: SECRET_KEY has changed. Enter it again.")) from None
    if url:
        try:
            return smtp_server(url)
        except ValueError:
            raise Away(_("The address of its mail server cannot be read.")) from None
    if settings.MAIL_SERVER is None:
        raise Away(_("No mail server is set, neither for this mailbox nor by EMAIL_URL: mails wait here."))
    return dict(settings.MAIL_SERVER)


def _open(server: Server) -> None:
    try:
        server.open()
    except (OSError, smtplib.SMTPException) as error:
        server.drop()
        raise Away(str(error)) from error


def _send(outgoing: Outgoing, channel: Channel, server: Server) -> str:
    _open(server)  # a connection that is there is used again
    message = message_of(outgoing, channel)
    try:
        server.hand_over(message)
    except Refused as error:
        raise RefusedForGood(str(error)) from error
    except NotNow as error:
        raise Later(str(error)) from error
    except Unknown as error:
        raise Lost(str(error)) from error
    return str(message.extra_headers["Message-ID"]).strip("<>")


def message_of(outgoing: Outgoing, channel: Channel) -> EmailMultiAlternatives:
    """The mail of a row's payload: {subject, text, html?, headers?, files?: [{file, name}]}. Refused where a file is lost."""
    payload = outgoing.payload
    address = str(channel.settings.get("address", ""))
    headers = {"Message-ID": f"<{outgoing.public_id}@{address.rpartition('@')[2]}>", **payload.get("headers", {})}
    message = EmailMultiAlternatives(
        " ".join(str(payload["subject"]).split()),
        str(payload["text"]),
        formataddr((str(channel.settings.get("sender_name") or channel.program.name), address)),
        [outgoing.to],
        headers=headers,
    )
    if payload.get("html"):
        message.attach_alternative(payload["html"], "text/html")
    files = StoredFile.objects.in_bulk([each["file"] for each in payload.get("files", [])])
    for each in payload.get("files", []):
        try:
            stored = files[each["file"]]
            content = read_file(stored)
        except (KeyError, OSError) as error:
            raise RefusedForGood(_("The file %(name)s is not on the disk any more.") % {"name": each["name"]}) from error
        whole = stored.type.startswith(("text/", "message/", "multipart/"))  # the library would read what is inside
        message.attach(each["name"], content, "application/octet-stream" if whole else stored.type)
    return message


def try_sending(channel: Channel) -> None:
    """Connect and sign in, as before sending. Raises Away."""
    with door(channel):
        pass
