"""Mails: a row first, in the sender's transaction; then a worker carries it to the mail server, if there is one."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.postgres.expressions import ArraySubquery
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import EmailMessage
from django.db import models, transaction
from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.template.loader import render_to_string
from django.utils import timezone, translation

from core.access import is_admin
from core.events import ref
from core.languages import page_language
from core.middleware import zone_of
from core.models import Mail
from core.smtp import NotNow, Refused, Server, Unknown

GIVE_UP_AFTER = 8

Visible = Callable[[Any], QuerySet[Any]]
_readers: dict[str, Visible] = {}


def register_readers(model: type[models.Model], visible: Visible) -> None:
    """Higher apps say whose mails a member of the team may read: those about the rows that `visible(user)` gives."""
    _readers[model._meta.model_name or ""] = visible


def readable_mails(user: Any) -> QuerySet[Mail]:
    """Admins read every mail; others those about something that they may see. What signs somebody in (a reset, an
    appointment) is about nothing of that kind: it opens an account to whoever reads it, so it is for admins alone."""
    if is_admin(user):
        return Mail.objects.all()
    about = Q(pk__in=[])
    for name, visible in _readers.items():
        refs = visible(user).order_by().annotate(_ref=Concat(Value(f"{name}:"), Cast(F("pk"), CharField()))).values("_ref")
        about |= Q(about__overlap=ArraySubquery(refs))
    return Mail.objects.filter(about)


class KeepingBackend(BaseEmailBackend):
    """Django's mail door (allauth's mails come through it): files each recipient's mail as a row."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            html = next((str(a[0]) for a in getattr(message, "alternatives", []) if a[1] == "text/html"), "")
            for to in message.recipients():
                subject, body = str(message.subject), str(message.body)
                _file(to=to, sender=message.from_email, subject=subject, body=body, html=html or in_html(subject, body), about=[])
        return len(email_messages)


def write_mail(to: str, template: str, context: dict[str, Any], *, about: Sequence[Any] = (), language: str = "") -> Mail:
    """File one mail from `templates/<template>.txt`: its first line is the subject, the rest the text, in the language and
    the time zone of whoever gets it (`language`, where it is known better than from their account).

    `about` names the objects it concerns, as events do: who may see them may read the mail where mails are kept.
    """
    with _as_read_by(to, language):
        subject, _, body = render_to_string(f"{template}.txt", {**context, "base_url": settings.BASE_URL}).partition("\n")
        body = body.strip() + "\n"
        return _file(
            to=to,
            sender=settings.DEFAULT_FROM_EMAIL,
            subject=subject,
            body=body,
            html=in_html(subject, body),
            about=[ref(a) for a in about],
        )


@contextmanager
def _as_read_by(address: str, language: str = "") -> Iterator[None]:
    """The language and the zone of the person with this address; ours for strangers, whoever happens to write to them."""
    person = get_user_model().objects.filter(email__iexact=address).first()
    language = language or page_language(getattr(person, "language", ""))
    with translation.override(language), timezone.override(zone_of(person)):
        yield


def in_html(subject: str, body: str) -> str:
    """The same words for readers of HTML. A line that is an address of ours becomes the button; no other text becomes a link,
    so that nothing that a stranger wrote into a name can be clicked here."""
    blocks: list[dict[str, Any]] = []
    for paragraph in body.strip().split("\n\n"):
        lines: list[str] = []
        for line in paragraph.split("\n"):
            if line.startswith(f"{settings.BASE_URL}/") and " " not in line:
                blocks += [{"lines": lines}] if lines else []
                blocks.append({"url": line})
                lines = []
            elif line.strip():
                lines.append(line)
        blocks += [{"lines": lines}] if lines else []
    return render_to_string(
        "core/mails/mail.html", {"subject": subject, "blocks": blocks, "language": translation.get_language()}
    )


def _file(*, to: str, sender: str, subject: str, body: str, html: str, about: list[str]) -> Mail:
    sends = settings.MAIL_SERVER is not None
    mail = Mail.objects.create(
        to=to,
        sender=sender,
        subject=" ".join(subject.split())[:500],  # a line break in a subject would be another header
        body=body,
        html=html,
        about=about,
        status=Mail.Status.QUEUED if sends else Mail.Status.KEPT,
    )
    if sends:
        from core.tasks import send_due_mails, send_soon

        transaction.on_commit(lambda: send_soon(send_due_mails), robust=True)
    return mail


def send_due(limit: int = 200) -> int:
    """Send what is queued. Each mail is claimed in a committed step before the server hears of it, so that a killed worker
    leaves it "sending" (turned into "unknown" for a person to decide), never sent twice."""
    if settings.MAIL_SERVER is None:
        return 0
    Mail.objects.filter(status=Mail.Status.SENDING, due_at__lt=timezone.now() - timedelta(minutes=10)).update(
        status=Mail.Status.UNKNOWN
    )
    sent = 0
    server = Server(**settings.MAIL_SERVER, timeout=20, fail_silently=False)
    try:
        for _ in range(limit):
            mail = _claim()
            if mail is None:
                break
            try:
                server.open()  # once a round: a connection that is there is used again
            except (OSError, smtplib.SMTPException) as error:
                _put_back(mail, error)  # the others would wait for the same server
                break
            sent += _send(mail, server)
    finally:
        with suppress(OSError, smtplib.SMTPException):
            server.close()
    return sent


def _claim() -> Mail | None:
    with transaction.atomic():
        mail = (
            Mail.objects.select_for_update(skip_locked=True)
            .filter(status=Mail.Status.QUEUED, due_at__lte=timezone.now())
            .order_by("due_at", "pk")
            .first()
        )
        if mail is not None:
            mail.status, mail.attempts, mail.due_at = Mail.Status.SENDING, mail.attempts + 1, timezone.now()
            mail.save()
    return mail


def _send(mail: Mail, server: Server) -> int:
    """Hand one mail over; what its server said is the mail's state."""
    try:
        server.hand_over(_message(mail))
    except Refused as error:
        mail.status, mail.error = Mail.Status.FAILED, str(error)
    except Unknown as error:
        mail.status, mail.error = Mail.Status.UNKNOWN, str(error)
    except NotNow as error:
        _put_back(mail, error)
    else:
        mail.status, mail.sent_at, mail.error = Mail.Status.SENT, timezone.now(), ""
    mail.save()
    return mail.status == Mail.Status.SENT


def _message(mail: Mail) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(
        mail.subject, mail.body, mail.sender, [mail.to], headers={"Message-ID": f"<{mail.public_id}@tributary>"}
    )
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    return message


def _put_back(mail: Mail, error: Exception) -> None:
    """Later again, each time after a longer while, but not for ever."""
    given_up = mail.attempts >= GIVE_UP_AFTER
    mail.status, mail.error = (Mail.Status.FAILED if given_up else Mail.Status.QUEUED), str(error)
    mail.due_at = timezone.now() + timedelta(seconds=30 * 2**mail.attempts)
    mail.save()
