"""A message of a ticket's conversation as HTML: thirty stand on a page, and as a template each cost three times as much (see
`support.components`)."""

from __future__ import annotations

from typing import Any

from django.template.defaultfilters import filesizeformat, linebreaksbr
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from channels.models import Outgoing
from channels.parsed import Authenticity
from core.components import chip, icon, when
from core.ui import address_of
from support.display import PICTURES
from support.models import Message
from support.models.messages import Direction

NONE = mark_safe("")


def message_article(message: Any, *, answers: bool, place: str = "") -> SafeString:
    """A message as `support.queries.ticket.conversation` reads it. `answers`: the reader answers here; `place`: their queue's."""
    name = message.public_id
    return format_html(
        '<article class="msg msg-{}{}" id="{}" data-message="{}"><header class="msg-head">{} {}{}{}</header>{}{}'
        '<div class="msg-body">{}</div>{}{}{}{}{}</article>',
        message.direction,
        " is-deleted" if message.deleted_at else "",
        name,
        name,
        _who(message),
        when(message.created_at),
        _marks(message),
        _menu(message, name, place) if answers else NONE,
        _doubt(message, answers) if message.authenticity == Authenticity.DOUBTFUL else NONE,
        _replied(message.reply_to) if message.reply_to_id else NONE,
        message.shown,
        _problem(message.outgoing) if message.outgoing_id else NONE,
        _quoted(message, name),
        _whole(message, name) if message.body_html or message.inbound_id else NONE,
        format_html('<p class="msg-whole quiet"><span>{}</span></p>', linebreaksbr(message.remarks, True))
        if message.remarks
        else NONE,
        _files(message),
    )


def _who(message: Any) -> SafeString:
    if message.direction == Direction.AUTO:
        return format_html('<span class="msg-who">{}{}</span>', icon("robot", 14), _("Automatic"))
    mark = icon("lock", 14) if message.direction == Direction.NOTE else NONE
    return format_html('<span class="msg-who">{}{}</span>', mark, message.sender)


def _marks(message: Any) -> SafeString:
    marks = []
    if message.authenticity == Authenticity.UNPROVED:
        marks.append(_sign("shield-question", _("No mail server has confirmed the sender.")))
    if message.direction == Direction.NOTE:
        marks.append(format_html('<span class="quiet">{}</span>', _("Internal note")))
    ours = message.direction in (Direction.OUT, Direction.AUTO)
    if message.direction == Direction.OUT and not message.is_answer:
        marks.append(format_html('<span class="quiet">{}</span>', _("First word")))
    seen = message.ticket.around.seen_at if ours else None
    if seen is not None and seen >= message.created_at:
        marks.append(_sign("eye", _("Seen in the portal")))
    if message.edited_at:
        marks.append(format_html('<span class="quiet">{} {}</span>', _("changed"), when(message.edited_at)))
    if message.deleted_at:
        marks.append(format_html('<span class="chip">{}</span>', _("Deleted by its writer")))
    if message.outgoing_id and message.outgoing.status != Outgoing.Status.SENT:
        marks.append(chip(message.outgoing.status))
    return mark_safe("".join(f" {mark}" for mark in marks))


def _sign(name: str, told: str) -> SafeString:
    return format_html(
        '<span class="quiet" title="{}">{}<span class="visually-hidden">{}</span></span>', told, icon(name, 14), told
    )


def _menu(message: Any, name: str, place: str) -> SafeString:
    task = f"{address_of('manage:task_create', message.ticket.public_id)}?message={name}&{place}"
    split = f"{address_of('manage:message_split', name)}?{place}"
    return format_html(
        ' <details class="pop msg-menu"><summary class="icon-button" aria-label="{}">{}</summary><div class="pop-panel pop-end">'
        '<a class="pop-item" href="{}" data-dialog>{}{}</a><a class="pop-item" href="{}" data-dialog>{}{}</a></div></details>',
        _("With this message"),
        icon("dots", 16),
        task,
        icon("list-check", 16),
        _("Make a task of it"),
        split,
        icon("arrows-split", 16),
        _("Split off"),
    )


def _doubt(message: Any, answers: bool) -> SafeString:
    if message.contact.affiliate_id:
        return NONE
    told = _("This may not be from %(whom)s: the mail server says that somebody else sent it.")
    return format_html(
        '<div class="note note-warning">{}<p>{} {}</p></div>',
        icon("shield-x"),
        told % {"whom": message.claimed or message.sender},
        format_html('<a href="{}">{}</a>', reverse("manage:contact_detail", args=[message.contact.public_id]), _("Say who it is"))
        if answers
        else NONE,
    )


def _replied(to: Message) -> SafeString:
    return format_html('<p class="msg-reply quiet">{}{}</p>', icon("corner-up-left", 12), Truncator(to.body_text).chars(100))


def _problem(outgoing: Outgoing) -> SafeString:
    if not outgoing.error or outgoing.status == Outgoing.Status.SENT:
        return NONE
    return format_html('<p class="msg-problem">{}{}</p>', icon("alert-circle", 14), outgoing.error)


def _quoted(message: Any, name: str) -> SafeString:
    """What was quoted, and what it said before edits: folded."""
    folded = [(f"quoted-{name}", _("Quoted text"), NONE, message.quoted_text)] if message.quoted_text else []
    if message.edited_at:
        folded += [
            (f"version-{version.pk}", _("Before"), when(version.replaced_at), version.body_text)
            for version in message.versions.all()
        ]
    return format_html_join(
        "",
        '<details class="msg-quoted" id="{}"><summary>{} {}</summary><blockquote>{}</blockquote></details>',
        ((key, label, at, linebreaksbr(text, True)) for key, label, at, text in folded),
    )


def _whole(message: Any, name: str) -> SafeString:
    """The way to what came: as it was formatted, as it was."""
    formatted = raw = NONE
    if message.body_html:
        formatted = format_html(
            '<a href="{}" target="_blank" rel="noopener" data-frame="{}" data-title="{}" data-images="{}">{}</a>',
            address_of("manage:message_html", name),
            name,
            message.sender,
            _("Load pictures from elsewhere"),
            _("As it was formatted"),
        )
    if message.inbound_id:
        raw = format_html('<a href="{}" download>{}</a>', address_of("manage:message_raw", name), _("As it came"))
    return format_html('<p class="msg-whole">{} {}</p>', formatted, raw)


def _files(message: Any) -> SafeString:
    if not message.files:
        return NONE
    return format_html(
        '<ul class="files">{}</ul>', format_html_join("", "<li>{}</li>", ((_file(each),) for each in message.files))
    )


def _file(attachment: Any) -> SafeString:
    url = address_of("manage:attachment_download", attachment.public_id)
    if attachment.file.type in PICTURES:
        shown = format_html(
            '<a href="{}" download><img class="file-picture" src="{}" alt="{}" loading="lazy"></a>', url, url, attachment.name
        )
    else:
        shown = format_html('{}<a href="{}" download>{}</a>', icon("paperclip", 14), url, attachment.name)
    return format_html('{} <span class="quiet">{}</span>', shown, filesizeformat(attachment.file.size))
