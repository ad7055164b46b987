"""Addresses of mail servers, as people write them: read without asking anybody. Knows nothing of Django, so that settings can ask."""

from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

_SMTP = {
    "smtp": (25, False, False),
    "smtp+tls": (587, True, False),
    "submission": (587, True, False),
    "smtps": (465, False, True),
    "smtp+ssl": (465, False, True),
}
_IMAP = {"imap": (143, False, False), "imap+tls": (143, True, False), "imaps": (993, False, True), "imap+ssl": (993, False, True)}


def smtp_server(url: str) -> dict[str, Any]:
    """In Django's words for a connection. `smtp+tls` (also `submission`) begins in the open and changes to TLS, `smtps` (also
    `smtp+ssl`) is TLS from the first byte, `smtp` is never TLS. ValueError where it cannot be read."""
    parts = _parts(url, _SMTP)
    if parts.path.strip("/"):
        raise ValueError(url)
    return _server(parts, _SMTP)


def imap_server(url: str) -> dict[str, Any]:
    """As for SMTP (`imaps`, `imap+tls`, `imap`), and `folder`: the path, INBOX where there is none. ValueError as above."""
    parts = _parts(url, _IMAP)
    return {**_server(parts, _IMAP), "folder": unquote(parts.path.strip("/")) or "INBOX"}


def _parts(url: str, known: dict[str, tuple[int, bool, bool]]) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in known or not parts.hostname or parts.port == 0:
        raise ValueError(url)
    return parts


def _server(parts: SplitResult, known: dict[str, tuple[int, bool, bool]]) -> dict[str, Any]:
    port, starttls, tls = known[parts.scheme]
    return {
        "host": parts.hostname,
        "port": parts.port or port,
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_tls": starttls,
        "use_ssl": tls,
    }
