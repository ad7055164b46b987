"""What comes in: stored raw and committed first, then parsed and filed, each item by itself.

    received ──► filed | quarantined          duplicate: the same item once more, noticed when it is stored

Nothing that an item contains can stop another: it is parsed and filed in a savepoint, and what cannot be filed is quarantined with
its reason, for a person. What was cut off (a killed worker, a database that was away) is still "received", and the sweep goes on.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg2.extras import execute_values

from channels.events import INBOUND_QUARANTINED
from channels.models import Channel, InboundItem
from channels.parsed import Parsed, Quarantine, file_parsed
from core.events import record

MOST_ATTEMPTS = 5
AT_ONCE = 20  # items claimed with one statement

Status = InboundItem.Status
Parser = Callable[[InboundItem], Parsed | str]
_parsers: dict[str, Parser] = {}
_log = logging.getLogger(__name__)


def register_parser(kind: str, parser: Parser) -> None:
    """What reads the items of one kind of channel. It may write what an item leads to (contacts, chats), runs in the savepoint
    in which the item is filed, and raises Quarantine where a person has to decide. Of an item that is nobody's message (an
    account was connected, a button tapped) it returns the reference of what it became: nothing else files that."""
    _parsers[kind] = parser


class NotNow(Exception):
    """For parsers: something outside (a file on the provider's server) is away. The item waits and is tried again."""


@dataclass(frozen=True)
class Arrival:
    """One item on its way into the store; `provider_id` tells it from every other one of its channel."""

    provider_id: str
    raw: bytes


def store_raw(channel: Channel, raw: bytes, provider_id: str) -> InboundItem:
    """Keep one item; a duplicate if the channel has it already. Commit before anything is made of it."""
    return store_many(channel, [Arrival(provider_id, raw)])[0]


@transaction.atomic
def store_many(channel: Channel, arrivals: Sequence[Arrival]) -> list[InboundItem]:
    """Keep these items, in their order, with one statement; the caller commits them together with how far it has read."""
    now = timezone.now()
    new = _insert(
        [
            (channel.pk, a.provider_id[:255], _hash(a.raw), a.raw, len(a.raw), now, Status.RECEIVED, "", "", "", None, "", 0, now)
            for a in arrivals
        ]
    )
    known = dict(
        InboundItem.objects.filter(channel=channel, provider_id__in={a.provider_id[:255] for a in arrivals})
        .exclude(status=Status.DUPLICATE)
        .values_list("provider_id", "pk")
    )
    pks: list[int] = []
    again: list[tuple[object, ...]] = []
    for a in arrivals:
        name = a.provider_id[:255]
        if name in new:
            pks.append(new.pop(name))
        else:
            row = (channel.pk, name, _hash(a.raw), None, len(a.raw), now, Status.DUPLICATE, "", "", "", known[name], "", 0, now)
            pks.append(0)
            again.append(row)
    more = iter(_insert_duplicates(again))
    pks = [pk or next(more) for pk in pks]
    items = InboundItem.objects.in_bulk(pks)
    for item in items.values():
        item.channel = channel
    return [items[pk] for pk in pks]


_INSERT = """
    INSERT INTO channels_inbounditem (channel_id, provider_id, content_hash, raw, size, received_at, status, reason, sender, subject,
                                      duplicate_of_id, filed_as, attempts, due_at)
    VALUES %s
"""


def _insert(rows: list[tuple[object, ...]]) -> dict[str, int]:
    """The new ones among these, by provider id. One that another transaction is just storing is waited for."""
    known = "ON CONFLICT (channel_id, provider_id) WHERE NOT status = 'duplicate' DO NOTHING RETURNING provider_id, id"
    with connection.cursor() as cursor, connection.wrap_database_errors:
        return dict(execute_values(cursor.cursor, f"{_INSERT} {known}", rows, page_size=len(rows), fetch=True))


def _insert_duplicates(rows: list[tuple[object, ...]]) -> list[int]:
    if not rows:
        return []
    with connection.cursor() as cursor, connection.wrap_database_errors:
        return [pk for (pk,) in execute_values(cursor.cursor, f"{_INSERT} RETURNING id", rows, page_size=len(rows), fetch=True)]


def _hash(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def take_in(channel: Channel, raw: bytes, provider_id: str) -> InboundItem:
    """Store one item, commit, then file it at once: what a hook does. A duplicate comes back as what the first one became."""
    item = store_raw(channel, raw, provider_id)
    if item.status == Status.DUPLICATE:
        return item
    for claimed in _claim(pk=item.pk):
        process_item(claimed)
    item.refresh_from_db()
    return item


def process_due(channel: Channel | None = None, limit: int = 2000) -> int:
    """Go on with everything that is received and not filed yet; returns how many items were looked at."""
    done = 0
    while done < limit:
        claimed = _claim(channel=channel)
        if not claimed:
            break
        for item in claimed:
            process_item(item)
        done += len(claimed)
    return done


def _claim(*, pk: int | None = None, channel: Channel | None = None) -> list[InboundItem]:
    """Items to work on now, each attempt counted before it begins: one that ends a worker (memory, a fault in a library) is
    found out by its number. Those that were tried before are claimed one by one, so that it takes no others with it."""
    with transaction.atomic():
        due = InboundItem.objects.filter(status=Status.RECEIVED, due_at__lte=timezone.now()).order_by("due_at", "pk")
        if pk is not None:
            due = due.filter(pk=pk)
        if channel is not None:
            due = due.filter(channel=channel)
        locked = due.select_for_update(skip_locked=True, of=("self",)).select_related("channel__program")
        claimed = list(locked.filter(attempts=0)[:AT_ONCE]) or list(locked[:1])
        InboundItem.objects.filter(pk__in=[item.pk for item in claimed]).update(
            attempts=F("attempts") + 1, due_at=timezone.now() + timedelta(minutes=2)
        )
    for item in claimed:
        item.attempts += 1
    return claimed


def process_item(item: InboundItem) -> None:
    """Parse and file one claimed item, all of it or nothing."""
    with transaction.atomic():
        still = InboundItem.objects.select_for_update(skip_locked=True).filter(pk=item.pk, status=Status.RECEIVED)
        if not still.exists():
            return
        try:
            if item.attempts > MOST_ATTEMPTS:
                raise Quarantine(_("The system gave up on it: each of %(n)d attempts ended early.") % {"n": MOST_ATTEMPTS})
            with transaction.atomic():
                parsed = _parse(item)
                item.filed_as = parsed if isinstance(parsed, str) else file_parsed(item, parsed)
                item.status = Status.FILED
        except Quarantine as reason:
            _quarantine(item, reason.message)
        except (OperationalError, OSError, NotNow) as error:  # locks, the disk, the provider: it may go better later
            if connection.connection is None or connection.connection.closed:
                raise
            _log.warning("inbound item %s waits: %s", item.pk, error)
            item.due_at = timezone.now() + timedelta(seconds=10 * 4**item.attempts)
            if item.attempts >= MOST_ATTEMPTS:
                _quarantine(item, _("It could not be filed: %(error)s") % {"error": _told(error)})
        except Exception as error:
            _log.exception("inbound item %s is quarantined", item.pk)
            _quarantine(item, _("It could not be read: %(error)s") % {"error": _told(error)})
        item.save(update_fields=["status", "reason", "sender", "subject", "filed_as", "due_at"])


def _parse(item: InboundItem) -> Parsed | str:
    """What the item says; who wrote what is noted on it for those who look at what is quarantined."""
    parser = _parsers.get(item.channel.kind)
    if parser is None:
        raise Quarantine(_("Nothing here reads what comes through this kind of channel."))
    parsed = parser(item)
    if isinstance(parsed, Parsed):
        item.subject = item.subject or parsed.subject[:500]
    return parsed


def _quarantine(item: InboundItem, reason: str) -> None:
    item.status, item.filed_as = Status.QUARANTINED, ""
    item.reason = reason.replace("\x00", "")[:2000] or _("Nobody knows why.")
    record(
        INBOUND_QUARANTINED, item, item.channel, data={"channel": item.channel.name, "sender": item.sender}, reason=item.reason
    )


def _told(error: BaseException) -> str:
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
