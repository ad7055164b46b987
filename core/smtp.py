"""Handing one mail to a mail server, and knowing afterwards whether it was taken."""

from __future__ import annotations

import smtplib
from typing import Any

from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import EmailMessage


class Refused(Exception):
    """For good (5xx), or a mail that cannot be written at all."""


class NotNow(Exception):
    """For now (4xx), or the connection was lost before the mail was on its way."""


class Unknown(Exception):
    """The connection was lost after the mail was on its way: the server may have taken it."""


class _Connection(smtplib.SMTP):
    """Knows whether the message was on its way: from then on a lost connection leaves open whether it was taken."""

    handed_over = False

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.handed_over = True
        return super().data(msg)


class _SecureConnection(_Connection, smtplib.SMTP_SSL):
    pass


class Server(EmailBackend):
    """Django's SMTP backend; `open` is called once a round and raises OSError or SMTPException."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _SecureConnection if self.use_ssl else _Connection

    def drop(self) -> None:
        """Hang up without a word: who does not answer would be waited for once more."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def hand_over(self, message: EmailMessage) -> None:
        """Returns once the server has taken it; raises Refused, NotNow or Unknown. A connection that there was trouble with is
        dropped, as a refusal may have closed it: the next mail gets a fresh one from `open`."""
        connection: Any = self.connection
        connection.handed_over = False
        try:
            self.send_messages([message])
        except Exception as error:
            self.drop()
            meaning = _meaning(error, handed_over=connection.handed_over)
            if meaning is None:
                raise
            raise meaning from error


def _meaning(error: Exception, *, handed_over: bool) -> Exception | None:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _by_codes(error, [code for code, _text in error.recipients.values()])
    if isinstance(error, (smtplib.SMTPDataError, smtplib.SMTPSenderRefused)):
        return _by_codes(error, [error.smtp_code])
    if isinstance(error, ValueError):  # an address or a header that cannot be written: this mail's fault alone
        return Refused(str(error))
    if isinstance(error, (OSError, smtplib.SMTPException)):
        return Unknown(str(error)) if handed_over else NotNow(str(error))
    return None  # a bug


def _by_codes(error: Exception, codes: list[int]) -> Exception:
    if any(500 <= code <= 599 for code in codes):
        return Refused(str(error))
    if all(400 <= code <= 499 for code in codes):
        return NotNow(str(error))
    return Unknown(str(error))  # no answer that says yes or no
