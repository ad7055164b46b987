"""The hours of a day as people write them: "9-12:30, 13:30-18"."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from core.errors import Refusal

MIDNIGHT = 1440
_SPAN = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*(?:-|–|—|to|bis)\s*(\d{1,2})(?:[:.](\d{2}))?")


class HoursError(Refusal):
    """Hours that cannot be read, or that no day has."""


def read_hours(text: str) -> list[list[int]]:
    """[from, to] in minutes of the day, in order, those that touch joined. Empty: closed."""
    spans = []
    for part in filter(None, (part.strip() for part in re.split(r"[,;\n]", text))):
        found = _SPAN.fullmatch(part)
        if found is None:
            raise HoursError(_("Write hours such as 9:00-17:30, several with commas between; nothing where it is closed."))
        opens, closes = (int(found[n]) * 60 + int(found[n + 1] or 0) for n in (1, 3))
        if any(int(found[n] or 0) > 59 for n in (2, 4)) or not 0 <= opens < closes <= MIDNIGHT:
            raise HoursError(_("“%(hours)s” does not lie within one day, from earlier to later.") % {"hours": part})
        spans.append([opens, closes])
    joined: list[list[int]] = []
    for opens, closes in sorted(spans):
        if joined and opens < joined[-1][1]:
            raise HoursError(_("These hours overlap."))
        if joined and opens == joined[-1][1]:
            joined[-1][1] = closes
        else:
            joined.append([opens, closes])
    return joined


def write_hours(spans: list[list[int]]) -> str:
    return ", ".join(f"{_clock(opens)}–{_clock(closes)}" for opens, closes in spans)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
