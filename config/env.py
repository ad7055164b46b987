"""The environment, read once and in this place alone.

A value that cannot be read stops the start with one clear line (`EnvironmentError_` is turned into it by the caller).
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, urlsplit

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
    email_url: str  # empty: mails are kept and readable under /manage/mails/
    secret_key: str
    secret_key_fallbacks: tuple[str, ...]  # former keys, the newest first
    debug: bool

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
    data = Path(os.environ.get("TRIBUTARY_DATA") or CHECKOUT / ".data").expanduser().resolve()
    port = _port("PORT", 8000)
    click_port = _port("CLICK_PORT", 8001)
    if port == click_port:
        raise BadEnvironment(f"PORT and CLICK_PORT are both {port}: the web and the click server need one each.")
    database_url = os.environ.get("DATABASE_URL", "")
    redis_url = os.environ.get("REDIS_URL", "")
    _check_scheme("DATABASE_URL", database_url, {"postgres", "postgresql"})
    _check_scheme("REDIS_URL", redis_url, {"redis", "rediss", "unix"})
    _check_scheme("EMAIL_URL", os.environ.get("EMAIL_URL", ""), {"smtp", "smtps", "smtp+tls", "smtp+ssl", "submission"})
    embedded_postgres, embedded_valkey = not database_url, not redis_url
    return Environment(
        data=data,
        port=port,
        click_port=click_port,
        base_url=_address("BASE_URL", f"http://localhost:{port}"),
        click_base_url=_address("CLICK_BASE_URL", f"http://localhost:{click_port}"),
        database_url=database_url or embedded_database_url(data),
        redis_url=redis_url or embedded_redis_url(data),
        embedded_postgres=embedded_postgres,
        embedded_valkey=embedded_valkey,
        email_url=os.environ.get("EMAIL_URL", ""),
        secret_key=os.environ.get("SECRET_KEY") or _kept_secret_key(data, embedded_postgres),
        secret_key_fallbacks=tuple(
            key for key in (text.strip() for text in os.environ.get("SECRET_KEY_FALLBACKS", "").split(",")) if key
        ),
        debug=_flag("DEBUG", False),
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
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        # Written whole under another name and linked: two starts at once agree on one secret.
        draft = path.with_name(f".{name}.{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        draft.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise BadEnvironment(f"the data folder {data} cannot be written ({error.strerror}); set TRIBUTARY_DATA.") from None


def _kept_secret_key(data: Path, embedded: bool) -> str:
    if not embedded:
        raise BadEnvironment("SECRET_KEY is required when DATABASE_URL is set: a long random text, the same at every start.")
    return kept_secret(data, "secret-key")


def _port(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise BadEnvironment(f"{name} is {text!r}: give a port from 1 to 65535.")
    return int(text)


def _address(name: str, default: str) -> str:
    text = os.environ.get(name, "").rstrip("/")
    if not text:
        return default
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadEnvironment(f"{name} is {text!r}: give a full address such as https://affiliates.example.com.")
    return text


def _flag(name: str, default: bool) -> bool:
    text = os.environ.get(name, "").lower()
    if text in {"", "0", "1", "true", "false", "yes", "no", "on", "off"}:
        return default if not text else text in {"1", "true", "yes", "on"}
    raise BadEnvironment(f"{name} is {text!r}: give 1 or 0.")


def _check_scheme(name: str, url: str, schemes: set[str]) -> None:
    if url and urlsplit(url).scheme not in schemes:
        raise BadEnvironment(f"{name} cannot be read: it should begin with {' or '.join(s + '://' for s in sorted(schemes))}.")
