"""The Bot API (https://core.telegram.org/bots/api): one call, its answer, or what is known of why there is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from channels.models import Channel

API = "https://api.telegram.org"
CONNECT = 5  # seconds
ANSWER = 30  # seconds, beyond what a long poll was asked to wait
LARGEST_DOWNLOAD = 20 * 1024 * 1024  # bytes: what getFile gives ("Sending files", "getFile")
LARGEST_UPLOAD = 50 * 1024 * 1024
LARGEST_PHOTO = 10 * 1024 * 1024

File = tuple[str, bytes, str]  # name, content, media type


class BotApiError(Exception):
    """The Bot API did not do what it was asked; the text is its own, or the network's."""


class NotReached(BotApiError):
    """It never heard of it: asking again asks once."""


class NoAnswer(BotApiError):
    """It may have done it: the connection was lost, or its answer was no answer."""


class RefusedByTelegram(BotApiError):
    """It said no. `code` is HTTP's; the rest is `ResponseParameters`."""

    def __init__(self, code: int, description: str, retry_after: int = 0, migrate_to_chat_id: int | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after  # seconds
        self.migrate_to_chat_id = migrate_to_chat_id


@cache
def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(num_pools=20, maxsize=4, retries=False)


class BotApi:
    """One bot. The token stands in every address, so no address is ever part of an error's text."""

    def __init__(self, token: str, base_url: str = API) -> None:
        self._token = token
        self._base = base_url.rstrip("/")

    @classmethod
    def of(cls, channel: Channel) -> BotApi:
        """Raises core.secrets.Unreadable."""
        return cls(channel.read_secrets().get("token", ""), channel.settings.get("api_base_url") or API)

    def call(self, method: str, parameters: Mapping[str, Any] | None = None, *, file: tuple[str, File] | None = None) -> Any:
        """The `result`. With a file ("document", (name, content, type)) it goes as multipart/form-data, else as JSON."""
        asked = {name: value for name, value in (parameters or {}).items() if value is not None}
        wait = float(asked.get("timeout", 0)) if method == "getUpdates" else 0
        if file:
            fields: list[tuple[str, Any]] = [(name, _as_field(value)) for name, value in asked.items()]
            body, kind = urllib3.encode_multipart_formdata([*fields, file])
        else:
            body, kind = json.dumps(asked).encode(), "application/json"
        status, content = self._ask("POST", f"/bot{self._token}/{method}", body=body, kind=kind, wait=wait)
        return _result(status, content)

    def download(self, file_path: str) -> bytes:
        """The bytes behind `File.file_path`, at most LARGEST_DOWNLOAD of them."""
        status, content = self._ask("GET", f"/file/bot{self._token}/{file_path}")
        if status != 200:
            raise RefusedByTelegram(status, "the file could not be fetched")
        return content

    def _ask(self, verb: str, path: str, *, body: bytes | None = None, kind: str = "", wait: float = 0) -> tuple[int, bytes]:
        timeout = urllib3.Timeout(connect=CONNECT, read=ANSWER + wait)
        headers = {"Content-Type": kind} if kind else {}
        try:
            response = _pool().request(
                verb, self._base + path, body=body, headers=headers, timeout=timeout, redirect=False, preload_content=False
            )
            content = response.read(LARGEST_DOWNLOAD + 1)
            response.close() if len(content) > LARGEST_DOWNLOAD else response.release_conn()
        except (NewConnectionError, ConnectTimeoutError, SSLError) as error:
            raise NotReached(self._without_token(error)) from None
        except (HTTPError, OSError) as error:
            raise NoAnswer(self._without_token(error)) from None
        if len(content) > LARGEST_DOWNLOAD:
            raise NoAnswer("the answer is larger than 20 MB")
        return response.status, content

    def _without_token(self, error: Exception) -> str:
        text = f"{type(error).__name__}: {error}"
        return text.replace(self._token, "…") if self._token else text


def _as_field(value: Any) -> str | bytes:
    """In multipart/form-data everything but text is JSON ("Making requests")."""
    return value if isinstance(value, str) else json.dumps(value)


def _result(status: int, content: bytes) -> Any:
    try:
        answer = json.loads(content)
        good = bool(answer["ok"])
    except (ValueError, KeyError, TypeError):
        raise NoAnswer(f"HTTP {status} without an answer of the Bot API") from None
    if good:
        return answer.get("result")
    code = int(answer.get("error_code") or status)
    description = str(answer.get("description") or f"HTTP {status}")
    if code >= 500:
        raise NoAnswer(description)
    more = answer.get("parameters") or {}
    raise RefusedByTelegram(code, description, int(more.get("retry_after") or 0), more.get("migrate_to_chat_id"))
