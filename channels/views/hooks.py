"""Where machines hand over what came in for a channel."""

from __future__ import annotations

from django.http import Http404, HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from channels.files import MOST_BYTES
from channels.inbound import take_in
from channels.mail import provider_id_of
from channels.models import Channel, InboundItem
from channels.parsed import find_filed
from channels.trouble import RECEIVING, note_trouble
from core.access import public_page
from core.secrets import Unreadable


def answer_locked(channel: Channel) -> JsonResponse:
    """503: nobody can tell who calls, as SECRET_KEY has changed. Mail servers and Telegram keep what they have and come again."""
    reason = _(
        "The secret of its hook cannot be read: SECRET_KEY has changed. Whatever is handed over is refused, to come again."
    )
    note_trouble(channel, RECEIVING, reason)
    answer = {"status": "refused", "reason": "The channel's secret cannot be read now: SECRET_KEY has changed. Try again later."}
    return JsonResponse(answer, status=503, headers={"Retry-After": "300"})


@public_page
@csrf_exempt
@require_POST
def email_hook(request: HttpRequest, slug: str) -> JsonResponse:
    """One raw mail (message/rfc822), kept before this answers. 202, whatever is in it; 401 without the channel's secret, 413 for
    more than a mail may have, 400 for nothing, 503 while nobody can tell whether the secret is the channel's."""
    channel = get_object_or_404(Channel.objects.select_related("program"), kind=Channel.Kind.EMAIL, slug=slug)
    if channel.status == Channel.Status.CLOSED:
        raise Http404
    try:
        known = channel.is_hook_secret(request.headers.get("X-Hook-Secret", ""))
    except Unreadable:
        return answer_locked(channel)
    if not known:
        return JsonResponse({"status": "refused", "reason": "X-Hook-Secret is not this channel's."}, status=401)
    raw = request.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        return JsonResponse({"status": "refused", "reason": f"A mail may have {MOST_BYTES} bytes at most."}, status=413)
    if not raw.strip():
        return JsonResponse({"status": "refused", "reason": "Send the raw mail as the body."}, status=400)
    item = take_in(channel, raw, provider_id_of(raw))
    first = item.duplicate_of if item.status == InboundItem.Status.DUPLICATE else item
    filed = find_filed(first.filed_as) if first else None
    return JsonResponse(
        {"status": item.status, "ticket": filed.ticket if filed else None, "message": filed.message if filed else None},
        status=202,
    )
