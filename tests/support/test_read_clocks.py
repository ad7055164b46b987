"""Every clock against a minute-by-minute oracle: slow, naive, and written without a look at how the clocks are computed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.clocks import Changed, History, Sent, Spoke, State, Targets, read_clocks
from team.models import Calendar

MINUTE = timedelta(minutes=1)
AHEAD = 1440  # minutes that the oracle looks beyond now for a due time
HOLIDAYS = {country: holidays.country_holidays(country, years=range(2011, 2028)) for country in ("DE", "US")}
# Days around which the clocks change (each way, at midnight, by half an hour), and holidays
BEGINNINGS = [
    ("UTC", date(2026, 3, 2)),
    ("Europe/Berlin", date(2026, 3, 28)),
    ("Europe/Berlin", date(2026, 10, 24)),
    ("Europe/Berlin", date(2026, 12, 24)),
    ("America/New_York", date(2026, 10, 31)),
    ("America/Havana", date(2026, 3, 7)),
    ("America/Sao_Paulo", date(2018, 2, 16)),
    ("Australia/Lord_Howe", date(2026, 4, 4)),
    ("Asia/Kathmandu", date(2026, 5, 1)),
    ("Pacific/Apia", date(2011, 12, 28)),
]


@dataclass
class Told:
    state: State
    used: int
    due: int | None  # minutes since the beginning
    done: int | None


class Oracle:
    """Looks at each minute by itself: whose turn is it, does the wall clock show an open hour, is the clock asked for."""

    def __init__(self, start, now, messages, tracks, calendar):
        self.start, self.now, self.messages, self.tracks, self.calendar = start, now, messages, tracks, calendar
        self.open = [self.is_open(start + minute * MINUTE) for minute in range(now + AHEAD)]
        self.statuses = [[self.status(track, minute) for track in tracks] for minute in range(now + 1)]

    def is_open(self, instant):
        if self.calendar is None:
            return True
        opening = self.calendar
        wall = instant.astimezone(ZoneInfo(self.calendar.time_zone))
        if wall.date() in opening.closed_days:
            return False
        if (
            opening.holidays_country
            and wall.date() not in opening.open_days
            and wall.date() in HOLIDAYS[opening.holidays_country]
        ):
            return False
        shown = wall.hour * 60 + wall.minute
        return any(opens <= shown < closes for opens, closes in opening.weekly_hours[wall.weekday()])

    def status(self, track, minute):
        status = None
        for at, value in track:
            if at <= minute:
                status = value
        return status

    def ours(self, minute):
        return any(status in ("new", "open") for status in self.statuses[minute])

    def resolved(self, minute):
        begun = self.statuses[minute]
        return all(status in ("resolved", None) for status in begun) and any(begun)

    def clock(self, target, started, done):
        used, due = 0, None
        end = self.now if done is None else done
        for minute in range(started, end):
            if self.ours(minute) and self.open[minute]:
                used += 1
                if used == target and due is None:
                    due = minute + 1
        if due is not None and due < end:
            return Told(State.MISSED, used, due, done)
        if done is not None:
            return Told(State.MET, used, None, done)
        if self.resolved(self.now):
            return Told(State.NONE, used, None, None)
        if not self.ours(self.now):
            return Told(State.PAUSED, used, due, None)
        ahead, minute = used, self.now
        while due is None and minute < len(self.open):
            ahead += self.open[minute]
            minute += 1
            if ahead == target:
                due = minute
        return Told(State.RUNNING, used, due, None)

    def told(self, targets):
        past = [(at, sent) for at, sent in self.messages if at <= self.now]
        first_in = [position for position, (_at, sent) in enumerate(past) if sent == Sent.IN]
        if not first_in:
            return None
        past = past[first_in[0] :]
        start = past[0][0]
        replies = [at for at, sent in past if sent != Sent.IN]
        answers = [at for at, sent in past if sent == Sent.ANSWER]
        waits, replied, open_since = [], False, None
        for at, sent in past:
            if sent != Sent.IN:
                if open_since is not None:
                    waits.append((open_since, at))
                replied, open_since = True, None
            elif replied and open_since is None:
                open_since = at
        if open_since is not None:
            waits.append((open_since, None))
        done = None
        if self.resolved(self.now):
            done = self.now
            while done > start and self.resolved(done - 1):
                done -= 1
        return {
            "first": self.clock(targets[0], start, replies[0] if replies else None),
            "answer": self.clock(targets[1], start, answers[0] if answers else None),
            "next": [self.clock(targets[2], since, until) for since, until in waits],
            "resolution": self.clock(targets[3], start, done),
        }


@st.composite
def stories(draw):
    zone, day = draw(st.sampled_from(BEGINNINGS))
    start = datetime(day.year, day.month, day.day, draw(st.integers(0, 23)), draw(st.integers(0, 59)), tzinfo=UTC)
    now = draw(st.integers(1, 3 * 1440))
    moments = st.integers(0, now + 60)
    messages = sorted(draw(st.lists(st.tuples(moments, st.sampled_from(Sent)), max_size=9)), key=lambda m: m[0])
    statuses = st.sampled_from(["new", "open", "open", "pending", "on_hold", "resolved"])
    tracks = []
    for begins in [0] + draw(st.lists(moments, max_size=1)):
        changes = sorted(draw(st.lists(st.tuples(moments, statuses), max_size=7)), key=lambda c: c[0])
        tracks.append([(begins, draw(statuses)), *((max(begins, at), status) for at, status in changes)])
    calendar = None
    if draw(st.booleans()):
        cuts = st.lists(st.integers(0, 1440), max_size=4, unique=True).map(sorted)
        week = [[list(pair) for pair in zip(c[::2], c[1::2], strict=False)] for c in (draw(cuts) for _ in range(7))]
        near = st.sampled_from([day + timedelta(days=n) for n in range(-1, 6)])
        calendar = Calendar(
            time_zone=draw(st.sampled_from([zone, zone, "Asia/Jakarta"])),
            weekly_hours=week,
            holidays_country=draw(st.sampled_from(["", "DE", "US"])),
            closed_days=draw(st.lists(near, max_size=2)),
            open_days=draw(st.lists(near, max_size=2)),
        )
    targets = [draw(st.integers(1, limit)) for limit in (90, 600, 300, 2000)]
    return start, now, messages, tracks, calendar, targets


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(stories())
def test_every_clock_is_what_looking_at_each_minute_says(story):
    start, now, messages, tracks, calendar, targets = story
    at = lambda minute: start + minute * MINUTE  # noqa: E731
    clocks = read_clocks(
        History(
            [Spoke(at(minute), sent) for minute, sent in messages],
            [[Changed(at(minute), status) for minute, status in track] for track in tracks],
        ),
        Targets(*(target * MINUTE for target in targets)),
        calendar,
        at(now),
    )

    told = Oracle(start, now, messages, tracks, calendar).told(targets)
    if told is None:
        assert all(clock.state == State.NONE and clock.started_at is None for clock in clocks.all())
        return
    assert len(clocks.next_replies) == len(told["next"])
    pairs = [(clocks.first_reply, told["first"]), (clocks.answer, told["answer"]), (clocks.resolution, told["resolution"])]
    for clock, said in [*pairs, *zip(clocks.next_replies, told["next"], strict=True)]:
        assert (clock.state, clock.used) == (said.state, said.used * MINUTE)
        assert clock.done_at == (None if said.done is None else at(said.done))
        if said.state == State.MISSED or (said.state == State.RUNNING and said.due is not None):
            assert clock.due_at == at(said.due)
        elif said.state == State.RUNNING:
            assert clock.due_at is None or clock.due_at > at(now + AHEAD)
        elif said.state == State.PAUSED:
            assert clock.due_at == (None if said.due is None else at(said.due))
        assert (clock.running_due is None) == (not clock.is_running or clock.due_at is None)


def test_the_next_reply_is_due_by_the_minutes_that_one_counts_by_hand():
    """Monday to Friday from nine to five in Berlin (an hour ahead of UTC in November), half an hour to reply, a warning at 60%."""
    hours = Calendar(time_zone="Europe/Berlin", weekly_hours=[[[540, 1020]]] * 5 + [[], []])
    friday, monday = (
        datetime(2026, 11, 20, tzinfo=ZoneInfo("Europe/Berlin")),
        datetime(2026, 11, 23, tzinfo=ZoneInfo("Europe/Berlin")),
    )
    at = lambda day, hour, minute: day.replace(hour=hour, minute=minute)  # noqa: E731
    messages = [
        Spoke(at(friday, 10, 0), Sent.IN),
        Spoke(at(friday, 10, 10), Sent.ANSWER),  # no clock of a next reply so far: the first two run alone
        Spoke(at(friday, 16, 50), Sent.IN),  # 10 minutes of Friday, 20 of Monday: due at 9:20; 18 are used at 9:08
        Spoke(at(friday, 16, 55), Sent.IN),  # they say more: the clock goes on
        Spoke(at(monday, 9, 15), Sent.REPLY),  # after 25 minutes
        Spoke(at(monday, 9, 16), Sent.IN),  # due at 9:46
    ]
    track = [Changed(at(friday, 10, 0), "new"), Changed(at(friday, 10, 10), "pending"), Changed(at(friday, 16, 50), "open")]
    held = [Changed(at(monday, 9, 20), "on_hold"), Changed(at(monday, 10, 0), "open")]  # 4 minutes used, 26 left: due at 10:26

    def told(now, statuses=track):
        clocks = read_clocks(History(messages, [statuses]), Targets(next_reply=30 * MINUTE), hours, now)
        return [(clock.state, clock.due_at, clock.warn_at, clock.used / MINUTE) for clock in clocks.next_replies]

    assert told(at(friday, 16, 0)) == []
    assert told(at(friday, 17, 0)) == [(State.RUNNING, at(monday, 9, 20), at(monday, 9, 8), 10)]
    assert told(at(monday, 9, 15))[0] == (State.MET, at(monday, 9, 20), None, 25)
    assert told(at(monday, 9, 18))[1] == (State.RUNNING, at(monday, 9, 46), at(monday, 9, 34), 2)
    assert told(at(monday, 9, 46))[1] == (State.RUNNING, at(monday, 9, 46), at(monday, 9, 34), 30)
    assert told(at(monday, 9, 47))[1] == (State.MISSED, at(monday, 9, 46), at(monday, 9, 34), 31)
    assert told(at(monday, 9, 50), track + held)[1] == (State.PAUSED, None, None, 4)
    assert told(at(monday, 10, 5), track + held)[1] == (State.RUNNING, at(monday, 10, 26), at(monday, 10, 14), 9)
