"""What a request tells about a visit: pure functions from bytes that anybody may have sent to clean text."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from urllib.parse import unquote_plus, unquote_to_bytes

from crawlerdetect import CrawlerDetect

SUBS = 12
SUB_LENGTH = 500  # as TUNE
USER_AGENT_LENGTH = 500
REFERRER_LENGTH = 2000

# Every platform's names for the same slots. An explicit subN wins over them; among the names of one slot the first here wins.
_NAMES: dict[int, list[str]] = {
    **{n: [f"sub{n}", f"sub_id{n}", f"aff_sub{n}", f"s{n}"] for n in range(1, SUBS + 1)},
    1: ["sub1", "sub_id1", "aff_sub1", "s1", "aff_sub", "sub_id", "subid"],
    11: ["sub11", "s11", "aff_click_id"],
    12: ["sub12", "s12", "source_id", "source"],
}
for _slot in range(6, SUBS + 1):  # these two dialects end at five
    _NAMES[_slot] = [name for name in _NAMES[_slot] if not name.startswith(("sub_id", "aff_sub"))]
SLOTS = {name.encode(): (slot - 1, rank) for slot, names in _NAMES.items() for rank, name in enumerate(names)}


# This machine, private networks (RFC 1918, RFC 4193) and links: where proxies of ours are.
_NEAR = [
    ipaddress.ip_network(network)
    for network in (
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
        *("::1/128", "fc00::/7", "fe80::/10", "::ffff:127.0.0.0/104", "::ffff:10.0.0.0/104", "::ffff:172.16.0.0/108"),
        "::ffff:192.168.0.0/112",
    )
]


def clean(raw: bytes, length: int) -> str:
    """Text that PostgreSQL takes: broken UTF-8 becomes U+FFFD, NUL bytes go, and what is too long is cut."""
    return raw.decode("utf-8", "replace").replace("\0", "")[:length]


@lru_cache(maxsize=1000)  # a newsletter's readers all come with the same one
def read_query(query: bytes) -> tuple[list[str] | None, str]:
    """(sub1 … sub12 without the empty ones at the end, or None; the deep link). Of a repeated name the first one counts."""
    subs: dict[int, tuple[int, str]] = {}
    deep_link: str | None = None
    for pair in query.split(b"&"):
        name, _, raw = pair.partition(b"=")
        if b"%" in name:
            name = unquote_to_bytes(name)
        if name == b"url":
            if deep_link is None:
                deep_link = _value(raw).decode("utf-8", "replace")
        elif place := SLOTS.get(name):
            slot, rank = place
            if slot not in subs or rank < subs[slot][0]:
                value = clean(_value(raw), SUB_LENGTH)
                if value:
                    subs[slot] = rank, value
    if not subs:
        return None, deep_link or ""
    return [subs[slot][1] if slot in subs else "" for slot in range(max(subs) + 1)], deep_link or ""


def _value(raw: bytes) -> bytes:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    return unquote_to_bytes(raw) if b"%" in raw else raw


def around_click_id(url: str) -> tuple[str, str]:
    """The two pieces between which a click id makes `url` carry it as `click_id`, in place of any that was there.

    Everything else of the query and the fragment stays as it is, byte by byte.
    """
    rest, hash_sign, fragment = url.partition("#")
    page, _, query = rest.partition("?")
    kept = "&".join(pair for pair in query.split("&") if unquote_plus(pair.partition("=")[0]) != "click_id")
    return f"{page}?{kept}&click_id=" if kept else f"{page}?click_id=", hash_sign + fragment


# As ClickIds writes them; nothing else that a visitor brings is written down. What stands before the name is looked at last: a
# pattern that begins with plain text is searched fast through the long cookies that a shop may set for all of its domain.
_NAME = rb"trb_click=(?<=[; ]trb_click=)"
_COOKIE = re.compile(_NAME + rb"([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})(?=[; ]|$)")


def click_before(cookies: bytes) -> str | None:
    """The click that this visitor's browser remembers, by the cookie it was given then. `cookies` begins with a semicolon.

    Whoever sends one can send any: it says what a visitor claims, and attribution believes it for that visitor's own sale alone.
    """
    found = _COOKIE.search(cookies)
    return found[1].decode() if found else None


def visitor_address(peer: str, forwarded_for: Iterable[bytes]) -> str:
    """The address that the click came from. X-Forwarded-For is believed when a proxy of ours sent it, which is when the peer is
    on this machine or a private network; then its last hop, the one that this proxy saw, counts."""
    if _is_near(peer):
        for header in reversed(list(forwarded_for)):
            hop = header.rpartition(b",")[2].strip().decode("latin-1")
            if address := _address(hop):
                return address
    return peer


@lru_cache(maxsize=1024)
def _is_near(peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return True  # no address at all: a socket in the file system
    return any(address in network for network in _NEAR)


@lru_cache(maxsize=8192)
def _address(text: str) -> str:
    """An address in its one spelling, or nothing. Some proxies append the port."""
    if text.startswith("[") and "]" in text:
        text = text[1 : text.index("]")]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def visitor_number(key: bytes, address: str, user_agent: str) -> int:
    """63 bits that are the same for the same address and browser, and tell neither to whoever has not the key."""
    digest = blake2b(f"{address}\0{user_agent}".encode(), digest_size=8, key=key).digest()
    return int.from_bytes(digest) >> 1


_crawlers = CrawlerDetect()
# Programs' libraries: apps, and other platforms on the way to us, send people on by these, so that such a name tells of no robot.
_LIBRARY = re.compile(
    r"\b(aiohttp|apache-httpclient|axios|curl|dart|go-http-client|guzzlehttp|java|libcurl|okhttp|python-httpx|python-requests"
    r"|python-urllib|ruby|undici)\b(/[\w.]+)?",
    re.IGNORECASE,
)


@lru_cache(maxsize=20_000)
def read_browser(raw: bytes) -> tuple[str, bool]:
    """A browser's name and whether it is a robot's. To look takes a millisecond, to remember nothing, and the same names come
    again and again."""
    name = clean(raw, USER_AGENT_LENGTH)
    return name, _is_robot(name) and _is_robot(_LIBRARY.sub("", name))


def _is_robot(name: str) -> bool:
    return bool(name.strip()) and bool(_crawlers._check_crawler(name)[0])
