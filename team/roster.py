"""Who is there when: shifts, their changes and absences laid over each other. Pure: `team.queries.load_roster` fills it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from core.ids import encode_id
from team.shifts import Span, both, merged, without


@dataclass(frozen=True)
class Turn:
    """One occurrence of a shift, as it takes place: `person` is whoever has it now, `planned` whose shift it is."""

    shift: int
    day: date
    start: datetime
    end: datetime
    duty: str
    person: int
    planned: int
    program: int | None = None  # None: all
    channel: str = ""  # "": all
    cancelled: bool = False
    change: int | None = None  # the change in force

    @property
    def public_id(self) -> str:
        """Of the shift."""
        return encode_id("shf", self.shift)


@dataclass(frozen=True)
class Ask:
    """What has to be staffed: a duty, in these programs (each of them), through these doors (each of them), in this time."""

    duty: str
    programs: Sequence[int]
    doors: Sequence[str]
    spans: Sequence[Span]
    closed: frozenset[tuple[int, str]] = frozenset()  # doors that a program does not have: nobody is missed there


@dataclass(frozen=True)
class Gap:
    """A time in which nobody is there for some of what is asked."""

    start: datetime
    end: datetime
    programs: frozenset[int]
    doors: frozenset[str]


@dataclass
class Roster:
    """The time from `start` up to `end`. `answering`: in which programs each person may answer (None: in every one); who is
    not in it counts for nothing."""

    start: datetime
    end: datetime
    turns: list[Turn]
    away: Mapping[int, Sequence[Span]] = field(default_factory=dict)
    answering: Mapping[int, frozenset[int] | None] = field(default_factory=dict)
    deputies: Sequence[tuple[Span, int, int]] = ()  # of absences that have one: when, whose, who
    planned: bool = True  # whether the company plans shifts at all

    def is_away(self, person: int, at: datetime) -> bool:
        return any(start <= at < end for start, end in self.away.get(person, ()))

    def may_answer(self, person: int, program: int) -> bool:
        programs = self.answering.get(person, frozenset())
        return programs is None or program in programs

    def presence(self, turn: Turn) -> list[Span]:
        """The turn's time in which its person is really there."""
        if turn.cancelled or turn.person not in self.answering:
            return []
        return without([(turn.start, turn.end)], self.away.get(turn.person, ()))

    def fits(self, turn: Turn, duty: str = "", program: int | None = None, channel: str = "") -> bool:
        if (duty and turn.duty != duty) or (channel and turn.channel not in ("", channel)):
            return False
        if program is None:
            return True
        return turn.program in (None, program) and self.may_answer(turn.person, program)

    def there(self, duty: str = "", program: int | None = None, channel: str = "") -> Iterator[tuple[datetime, datetime, Turn]]:
        """When somebody is there for it."""
        for turn in self.turns:
            if self.fits(turn, duty, program, channel):
                yield from ((start, end, turn) for start, end in self.presence(turn))

    def on_duty(self, at: datetime, duty: str = "", program: int | None = None, channel: str = "") -> list[int]:
        """The people who are there at this instant, each once."""
        return list(dict.fromkeys(t.person for start, end, t in self.there(duty, program, channel) if start <= at < end))

    def next_on_duty(
        self, at: datetime, duty: str = "", program: int | None = None, channel: str = ""
    ) -> tuple[datetime, int] | None:
        """The instant from which on somebody is there, now included, and who. None: nobody in the time of this roster."""
        coming = [(max(start, at), t.person) for start, end, t in self.there(duty, program, channel) if end > at]
        return min(coming, default=None)

    def until(self, person: int, at: datetime) -> datetime | None:
        """When the person's time ends that runs now, shifts that follow each other taken as one. None: not there now."""
        spans = merged((start, end) for start, end, turn in self.there() if turn.person == person)
        return next((end for start, end in spans if start <= at < end), None)

    def gaps(self, ask: Ask) -> list[Gap]:
        """Where some program or door that is asked for has nobody: in order, each as long as the same things are missing."""
        missing: list[tuple[Span, int, str]] = []
        for program in ask.programs:
            for door in ask.doors:
                if (program, door) in ask.closed:
                    continue
                present = [(start, end) for start, end, _turn in self.there(ask.duty, program, door)]
                missing += [(span, program, door) for span in without(ask.spans, present)]
        return list(_stretches(missing))


def _stretches(missing: Sequence[tuple[Span, int, str]]) -> Iterator[Gap]:
    edges = sorted({edge for span, _program, _door in missing for edge in span})
    last: Gap | None = None
    for start, end in zip(edges, edges[1:], strict=False):
        here = [(program, door) for (a, b), program, door in missing if a <= start and b >= end]
        if not here:
            continue
        gap = Gap(start, end, frozenset(p for p, _ in here), frozenset(d for _, d in here))
        if last and last.end == gap.start and (last.programs, last.doors) == (gap.programs, gap.doors):
            last = Gap(last.start, gap.end, gap.programs, gap.doors)
            continue
        if last:
            yield last
        last = gap
    if last:
        yield last


def length(spans: Iterable[Span]) -> float:
    """Hours, each counted once."""
    return sum((end - start).total_seconds() for start, end in merged(spans)) / 3600


def hours_of(gaps: Iterable[Gap], asked: Sequence[Span], hours: Iterable[Span]) -> Iterator[str]:
    """Of each hour: "none" (somebody is missing for all of what is asked in it), "part", "staffed", or "" (nothing is asked)."""
    missing = [(gap.start, gap.end) for gap in gaps]
    for hour in hours:
        wanted = length(both([hour], asked))
        lacking = length(both([hour], missing))
        yield "" if not wanted else "staffed" if not lacking else "none" if lacking >= wanted else "part"
