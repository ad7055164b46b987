"""Payout details at rest: Fernet (AES-128-CBC with HMAC-SHA256), under a key derived from SECRET_KEY by HKDF."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


@cache
def _fernet(secret: str) -> Fernet:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tributary payout details").derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(key))


def encrypt(details: dict[str, Any]) -> bytes:
    return _fernet(settings.SECRET_KEY).encrypt(json.dumps(details).encode())


def decrypt(token: bytes | memoryview) -> dict[str, Any]:
    """Raises cryptography.fernet.InvalidToken where SECRET_KEY is not the one it was encrypted under."""
    found: dict[str, Any] = json.loads(_fernet(settings.SECRET_KEY).decrypt(bytes(token)))
    return found
