"""An affiliate's Telegram: what is connected, a link to connect it, and the way back."""

from __future__ import annotations

import segno
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from affiliates.access import affiliate_required
from channels.models import Channel, Contact
from channels.telegram.start_links import connected_contacts, disconnect_telegram, make_start_link, open_bots
from core.ui import refusals_as_messages


@affiliate_required()
@require_POST
def telegram_connect(request: HttpRequest, public_id: str) -> HttpResponse:
    """The link is in this answer alone: of its token nothing but a hash is kept."""
    affiliate = request.affiliate  # type: ignore[attr-defined]
    bot = get_object_or_404(open_bots(affiliate), pk=Channel.pk_from(public_id))
    with refusals_as_messages(request):
        url = make_start_link(affiliate, bot, by=request.user)
        code = segno.make(url, error="m", micro=False).svg_data_uri(scale=5, border=2, dark="#000", light="#fff")
        return render(request, "channels/portal/telegram_connect.html", {"bot": bot, "url": url, "qr": code})
    return redirect("portal:profile")


@affiliate_required()
@require_POST
def telegram_disconnect(request: HttpRequest, public_id: str) -> HttpResponse:
    affiliate = request.affiliate  # type: ignore[attr-defined]
    contact = get_object_or_404(connected_contacts(affiliate), pk=Contact.pk_from(public_id))
    with refusals_as_messages(request):
        disconnect_telegram(contact, affiliate, by=request.user)
        messages.success(request, _("Disconnected. What you write there is no longer taken for this account's."))
    return redirect("portal:profile")
