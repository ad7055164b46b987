"""Reads that cross tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Count

from channels.models import Channel, InboundItem


@dataclass(frozen=True)
class Reconciliation:
    """What came in through a channel, and what became of it. `waiting` is stored and not yet worked on."""

    filed: int = 0
    duplicate: int = 0
    quarantined: int = 0
    waiting: int = 0

    @property
    def received(self) -> int:
        return self.filed + self.duplicate + self.quarantined


def reconcile(channel: Channel) -> Reconciliation:
    return reconcile_many([channel])[channel.pk]


def reconcile_many(channels: Iterable[Channel]) -> dict[int, Reconciliation]:
    """By channel, with one statement."""
    pks = [channel.pk for channel in channels]
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    rows = InboundItem.objects.filter(channel__in=pks).order_by().values_list("channel", "status").annotate(number=Count("pk"))
    for pk, status, number in rows:
        counts[pk]["waiting" if status == InboundItem.Status.RECEIVED else status] = number
    return {pk: Reconciliation(**counts[pk]) for pk in pks}


def open_doors(programs: Collection[int]) -> dict[int, set[str]]:
    """The kinds of channels that are not closed, by program: for the roster (`team.doors`)."""
    found: dict[int, set[str]] = defaultdict(set)
    rows = Channel.objects.filter(program__in=programs).exclude(status=Channel.Status.CLOSED)
    for program, kind in rows.order_by().values_list("program", "kind").distinct():
        found[program].add(kind)
    return found
