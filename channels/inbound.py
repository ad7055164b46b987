"""What comes in: stored raw and committed first, then parsed and filed, each item by itself.

    received ──► filed | quarantined          duplicate: the same item once more, noticed when it is stored

Nothing that an item contains can stop another: it is parsed and filed in a savepoint, and what cannot be filed is quarantined with
its reason, for a person. What was cut off (a killed worker, a database that was away) is still "received", and the sweep goes on.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from django.db import OperationalError, connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg2.extras import execute_values

from channels.events import INBOUND_QUARANTINED
from channels.models import Channel, InboundItem
from channels.parsed import Parsed, Quarantine, file_parsed, filed_together
from channels.together import looked_up_together
from core.alone import alone
from core.events import record, recorded_together
from core.rows import update_rows
from core.tasks import send_soon

MOST_ATTEMPTS = 5
QUICK_TRIES = 4  # of what met another transaction, within one attempt
PASSING = frozenset({"40001", "40P01", "55P03"})  # serialization_failure, deadlock_detected, lock_not_available (PostgreSQL, A)
AT_ONCE = 100  # items claimed with one statement
BYTES_AT_ONCE = 32 * 2**20  # of their raw forms, or one item
# After which somebody else goes on with what was claimed: what a killed process had in hand waits no longer. It need not outlast the
# work: the row is locked while an item is filed, and filed once, whoever claimed it last.
LEASE = timedelta(seconds=5)

Status = InboundItem.Status
Parser = Callable[[InboundItem], Parsed | str]
_parsers: dict[str, Parser] = {}
_apart: dict[str, Callable[[Sequence[InboundItem]], set[int]]] = {}
_aheads: dict[str, Callable[[Sequence[InboundItem]], None]] = {}
_log = logging.getLogger(__name__)


def register_parser(
    kind: str,
    parser: Parser,
    apart: Callable[[Sequence[InboundItem]], set[int]] | None = None,
    ahead: Callable[[Sequence[InboundItem]], None] | None = None,
) -> None:
    """What reads the items of one kind of channel. It may write what an item leads to (contacts, chats), runs in the savepoint
    in which the item is filed, and raises Quarantine where a person has to decide. Of an item that is nobody's message (an
    account was connected, a button tapped) it returns the reference of what it became: nothing else files that. `apart` says
    which of these items are filed by themselves, as something outside has to be asked for them; `ahead` reads for a whole set
    at once what its items will ask for (channels.together)."""
    _parsers[kind] = parser
    if ahead is not None:
        _aheads[kind] = ahead
    if apart is not None:
        _apart[kind] = apart


class NotNow(Exception):
    """For parsers: something outside (a file on the provider's server) is away. The item waits and is tried again."""


@dataclass(frozen=True)
class Arrival:
    """One item on its way into the store; `provider_id` tells it from every other one of its channel."""

    provider_id: str
    raw: bytes


def store_raw(channel: Channel, raw: bytes, provider_id: str, *, claimed: bool = False) -> InboundItem:
    """Keep one item; a duplicate if the channel has it already. Commit before anything is made of it."""
    return store_many(channel, [Arrival(provider_id, raw)], claimed=claimed)[0]


@transaction.atomic
def store_many(channel: Channel, arrivals: Sequence[Arrival], *, claimed: bool = False) -> list[InboundItem]:
    """Keep these items, in their order, with one statement; the caller commits them together with how far it has read. `claimed`:
    the caller goes on with the new ones itself."""
    now = timezone.now()
    items = [_item(channel, arrival, now, claimed=claimed) for arrival in arrivals]
    new = _insert(list(map(_row, items)))
    again: list[InboundItem] = []
    for item in items:
        item.pk = new.pop(item.provider_id, None)
        if item.pk is None:
            again.append(item)
    if again:
        _store_duplicates(channel, again)
    return items


def _item(channel: Channel, arrival: Arrival, now: datetime, *, claimed: bool) -> InboundItem:
    return InboundItem(
        channel=channel,
        provider_id=arrival.provider_id[:255],
        content_hash=hashlib.sha256(arrival.raw).hexdigest(),
        raw=arrival.raw,
        size=len(arrival.raw),
        received_at=now,
        attempts=int(claimed),
        due_at=now + LEASE if claimed else now,
    )


def _store_duplicates(channel: Channel, items: list[InboundItem]) -> None:
    known = InboundItem.objects.filter(channel=channel, provider_id__in={item.provider_id for item in items})
    first = {item.provider_id: item for item in known.exclude(status=Status.DUPLICATE).defer("raw")}
    for item in items:
        item.status, item.duplicate_of, item.raw = Status.DUPLICATE, first[item.provider_id], None
        item.attempts, item.due_at = 0, item.received_at
    for item, pk in zip(items, _insert_duplicates(list(map(_row, items))), strict=True):
        item.pk = pk


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


def _row(item: InboundItem) -> tuple[object, ...]:
    return (
        item.channel_id, item.provider_id, item.content_hash, item.raw, item.size, item.received_at, item.status, item.reason,
        item.sender, item.subject, item.duplicate_of_id, item.filed_as, item.attempts, item.due_at,
    )  # fmt: skip


def take_in(channel: Channel, raw: bytes, provider_id: str) -> InboundItem:
    """Store one item, commit, then file it at once: what a hook does. A duplicate comes back as what the first one became."""
    item = store_raw(channel, raw, provider_id, claimed=True)
    if item.status != Status.DUPLICATE:
        process_item(item, told_at_once=True)
    return item


def take_in_by_turns(channel: Channel, raw: bytes, provider_id: str) -> InboundItem:
    """Store one item, commit, then file what has come through this channel: what a hook does whose caller need not hear what became of
    it. One files at a time, in sets; whoever comes meanwhile only stores."""
    from channels.tasks import file_received

    item = store_raw(channel, raw, provider_id)
    if item.status == Status.DUPLICATE:
        return item
    done, left = 0, list[int]()
    for size, singly in _file_by_turns(channel, limit=AT_ONCE):
        done += size
        for own in [each for each in singly if each.pk == item.pk]:
            # What is left though it would not be alone follows one of them in its chat.
            if own is singly[0] or _alone([own]):
                process_item(own)
                singly.remove(own)
        left = [each.pk for each in singly]
        if left:  # what has come since may be of their chats
            break
    # Of others' items nothing outside is asked while Telegram waits for our answer, nor does it wait for more than one full set. What
    # is left keeps its place before all that came later.
    if left:
        released = {"attempts": F("attempts") - 1, "due_at": F("received_at")}
        InboundItem.objects.filter(pk__in=left, status=Status.RECEIVED).update(**released)
    if left or done >= AT_ONCE:
        send_soon(file_received)
    item.refresh_from_db(fields=["status", "filed_as", "reason"])
    return item


def process_due(channel: Channel | None = None, limit: int = 2000) -> int:
    """Go on with everything that is received and not filed yet; returns how many items were looked at."""
    if channel is None:
        waiting = Channel.objects.filter(pk__in=_due(None).values("channel"))
        return sum(process_due(each, limit) for each in waiting)
    done = 0
    for size, singly in _file_by_turns(channel, limit):
        for item in singly:
            process_item(item)
        done += size
    return done


def _due(channel: Channel | None) -> QuerySet[InboundItem]:
    due = InboundItem.objects.filter(status=Status.RECEIVED, due_at__lte=timezone.now())
    return due if channel is None else due.filter(channel=channel)


def _claim(channel: Channel) -> list[InboundItem]:
    """Items to work on now, each attempt counted before it begins: one that ends a worker (memory, a fault in a library) is
    found out by its number. Those that were tried before are claimed one by one, so that it takes no others with it."""
    with transaction.atomic():
        locked = _due(channel).order_by("due_at", "pk").select_for_update(skip_locked=True).values_list("pk", "size")
        sizes = list(locked.filter(attempts=0)[:AT_ONCE]) or list(locked[:1])
        room = accumulate(size for _pk, size in sizes)
        pks = [pk for (pk, _size), sum_of in zip(sizes, room, strict=True) if sum_of <= BYTES_AT_ONCE] or [
            pk for pk, _size in sizes[:1]
        ]
        claimed = InboundItem.objects.filter(pk__in=pks)
        claimed.update(attempts=F("attempts") + 1, due_at=timezone.now() + LEASE)
    return list(claimed.select_related("channel__program").order_by("pk"))


def _file_by_turns(channel: Channel, limit: int) -> Iterator[tuple[int, list[InboundItem]]]:
    """File what is due in sets, about so many; yields of each how many it had, and those that are to be filed one by one. One does this
    at a time, so that sets never wait for each other's chats: whoever finds the place taken leaves, and whoever has it looks once
    more after giving it free."""
    done, in_vain = 0, False
    while done < limit:
        with alone("filing", channel.pk) as ours:
            if not ours:
                return
            claimed = _claim(channel)
            left = _file_together(claimed)
        done += len(claimed)
        yield len(claimed), left
        if (in_vain and not claimed) or not _due(channel).exists():
            return
        in_vain = not claimed  # what is due is in somebody's hands, if it is so once more


def _file_together(items: list[InboundItem]) -> list[InboundItem]:
    """As one set, which is many times quicker; where anything in it fails, none of it is done. Returns what is left, for each to be
    filed by itself."""
    apart = _alone(items)
    quick = [item for item in items if item.attempts == 1 and item.pk not in apart]
    filed: set[int] = set()
    if quick and len(items) > 1:
        try:
            filed = _process_set(quick)
        except Exception as error:  # each is told apart
            _log.info("a set of %d is filed one by one: %s", len(quick), error)
    left = [item for item in items if item.pk not in filed]
    for item in left:
        item.status, item.filed_as, item.reason = Status.RECEIVED, "", ""
    return left


def _alone(items: list[InboundItem]) -> set[int]:
    """Those of the set that are filed by themselves."""
    return {pk for kind, those_of in _apart.items() for pk in those_of([item for item in items if item.channel.kind == kind])}


def _process_set(items: list[InboundItem]) -> set[int]:
    """These or none, in their order and in one transaction; returns which were filed, the others are somebody's to decide about. It
    waits for nobody long: whoever else would have to wait for it in turn is never made to fail (deadlock_timeout is a second)."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO off; SET LOCAL lock_timeout TO '300ms'")
        pks = [item.pk for item in items]
        ours = InboundItem.objects.select_for_update(skip_locked=True).filter(pk__in=pks, status=Status.RECEIVED)
        ours_now = set(ours.values_list("pk", flat=True))
        with recorded_together(), looked_up_together():
            parsed = _parse_set([item for item in items if item.pk in ours_now])
            said = [(item, what) for item, what in parsed if isinstance(what, Parsed)]
            filed: list[InboundItem] = []
            with filed_together(said):
                for item, what in parsed:
                    with suppress(Quarantine):
                        item.filed_as = what if isinstance(what, str) else file_parsed(item, what)
                        filed.append(item)
        update_rows(
            InboundItem._meta.db_table,
            {"status": "text", "sender": "text", "subject": "text", "filed_as": "text"},
            [(item.pk, Status.FILED, item.sender, item.subject, item.filed_as) for item in filed],
        )
    return {item.pk for item in filed}


def _parse_set(items: list[InboundItem]) -> list[tuple[InboundItem, Parsed | str]]:
    """In their order, without those that a person has to decide about: they are told so one by one."""
    for kind, ahead in _aheads.items():
        if of_kind := [item for item in items if item.channel.kind == kind]:
            ahead(of_kind)
    parsed: list[tuple[InboundItem, Parsed | str]] = []
    for item in items:
        with suppress(Quarantine):
            parsed.append((item, _parse(item)))
    return parsed


def process_item(item: InboundItem, *, told_at_once: bool = False) -> None:
    """Parse and file one claimed item, all of it or nothing; what another one has in hand or has filed is left alone, and
    `told_at_once` waited for, so that the item says what became of it. Where nobody is told of it at once, the commit waits for
    no disk: should the database fall before it is there, the item still stands as received and is filed again; whatever goes out
    by then was committed later and waits for its own commit, and with it for this one."""
    with transaction.atomic():
        if not told_at_once:
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit TO off")
        locked = InboundItem.objects.select_for_update(skip_locked=not told_at_once, of=("self",)).filter(pk=item.pk)
        if locked.values_list("status", flat=True).first() != Status.RECEIVED:
            if told_at_once:
                item.refresh_from_db(fields=["status", "filed_as", "reason"])
            return
        try:
            if item.attempts > MOST_ATTEMPTS:
                raise Quarantine(_("The system gave up on it: each of %(n)d attempts ended early.") % {"n": MOST_ATTEMPTS})
            _file(item)
        except Quarantine as reason:
            _quarantine(item, reason.message)
        except (OperationalError, OSError, NotNow) as error:  # the database's room, the disk, the provider: later, perhaps
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


def _file(item: InboundItem) -> None:
    """In a savepoint; where somebody else came between, which is over once it is rolled back, at once again."""
    for left in range(QUICK_TRIES - 1, -1, -1):
        try:
            with transaction.atomic():
                parsed = _parse(item)
                item.filed_as = parsed if isinstance(parsed, str) else file_parsed(item, parsed)
            break
        except OperationalError as error:
            if not left or getattr(error.__cause__, "pgcode", None) not in PASSING:
                raise
            _log.info("inbound item %s is tried again at once: %s", item.pk, error)
    item.status = Status.FILED


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
