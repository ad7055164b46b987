"""Chats: one row for each stream of messages, what their messages are called, and why nothing can be sent into one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from affiliates.models import Affiliate
from channels.contacts import find_or_make_contact
from channels.events import CHAT_CLOSED, CHAT_GIVEN, CHAT_REOPENED
from channels.models import BusinessConnection, Channel, Chat, Contact, ContactAddress
from channels.telegram.updates import ChatRef, Sender
from channels.together import current
from core.access import Can, check
from core.errors import Refusal
from core.events import record

REPLY_WINDOW = timedelta(hours=24)  # BusinessBotRights.can_reply: "chats that had incoming messages in the last 24 hours"


class ChatError(Refusal):
    """Why this chat stays as it is."""


def message_ref(chat: Chat, message_id: int) -> str:
    """What a message is called in `support.Message.provider_id`: Telegram counts messages in each chat anew, and again when a
    group grows into a supergroup. There are spaces in it, so that no Message-ID, which its sender chooses, is ever the same."""
    return f"{chat.pk} {chat.provider_id} {message_id}"


def contact_of(channel: Channel, sender: Sender) -> Contact:
    """Who this is, found or made; nobody is guessed into an affiliate's account."""
    handle = f"@{sender.username}" if sender.username else ""
    contact = find_or_make_contact(
        ContactAddress.Kind.TELEGRAM, str(sender.id), sender.name, program=channel.program, label=handle or sender.name
    )
    if sender.language and not contact.language:
        contact.language = sender.language
        contact.save(update_fields=["language"])
    return contact


def chat_of(
    channel: Channel, where: ChatRef, *, contact: Contact | None = None, business: BusinessConnection | None = None
) -> Chat:
    """The row of this chat, locked until the transaction ends, so that what is written in one chat is filed one after another."""
    fresh = _as_told(where, contact)
    key: dict[str, Any] = {"channel": channel, "business": business, "provider_id": where.id}
    together = current.get()
    chat = together.chats.get((channel.pk, where.id)) if together is not None and business is None else None
    chat = chat or _locked().filter(**key).first()
    if chat is None:
        made, _new = Chat.objects.get_or_create(**key, defaults=fresh)
        chat = _locked().get(pk=made.pk)
        if together is not None and business is None:
            together.chats[channel.pk, where.id] = chat
    changed = [name for name in ("title", "contact") if fresh[name] and getattr(chat, name) != fresh[name]]
    for name in changed:
        setattr(chat, name, fresh[name])
    if changed:
        chat.save(update_fields=changed)
    return chat


def _locked() -> QuerySet[Chat]:
    return Chat.objects.select_for_update(no_key=True, of=("self",)).select_related("business__person", "contact", "channel")


def look_up(channel: Channel, where: dict[int, ChatRef], writers: dict[int, Contact]) -> None:
    """Read and hold a bot's own chats in which the set writes that is being filed, by Telegram's ids; those that are new are made.
    `writers`: as far as they are known yet."""
    together = current.get()
    assert together is not None
    chats = _locked().filter(channel=channel, business=None, provider_id__in=where).order_by("pk")
    found = {chat.provider_id: chat for chat in chats}
    if len(found) < len(where):
        new = [
            Chat(channel=channel, provider_id=pk, **_as_told(told, writers.get(pk)))
            for pk, told in where.items()
            if pk not in found
        ]
        Chat.objects.bulk_create(new, ignore_conflicts=True)
        found = {chat.provider_id: chat for chat in chats.all()}
    for chat in found.values():
        chat.channel, chat.contact = channel, together.contacts.get(chat.contact_id or 0, chat.contact)
        together.chats[channel.pk, chat.provider_id] = chat


def _as_told(where: ChatRef, contact: Contact | None) -> dict[str, Any]:
    return {
        "kind": Chat.Kind.PRIVATE if where.private else Chat.Kind.GROUP,
        "title": where.title,
        "contact": contact if where.private else None,
    }


def heard_from(chat: Chat) -> None:
    """Somebody has written here now: whatever kept us from answering is over."""
    chat.last_in_at = timezone.now()
    together = current.get()
    if together is not None:
        together.heard[chat.pk] = chat
    else:
        chat.save(update_fields=["last_in_at"])
    reopen_chat(chat)


def close_chat(chat: Chat, reason: str) -> None:
    if chat.closed_reason != reason:
        chat.closed_reason = reason
        chat.save(update_fields=["closed_reason"])
        record(CHAT_CLOSED, chat, chat.contact, data={"chat": str(chat)}, reason=reason)


def reopen_chat(chat: Chat) -> None:
    if chat.closed_reason:
        chat.closed_reason = ""
        chat.save(update_fields=["closed_reason"])
        record(CHAT_REOPENED, chat, chat.contact, data={"chat": str(chat)})


@transaction.atomic
def migrate_chat(channel: Channel, old: int, new: int) -> Chat | None:
    """A group has grown into a supergroup, which has another id: the chat goes on under it. Where something was written under
    the new id already, that chat takes over."""
    chats = Chat.objects.select_for_update().filter(channel=channel, business=None)
    former, current = chats.filter(provider_id=old).first(), chats.filter(provider_id=new).first()
    if former is None or current is None:
        if former is not None:
            former.provider_id = new
            former.save(update_fields=["provider_id"])
        return former or current
    if current.affiliate is None and former.affiliate is not None:
        current.affiliate = former.affiliate
        current.save(update_fields=["affiliate"])
    close_chat(former, _("The group goes on in a larger one."))
    return current


@transaction.atomic
def give_chat(chat: Chat, affiliate: Affiliate | None, *, by: Any) -> Chat:
    """A person says whose group this is, or that it is nobody's. What is written there from now on is that affiliate's."""
    check(by, Can.ANSWER_TICKETS, chat.channel.program_id)
    chat = Chat.objects.select_for_update(of=("self",)).select_related("channel").get(pk=chat.pk)
    if chat.kind != Chat.Kind.GROUP:
        raise ChatError(_("Only a group is given to an affiliate; a person is matched as a contact."))
    if affiliate is not None and not Affiliate.objects.visible_to(by).filter(pk=affiliate.pk).exists():
        raise ChatError(_("There is no such affiliate for you."), field="affiliate")
    former, chat.affiliate = chat.affiliate, affiliate
    chat.save(update_fields=["affiliate"])
    told = {"chat": str(chat), "affiliate": affiliate.name if affiliate else _("nobody")}
    record(CHAT_GIVEN, chat, affiliate, former, by=by, data=told)
    return chat


def why_silent(chat: Chat, at: datetime | None = None) -> str:
    """Why nothing can be sent into this chat now, for the person who is about to type; "" where it can."""
    if chat.closed_reason:
        return chat.closed_reason
    return _why_business_silent(chat, at or timezone.now()) if chat.business else ""


def _why_business_silent(chat: Chat, at: datetime) -> str:
    account = chat.business
    assert account is not None
    if not account.is_enabled:
        return _("%(account)s has disconnected the bot: answer in Telegram itself.") % {"account": account}
    if not account.can_reply:
        return _("%(account)s does not let the bot reply: allow it in Telegram (Business, Chatbots), or answer there.") % {
            "account": account
        }
    if chat.last_in_at is None or at - chat.last_in_at > REPLY_WINDOW:
        return _(
            "Telegram lets the bot reply within 24 hours after their last message, which are over: answer in Telegram itself."
        )
    return ""
