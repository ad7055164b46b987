"""A local Bot API: checks every request as Telegram's documentation says (https://core.telegram.org/bots/api), and answers as
Telegram does. A test makes people write to its bots, and reads what the bots sent.

Not here: inline mode, payments, stickers, and whatever else Tributary does not call. A method that is not here is a 404, as there.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from tests.servers.bot_api_methods import METHODS, Answer

LARGEST_DOWNLOAD = 20 * 1024 * 1024
OVERALL, IN_A_CHAT, IN_A_GROUP = 30, 1, 20  # messages a second; a second; a minute ("Broadcasting to users", the bots' FAQ)


@dataclass
class Bot:
    token: str
    username: str = "tributary_bot"
    can_connect_to_business: bool = True
    id: int = 0
    updates: deque[dict[str, Any]] = field(default_factory=deque)
    webhook: dict[str, Any] = field(default_factory=dict)
    sent: list[dict[str, Any]] = field(default_factory=list)  # {method, at, …parameters, message_id}
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)  # every request, refused ones included
    files: dict[str, tuple[str, bytes | int]] = field(default_factory=dict)  # file_id: path and bytes (or only how many)
    connections: dict[str, dict[str, Any]] = field(default_factory=dict)  # business connections by id
    known_chats: dict[int, dict[str, Any]] = field(default_factory=dict)
    gone: dict[int, tuple[int, str, dict[str, Any]]] = field(default_factory=dict)  # chat: code, description, parameters
    incoming_at: dict[tuple[str, int], float] = field(default_factory=dict)
    polls: int = 0

    def __post_init__(self) -> None:
        self.id = int(self.token.partition(":")[0])

    @property
    def texts(self) -> list[str]:
        return [call["text"] for call in self.sent if "text" in call]


class BotApiServer:
    """In a thread of its own. `clock` is asked for the limits alone, so that a test may let an hour pass at once."""

    def __init__(self) -> None:
        self.bots: dict[str, Bot] = {}
        self.clock: Callable[[], float] = time.monotonic
        self.limits = False  # whether too many messages are answered with 429
        self.trouble: deque[str | tuple[int, str, dict[str, Any]]] = deque()  # for the next sends: "hang up", or an answer
        self._numbers = itertools.count(1)
        self._times: dict[tuple[str, int | None], deque[float]] = {}
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = 0

    # — for tests ————————————————————————————————————————————————————————————————————————————————————————————

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def bot(self, token: str = "", **fields: Any) -> Bot:
        token = token or f"{next(self._numbers) + 5_000_000_000}:AAE-test_token_of_thirty_five_chars_x"
        self.bots[token] = Bot(token, **fields)
        return self.bots[token]

    def update(self, bot: Bot, **content: Any) -> dict[str, Any]:
        """One update in the bot's queue: `update(bot, message={…})`."""
        update = {"update_id": 100_000 + next(self._numbers), **content}
        bot.updates.append(update)
        return update

    def say(self, bot: Bot, text: str | None = "Hello", *, kind: str = "message", **fields: Any) -> dict[str, Any]:
        """Somebody writes to the bot (or, with `business_connection_id`, to the account that is connected to it)."""
        content = message(text, message_id=next(self._numbers), **fields)
        bot.known_chats[content["chat"]["id"]] = content["chat"]
        connection = content.get("business_connection_id")
        if connection:
            bot.incoming_at[connection, content["chat"]["id"]] = self.clock()
        return self.update(bot, **{kind: content})

    def file(self, bot: Bot, content: bytes | int, path: str = "documents/file_1.pdf") -> str:
        file_id = f"file-{next(self._numbers)}"
        bot.files[file_id] = (path, content)
        return file_id

    # — the server ———————————————————————————————————————————————————————————————————————————————————————————

    def start(self) -> BotApiServer:
        self._thread.start()
        self._ready.wait(10)
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", self.port))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                line, _, rest = head.partition(b"\r\n")
                _verb, path, _version = line.decode().split(" ")
                headers = BytesParser(policy=HTTP).parsebytes(rest)
                body = await reader.readexactly(int(headers.get("Content-Length") or 0))
                answer = await self._answer(path, str(headers.get("Content-Type") or ""), body)
                if answer is None:
                    break
                status, kind, content = answer
                writer.write(
                    f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, kind: str, body: bytes) -> tuple[int, str, bytes] | None:
        if path.startswith("/file/bot"):
            return self._file(path.removeprefix("/file/bot"))
        token, _, method = path.removeprefix("/bot").partition("/")
        bot = self.bots.get(token)
        if bot is None:
            return _json(Answer.refuse(401, "Unauthorized"))
        parameters = _parameters(kind, body)
        if parameters is None:
            return _json(Answer.refuse(400, "Bad Request: can't parse the request"))
        bot.calls.append((method, parameters))
        handler = METHODS.get(method)
        if handler is None:
            return _json(Answer.refuse(404, "Not Found"))
        if method.startswith("send") and self.trouble:
            trouble = self.trouble.popleft()
            if trouble == "hang up":  # done, but nobody hears of it
                handler(self, bot, parameters)
                return None
            if trouble == "no answer of ours":
                return 502, "text/html", b"<html>Bad gateway</html>"
            if not isinstance(trouble, str):
                return _json(Answer.refuse(*trouble))
        answer = handler(self, bot, parameters)
        if method == "getUpdates" and answer.ok and not answer.result and parameters.get("timeout"):
            await asyncio.sleep(min(float(parameters["timeout"]), 0.05))
            answer = handler(self, bot, parameters)
        return _json(answer)

    def _file(self, path: str) -> tuple[int, str, bytes]:
        token, _, file_path = path.partition("/")
        bot = self.bots.get(token)
        found = [content for known, content in bot.files.values() if known == file_path] if bot else []
        if not found or isinstance(found[0], int):
            return 404, "application/json", b'{"ok":false,"error_code":404,"description":"Not Found"}'
        return 200, "application/octet-stream", found[0]

    # — what methods ask ————————————————————————————————————————————————————————————————————————————————————

    def next_number(self) -> int:
        return next(self._numbers)

    def over_limit(self, bot: Bot, chat: int) -> int:
        """Seconds to wait, 0 where another message may go; counts this one then."""
        if not self.limits:
            return 0
        now = self.clock()
        of_chat, window = (IN_A_GROUP, 60.0) if chat < 0 else (IN_A_CHAT, 1.0)
        for key, most, span in (((bot.token, None), OVERALL, 1.0), ((bot.token, chat), of_chat, window)):
            times = self._times.setdefault(key, deque())
            while times and times[0] <= now - span:
                times.popleft()
            if len(times) >= most:
                return max(1, int(times[0] + span - now + 0.999))
        for key in ((bot.token, None), (bot.token, chat)):
            self._times[key].append(now)
        return 0


def message(
    text: str | None,
    *,
    message_id: int,
    sender: int = 7001,
    name: str = "Bao",
    username: str = "bao_hanoi",
    chat: int | None = None,
    title: str = "",
    language: str = "vi",
    date: int = 1_760_000_000,
    **more: Any,
) -> dict[str, Any]:
    """A `Message` as Telegram writes it: a private chat with `sender`, or the group `chat` (a negative number)."""
    person = {"id": sender, "is_bot": False, "first_name": name, "username": username, "language_code": language}
    where = (
        {"id": chat, "type": "supergroup", "title": title or "Partners"}
        if chat is not None and chat < 0
        else {"id": chat or sender, "type": "private", "first_name": name, "username": username}
    )
    content: dict[str, Any] = {"message_id": message_id, "date": date, "chat": where, "from": person, **more}
    if text is not None:
        content["text"] = text
        if text.startswith("/"):
            content["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split()[0])}]
    return content


def _parameters(kind: str, body: bytes) -> dict[str, Any] | None:
    """application/json, or multipart/form-data, whose files come as (name, content)."""
    if kind.startswith("application/json"):
        try:
            found = json.loads(body or b"{}")
        except ValueError:
            return None
        return found if isinstance(found, dict) else None
    if not kind.startswith("multipart/form-data"):
        return {} if not body else None
    parsed = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    parameters: dict[str, Any] = {}
    for part in parsed.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if part.get_filename() is not None:
            parameters[name] = (part.get_filename(), content)
        else:
            text = content.decode()
            try:
                parameters[name] = json.loads(text) if text[:1] in "{[0123456789-tf" else text
            except ValueError:
                parameters[name] = text
    return parameters


def _json(answer: Answer) -> tuple[int, str, bytes]:
    return answer.code, "application/json", json.dumps(answer.body).encode()


@contextmanager
def bot_api_server() -> Iterator[BotApiServer]:
    server = BotApiServer().start()
    try:
        yield server
    finally:
        server.stop()
