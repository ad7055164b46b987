"""Where Telegram hands over updates."""

from __future__ import annotations

import hashlib
import json

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from channels.inbound import store_raw, take_in_by_turns
from channels.models import Channel
from channels.tasks import file_received
from channels.telegram.polling import update_name
from channels.telegram.updates import Malformed, Said, read_update
from channels.views.hooks import answer_locked
from core.access import public_page
from core.secrets import Unreadable
from core.tasks import send_soon

MOST_BYTES = 1024 * 1024  # of an update; Telegram's are a few kilobytes


@public_page
@csrf_exempt
@require_POST
def telegram_hook(request: HttpRequest, slug: str) -> HttpResponse:
    """One update ("setWebhook"): kept raw and committed, then filed. Whatever it holds is answered with 200, as Telegram sends
    again what is not; a wrong secret is 403, a bot that is not here 404, and 503 says that nobody can tell now."""
    channel = Channel.objects.select_related("program").filter(kind=Channel.Kind.TELEGRAM, slug=slug).first()
    if channel is None or channel.status == Channel.Status.CLOSED:
        return HttpResponse(status=404)
    given = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
    try:
        known = channel.is_hook_secret(given)
    except Unreadable:
        return answer_locked(channel)
    if not known:
        return HttpResponse(status=403)
    if int(request.headers.get("Content-Length") or 0) > MOST_BYTES:
        return HttpResponse(status=413)
    raw = request.body
    name = _name(channel, raw)
    if _has_files(raw):  # they are fetched from Telegram, which may take a while: not while it waits for our answer
        item = store_raw(channel, raw, name)
        send_soon(file_received)
    else:
        item = take_in_by_turns(channel, raw, name)
    return JsonResponse({"status": item.status})


def _has_files(raw: bytes) -> bool:
    try:
        _number, said = read_update(raw)
    except Malformed:
        return False
    return isinstance(said, Said) and bool(said.files)


def _name(channel: Channel, raw: bytes) -> str:
    """By its update_id; what has none is told apart by its bytes, so that the same thing is kept once."""
    try:
        return update_name(channel, int(json.loads(raw)["update_id"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"unreadable:{hashlib.sha256(raw).hexdigest()}"
