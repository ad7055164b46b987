"""Times that a text names, in English and German: what a reply may be promising. Pure; a person may always say
that it is none."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

END_OF_DAY = time(18)
NOON, EVENING = time(12), time(21)
LONGEST = 200  # characters of the sentence
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10, "half an": 0.5,
    "ein": 1, "eine": 1, "einer": 1, "einem": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "zehn": 10,
    "einer halben": 0.5, "a few": 3, "ein paar": 3,
}  # fmt: skip
_UNITS = [
    (r"min(?:ute)?s?|minuten?", timedelta(minutes=1)),
    (r"h|hrs?|hours?|std|stunden?", timedelta(hours=1)),
    (r"days?|tag(?:e|en)?", timedelta(days=1)),
    (r"weeks?|wochen?", timedelta(days=7)),
]
_DAYS = ["monday|mon|montag", "tuesday|tue|dienstag", "wednesday|wed|mittwoch", "thursday|thu|donnerstag", "friday|fri|freitag",
         "saturday|samstag|sonnabend", "sunday|sonntag"]  # fmt: skip
_MONTHS = ["jan(?:uary|uar)?", "feb(?:ruary|ruar)?", "mar(?:ch)?|märz", "apr(?:il)?", "may|mai", "june?|juni", "july?|juli",
           "aug(?:ust)?", "sep(?:t|tember)?", "o[ck]t(?:ober)?", "nov(?:ember)?", "de[cz](?:ember)?"]  # fmt: skip
_NUMBER = "|".join([r"\d{1,3}", *sorted(_NUMBERS, key=len, reverse=True)])
_TIME = (
    r"(?:\s*,?\s*(?:at|um|gegen|by|before|until|till|bis|vor)?\s*"
    r"(?:(?P<h>\d{1,2})(?:[:.](?P<m>\d{2}))?\s*(?P<half>am|pm|a\.m\.|p\.m\.|uhr|h\b)|(?P<h2>\d{1,2}):(?P<m2>\d{2})"
    r"|(?P<noon>noon|mittags?)|(?P<evening>(?:in the )?evening|abends?|tonight)|(?P<morning>(?:in the )?morning|früh|vormittags?)))"
)
_DATE_SEPARATED = r"(?P<year>20\d{2})-(?P<month>\d{2})-(?P<day>\d{2})"
_DATE_GERMAN = r"(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.(?:\s?(?P<year>20\d{2}))?"
_MONTH = "|".join(f"(?P<mon{number}>{month})" for number, month in enumerate(_MONTHS, 1))


@dataclass(frozen=True)
class Suggestion:
    """`words`: what of the text names the time; `sentence`: what may be promised for it; `doubtful`: it asks something of the
    reader, tells what was or cannot be, or is months away, and promises nothing unless its writer says so."""

    due_at: datetime
    words: str
    sentence: str
    doubtful: bool = False


FAR = timedelta(days=92)
_NO_PROMISE = re.compile(
    r"\?\s*$|\b(?:please|bitte|could you|can you|would you|you (?:need|have) to|you must|let (?:me|us) know|(?:tell|send) (?:me|us)|"
    r"(?:können|könnten|würden|müssen) sie|sie müssen|kannst du|könntest du|du musst|was|were|ha(?:s|ve) been|war|wurden?|"
    r"can(?:no|['’])t|not before|unable to|kann (?:ich|es|das)?\s?nicht|können (?:wir|es|das)?\s?nicht|nicht vor)\b",
    re.IGNORECASE,
)

# What goes by its own calendar, unless somebody says that they do something then; and the day that only tells which one is meant.
_SCHEDULE = re.compile(
    r"\b(?:ends?|starts?|begins?|expires?|opens?|closes?|runs|valid|endet|beginnt|startet|läuft|gilt|gültig|schließt|öffnet)\b",
    re.IGNORECASE,
)
_CLOSED = re.compile(r"\b(?:closed|geschlossen)\b", re.IGNORECASE)
_WE = re.compile(r"\b(?:I|we|ich|wir)\b|['’]ll\b", re.IGNORECASE)
_WHICH = re.compile(r"\b(?:of|from|dated|since|vom|von|seit)\s+(?:the\s+|dem\s+)?$", re.IGNORECASE)


def suggest_promise(text: str, now: datetime) -> Suggestion | None:
    """The first time to come that the text names, in the zone of `now`; what is doubtful only where nothing else
    is named. A day without a time ends at 18:00."""
    found = [(match.start(), -match.end(), due, match) for match, due in _found(text, now) if due > now]
    ends = [end.end() for end in _END.finditer(text)] if found else []
    first = None
    for _start, _end, due, match in sorted(found, key=lambda each: each[:2]):
        sentence = _sentence(text, ends, match)
        doubtful = (
            due - now > FAR
            or _is_none(sentence)
            or _WHICH.search(text, max(0, match.start() - LONGEST), match.start()) is not None
        )
        named = Suggestion(due, match[0].strip(" ,"), sentence, doubtful)
        if not doubtful:
            return named
        first = first or named
    return first


def _found(text: str, now: datetime) -> Iterator[tuple[re.Match[str], datetime]]:
    for pattern, read in _PATTERNS:
        for match in pattern.finditer(text):
            try:
                due = read(match, now)
            except (ValueError, OverflowError):
                continue  # the 31st of a month that has 30
            if due is not None:
                yield match, due


def _is_none(sentence: str) -> bool:
    """Whether it asks, tells of what was or cannot be, or of what happens by itself."""
    by_itself = _CLOSED.search(sentence) or (_SCHEDULE.search(sentence) and not _WE.search(sentence))
    return bool(by_itself or _NO_PROMISE.search(sentence))


_END = re.compile(r"[.!?](?=\s+[^\W\d_a-z]|\s*$)|\n")


def _sentence(text: str, ends: list[int], match: re.Match[str]) -> str:
    """Around the words, from one full stop (not one within a number or a date) or line to the next."""
    before, after = bisect_right(ends, match.start()), bisect_left(ends, match.end())
    start = ends[before - 1] if before else 0
    stop = ends[after] if after < len(ends) else len(text)
    return " ".join(text[start:stop].split())[:LONGEST]


def _at(day: date, match: re.Match[str], now: datetime, otherwise: time = END_OF_DAY) -> datetime:
    return datetime.combine(day, _time(match) or otherwise, now.tzinfo)


def _time(match: re.Match[str]) -> time | None:
    told = match.groupdict()
    hour, minute, half = told.get("h") or told.get("h2"), told.get("m") or told.get("m2") or "0", told.get("half") or ""
    if hour is not None:
        number = int(hour)
        if half.startswith("p") and number < 12:
            number += 12
        elif half.startswith("a") and number == 12:
            number = 0
        return time(0) if number == 24 else time(number, int(minute))
    for name, at in (("noon", NOON), ("evening", EVENING), ("morning", NOON)):
        if told.get(name):
            return at
    return None


def _after(match: re.Match[str], now: datetime) -> datetime:
    word = match["n"].lower()
    number = _NUMBERS[word] if word in _NUMBERS else int(word)
    unit = next(unit for pattern, unit in _UNITS if re.fullmatch(pattern, match["unit"], re.IGNORECASE))
    # Hours pass; days are the calendar's.
    if unit < timedelta(days=1):
        return datetime.fromtimestamp(now.timestamp() + (number * unit).total_seconds(), now.tzinfo)
    return datetime.combine((now + number * unit).date(), END_OF_DAY, now.tzinfo)


def _near_day(days: int) -> Callable[[re.Match[str], datetime], datetime]:
    return lambda match, now: _at(now.date() + timedelta(days=days), match, now)


def _weekday(match: re.Match[str], now: datetime) -> datetime:
    wanted = next(number for number, names in enumerate(_DAYS) if re.fullmatch(names, match["weekday"], re.IGNORECASE))
    due = _at(now.date() + timedelta(days=(wanted - now.weekday()) % 7), match, now)
    far = re.match("next|nächsten|kommenden", match[0], re.IGNORECASE) and due.date() == now.date()
    return due if due > now and not far else _at(due.date() + timedelta(days=7), match, now)


def _date(match: re.Match[str], now: datetime) -> datetime:
    told = match.groupdict()
    month = told.get("month") or next(number for number in range(1, 13) if told.get(f"mon{number}"))
    year = int(told.get("year") or now.year)
    due = _at(date(year, int(month), int(match["day"])), match, now)
    return due if due > now or told.get("year") else _at(date(year + 1, int(month), int(match["day"])), match, now)


def _time_alone(match: re.Match[str], now: datetime) -> datetime | None:
    at = _time(match)
    if at is None:
        return None
    due = datetime.combine(now.date(), at, now.tzinfo)
    return due if due > now else datetime.combine(now.date() + timedelta(days=1), at, now.tzinfo)


def _end_of_week(weeks: int) -> Callable[[re.Match[str], datetime], datetime]:
    def read(match: re.Match[str], now: datetime) -> datetime:
        return datetime.combine(now.date() + timedelta(days=4 - now.weekday() + 7 * weeks), END_OF_DAY, now.tzinfo)

    return read


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.]){pattern}(?!\w)", re.IGNORECASE)


_UNIT = "|".join(pattern for pattern, _unit in _UNITS)
_WEEKDAY = "|".join(_DAYS)
_PATTERNS: list[tuple[re.Pattern[str], Callable[[re.Match[str], datetime], datetime | None]]] = [
    (_compiled(rf"(?:in|within|innerhalb von|binnen|in den nächsten|(?:in|within) the next)\s+(?P<n>{_NUMBER})\s+(?P<unit>{_UNIT})"), _after),
    (_compiled(rf"(?:today|heute|tonight)(?:\s+noch)?{_TIME}?"), _near_day(0)),
    (_compiled(r"(?:by |until )?(?:the )?end of (?:the |my )?(?:business )?day|eod|bis (?:zum )?feierabend"), _near_day(0)),
    (_compiled(rf"(?:tomorrow|(?<!guten )morgen){_TIME}?"), _near_day(1)),
    (_compiled(rf"(?:the day after tomorrow|übermorgen){_TIME}?"), _near_day(2)),
    (_compiled(rf"(?:(?:by|on|until|till|before|next|this|bis|am|zum|vor|nächsten|kommenden|diesen)\s+)+(?P<weekday>{_WEEKDAY}){_TIME}?"), _weekday),
    (_compiled(rf"{_DATE_SEPARATED}{_TIME}?"), _date),
    (_compiled(rf"{_DATE_GERMAN}{_TIME}?"), _date),
    (_compiled(rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?(?:{_MONTH})\.?(?:,?\s+(?P<year>20\d{{2}}))?{_TIME}?"), _date),
    (_compiled(rf"(?:{_MONTH})\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(?P<year>20\d{{2}}))?{_TIME}?"), _date),
    (_compiled(rf"(?:at|by|before|until|till|um|bis|vor|gegen){_TIME}"), _time_alone),
    (_compiled(r"(?:by |before |until )?(?:the )?end of (?:the |this )?week|(?:bis )?ende (?:der|dieser) woche"), _end_of_week(0)),
    (_compiled(r"next week|nächste woche"), _end_of_week(1)),
]  # fmt: skip
