"""How Telegram is told: one call a claim, at Telegram's pace, and what each of its answers means.

`Outgoing.payload` is {"text", "files"?: [{"file": StoredFile's row, "name"}], "reply_parameters"?, "message_thread_id"?,
"reply_markup"?}, or
{"method", …its parameters} for another call than sendMessage, as it stands. A text over 4,096 units goes in parts, each claimed
by itself: "sent" in the payload keeps the ids of those that went.

Pace ("Broadcasting to users", the bots' FAQ): 30 messages a second overall, one a second in a chat, 20 a minute in a group.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from channels.files import read_file
from channels.models import BusinessConnection, Channel, Chat, Outgoing, StoredFile
from channels.outgoing import Away, Later, Lost, Refused, Send, Sender
from channels.telegram.chats import close_chat, migrate_chat
from channels.telegram.client import LARGEST_PHOTO, LARGEST_UPLOAD, BotApi, NoAnswer, NotReached, RefusedByTelegram
from channels.telegram.texts import MOST_CAPTION, length, split_text
from core.secrets import Unreadable

PER_SECOND = 28.0  # of 30: what is under way while one sender follows another counts too
IN_CHAT = 1.05  # seconds between two messages
IN_GROUP = 3.1


@dataclass(frozen=True)
class Call:
    method: str
    parameters: dict[str, Any]
    file: tuple[str, int, str] | None = None  # the parameter, the StoredFile's row, the name


def calls_of(payload: dict[str, Any], types: dict[int, tuple[str, int]] | None = None) -> list[Call]:
    """The calls that carry a payload, in their order, without chat or reply. `types`: media type and size of the files' rows."""
    if _as_it_stands(payload):
        return [Call(payload["method"], {key: value for key, value in payload.items() if key != "method"})]
    text, files = payload.get("text", ""), payload.get("files") or []
    captioned = len(files) == 1 and length(text.strip()) <= MOST_CAPTION
    calls = [] if captioned else [Call("sendMessage", {"text": part}) for part in split_text(text)]
    for file in files:
        type, size = (types or {}).get(file["file"], ("", 0))
        method, parameter = _method_for(type, size)
        caption = {"caption": text.strip()} if captioned and text.strip() else {}
        calls.append(Call(method, caption, (parameter, file["file"], file["name"])))
    if calls and payload.get("reply_parameters"):
        calls[0].parameters["reply_parameters"] = payload["reply_parameters"]
    if topic := payload.get("message_thread_id"):
        for call in calls:
            call.parameters["message_thread_id"] = topic
    if calls and payload.get("reply_markup"):
        calls[-1].parameters["reply_markup"] = payload["reply_markup"]
    return calls


def _as_it_stands(payload: dict[str, Any]) -> bool:
    return payload.get("method", "sendMessage") != "sendMessage"


def _method_for(type: str, size: int) -> tuple[str, str]:
    """Pictures are shown, Ogg is heard, everything else is a document."""
    if type in ("image/jpeg", "image/png") and size <= LARGEST_PHOTO:
        return "sendPhoto", "photo"
    return ("sendVoice", "voice") if type in ("audio/ogg", "application/ogg") else ("sendDocument", "document")


def pause_after(outgoing: Outgoing) -> float:
    """Seconds until the same chat may get its next message."""
    if outgoing.payload.get("method") == "answerCallbackQuery":
        return 0.0
    return IN_GROUP if outgoing.to.startswith("-") else IN_CHAT


@contextmanager
def door(channel: Channel) -> Iterator[Send]:
    try:
        yield _Door(channel).send
    except Unreadable:
        raise Away(_("The token cannot be read: SECRET_KEY has changed. Enter the token again.")) from None


class _Door:
    def __init__(self, channel: Channel) -> None:
        try:
            self.api = BotApi.of(channel)
        except Unreadable:
            raise Away(_("The token cannot be read: SECRET_KEY has changed. Enter the token again.")) from None
        self.channel = channel
        self.quiet_until = channel.quiet_until

    def send(self, outgoing: Outgoing) -> str:
        """One call. Raises Later while more of the same message is to go."""
        self._keep_quiet()
        sent: list[int] = list(outgoing.payload.get("sent") or [])
        calls = calls_of(outgoing.payload, _types(outgoing.payload))
        if len(sent) >= len(calls):
            raise Refused(_("There is nothing in it to send."))
        result = self._call(outgoing, calls[len(sent)])
        if _as_it_stands(outgoing.payload):
            return str(result.get("message_id", "")) if isinstance(result, dict) else ""
        sent.append(_message_id(result))
        if len(calls) > 1:
            outgoing.payload = {**outgoing.payload, "sent": sent}
            outgoing.save(update_fields=["payload"])
        if len(sent) < len(calls):
            raise Later(_("%(sent)d of %(parts)d parts have gone.") % {"sent": len(sent), "parts": len(calls)}, after=0)
        return str(sent[0])

    def _keep_quiet(self) -> None:
        if self.quiet_until is not None and (left := (self.quiet_until - timezone.now()).total_seconds()) > 0:
            raise Later(_("Telegram has asked for patience."), after=left, everything=True)

    def _call(self, outgoing: Outgoing, call: Call) -> Any:
        parameters = dict(call.parameters)
        if not _as_it_stands(outgoing.payload):
            parameters |= _addressed(outgoing)
        file = None
        if call.file is not None:
            parameter, pk, name = call.file
            file = (parameter, _upload(pk, name))
        try:
            return self.api.call(call.method, parameters, file=file)
        except NotReached as error:
            raise Away(_("Telegram cannot be reached: %(error)s") % {"error": error}) from None
        except NoAnswer as error:
            raise Lost(str(error)) from None
        except RefusedByTelegram as error:
            self._refused(outgoing, error)
            raise

    def _refused(self, outgoing: Outgoing, error: RefusedByTelegram) -> None:
        """What a "no" means. Raises one of the sender's exceptions."""
        if error.code == 429:
            wait = max(error.retry_after, 1)
            self.quiet_until = timezone.now() + timedelta(seconds=wait)
            Channel.objects.filter(pk=self.channel.pk).update(quiet_until=self.quiet_until)
            raise Later(str(error), after=wait, everything=True) from None
        if error.code in (401, 404):
            raise Away(_("Telegram does not accept this bot's token any more: %(error)s") % {"error": error}) from None
        if error.migrate_to_chat_id is not None and outgoing.chat is not None:
            _readdress(outgoing.chat, error.migrate_to_chat_id)
            raise Later(str(error), after=0) from None
        if error.code == 403 and outgoing.chat is not None:
            _close(outgoing.chat, error.description)
        if error.description.rpartition(": ")[2] in _LAPSED:
            raise Refused(_lapsed(outgoing, error.description.rpartition(": ")[2])) from None
        raise Refused(error.description) from None


def _types(payload: dict[str, Any]) -> dict[int, tuple[str, int]]:
    rows = [file["file"] for file in payload.get("files") or []]
    return (
        {pk: (type, size) for pk, type, size in StoredFile.objects.filter(pk__in=rows).values_list("pk", "type", "size")}
        if rows
        else {}
    )


def _addressed(outgoing: Outgoing) -> dict[str, Any]:
    """To whom, and through which account; `to` may have been written before a group grew."""
    chat = outgoing.chat
    parameters: dict[str, Any] = {"chat_id": chat.provider_id if chat else int(outgoing.to)}
    if chat is not None and chat.business_id is not None:
        account = BusinessConnection.objects.get(pk=chat.business_id)
        parameters["business_connection_id"] = account.connection_id
    return parameters


def _upload(pk: int, name: str) -> tuple[str, bytes, str]:
    stored = StoredFile.objects.get(pk=pk)
    if stored.size > LARGEST_UPLOAD:
        raise Refused(_("%(name)s is larger than the 50 MB that a bot may send.") % {"name": name})
    try:
        return name, read_file(stored), stored.type
    except OSError:
        raise Refused(_("%(name)s is no longer under the data folder.") % {"name": name}) from None


def _message_id(result: Any) -> int:
    try:
        return int(result["message_id"])
    except (KeyError, TypeError, ValueError):
        raise Lost("Telegram said yes, and not which message it became") from None


_LAPSED = (
    "BUSINESS_CONNECTION_INVALID",
    "BUSINESS_CONNECTION_NOT_ALLOWED",
    "BUSINESS_PEER_USAGE_MISSING",
    "BUSINESS_PEER_INVALID",
)


def _lapsed(outgoing: Outgoing, code: str) -> str:
    """The right to reply has ended: seen by whoever opens the chat next, before they type."""
    account = outgoing.chat.business if outgoing.chat else None
    if account is not None and code == "BUSINESS_CONNECTION_INVALID":
        BusinessConnection.objects.filter(pk=account.pk).update(is_enabled=False, can_reply=False, changed_at=timezone.now())
        return _("%(account)s has disconnected the bot: answer in Telegram itself.") % {"account": account}
    if account is not None and code == "BUSINESS_CONNECTION_NOT_ALLOWED":
        BusinessConnection.objects.filter(pk=account.pk).update(can_reply=False, changed_at=timezone.now())
        return _("%(account)s does not let the bot reply: answer in Telegram itself.") % {"account": account}
    return _("Telegram lets the bot reply within 24 hours after their last message, which are over: answer in Telegram itself.")


@transaction.atomic
def _close(chat: Chat, description: str) -> None:
    told = description.lower()
    if "blocked" in told or "deactivated" in told:
        reason = _("They have blocked the bot: nothing reaches them here until they let it again.")
    else:
        reason = _("The bot is no longer in this group.") if chat.kind == Chat.Kind.GROUP else description
    close_chat(chat, reason)


@transaction.atomic
def _readdress(chat: Chat, new: int) -> None:
    current = migrate_chat(chat.channel, chat.provider_id, new)
    waiting = Outgoing.objects.filter(chat=chat, status__in=[Outgoing.Status.QUEUED, Outgoing.Status.SENDING])
    waiting.update(chat=current or chat, to=str(new))


TELEGRAM = Sender(door=door, per_second=PER_SECOND, pause=pause_after, longest_pause=IN_GROUP)
