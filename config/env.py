"""The environment, read once and in this place alone.

A value that cannot be read stops the start with one clear line: `BadEnvironment` ends the program with it.
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

from core.server_urls import smtp_server

CHECKOUT = Path(__file__).resolve().parent.parent


class BadEnvironment(SystemExit):
    """One line that says which variable cannot be read and what would be right."""

    def __init__(self, message: str) -> None:
        super().__init__(f"tributary: {message}")


@dataclass(frozen=True)
class Environment:
    data: Path  # everything this installation keeps outside PostgreSQL
    port: int
    click_port: int
    base_url: str  # without a trailing slash
    click_base_url: str
    database_url: str
    redis_url: str
    embedded_postgres: bool
    embedded_valkey: bool
    mail_server: dict[str, Any] | None  # in Django's words for a connection; None: mails are kept, readable under /manage/mails/
    mail_sender: str
    secret_key: str
    secret_key_fallbacks: tuple[str, ...]  # former keys, the newest first
    debug: bool
    demo: bool  # this start is to load the demo program; said by `script/server` to its processes

    @property
    def host(self) -> str:
        """Of the base address as Django names hosts: no port, an IPv6 address in brackets."""
        name = urlsplit(self.base_url).hostname or ""
        return f"[{name}]" if ":" in name else name

    @property
    def secure(self) -> bool:
        return self.base_url.startswith("https://")


@lru_cache(maxsize=1)
def environment() -> Environment:
    data = _data_folder()
    port = _port("PORT", 8000)
    click_port = _port("CLICK_PORT", 8001)
    if port == click_port:
        raise BadEnvironment(f"PORT and CLICK_PORT are both {port}: the web and the click server need one each.")
    database_url = os.environ.get("DATABASE_URL", "")
    redis_url = os.environ.get("REDIS_URL", "")
    if database_url:
        _check_database(database_url)
    if redis_url:
        _check_redis(redis_url)
    mail_server, mail_sender = _mail_server()
    embedded_postgres, embedded_valkey = not database_url, not redis_url
    base_url = _address("BASE_URL", f"http://localhost:{port}")
    return Environment(
        data=data,
        port=port,
        click_port=click_port,
        base_url=base_url,
        click_base_url=_address("CLICK_BASE_URL", f"http://localhost:{click_port}"),
        database_url=database_url or embedded_database_url(data),
        redis_url=redis_url or embedded_redis_url(data),
        embedded_postgres=embedded_postgres,
        embedded_valkey=embedded_valkey,
        mail_server=mail_server,
        mail_sender=mail_sender or f"Tributary <affiliates@{urlsplit(base_url).hostname}>",
        secret_key=os.environ.get("SECRET_KEY") or _kept_secret_key(data, embedded_postgres),
        secret_key_fallbacks=tuple(
            key for key in (text.strip() for text in os.environ.get("SECRET_KEY_FALLBACKS", "").split(",")) if key
        ),
        debug=_flag("DEBUG", False),
        demo=_flag("TRIBUTARY_DEMO", False),
    )


def embedded_database_url(data: Path) -> str:
    """The embedded PostgreSQL's address: a socket in a folder only this user may open, and a kept password."""
    password = kept_secret(data, "postgres-password")
    return f"postgresql://tributary:{password}@{quote(str(socket_folder(data)), safe='')}/tributary"


def embedded_redis_url(data: Path) -> str:
    return f"unix://{quote(str(socket_folder(data)))}/valkey.sock?db=0"


def socket_folder(data: Path) -> Path:
    """Where the embedded servers' sockets are: `run/` under the data folder; or, as a socket's path may have only about
    a hundred bytes and a comma would separate two hosts, a folder of this user's under /tmp, named after the data folder."""
    folder = data / "run"
    if re.fullmatch(r"[\w./ -]{1,80}", str(folder), re.ASCII):
        return folder
    import hashlib

    return Path("/tmp") / f"tributary-{os.getuid()}-{hashlib.sha256(str(data).encode()).hexdigest()[:12]}"


def kept_secret(data: Path, name: str) -> str:
    """A random secret made once and kept under the data folder, readable by this user alone."""
    path = data / "secrets" / name
    try:
        if path.exists():
            return path.read_text().strip()
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        # Written whole under another name and linked: two starts at once agree on one secret.
        draft = path.with_name(f".{name}.{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())  # a power cut leaves no empty secret
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        draft.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise BadEnvironment(f"the data folder {data} cannot be used ({error.strerror}); set TRIBUTARY_DATA.") from None


def _kept_secret_key(data: Path, embedded: bool) -> str:
    if not embedded:
        raise BadEnvironment("SECRET_KEY is required when DATABASE_URL is set: a long random text, the same at every start.")
    return kept_secret(data, "secret-key")


def _data_folder() -> Path:
    text = os.environ.get("TRIBUTARY_DATA") or str(CHECKOUT / ".data")
    try:
        return Path(text).expanduser().resolve()
    except (OSError, RuntimeError):  # nobody has that home; links that lead to themselves
        raise BadEnvironment(f"TRIBUTARY_DATA is {text!r}: give the path of a folder.") from None


def _port(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    if not text:
        return default
    if not (re.fullmatch(r"[0-9]{1,5}", text) and 1 <= int(text) <= 65535):
        raise BadEnvironment(f"{name} is {text!r}: give a port from 1 to 65535.")
    return int(text)


def _address(name: str, default: str) -> str:
    text = os.environ.get(name, "").rstrip("/")
    if not text:
        return default
    parts = _parts(text)
    if parts is None or text != f"{parts.scheme}://{parts.netloc}" or parts.scheme not in {"http", "https"} or "@" in text:
        raise BadEnvironment(f"{name} is {text!r}: give an address without a path, such as https://affiliates.example.com.")
    return text


def _flag(name: str, default: bool) -> bool:
    text = os.environ.get(name, "").lower()
    if text in {"", "0", "1", "true", "false", "yes", "no", "on", "off"}:
        return default if not text else text in {"1", "true", "yes", "on"}
    raise BadEnvironment(f"{name} is {text!r}: give 1 or 0.")


def _check_database(url: str) -> None:
    parts = _parts(url)
    if parts is None or parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise BadEnvironment("DATABASE_URL cannot be read: it should look like postgresql://user:password@host:5432/name.")


def _check_redis(url: str) -> None:
    parts = _parts(url, host=not url.startswith("unix:"))
    socket = parts is not None and parts.scheme == "unix" and parts.path.startswith("/")
    number = parts is not None and re.fullmatch(r"/?[0-9]*", parts.path, re.ASCII)
    if parts is None or not (socket or (parts.scheme in {"redis", "rediss"} and number)):
        raise BadEnvironment("REDIS_URL cannot be read: it should look like redis://host:6379/0 or unix:///path/to/socket?db=0.")


def _mail_server() -> tuple[dict[str, Any] | None, str]:
    """EMAIL_URL: where mails go (core.server_urls), and whom they are from."""
    url = os.environ.get("EMAIL_URL", "")
    if not url:
        return None, ""
    parts = _parts(url)
    asked = parse_qs(parts.query, keep_blank_values=True) if parts else {}
    try:
        if parts is None or set(asked) - {"_default_from_email"}:
            raise ValueError(url)
        server = smtp_server(url)
    except ValueError:
        raise BadEnvironment(
            "EMAIL_URL cannot be read: it should look like "
            "smtp+tls://user:password@host:587/?_default_from_email=affiliates@example.com (or smtps://, smtp://)."
        ) from None
    return server, asked.get("_default_from_email", [""])[0]


def _parts(url: str, host: bool = True) -> SplitResult | None:
    """The parts of an address, None where it, its host or its port cannot be read."""
    try:
        parts = urlsplit(url)
        readable = parts.port != 0 and re.fullmatch(r"[\w.%-]+|[0-9a-f:.]+", parts.hostname or "", re.ASCII)
    except ValueError:
        return None
    return parts if readable or not host else None
