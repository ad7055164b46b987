"""What open pages ask every two seconds: whether anything has changed, and who else is here.

Valkey holds a mark for each program and each ticket, set anew after each commit that changes one, and who looks at or writes in
a ticket, for a few seconds. None of it is a record: where Valkey is away, what changed is told by the newest rows instead, and
nobody is told of anybody else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import redis
from django.conf import settings
from django.core.cache import cache as kept
from django.db import connection, transaction
from django.utils import timezone

from support.models import Message, StatusChange, Ticket

EVERYWHERE = "inbox:everywhere"  # the mark of every program together
KEPT = 24 * 3600  # seconds; a mark that is gone is another mark, so pages look once more
HERE = 7  # seconds without a word after which somebody is no longer here: pages ask every two, hidden ones every five
AWAY = 5  # seconds for which Valkey is left alone after it did not answer

_away_until = 0.0
Measure = TypeVar("Measure")


@dataclass(frozen=True)
class Presence:
    """A colleague who has this ticket open."""

    user: int
    name: str
    writing: bool


def touch(ticket: Ticket) -> None:
    """Once the transaction has committed, pages that show this ticket or its program's queue look again."""
    touch_many([ticket])


def touch_many(tickets: Iterable[Ticket]) -> None:
    keys = set()
    for ticket in tickets:
        keys |= {EVERYWHERE, f"inbox:program:{ticket.program_id}", f"inbox:ticket:{ticket.pk}"}
        if ticket.affiliate_id is not None:
            keys.add(f"inbox:chat:{ticket.affiliate_id}")
    if keys:
        transaction.on_commit(lambda: _mark(keys), robust=True)


def touch_user(user: int) -> None:
    """Somebody was mentioned: their pages look again."""
    transaction.on_commit(lambda: _mark({f"inbox:user:{user}"}), robust=True)


def _mark(keys: Collection[str]) -> None:
    def write(valkey: redis.Redis) -> None:
        pipe = valkey.pipeline(transaction=False)
        for key in keys:
            pipe.set(key, time.time_ns(), ex=KEPT)
        pipe.execute()

    _ask(write)


def marks(programs: Collection[int] | None, user: int, ticket: int | None = None) -> tuple[str, str]:
    """What stands for the state of the reader's queue and of the open ticket: another text, something has changed.

    `programs` are those that the reader sees; None, all of them.
    """
    where = [EVERYWHERE] if programs is None else [f"inbox:program:{pk}" for pk in sorted(programs)]
    keys = [f"inbox:user:{user}", *where]
    asked = [*keys, f"inbox:ticket:{ticket}"] if ticket else keys
    found = _ask(lambda valkey: valkey.mget(asked))
    if found is None:
        newest = _newest_rows()
        return newest, newest if ticket else ""
    told = [value.decode() if value else "0" for value in found]
    return ".".join(told[: len(keys)]), told[-1] if ticket else ""


def chat_mark(affiliate: int) -> str:
    """What stands for the state of an affiliate's chats, as `marks` does for the inbox."""
    found = _ask(lambda valkey: [valkey.get(f"inbox:chat:{affiliate}")])
    if found is None:
        return _newest_rows()
    return found[0].decode() if found[0] else "0"


def kept_number(key: str, mark: str) -> int | None:
    """A number that was counted when `mark` was the same; None where it must be counted anew."""
    found = _ask(lambda valkey: valkey.get(f"inbox:number:{key}"))
    kept, _space, number = found.decode().rpartition(" ") if found else ("", "", "")
    return int(number) if found and kept == mark else None


def keep_number(key: str, mark: str, number: int) -> None:
    _ask(lambda valkey: valkey.set(f"inbox:number:{key}", f"{mark} {number}", ex=300))


def forget_numbers(*keys: str) -> None:
    """What these count has changed, once the transaction has committed."""
    transaction.on_commit(lambda: _ask(lambda valkey: valkey.delete(*(f"inbox:number:{key}" for key in keys))), robust=True)


def measured(key: str, seconds: int, measure: Callable[[], Measure]) -> tuple[datetime, Measure]:
    """What was measured at most so long ago, and when; without Valkey anew each time."""
    found = _ask(lambda _valkey: kept.get(f"inbox:measured:{key}"))
    if found is None:
        found = timezone.now(), measure()
        _ask(lambda _valkey: kept.set(f"inbox:measured:{key}", found, seconds))
    told: tuple[datetime, Measure] = found
    return told


def _newest_rows() -> str:
    """Without Valkey: two looks at the ends of primary keys, true of everything that is written or changes its status."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT (SELECT max(id) FROM {Message._meta.db_table}), (SELECT max(id) FROM {StatusChange._meta.db_table})"
        )
        message, change = cursor.fetchone()
    return f"rows.{message or 0}.{change or 0}"


def be_here(ticket: int, user: Any, *, writing: bool) -> list[Presence]:
    """Says that this person has the ticket open, and tells who else has."""
    now = time.time()
    key, name = f"inbox:here:{ticket}", user.get_short_name()

    def say(valkey: redis.Redis) -> Any:
        pipe = valkey.pipeline(transaction=False)
        pipe.hset(key, str(user.pk), json.dumps([now + HERE, writing, name]))
        pipe.expire(key, HERE * 2)
        pipe.hgetall(key)
        return pipe.execute()[-1]

    found = _ask(say) or {}
    others = []
    for pk, told in found.items():
        until, writes, called = json.loads(told)
        if until > now and int(pk) != user.pk:
            others.append(Presence(int(pk), called, writes))
    return sorted(others, key=lambda other: (not other.writing, other.name))


def leave(ticket: int, user: Any) -> None:
    """This person has turned to another ticket."""
    _ask(lambda valkey: valkey.hdel(f"inbox:here:{ticket}", str(user.pk)))


def is_away() -> bool:
    """Whether Valkey did not answer just now: pages say that new things may come late and nobody sees who writes."""
    return time.monotonic() < _away_until


def _ask(question: Any) -> Any:
    """The answer; None where Valkey is away, which it is then taken to be for a few seconds, so that no page waits for it."""
    global _away_until
    if is_away():
        return None
    try:
        return question(_valkey())
    except redis.RedisError:
        _away_until = time.monotonic() + AWAY
        return None


@cache
def _valkey() -> redis.Redis:
    return redis.Redis.from_url(str(settings.CACHES["default"]["LOCATION"]), socket_timeout=0.5, socket_connect_timeout=0.5)
