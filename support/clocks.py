"""The clocks over one request, from its whole history. Pure: the same history, targets and hours give the same clocks.

Four clocks. All start with the first message that a person on the affiliate's side wrote (the *first word*):

- first reply: until the first message that a person of the team sent (no automatic word, no note);
- answer: until the first such message that is a professional answer;
- next reply: one clock for each time that the affiliate writes again after a reply, until the next reply;
- resolution: until the request is resolved; after a reopening it goes on with what was used before.

Time is used while it is our turn (new or open) and the calendar is open: not while waiting for the affiliate, not on hold,
not once resolved. A clock is due at the first instant at which its target is used up, and missed as soon as that is past.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from team.hours import OpeningHours, add_open_time, open_between

RUNNING = frozenset({"new", "open"})
RESOLVED = "resolved"
Stretch = tuple[datetime, datetime | None]  # None: it goes on


class Sent(StrEnum):
    """Who spoke; what else a history may hold (notes, automatic words either way) moves no clock and is left out."""

    IN = "in"
    REPLY = "reply"
    ANSWER = "answer"  # a reply that is a professional answer


class State(StrEnum):
    NONE = "none"  # not started, not asked for, or stopped by the resolution without being met
    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    MISSED = "missed"


@dataclass(frozen=True)
class Spoke:
    at: datetime
    sent: Sent


@dataclass(frozen=True)
class Changed:
    at: datetime
    status: str


@dataclass(frozen=True)
class Targets:
    """How much open time each clock has; None: nothing is due, the time is only measured."""

    first_reply: timedelta | None = None
    answer: timedelta | None = None
    next_reply: timedelta | None = None
    resolution: timedelta | None = None


@dataclass(frozen=True)
class History:
    """`tracks`: the statuses of the request, and of those merged into it, each in order and beginning when that one began. It is
    our turn while it is our turn in any of them. `asked_at`: since when there is something to decide; it has its time although the
    affiliate has written nothing, as where they told it on the phone."""

    messages: Sequence[Spoke]
    tracks: Sequence[Sequence[Changed]]
    asked_at: datetime | None = None


@dataclass(frozen=True)
class Clock:
    """`due_at`: when the target was, is or will be used up; None while paused before that, or never to be. `done_at`: when what
    was asked for happened. `warn_at`: when the given share of the target is used, of a running clock."""

    state: State
    target: timedelta | None = None
    started_at: datetime | None = None
    due_at: datetime | None = None
    done_at: datetime | None = None
    warn_at: datetime | None = None
    used: timedelta = timedelta()
    is_running: bool = False  # it is our turn and what it asks for has not come yet: it may be missed already

    @property
    def is_missed(self) -> bool:
        return self.state == State.MISSED

    @property
    def running_due(self) -> datetime | None:
        """The due time that the queue sorts by."""
        return self.due_at if self.is_running else None


NO_CLOCK = Clock(State.NONE)


@dataclass(frozen=True)
class Clocks:
    first_reply: Clock = NO_CLOCK
    answer: Clock = NO_CLOCK
    next_replies: list[Clock] = field(default_factory=list)  # one a time that the affiliate wrote again, in order
    resolution: Clock = NO_CLOCK

    @property
    def next_reply(self) -> Clock:
        return self.next_replies[-1] if self.next_replies else NO_CLOCK

    def all(self) -> list[Clock]:
        return [self.first_reply, self.answer, *self.next_replies, self.resolution]


def read_clocks(
    history: History, targets: Targets, calendar: OpeningHours | None, now: datetime, *, warn_percent: int = 60
) -> Clocks:
    """Every clock as it stands `now`; what happens later is not looked at."""
    messages = sorted((m for m in history.messages if m.at <= now), key=lambda m: m.at)
    first_word = next((position for position, m in enumerate(messages) if m.sent == Sent.IN), None)
    asked_at = history.asked_at if first_word != 0 else None
    spoken = messages[first_word:] if first_word is not None else []
    start = spoken[0].at if spoken else asked_at
    if start is None:
        return Clocks()
    tracks = [begun for track in history.tracks if (begun := [c for c in track if c.at <= now])]
    turns = _union(stretch for track in tracks for stretch in _stretches(track, lambda status: status in RUNNING))
    resolved_at = _resolved_at(tracks)

    def clock(target: timedelta | None, since: datetime, done_at: datetime | None) -> Clock:
        return _read(target, since, done_at, turns, calendar, now, warn_percent, stopped=resolved_at is not None)

    began = asked_at or start
    resolution = clock(targets.resolution, began, max(resolved_at, began) if resolved_at else None)
    if not spoken:
        return Clocks(resolution=resolution)
    return Clocks(
        first_reply=clock(targets.first_reply, start, _first(spoken, {Sent.REPLY, Sent.ANSWER})),
        answer=clock(targets.answer, start, _first(spoken, {Sent.ANSWER})),
        next_replies=[clock(targets.next_reply, since, done) for since, done in _waits(spoken)],
        resolution=resolution,
    )


def _first(messages: Iterable[Spoke], sent: set[Sent]) -> datetime | None:
    return next((m.at for m in messages if m.sent in sent), None)


def _waits(spoken: Sequence[Spoke]) -> list[tuple[datetime, datetime | None]]:
    """From each first unanswered message after a reply to the reply that answers it."""
    waits: list[tuple[datetime, datetime | None]] = []
    replied, waiting = False, None
    for message in spoken:
        if message.sent == Sent.IN:
            if replied and waiting is None:
                waiting = message.at
        else:
            if waiting is not None:
                waits.append((waiting, message.at))
            replied, waiting = True, None
    return [*waits, (waiting, None)] if waiting is not None else waits


def _resolved_at(tracks: Sequence[Sequence[Changed]]) -> datetime | None:
    """Since when all of it has been resolved; None where it is not."""
    if not tracks:
        return None
    ends = [end for track in tracks for _since, end in _stretches(track, lambda status: status != RESOLVED)]
    if None in ends:
        return None
    return max((end for end in ends if end is not None), default=min(track[0].at for track in tracks))


def _stretches(track: Sequence[Changed], fits: Callable[[str], bool]) -> Iterator[Stretch]:
    """When a track's status was one that fits; nothing that took no time."""
    ends = [*(change.at for change in track[1:]), None]
    for change, end in zip(track, ends, strict=True):
        if fits(change.status) and (end is None or end > change.at):
            yield change.at, end


def _union(stretches: Iterable[Stretch]) -> list[Stretch]:
    joined: list[Stretch] = []
    for since, until in sorted(stretches, key=lambda stretch: stretch[0]):
        last = joined[-1] if joined else None
        if last is not None and (last[1] is None or since <= last[1]):
            joined[-1] = (last[0], None if last[1] is None or until is None else max(last[1], until))
        else:
            joined.append((since, until))
    return joined


def _read(
    target: timedelta | None,
    since: datetime,
    done_at: datetime | None,
    turns: Sequence[Stretch],
    calendar: OpeningHours | None,
    now: datetime,
    warn_percent: int,
    *,
    stopped: bool,
) -> Clock:
    end = done_at or now
    used, due_at, warn_at, running = timedelta(), None, None, False
    for turn, turn_end in turns:
        lower = max(turn, since)
        upper = end if turn_end is None else min(turn_end, end)
        if lower > upper or (lower == upper and upper != end):
            continue
        # What is done in the very moment in which the turn passes (a reply that sets "pending") was done while it ran.
        running = turn_end is None or turn_end > end or (turn_end == end and done_at is not None)
        counted = open_between(calendar, lower, upper)
        if target is not None:
            if due_at is None and (used + counted >= target or running):
                due_at = add_open_time(calendar, lower, target - used)
            if running:
                warn_at = add_open_time(calendar, lower, target * warn_percent / 100 - used)
        used += counted
    missed = due_at is not None and due_at < end
    if target is None:
        state = State.NONE
    elif done_at is not None:
        state = State.MISSED if missed else State.MET
    elif missed:
        state = State.MISSED
    elif stopped:
        state = State.NONE
    else:
        state = State.RUNNING if running else State.PAUSED
    ticks = running and done_at is None
    return Clock(state, target, since, due_at, done_at, warn_at if ticks else None, used, ticks)
