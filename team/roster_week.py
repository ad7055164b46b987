"""A week of the roster as its page draws it: people by days, in the reader's zone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from accounts.models import User
from team.models import Duty
from team.roster import Roster, Turn
from team.shifts import DAY, Span

TONES = {Duty.SUPPORT: "ready", Duty.MANAGER: "decided", Duty.ENGINEER: "held", Duty.TRAFFIC: "waiting"}
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Block:
    """One turn in a cell: when, by the reader's clock."""

    turn: Turn
    start: datetime
    end: datetime
    program: str
    swapped_for: str  # whose shift it is, where somebody else has it
    away: bool  # the person is not there for some of it

    @property
    def tone(self) -> str:
        return TONES[Duty(self.turn.duty)]

    @property
    def duty(self) -> str:
        return str(Duty(self.turn.duty).label)

    @property
    def over_night(self) -> bool:
        return self.end.date() > self.start.date() and self.end.time() != time()


@dataclass
class Cell:
    day: date
    blocks: list[Block] = field(default_factory=list)
    away: bool = False


@dataclass
class Line:
    person: User
    cells: list[Cell]


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def span_of_days(first: date, days: int, zone: ZoneInfo) -> Span:
    """From the midnight before the first day, there, for so many days."""
    begin, end = (datetime.combine(first + timedelta(days=n), time(), tzinfo=zone).astimezone(UTC) for n in (0, days))
    return begin, end


def week_lines(roster: Roster, people: Sequence[User], programs: Mapping[int, str], first: date, zone: ZoneInfo) -> list[Line]:
    """One line for each of these people. A turn stands on the day on which it starts; one that began before the week, on its
    first day."""
    names = {person.pk: str(person) for person in people}
    lines = {
        person.pk: Line(person, [Cell(first + timedelta(days=n), away=_away(roster, person, first, n, zone)) for n in range(7)])
        for person in people
    }
    for turn in roster.turns:
        if turn.cancelled or turn.person not in lines:
            continue
        start, end = turn.start.astimezone(zone), turn.end.astimezone(zone)
        column = max((start.date() - first).days, 0)
        if column < 7:
            block = Block(
                turn,
                start,
                end,
                programs.get(turn.program or 0, ""),
                names.get(turn.planned, "") if turn.planned != turn.person else "",
                roster.presence(turn) != [(turn.start, turn.end)],
            )
            lines[turn.person].cells[column].blocks.append(block)
    return list(lines.values())


def _away(roster: Roster, person: User, first: date, number: int, zone: ZoneInfo) -> bool:
    start, end = span_of_days(first + timedelta(days=number), 1, zone)
    return any(a < end and b > start for a, b in roster.away.get(person.pk, ()))


def hours_of_day(day: date, zone: ZoneInfo) -> Iterator[Span]:
    """The hours of one local day: 23 or 25 of them where the clocks change."""
    start, end = span_of_days(day, 1, zone)
    while start < end:
        yield start, min(start + HOUR, end)
        start += HOUR


def days_from(first: date, number: int) -> list[date]:
    return [first + each * DAY for each in range(number)]
