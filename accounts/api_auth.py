"""The API's doorman: who calls, how often they may, and that a repeated request has one effect."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import redis
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from accounts.models import ApiKey, KeptAnswer, User
from accounts.services.keys import find_key
from core.api.answers import without_secrets
from core.errors import Conflict

USED_EVERY = timedelta(minutes=1)  # `last_used_at` is no finer than this
PER_MINUTE = 6000
BURST = 1000


@dataclass
class Caller:
    """`request.auth`: the key by which a request came."""

    key: ApiKey

    def answer_once(self, key: str, request: Request, body_hash: str, compute: Callable[[], Response]) -> Response:
        """The answer kept for this Idempotency-Key, or a new one, kept in the transaction of its effect.

        The row is claimed first: of several requests at once the others wait on its unique index until the first one commits
        and find its answer. Refusals and failures roll back and are not kept. Conflict where the body is another one.
        """
        place = {"api_key": self.key, "key": key, "method": request.method, "path": request.path}
        with transaction.atomic():
            KeptAnswer.objects.bulk_create([KeptAnswer(**place, body_hash=body_hash)], ignore_conflicts=True)
            kept = KeptAnswer.objects.get(**place)
            if kept.status is not None:
                return _replay(kept, body_hash)
            response = compute()
            KeptAnswer.objects.filter(pk=kept.pk).update(status=response.status_code, body=without_secrets(response.data))
            return response


def _replay(kept: KeptAnswer, body_hash: str) -> Response:
    if kept.body_hash != body_hash:
        raise Conflict(_("This Idempotency-Key was used with another body."), code="idempotency_key", field="Idempotency-Key")
    return Response(kept.body, status=kept.status, headers={"Idempotent-Replayed": "true"})


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer KEY`."""

    def authenticate(self, request: Request) -> tuple[User, Caller] | None:
        scheme, *rest = get_authorization_header(request).split() or [b""]
        if scheme.lower() != b"bearer":
            return None
        key = find_key(rest[0].decode("latin-1")) if len(rest) == 1 else None
        if key is None:
            raise AuthenticationFailed(_("This key is unknown, was revoked, or its user was deactivated."), code="bad_key")
        _touch(key)
        return key.user, Caller(key)

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Tributary API"'


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = ApiKeyAuthentication
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key, as `manage.py api_key_create` prints it."}


def _touch(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - USED_EVERY:
        due = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - USED_EVERY)
        ApiKey.objects.filter(due, pk=key.pk).update(last_used_at=now)


# The generic cell rate algorithm (ITU-T I.371): one number a key, the moment at which the bucket is whole again. Valkey's clock
# counts, so that several web processes agree. Returns {allowed, left, microseconds until whole, microseconds to wait}.
_TAKE_ONE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local every, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local whole_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local after = whole_at + every
local wait = after - every * burst - now
if wait > 0 then return {0, 0, whole_at - now, wait} end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
return {1, math.floor((every * burst - (after - now)) / every), after - now, 0}
"""


class KeyThrottle(BaseThrottle):
    """6,000 requests a minute for each key, of which 1,000 may come at once; none where Redis is away."""

    away_until = 0.0  # while Redis is away, one request every few seconds asks for it

    def allow_request(self, request: Request, view: Any) -> bool:
        caller = request.auth
        if not isinstance(caller, Caller) or time.monotonic() < KeyThrottle.away_until:
            return True
        every = 60_000_000 // PER_MINUTE
        try:
            allowed, left, whole, wait = _take_one()(keys=[f"api:rate:{caller.key.pk}"], args=[every, BURST])
        except redis.RedisError:
            KeyThrottle.away_until = time.monotonic() + 5
            return True
        self.waiting = wait / 1_000_000
        request.throttle_headers = {  # type: ignore[attr-defined]
            "RateLimit-Limit": str(PER_MINUTE),
            "RateLimit-Remaining": str(left),
            "RateLimit-Reset": str(-(-whole // 1_000_000)),
            "RateLimit-Policy": f"{PER_MINUTE};w=60;burst={BURST}",
        }
        return bool(allowed)

    def wait(self) -> float:
        return self.waiting


@cache
def _take_one() -> Any:
    client = redis.Redis.from_url(str(settings.CACHES["default"]["LOCATION"]), socket_timeout=0.5, socket_connect_timeout=0.5)
    return client.register_script(_TAKE_ONE)
