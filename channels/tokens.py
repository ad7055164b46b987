"""Our own signs in mails: which ticket a Message-ID, a Reply-To or a plus address of ours belongs to.

A token is "trb" and base32 in small letters of the ticket's number and ten bytes of an HMAC-SHA256 over it: 27 characters or less,
so that it fits into the local part of an address (64, RFC 5321), and the same to mail servers that change its case. It tells who
was written to, and is no right to anything: whether the sender belongs to the ticket is asked besides.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from core.ids import decode_id, encode_id

PREFIX = "tkt"
_SIGNATURE = 10  # bytes
_TOKEN = re.compile(r"(?<![a-z0-9])trb([a-z2-7]{18,29})(?![a-z0-9])", re.IGNORECASE)


def make_token(ticket: str) -> str:
    """The token of a ticket, named by its public id."""
    pk = decode_id(PREFIX, ticket)
    if pk is None:
        raise ValueError(f"not a ticket: {ticket}")
    number = pk.to_bytes((pk.bit_length() + 7) // 8 or 1, "big")
    return "trb" + base64.b32encode(number + _sign(number, settings.SECRET_KEY)).decode().rstrip("=").lower()


def tickets_in(texts: Iterable[str]) -> list[str]:
    """The public ids of the tickets whose tokens stand in these Message-IDs and addresses, each once, in their order. What is
    not signed by us (by this SECRET_KEY or a former one) counts for nothing."""
    found: dict[str, None] = {}
    for text in texts:
        for match in _TOKEN.finditer(text):
            pk = _read(match[1])
            if pk is not None:
                found[encode_id(PREFIX, pk)] = None
    return list(found)


def _read(body: str) -> int | None:
    try:
        content = base64.b32decode(body.upper() + "=" * (-len(body) % 8))
    except binascii.Error:
        return None
    number, signature = content[:-_SIGNATURE], content[-_SIGNATURE:]
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    known = any(constant_time_compare(_sign(number, secret), signature) for secret in secrets)
    pk = int.from_bytes(number, "big")
    return pk if known and 0 < pk < 2**63 else None


def _sign(number: bytes, secret: str) -> bytes:
    return salted_hmac("channels.tokens", number, secret=secret, algorithm="sha256").digest()[:_SIGNATURE]


def make_message_id(ticket: str, message: str, address: str) -> str:
    """The Message-ID (without angle brackets) of one of our mails in a ticket, sent from `address`; both named by public ids."""
    return f"{make_token(ticket)}.{message.replace('_', '-')}@{_host(address)}"


def make_reply_address(ticket: str, address: str) -> str:
    """The plus address of a mailbox (RFC 5233) that leads answers back into the ticket: for Reply-To."""
    local, _at, host = address.rpartition("@")
    return f"{local.partition('+')[0]}+{make_token(ticket)}@{host}"


def _host(address: str) -> str:
    return address.rpartition("@")[2] or "tributary"
