"""Where an offer's visitors may be sent. Pure functions without Django: the click server decides by the same rule."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import SplitResult, quote, urlsplit

_HOST = re.compile(r"[a-z0-9_.-]+|[0-9a-f:.]+")  # a name in ASCII, or an IPv6 address without its brackets
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ASCII = "".join(map(chr, range(0x21, 0x7F)))  # what an address may keep as it stands; `quote` never encodes twice


def allowed_url(url: str, landing_url: str, allowed_domains: Iterable[str]) -> str | None:
    """`url` in ASCII, if it is http(s) and on the landing page's host or an allowed domain, or beneath one; None otherwise.

    What is returned, not what was given, is to be sent to a browser: its host is spelled exactly as it was compared. Anything
    that two parsers may read differently is refused: control characters, backslashes, user names, escapes in the host.
    """
    if _CONTROL.search(url) or "\\" in url or url != url.strip():
        return None
    parts = _split(url)
    if parts is None or parts.scheme not in {"http", "https"} or "@" in parts.netloc:
        return None
    host = _host(parts)
    if not host:
        return None
    landing = _split(landing_url)
    domains = [_host(landing) if landing else "", *(_ascii_host(domain) for domain in allowed_domains)]
    if not any(host == domain or host.endswith("." + domain) for domain in domains if domain):
        return None
    return ascii_url(url)


def ascii_url(url: str) -> str:
    """The address as a header may carry it: the host by IDNA, everything else outside printable ASCII percent-encoded."""
    parts = _split(url)
    if parts is not None and parts.netloc and not parts.netloc.isascii():
        user, at, place = parts.netloc.rpartition("@")
        name, colon, port = place.partition(":")
        start = url.index("//") + 2
        url = f"{url[:start]}{user}{at}{_ascii_host(name)}{colon}{port}{url[start + len(parts.netloc) :]}"
    return quote(url, safe=_ASCII)


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number
        return parts
    except ValueError:
        return None


def _host(parts: SplitResult) -> str:
    """The host as browsers will spell it, without a final dot; empty where it is none."""
    host = _ascii_host(parts.hostname or "")
    return host if _HOST.fullmatch(host) else ""


def _ascii_host(name: str) -> str:
    """UTS 46, non-transitional, as far as comparing needs it: compatible and small letters, each label in Punycode."""
    name = unicodedata.normalize("NFKC", name).replace("\u3002", ".").lower().rstrip(".")
    labels = (label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii") for label in name.split("."))
    return ".".join(labels)
