"""What must stay secret at rest (payout details, channels' passwords and tokens): Fernet (AES-128-CBC with HMAC-SHA256), under
a key derived from SECRET_KEY by HKDF.

After a change of SECRET_KEY the former ones, in SECRET_KEY_FALLBACKS, still read what they encrypted.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Unreadable(Exception):
    """Neither SECRET_KEY nor a former one in SECRET_KEY_FALLBACKS is what it was encrypted under."""


@cache
def _fernet(secret: str) -> Fernet:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tributary payout details").derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(key))


def encrypt(details: dict[str, Any]) -> bytes:
    return _fernet(settings.SECRET_KEY).encrypt(json.dumps(details).encode())


def decrypt(token: bytes | memoryview) -> dict[str, Any]:
    """What was encrypted, in the clear; raises Unreadable."""
    keys = MultiFernet([_fernet(secret) for secret in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]])
    try:
        found: dict[str, Any] = json.loads(keys.decrypt(bytes(token)))
    except InvalidToken:
        raise Unreadable from None
    return found
