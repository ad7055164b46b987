"""The Bot API's methods that Tributary calls, each checking its parameters as the documentation says."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from tests.servers.bot_api import Bot, BotApiServer

DAY = 24 * 3600
UPDATES = {
    "message", "edited_message", "channel_post", "edited_channel_post", "business_connection", "business_message",
    "edited_business_message", "deleted_business_messages", "message_reaction", "message_reaction_count", "inline_query",
    "chosen_inline_result", "callback_query", "shipping_query", "pre_checkout_query", "purchased_paid_media", "poll", "poll_answer",
    "my_chat_member", "chat_member", "chat_join_request", "chat_boost", "removed_chat_boost",
}  # fmt: skip


@dataclass
class Answer:
    ok: bool
    result: Any = None
    code: int = 200
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def refuse(cls, code: int, description: str, parameters: dict[str, Any] | None = None) -> Answer:
        return cls(False, None, code, description, parameters or {})

    @property
    def body(self) -> dict[str, Any]:
        if self.ok:
            return {"ok": True, "result": self.result}
        told = {"ok": False, "error_code": self.code, "description": self.description}
        return told | ({"parameters": self.parameters} if self.parameters else {})


Handler = Callable[["BotApiServer", "Bot", dict[str, Any]], Answer]
METHODS: dict[str, Handler] = {}


class Bad(Exception):
    """What a check finds wrong: 400."""


def method(name: str, required: str = "", optional: str = "") -> Callable[[Handler], Handler]:
    """`required` and `optional` name the parameters with their types, as "chat_id:chat text:str"; no other is taken (Telegram
    overlooks what it does not know; a test had better hear of it)."""
    needs = dict(item.split(":") for item in required.split())
    takes = needs | dict(item.split(":") for item in optional.split())

    def register(handler: Handler) -> Handler:
        def checked(server: BotApiServer, bot: Bot, parameters: dict[str, Any]) -> Answer:
            try:
                for missing in needs.keys() - parameters.keys():
                    raise Bad(f'parameter "{missing}" is required')
                for given, value in parameters.items():
                    if given not in takes:
                        raise Bad(f'there is no parameter "{given}" of {name}')
                    if not TYPES[takes[given]](value):
                        raise Bad(f'can\'t parse parameter "{given}"')
                return handler(server, bot, parameters)
            except Bad as error:
                return Answer.refuse(400, f"Bad Request: {error}")

        METHODS[name] = checked
        return handler

    return register


def _markup(value: Any) -> bool:
    """InlineKeyboardMarkup: rows of buttons, each with a text and callback_data of 1-64 bytes, or a url."""
    rows = value.get("inline_keyboard") if isinstance(value, dict) else None
    if not isinstance(rows, list):
        return False
    for button in (button for row in rows for button in row):
        if not button.get("text"):
            return False
        if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= 64:
            raise Bad("BUTTON_DATA_INVALID")
        if not button.keys() & {"callback_data", "url"}:
            raise Bad("text buttons are unallowed in the inline keyboard")
    return True


TYPES: dict[str, Callable[[Any], bool]] = {
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "bool": lambda value: isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
    "chat": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and value[:1] == "@")
    ),
    "file": lambda value: isinstance(value, str | tuple),
    "strings": lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
    "reply": lambda value: isinstance(value, dict) and isinstance(value.get("message_id"), int),
    "markup": _markup,
    "commands": lambda value: all(
        re.fullmatch(r"[a-z0-9_]{1,32}", c["command"]) and 1 <= len(c["description"]) <= 256 for c in value
    ),
}

SENDING = "business_connection_id:str message_thread_id:int disable_notification:bool reply_parameters:reply reply_markup:markup"


@method("getMe")
def get_me(server: BotApiServer, bot: Bot, parameters: dict[str, Any]) -> Answer:
    me = {"id": bot.id, "is_bot": True, "first_name": "Tributary", "username": bot.username}
    return Answer(True, me | {"can_join_groups": True, "can_connect_to_business": bot.can_connect_to_business})


@method("getUpdates", optional="offset:int limit:int timeout:int allowed_updates:strings")
def get_updates(server: BotApiServer, bot: Bot, parameters: dict[str, Any]) -> Answer:
    """An update is confirmed as soon as getUpdates is called with an offset higher than its update_id."""
    if bot.webhook.get("url"):
        return Answer.refuse(
            409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete it first"
        )
    limit = parameters.get("limit", 100)
    if not 1 <= limit <= 100:
        raise Bad("limit must be between 1 and 100")
    _known_updates(parameters)
    offset = parameters.get("offset", 0)
    if offset > 0:
        while bot.updates and bot.updates[0]["update_id"] < offset:
            bot.updates.popleft()
    elif offset < 0:
        while len(bot.updates) > -offset:
            bot.updates.popleft()
    bot.polls += 1
    return Answer(True, list(bot.updates)[:limit])


def _known_updates(parameters: dict[str, Any]) -> None:
    if unknown := set(parameters.get("allowed_updates", [])) - UPDATES:
        raise Bad(f"unknown updates {sorted(unknown)}")


@method(
    "setWebhook",
    "url:str",
    "certificate:file ip_address:str max_connections:int allowed_updates:strings drop_pending_updates:bool secret_token:str",
)
def set_webhook(server: BotApiServer, bot: Bot, parameters: dict[str, Any]) -> Answer:
    address = urlsplit(parameters["url"])
    if parameters["url"] and address.scheme != "https":
        raise Bad("bad webhook: An HTTPS URL must be provided for webhook")
    if parameters["url"] and (address.port or 443) not in (443, 80, 88, 8443):
        raise Bad("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", parameters.get("secret_token", "x")):
        raise Bad("secret token contains unallowed characters")
    if not 1 <= parameters.get("max_connections", 40) <= 100:
        raise Bad("max_connections must be between 1 and 100")
    _known_updates(parameters)
    bot.webhook = dict(parameters)
    return Answer(True, True)


@method("deleteWebhook", optional="drop_pending_updates:bool")
def delete_webhook(server: BotApiServer, bot: Bot, parameters: dict[str, Any]) -> Answer:
    bot.webhook = {}
    if parameters.get("drop_pending_updates"):
        bot.updates.clear()
    return Answer(True, True)


@method("getWebhookInfo")
def get_webhook_info(server: BotApiServer, bot: Bot, parameters: dict[str, Any]) -> Answer:
    url = bot.webhook.get("url", "")
    told = {"url": url, "has_custom_certificate": False, "pending_update_count": len(bot.updates)}
    trouble = bot.webhook.get("last_error_message")
    return Answer(True, told | ({"last_error_message": trouble} if trouble else {}))


@method("getFile", "file_id:str")
def get_file(server: BotApiServer, bot: Bot, parameters: dict[str, Any]) -> Answer:
    found = bot.files.get(parameters["file_id"])
    if found is None:
        raise Bad("wrong file_id or the file is temporarily unavailable")
    path, content = found
    size = content if isinstance(content, int) else len(content)
    if size > 20 * 1024 * 1024:
        raise Bad("file is too big")
    told = {"file_id": parameters["file_id"], "file_unique_id": f"u{parameters['file_id']}", "file_size": size, "file_path": path}
    return Answer(True, told)


@method("getBusinessConnection", "business_connection_id:str")
def get_business_connection(server: BotApiServer, bot: Bot, parameters: dict[str, Any]) -> Answer:
    found = bot.connections.get(parameters["business_connection_id"])
    if found is None:
        raise Bad("business connection not found")
    return Answer(True, found)


@method("setBusinessAccountName", "business_connection_id:str first_name:str", "last_name:str")
def set_business_account_name(server: BotApiServer, bot: Bot, parameters: dict[str, Any]) -> Answer:
    found = bot.connections.get(parameters["business_connection_id"])
    if found is None or not found["is_enabled"]:
        raise Bad("BUSINESS_CONNECTION_INVALID")
    if not found.get("rights", {}).get("can_edit_name"):
        raise Bad("BUSINESS_CONNECTION_NOT_ALLOWED")
    if not 1 <= len(parameters["first_name"]) <= 64:
        raise Bad("FIRSTNAME_INVALID")
    return Answer(True, True)


@method("setMyCommands", "commands:commands", "language_code:str")
def set_my_commands(server: BotApiServer, bot: Bot, parameters: dict[str, Any]) -> Answer:
    return Answer(True, True)


@method("answerCallbackQuery", "callback_query_id:str", "text:str show_alert:bool url:str cache_time:int")
def answer_callback_query(server: BotApiServer, bot: Bot, parameters: dict[str, Any]) -> Answer:
    if len(parameters.get("text", "")) > 200:
        raise Bad("MESSAGE_TOO_LONG")
    return Answer(True, True)


@method("sendMessage", "chat_id:chat text:str", f"parse_mode:str {SENDING}")
def send_message(server: BotApiServer, bot: Bot, parameters: dict[str, Any]) -> Answer:
    if not parameters["text"].strip():
        raise Bad("message text is empty")
    if _length(parameters["text"]) > 4096:
        raise Bad("message is too long")
    return _send(server, bot, "sendMessage", parameters)


def _send_file(name: str, kind: str, largest: int) -> None:
    @method(name, f"chat_id:chat {kind}:file", f"caption:str parse_mode:str {SENDING}")
    def send(server: BotApiServer, bot: Bot, parameters: dict[str, Any]) -> Answer:
        if _length(parameters.get("caption", "")) > 1024:
            raise Bad("message caption is too long")
        given = parameters[kind]
        if isinstance(given, tuple) and len(given[1]) > largest:
            return Answer.refuse(413, "Request Entity Too Large")
        if isinstance(given, tuple) and not given[1]:
            raise Bad("file must be non-empty")
        if isinstance(given, str) and given not in bot.files:
            raise Bad("wrong file identifier/HTTP URL specified")
        return _send(server, bot, name, parameters)


_send_file("sendPhoto", "photo", 10 * 1024 * 1024)
_send_file("sendDocument", "document", 50 * 1024 * 1024)
_send_file("sendVoice", "voice", 50 * 1024 * 1024)


def _send(server: BotApiServer, bot: Bot, name: str, parameters: dict[str, Any]) -> Answer:
    chat = parameters["chat_id"]
    connection = parameters.get("business_connection_id")
    if chat in bot.gone:
        return Answer.refuse(*bot.gone[chat])
    if chat not in bot.known_chats:
        raise Bad("chat not found")
    if connection is not None:
        found = bot.connections.get(connection)
        if found is None or not found["is_enabled"]:
            raise Bad("BUSINESS_CONNECTION_INVALID")
        if not found.get("rights", {}).get("can_reply"):
            raise Bad("BUSINESS_CONNECTION_NOT_ALLOWED")
        if server.clock() - bot.incoming_at.get((connection, chat), float("-inf")) > DAY:
            raise Bad("BUSINESS_PEER_USAGE_MISSING")
    if wait := server.over_limit(bot, chat):
        return Answer.refuse(429, f"Too Many Requests: retry after {wait}", {"retry_after": wait})
    message_id = server.next_number()
    bot.sent.append({"method": name, "at": server.clock(), "message_id": message_id, **parameters})
    me = {"id": bot.id, "is_bot": True, "first_name": "Tributary", "username": bot.username}
    return Answer(True, {"message_id": message_id, "date": 1_760_000_000, "chat": bot.known_chats[chat], "from": me})


def _length(text: str) -> int:
    """In UTF-16 code units, as Telegram measures texts ("MessageEntity")."""
    return len(text.encode("utf-16-le")) // 2
