"""The answer to a start link: whose Telegram this is from now on, or why nothing was tied."""

from __future__ import annotations

from django.utils import translation
from django.utils.translation import gettext as _

from channels import outgoing
from channels.models import Chat, Contact, InboundItem
from channels.telegram.chats import heard_from
from channels.telegram.start_links import StartLinkError, use_start_link
from core.events import ref


def greet(item: InboundItem, chat: Chat, contact: Contact, token: str) -> str:
    """Tie the contact and say so, in the member's language. Returns what the update became."""
    heard_from(chat)
    with translation.override(contact.language or "en"):
        try:
            link = use_start_link(item.channel, token, contact)
        except StartLinkError as refused:
            text = refused.message
        else:
            with translation.override(link.user.language or "en"):
                text = _(
                    "Hello %(person)s. This Telegram account now belongs to %(affiliate)s at %(program)s. Ask us anything here."
                ) % {
                    "person": link.user.get_short_name(),
                    "affiliate": link.affiliate.name,
                    "program": item.channel.program.name,
                }
    outgoing.queue(item.channel, str(chat.provider_id), {"text": text}, key=f"start:{item.pk}", about=ref(chat), chat=chat)
    return ref(contact)
