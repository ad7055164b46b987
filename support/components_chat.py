"""A message of the affiliate's chat as HTML: sixty stand on a page (see `support.components`)."""

from __future__ import annotations

from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channels.models import Channel
from core.components import day, exact, icon
from core.ui import address_of
from support.display import PICTURES, shown_text
from support.models.messages import Direction

NONE = mark_safe("")


def talk(message: Any, *, mine: bool, new_day: bool) -> SafeString:
    """A message as `support.views.portal` reads it. `mine`: the reader wrote it; `new_day`: its day is told above it."""
    name = message.public_id
    at, here = message.created_at.isoformat(), timezone.localtime(message.created_at)
    return format_html(
        '{}<li class="talk{}{}" id="{}" data-at="{}"><p class="talk-by">{} {}</p><div class="talk-body">{}{}</div>'
        '<p class="talk-at">{}<time datetime="{}" title="{}">{}</time>'
        '<button type="button" class="talk-reply" data-reply="{}">{}</button></p></li>',
        format_html('<li class="talk-day" aria-hidden="true"><span>{}</span></li>', day(message.created_at)) if new_day else NONE,
        " talk-own" if message.direction == Direction.IN else "",
        " talk-auto" if message.direction == Direction.AUTO else "",
        name,
        at,
        _by(message, mine),
        _door(message),
        _answered(message.reply_to) if message.reply_to_id else NONE,
        format_html('<p class="quiet">{}</p>', _("Deleted")) if message.deleted_at else _said(message),
        format_html("{} · ", _("edited")) if message.edited_at else NONE,
        at,
        exact(message.created_at),
        f"{here:%H:%M}",
        name,
        _("Answer"),
    )


def _by(message: Any, mine: bool) -> Any:
    if mine:
        return format_html('<span class="visually-hidden">{}</span>', _("You"))
    if message.direction == Direction.AUTO:
        return _("Automatic")
    return str(message.author or message.contact or "") or _("You")


def _door(message: Any) -> SafeString:
    """Through which one it came, where that is not this page."""
    if (call := message.phone) is not None:
        told = type(call).Kind(call.kind).label
        if call.minutes:
            told = f"{told}, {ngettext('%(minutes)s minute', '%(minutes)s minutes', call.minutes) % {'minutes': call.minutes}}"
        return format_html("{}<span>{}</span>", icon("phone", 14), told)
    if message.door == Channel.Kind.EMAIL:
        return format_html('{}<span class="visually-hidden">{}</span>', icon("mail", 14), _("by e-mail"))
    if message.door == Channel.Kind.TELEGRAM:
        return format_html('{}<span class="visually-hidden">{}</span>', icon("brand-telegram", 14), _("in Telegram"))
    return NONE


def _answered(to: Any) -> SafeString:
    return format_html('<a class="talk-answered" href="#{}">{}</a>', to.public_id, Truncator(to.body_text).chars(90))


def _said(message: Any) -> SafeString:
    text = quoted = NONE
    if message.body_text:
        text = format_html('<p class="talk-text" dir="auto">{}</p>', shown_text(message.body_text))
    if message.quoted_text:
        quoted = format_html(
            '<details class="talk-quoted"><summary>{}</summary><p class="talk-text quiet" dir="auto">{}</p></details>',
            _("Quoted text"),
            message.quoted_text,
        )
    return format_html("{}{}{}", text, quoted, format_html_join("", "{}", ((_file(each),) for each in message.files)))


def _file(attachment: Any) -> SafeString:
    address, kind = address_of("portal:help_attachment", attachment.public_id), attachment.file.type
    if kind in PICTURES:
        return format_html(
            '<a class="talk-picture" href="{}" download><img src="{}" alt="{}" loading="lazy"></a>',
            address,
            address,
            attachment.name,
        )
    if kind.startswith("audio/"):
        return format_html('<audio controls preload="none" src="{}" aria-label="{}"></audio>', address, attachment.name)
    return format_html(
        '<a class="talk-file" href="{}" download>{}<span>{}</span><span class="quiet">{}</span></a>',
        address,
        icon("paperclip", 16),
        attachment.name,
        filesizeformat(attachment.file.size),
    )
