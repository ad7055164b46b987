"""Facts: recorded in the transaction that makes them true, delivered after commit at least once.

A higher app listens with `@receiver("commission.approved")` in its `receivers.py` (imported by its `apps.py`). Receivers take
the event and are idempotent: an event may reach them twice, late, or after a later one.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone

from core.models import Event, EventDelivery
from core.rows import insert_rows, savepoints

Receiver = Callable[[Event], None]
COLUMNS = ["name", "at", "by_id", "about", "data", "reason"]
_receivers: dict[str, list[str]] = {}
_functions: dict[str, Receiver] = {}

GIVE_UP_AFTER = 12  # attempts; the last wait is about 17 hours. What is stuck is shown, and can be tried again by a person.


@dataclass(frozen=True)
class Fact:
    """One event to record: its name, the objects on whose timelines it stands, and what tells it."""

    name: str
    about: Sequence[Any]
    data: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    at: datetime | None = None


def ref(thing: Any) -> str:
    """How the timeline names an object: "commission:17"."""
    if isinstance(thing, str):
        return thing
    return f"{thing._meta.model_name}:{thing.pk}"


def receiver(*names: str) -> Callable[[Receiver], Receiver]:
    def register(function: Receiver) -> Receiver:
        dotted = f"{function.__module__}.{function.__qualname__}"
        _functions[dotted] = function
        for name in names:
            if dotted not in _receivers.setdefault(name, []):
                _receivers[name].append(dotted)
        return function

    return register


def record(
    name: str, *about: Any, by: Any = None, data: dict[str, Any] | None = None, reason: str = "", at: datetime | None = None
) -> None:
    """Record one fact about these objects, in the caller's transaction."""
    record_many([Fact(name, about, data or {}, reason, at)], by=by)


def record_many(facts: Iterable[Fact], *, by: Any = None) -> None:
    """Record facts as one set, in the caller's transaction; their deliveries start once it commits."""
    if not connection.in_atomic_block:
        raise RuntimeError("an event is recorded in the transaction that makes it true")
    now = timezone.now()
    actor = by.pk if by is not None else None
    rows = [(f.name, f.at or now, actor, [ref(thing) for thing in f.about if thing is not None], f.data, f.reason) for f in facts]
    together = _together.get()
    # What is recorded within a savepoint of its own is undone with that alone, and written there.
    if together is not None and together.depth == savepoints():
        together.rows += rows
    else:
        _insert(rows)


@dataclass
class _Together:
    depth: int
    rows: list[tuple[Any, ...]] = field(default_factory=list)


_together: ContextVar[_Together | None] = ContextVar("recorded_together", default=None)


@contextmanager
def recorded_together() -> Iterator[None]:
    """In one transaction: what is recorded meanwhile is written at the end, as one set."""
    together = _Together(savepoints())
    token = _together.set(together)
    try:
        yield
    finally:
        _together.reset(token)
    _insert(together.rows)


def _insert(rows: list[tuple[Any, ...]]) -> None:
    now = timezone.now()
    awaited = [row for row in rows if row[0] in _receivers]
    plain = [row for row in rows if row[0] not in _receivers]
    insert_rows("core_event", COLUMNS, plain)
    events = insert_rows("core_event", COLUMNS, awaited, returning=["id", "name"])
    if events:
        insert_rows(
            "core_eventdelivery",
            ["event_id", "receiver", "attempts", "due_at", "error"],
            [(event, dotted, 0, now, "") for event, name in events for dotted in _receivers[name]],
        )
        _deliver_after_commit()


def _deliver_after_commit() -> None:
    from core.tasks import deliver_due_events, send_soon

    transaction.on_commit(lambda: send_soon(deliver_due_events), robust=True)


def deliver_due(limit: int = 500) -> int:
    """Deliver what is due, each in a transaction of its own together with its mark; returns how many were delivered.

    A receiver that fails is tried again later with growing waits; it holds up no other. Workers pass over what another one
    has in hand.
    """
    delivered = 0
    for _ in range(limit):
        with transaction.atomic():
            delivery = (
                EventDelivery.objects.select_for_update(skip_locked=True, of=("self",))
                .select_related("event")
                .filter(delivered_at__isnull=True, due_at__lte=timezone.now())
                .order_by("due_at", "pk")
                .first()
            )
            if delivery is None:
                return delivered
            try:
                with transaction.atomic():
                    _functions[delivery.receiver](delivery.event)
            except Exception:
                delivery.attempts += 1
                delivery.error = traceback.format_exc()[-4000:]
                delivery.due_at = timezone.now() + timedelta(
                    seconds=15 * 2**delivery.attempts, days=0 if delivery.attempts < GIVE_UP_AFTER else 36500
                )
            else:
                delivery.delivered_at, delivery.error = timezone.now(), ""
                delivered += 1
            delivery.save()
    return delivered


def stuck_deliveries() -> models.QuerySet[EventDelivery]:
    """What failed at least three times and is still not delivered: shown on the managers' home and in the admin."""
    return EventDelivery.objects.filter(delivered_at__isnull=True, attempts__gte=3).select_related("event").order_by("due_at")


def retry_deliveries(deliveries: models.QuerySet[EventDelivery]) -> int:
    """A person asks for another try, now."""
    return deliveries.filter(delivered_at__isnull=True).update(due_at=timezone.now(), attempts=0)
