"""From an update to what it leads to: a message for the filer, or a change of a chat, an account or a contact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.utils.translation import gettext as _

from channels import contacts
from channels.files import safe_name
from channels.inbound import NotNow
from channels.models import BusinessConnection, Channel, Chat, Contact, ContactAddress, InboundItem, Outgoing
from channels.parsed import Automatic, Kind, Parsed, ParsedFile, Quarantine
from channels.telegram import business, buttons, chats
from channels.telegram.chats import chat_of, close_chat, contact_of, heard_from, message_ref, migrate_chat, reopen_chat
from channels.telegram.client import LARGEST_DOWNLOAD, BotApi, BotApiError, RefusedByTelegram
from channels.telegram.greetings import greet
from channels.telegram.updates import (
    ChatRef,
    Connection,
    Deleted,
    FileRef,
    Housekeeping,
    Malformed,
    Membership,
    Pressed,
    Said,
    Sender,
    Update,
    read_update,
)
from core.events import ref
from core.secrets import Unreadable

PATIENCE = 3  # attempts at a file; afterwards the message is filed without it, and says so


def parse_update(item: InboundItem) -> Parsed | str:
    """What the update says, or a reference of what it became where it is no message. Raises Quarantine and NotNow."""
    try:
        update = _read(item)
    except Malformed as error:
        raise Quarantine(_("This is not what Telegram sends: %(error)s") % {"error": error}) from None
    channel = item.channel
    match update:
        case Said():
            item.sender = f"{update.sender.name} @{update.sender.username}".removesuffix(" @")[:320]
            return _said(item, channel, update)
        case Deleted():
            return _deleted(channel, update)
        case Pressed():
            item.sender = update.sender.name
            return buttons.press(channel, update)
        case Connection():
            return ref(business.keep_connection(channel, update))
        case Membership():
            return _membership(channel, update)
        case Housekeeping():
            return _housekeeping(channel, update)
    raise Quarantine(_("Telegram sent something that nobody here reads (%(kind)s).") % {"kind": update})


def file_alone(items: Sequence[InboundItem]) -> set[int]:
    """Those for which Telegram may have to be asked (for a file, or about an account of the company's) or that are no plain message,
    so that nobody waits for them; and what was written after them in the same chat, so that it does not come before them."""
    alone: set[int] = set()
    chats: set[tuple[int, int]] = set()
    for item in items:
        try:
            update = _read(item)
        except Malformed:
            alone.add(item.pk)
            continue
        where: ChatRef | None = getattr(update, "chat", None)
        plain = isinstance(update, Said) and not (update.files or update.connection or update.command or update.edited)
        if not plain or (where is not None and (item.channel_id, where.id) in chats):
            alone.add(item.pk)
            if where is not None:
                chats.add((item.channel_id, where.id))
    return alone


def look_ahead(items: Sequence[InboundItem]) -> None:
    """Of a set: who writes, and where."""
    said: dict[Channel, list[Said]] = defaultdict(list)
    for item in items:
        if isinstance(update := _read(item), Said):
            said[item.channel].append(update)
    for channel, updates in said.items():
        known = contacts.look_up(ContactAddress.Kind.TELEGRAM, (str(update.sender.id) for update in updates), channel.program)
        writers = {update.chat.id: known[value] for update in updates if (value := str(update.sender.id)) in known}
        chats.look_up(channel, {update.chat.id: update.chat for update in updates}, writers)


def _read(item: InboundItem) -> Update | str:
    """Once, however often it is asked."""
    if item.said is None:
        _number, item.said = read_update(bytes(item.raw or b""))
    return item.said


def _said(item: InboundItem, channel: Channel, said: Said) -> Parsed | str:
    account = _account(channel, said.connection) if said.connection else None
    ours = account is not None and said.sender.id == account.provider_user_id
    # In a chat with an account Telegram calls the chat by the other person.
    contact = contact_of(channel, Sender(said.chat.id, said.chat.title, said.chat.username) if ours else said.sender)
    if said.command == "start" and said.argument and said.chat.private and account is None:
        return greet(item, _chat(channel, said.chat, contact, None), contact, said.argument)
    files, notes = _fetch_all(item, channel, said)  # of an edit as well: another picture may have taken the first one's place
    chat = _chat(channel, said.chat, contact, account)
    if said.by_bot is not None and said.by_bot == channel.settings.get("bot_id"):
        return ref(chat)  # our own words come back: they are a message already
    if account is not None and ours and account.person is None:
        raise Quarantine(_("Say who writes as %(account)s now: then this is filed by itself.") % {"account": account})
    if not ours and not said.edited:
        heard_from(chat)
        if account is not None:
            business.introduce(chat)
    by_machine = said.sender.is_bot or said.away or said.by_bot is not None
    return Parsed(
        kind=Kind.EDIT if said.edited else Kind.MESSAGE,
        contact=contact,
        text=said.text,
        quoted=said.quoted,
        files=files,
        notes=notes,
        provider_id=message_ref(chat, said.message_id),
        replied_to=_answered(chat, said.replied_to),
        chat=chat,
        topic=said.topic,
        automatic=Automatic.GENERATED if by_machine else Automatic.NO,
        written_by_us=ours,
        command=said.command,
    )


def _account(channel: Channel, connection: str) -> BusinessConnection:
    try:
        return business.connection_of(channel, connection)
    except RefusedByTelegram as error:
        raise Quarantine(_("Telegram does not know the account that this was written to: %(error)s") % {"error": error}) from None
    except BotApiError as error:
        raise NotNow(str(error)) from None


def _chat(channel: Channel, where: ChatRef, contact: Contact, account: BusinessConnection | None) -> Chat:
    return chat_of(channel, where, contact=contact if where.private else None, business=account)


def _answered(chat: Chat, message_id: int | None) -> list[str]:
    """What a message answers: by its own name, and, where it is a later part of a long text of ours, by that of the first."""
    if message_id is None:
        return []
    whole = Outgoing.objects.filter(chat=chat, payload__sent__contains=[message_id]).order_by("-pk").first()
    first = whole.payload["sent"][0] if whole else message_id
    return [message_ref(chat, number) for number in dict.fromkeys([message_id, first])]


def _fetch_all(item: InboundItem, channel: Channel, said: Said) -> tuple[list[ParsedFile], list[str]]:
    files, notes = [], list(said.notes)
    for file in said.files:
        found = _fetch(item, channel, file)
        if isinstance(found, ParsedFile):
            files.append(found)
        else:
            notes.append(found)
    return files, notes


def _fetch(item: InboundItem, channel: Channel, file: FileRef) -> ParsedFile | str:
    """The file, or a note that says why it is not here."""
    name = safe_name(file.name)
    too_large = _("The file %(name)s is larger than the 20 MB that Telegram hands to bots: look at it in Telegram.") % {
        "name": name
    }
    if file.size > LARGEST_DOWNLOAD:
        return too_large
    try:
        api = BotApi.of(channel)
        path = str(api.call("getFile", {"file_id": file.id})["file_path"])
        return ParsedFile(_with_ending(name, path), api.download(path))
    except RefusedByTelegram as error:
        if "too big" in error.description:
            return too_large
        if error.code in (401, 429) and item.attempts < PATIENCE:
            raise NotNow(str(error)) from None
        return _("The file %(name)s could not be fetched: %(error)s") % {"name": name, "error": error}
    except (BotApiError, KeyError, TypeError, Unreadable) as error:
        if isinstance(error, Unreadable):
            error = BotApiError(_("the bot's token cannot be read, as SECRET_KEY has changed"))
        if item.attempts < PATIENCE:
            raise NotNow(str(error)) from None
        return _("The file %(name)s could not be fetched: %(error)s") % {"name": name, "error": error}


def _with_ending(name: str, path: str) -> str:
    """Photos and voices have no name of their own; Telegram's path tells what they are."""
    ending = path.rpartition("/")[2].rpartition(".")[2]
    return name if "." in name or not ending.isalnum() else safe_name(f"{name}.{ending}")


def _deleted(channel: Channel, gone: Deleted) -> Parsed:
    account = _account(channel, gone.connection)
    contact = contact_of(channel, Sender(gone.chat.id, gone.chat.title, gone.chat.username))
    chat = _chat(channel, gone.chat, contact, account)
    return Parsed(
        kind=Kind.DELETION, contact=contact, chat=chat, deleted=[message_ref(chat, number) for number in gone.message_ids]
    )


def _membership(channel: Channel, change: Membership) -> str:
    if change.chat.private:
        chat = _chat(channel, change.chat, contact_of(channel, change.sender), None)
        if change.status == "kicked":
            close_chat(chat, _("They have blocked the bot: nothing reaches them here until they let it again."))
        else:
            reopen_chat(chat)
        return ref(chat)
    chat = chat_of(channel, change.chat)
    if change.status in ("left", "kicked"):
        close_chat(chat, _("The bot is no longer in this group."))
    else:
        reopen_chat(chat)
    return ref(chat)


def _housekeeping(channel: Channel, told: Housekeeping) -> str:
    """Joined, left, renamed, pinned: part of the chat's life, and nobody's request."""
    if told.migrated_to is not None:
        chat = migrate_chat(channel, told.chat.id, told.migrated_to)
        if chat is not None:
            return ref(chat)
    known = Chat.objects.filter(channel=channel, business=None, provider_id=told.chat.id).first()
    return ref(known or channel)
