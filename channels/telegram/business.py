"""The company's own Telegram accounts, connected to a bot (https://core.telegram.org/bots/features#bots-for-business).

The account belongs to the company: its chats and their history stay whoever writes under it. Who writes now is set by a person
here; the name that is shown changes, and everybody who is written to is told: at once where Telegram lets the bot write (24 hours
after their last message), else with their next message.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import User
from channels import outgoing
from channels.events import BUSINESS_CONNECTION_CHANGED, BUSINESS_PERSON_CHANGED, CHAT_INTRODUCED
from channels.models import BusinessConnection, Channel, Chat, InboundItem
from channels.telegram.chats import REPLY_WINDOW, why_silent
from channels.telegram.client import BotApi, NoAnswer, NotReached, RefusedByTelegram
from channels.telegram.updates import Connection, Malformed, Said, read_connection, read_update
from core.access import Can, check, rights_of
from core.errors import Refusal
from core.events import record, ref
from team.queries import absence_at

MOST_NAME = 64  # characters of a first name ("setBusinessAccountName")


class BusinessError(Refusal):
    """Why this account stays as it is."""


def keep_connection(channel: Channel, told: Connection) -> BusinessConnection:
    """What Telegram says of one account. Connected anew it has another connection id and is the same account still: its chats
    and who writes under it stay. What is said of an older connection afterwards changes nothing of the newer one."""
    account, made = BusinessConnection.objects.select_for_update().get_or_create(
        channel=channel,
        provider_user_id=told.account.id,
        defaults={"connection_id": told.id, "shown_name": told.account.name or told.account.username},
    )
    if not made and account.connection_id != told.id and not told.is_enabled:
        return account
    fresh = {
        "connection_id": told.id,
        "shown_name": told.account.name or account.shown_name,
        "username": told.account.username,
        "can_reply": told.can_reply and told.is_enabled,
        "can_edit_name": told.can_edit_name and told.is_enabled,
        "is_enabled": told.is_enabled,
    }
    if made or any(getattr(account, name) != value for name, value in fresh.items()):
        for name, value in fresh.items():
            setattr(account, name, value)
        account.changed_at = timezone.now()
        account.save()
        record(BUSINESS_CONNECTION_CHANGED, account, channel, data={"account": account.shown_name, "state": state_of(account)})
    return account


def state_of(account: BusinessConnection) -> str:
    if not account.is_enabled:
        return _("disconnected in Telegram")
    return _("connected") if account.can_reply else _("connected, but the bot may not reply")


def connection_of(channel: Channel, connection_id: str) -> BusinessConnection:
    """The account behind this connection; Telegram is asked about one that is not known yet. Raises BotApiError."""
    account = BusinessConnection.objects.filter(channel=channel, connection_id=connection_id).first()
    if account is not None:
        return account
    told = BotApi.of(channel).call("getBusinessConnection", {"business_connection_id": connection_id})
    try:
        return keep_connection(channel, read_connection(told))
    except Malformed as error:
        raise NoAnswer(str(error)) from None


@transaction.atomic
def change_person(account: BusinessConnection, person: User | None, *, by: Any, shown_name: str = "") -> BusinessConnection:
    """Say who writes under this account now; contacts are told. The shown name is changed in Telegram where its owner allows the
    bot to (`can_edit_name`); else a person changes it there. What waited for somebody to be named is filed."""
    check(by, Can.MANAGE_CHANNELS, account.channel.program_id)
    account = BusinessConnection.objects.select_for_update(of=("self",)).select_related("channel").get(pk=account.pk)
    if person is not None and not (person.is_active and rights_of(person).has(Can.ANSWER_TICKETS, account.channel.program_id)):
        raise BusinessError(_("%(person)s does not answer in this program.") % {"person": person}, field="person")
    shown_name = " ".join(shown_name.split())[:MOST_NAME]
    if shown_name and shown_name != account.shown_name:
        rename(account, shown_name)
    if person == account.person:
        return account
    owner = account.stands_in_for or account.person
    away = owner is not None and person not in (None, owner) and absence_at(owner, timezone.now()) is not None
    account.stands_in_for = owner if away else None  # back from leave they write again
    return say_who_writes(account, person, by=by)


def say_who_writes(account: BusinessConnection, person: User | None, *, by: Any) -> BusinessConnection:
    """From now on it is this person; `account` is locked. `by` is None where the plans of the team say so."""
    former, account.person = account.person, person
    account.changed_at = timezone.now()
    account.save()
    told = {"account": account.shown_name, "person": str(person) if person else _("Nobody"), "former": str(former or "")}
    record(BUSINESS_PERSON_CHANGED, account, account.channel, by=by, data=told)
    if person is not None:
        for chat in _reachable(account):
            introduce(chat)
        _release(account)
    return account


def rename(account: BusinessConnection, name: str) -> None:
    if not account.can_edit_name:
        raise BusinessError(
            _("Telegram does not let the bot change this name. Allow it in Telegram (Business, Chatbots), or change it there."),
            field="shown_name",
        )
    try:
        BotApi.of(account.channel).call(
            "setBusinessAccountName", {"business_connection_id": account.connection_id, "first_name": name}
        )
    except (NotReached, NoAnswer, RefusedByTelegram) as error:
        raise BusinessError(_("Telegram did not change the name: %(error)s") % {"error": error}, field="shown_name") from None
    account.shown_name = name
    account.save(update_fields=["shown_name"])


def _reachable(account: BusinessConnection) -> list[Chat]:
    chats = Chat.objects.select_for_update(of=("self",)).select_related("business__person", "channel", "contact__affiliate")
    return list(chats.filter(business=account, last_in_at__gt=timezone.now() - REPLY_WINDOW).order_by("pk"))


def introduce(chat: Chat) -> None:
    """Tell the contact who writes to them now, unless they know or cannot be told yet. The chat's row is locked."""
    person = chat.business.person if chat.business else None
    if person is None or chat.introduced_id == person.pk:
        return
    if chat.introduced_id is None:  # nobody else has ever written to them from here
        chat.introduced = person
        chat.save(update_fields=["introduced"])
        return
    if why_silent(chat):
        return
    former = chat.introduced
    with translation.override(_language(chat)):
        text = _("Hello, %(person)s here. I answer you from now on, in place of %(former)s; everything you wrote is with me.") % {
            "person": person.get_short_name(),
            "former": former.get_short_name() if former else "",
        }
    chat.introduced = person
    chat.save(update_fields=["introduced"])
    number = timezone.now().timestamp()
    row = outgoing.queue(
        chat.channel,
        str(chat.provider_id),
        {"text": text},
        key=f"introduction:{chat.pk}:{person.pk}:{number}",
        about=ref(chat),
        chat=chat,
    )
    told = {"person": str(person), "text": text, "outgoing": row.pk}
    record(CHAT_INTRODUCED, chat, chat.contact, data=told)


def _language(chat: Chat) -> str:
    contact = chat.contact
    affiliate = contact.affiliate if contact else None
    return (affiliate.language if affiliate else "") or (contact.language if contact else "") or "en"


def _release(account: BusinessConnection) -> None:
    """What the account's person wrote while nobody was named is quarantined: now it can be filed."""
    waiting = InboundItem.objects.filter(channel=account.channel, status=InboundItem.Status.QUARANTINED, raw__isnull=False)
    theirs = [item.pk for item in waiting.iterator(100) if _is_from(item, account)]
    InboundItem.objects.filter(pk__in=theirs).update(
        status=InboundItem.Status.RECEIVED, reason="", attempts=0, due_at=timezone.now()
    )


def _is_from(item: InboundItem, account: BusinessConnection) -> bool:
    try:
        _number, said = read_update(bytes(item.raw or b""))
    except Malformed:
        return False
    return isinstance(said, Said) and bool(said.connection) and said.sender.id == account.provider_user_id
