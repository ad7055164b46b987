"""What strangers sent, as it may be looked at: a mail's HTML for its frame, the whole of it as a file, attachments."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from affiliates.access import affiliate_required
from channels.files import path_of, safe_name
from channels.models import Channel
from core.access import Can, manager_required
from support.display import FILE_POLICY, frame_document, frame_policy
from support.models import Attachment, Message, Ticket
from support.portal import visible_messages


def messages_of_team(user: Any) -> Any:
    """Those of tickets that this member of the team may see."""
    return Message.objects.filter(ticket__in=Ticket.objects.visible_to(user))


@manager_required(Can.SEE_TICKETS)
@require_safe
@xframe_options_sameorigin
@cache_control(private=True, no_store=True)
def message_html(request: HttpRequest, public_id: str) -> HttpResponse:
    """The document of the frame that shows a message's HTML; `?images=1` also loads pictures from elsewhere."""
    message = get_object_or_404(messages_of_team(request.user).exclude(body_html=""), pk=Message.pk_from(public_id))
    remote_images = request.GET.get("images") == "1"
    response = HttpResponse(frame_document(message, remote_images=remote_images))
    response.headers["Content-Security-Policy"] = frame_policy(remote_images=remote_images)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@manager_required(Can.SEE_TICKETS)
@require_safe
def message_raw(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """The message as it came through its door: a mail as .eml, a messenger's update as JSON."""
    message = get_object_or_404(
        messages_of_team(request.user).select_related("inbound__channel"), pk=Message.pk_from(public_id), inbound__isnull=False
    )
    assert message.inbound is not None and message.inbound.raw is not None  # what is filed keeps its bytes
    mail = message.inbound.channel.kind == Channel.Kind.EMAIL
    response = HttpResponse(bytes(message.inbound.raw), content_type="message/rfc822" if mail else "application/json")
    return as_download(response, f"{message.public_id}.{'eml' if mail else 'json'}")


@manager_required(Can.SEE_TICKETS)
@require_safe
def attachment_download(request: HttpRequest, public_id: str) -> HttpResponseBase:
    return send_attachment(get_object_or_404(_attachments(messages_of_team(request.user)), pk=Attachment.pk_from(public_id)))


@affiliate_required()
@require_safe
def help_attachment(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """A file of the affiliate's own chat; what came with an internal note is not theirs."""
    return send_attachment(get_object_or_404(_attachments(visible_messages(request)), pk=Attachment.pk_from(public_id)))


def _attachments(messages: Any) -> Any:
    return Attachment.objects.filter(message__in=messages).select_related("file")


def send_attachment(attachment: Attachment) -> HttpResponseBase:
    """Always a download, of the type that its content shows, in an answer in which nothing runs."""
    try:
        content = path_of(attachment.file.sha256).open("rb")
    except OSError:
        raise Http404(_("The file is not on this machine.")) from None
    return as_download(FileResponse(content, content_type=attachment.file.type), attachment.name)


def as_download(response: HttpResponseBase, name: str) -> HttpResponseBase:
    """RFC 6266, with the name in RFC 5987's way where it is not ASCII. Pages of ours may still show its picture."""
    response.headers["Content-Disposition"] = content_disposition_header(True, safe_name(name)) or "attachment"
    response.headers["Content-Security-Policy"] = FILE_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, max-age=3600"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
