"""The small pieces of the one language, as functions that return HTML: templates use them as tags, lists call them per cell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton, format_time, format_timedelta
from babel.numbers import format_decimal, format_percent
from django.conf import settings
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from core.languages import locale
from core.money import format_money

NOTHING = "—"
DAY = timedelta(days=1)
RELATIVE_FOR = 7 * DAY  # older (or further away) than this, a date says more than "42 days ago"

_ICON_NAME = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)?")
_SVG = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


@cache
def icon(name: str, size: int = 18) -> SafeString:
    """An icon of Tabler's set, inline: "home", or "filled/star" from the filled set. Never read out: words stand beside it."""
    if not _ICON_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no icon's name")
    path = Path(settings.ICON_FOLDER) / f"{name if '/' in name else f'outline/{name}'}.svg"
    try:
        source = path.read_text()
    except FileNotFoundError:
        raise FileNotFoundError(f"no icon {name!r} in {settings.ICON_FOLDER} (are the front-end packages installed?)") from None
    shapes = _SVG.search(source)[1].replace('<path stroke="none" d="M0 0h24v24H0z" fill="none" />', "")  # type: ignore[index]
    paint = (
        'fill="currentColor"'
        if name.startswith("filled/")
        else 'fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round"'
    )
    shapes = re.sub(r"\s+", " ", shapes).strip()
    frame = f'class="ico" width="{size}" height="{size}" viewBox="0 0 24 24" {paint} aria-hidden="true" focusable="false"'
    return mark_safe(f"<svg {frame}>{shapes}</svg>")


@dataclass(frozen=True)
class State:
    """What a state means: its colour's class, its icon, and (for states that several apps share) its label."""

    tone: str  # waiting decided ready done stopped held neutral
    icon: str
    label: Any


def _states(tone: str, icon_name: str, **labels: Any) -> dict[str, State]:
    return {key: State(tone, icon_name, label) for key, label in labels.items()}


# Every state of the product, each with the one colour that its meaning has everywhere.
STATES: dict[str, State] = {
    **_states(
        "waiting",
        "clock",
        pending=gettext_lazy("Pending"),
        waiting=gettext_lazy("Waiting"),
        queued=gettext_lazy("Queued"),
        invited=gettext_lazy("Invited"),
        cooling_off=gettext_lazy("Cooling off"),
        unpriced=gettext_lazy("Unpriced"),
        unknown=gettext_lazy("Unknown"),
        kept=gettext_lazy("Kept, not sent"),
        in_review=gettext_lazy("In review"),
        to_approve=gettext_lazy("Draft, to approve"),
        skipped=gettext_lazy("Left for later"),
        asked=gettext_lazy("Asked"),
    ),
    **_states("waiting", "message-circle", new=pgettext_lazy("ticket", "New"), our_turn=pgettext_lazy("ticket", "Open")),
    **_states("neutral", "hourglass", their_turn=gettext_lazy("Waiting for the affiliate")),
    **_states(
        "waiting",
        "loader-2",
        computing=gettext_lazy("Computing"),
        executing=gettext_lazy("Executing"),
        sending=gettext_lazy("Sending"),
    ),
    **_states(
        "decided",
        "circle-check",
        approved=gettext_lazy("Approved"),
        decided=gettext_lazy("Decided"),
        accepted=gettext_lazy("Accepted"),
    ),
    **_states("decided", "building-bank", in_payout=gettext_lazy("In payout")),
    **_states("decided", "calendar-event", scheduled=gettext_lazy("Scheduled")),
    **_states(
        "ready",
        "coin",
        payable=gettext_lazy("Payable"),
        ready=gettext_lazy("Ready"),
        attributed=gettext_lazy("Attributed"),
        recorded=gettext_lazy("Credited"),
    ),
    **_states(
        "done",
        "check",
        paid=gettext_lazy("Paid"),
        done=gettext_lazy("Done"),
        active=gettext_lazy("Active"),
        sent=gettext_lazy("Sent"),
        verified=gettext_lazy("Verified"),
        open=pgettext_lazy("program or offer", "Open"),
        delivered=gettext_lazy("Delivered"),
        resolved=gettext_lazy("Resolved"),
        connected=gettext_lazy("Connected"),
    ),
    **_states(
        "stopped",
        "x",
        rejected=gettext_lazy("Rejected"),
        failed=gettext_lazy("Failed"),
        expired=gettext_lazy("Expired"),
        revoked=gettext_lazy("Revoked"),
        disconnected=gettext_lazy("Disconnected"),
        trouble=gettext_lazy("Not working"),
    ),
    **_states(
        "stopped",
        "arrow-back-up",
        reversed=gettext_lazy("Reversed"),
        refunded=gettext_lazy("Refunded"),
        partially_refunded=gettext_lazy("Refunded in part"),
    ),
    **_states(
        "stopped", "ban", suspended=gettext_lazy("Suspended"), terminated=gettext_lazy("Terminated"), stuck=gettext_lazy("Stuck")
    ),
    **_states("held", "hand-stop", on_hold=gettext_lazy("On hold"), held=gettext_lazy("Held")),
    **_states(
        "neutral",
        "circle-dashed",
        draft=gettext_lazy("Draft"),
        unattributed=gettext_lazy("Unattributed"),
        duplicate=gettext_lazy("Duplicate"),
        inactive=gettext_lazy("Inactive"),
        none=gettext_lazy("None"),
    ),
    **_states(
        "neutral",
        "circle-minus",
        cancelled=gettext_lazy("Cancelled"),
        closed=gettext_lazy("Closed"),
        archived=gettext_lazy("Archived"),
        replaced=gettext_lazy("Replaced"),
    ),
    **_states("waiting", "lock", read_only=gettext_lazy("May not reply")),
    **_states("neutral", "player-pause", paused=gettext_lazy("Paused")),
    **_states(
        "waiting",
        "clock",
        promised=gettext_lazy("Promised"),
        clock_running=gettext_lazy("Running"),
        improvement_open=gettext_lazy("To decide"),
    ),
    **_states(
        "done",
        "check",
        promise_kept=gettext_lazy("Kept"),
        clock_met=gettext_lazy("Met"),
        improvement_accepted=gettext_lazy("Accepted"),
    ),
    **_states(
        "stopped",
        "alert-triangle",
        overdue=gettext_lazy("Overdue"),
        promise_late=gettext_lazy("Kept late"),
        promise_broken=gettext_lazy("Broken"),
        clock_missed=gettext_lazy("Missed"),
    ),
    **_states(
        "neutral",
        "circle-minus",
        promise_withdrawn=gettext_lazy("No longer wanted"),
        improvement_declined=gettext_lazy("Declined"),
    ),
}


def chip(state: Any, label: Any = "") -> SafeString:
    """The one mark for a state: colour, icon and word. A state unknown here is neutral and told by its own name."""
    if state in (None, ""):
        return mark_safe(NOTHING)
    key = str(getattr(state, "value", state))
    known = STATES.get(key) or State("neutral", "point", key.replace("_", " ").capitalize())
    return _chip(known.tone, known.icon, str(label or known.label))


@lru_cache(maxsize=1024)  # every row of a list has one, of a few
def _chip(tone: str, icon_name: str, label: str) -> SafeString:
    return format_html('<span class="chip chip-{}">{}{}</span>', tone, icon(icon_name, 14), label)


@lru_cache(maxsize=8192)
def _money_text(amount: Decimal, currency: str, language: str) -> str:
    text = format_money(amount, currency, language).replace("-", "−")
    return text.replace(currency, f"{currency}\u00a0", 1) if text.lstrip("−").startswith(currency) else text


def money_text(amount: Any, currency: str) -> str:
    """An amount in the reader's format with its currency's sign and a real minus."""
    if amount is None:
        return NOTHING
    return _money_text(Decimal(amount), str(currency), str(locale()))


def money(amount: Any, currency: str) -> SafeString:
    """The one money component: the amount as the reader writes it, with the currency's code beside a sign that several share."""
    if amount is None:
        return mark_safe(NOTHING)
    text = money_text(amount, currency)
    if str(currency) in text:
        return format_html('<span class="money">{}</span>', text)
    return format_html('<span class="money">{} <span class="money-code">{}</span></span>', text, currency)


def number_text(value: Any) -> str:
    """A number in the reader's format, with at most two decimals and a real minus."""
    if value is None:
        return NOTHING
    return format_decimal(value, format="#,##0.##", locale=locale()).replace("-", "−")


def percent_text(ratio: Any, digits: int = 1) -> str:
    """A ratio (0.124) as "12.4%"."""
    if ratio is None:
        return NOTHING
    return format_percent(ratio, format=f"#,##0.{'#' * digits}%", locale=locale()).replace("-", "−")


def duration_text(time: timedelta | None) -> str:
    """How long something takes, by its two largest units: "4 min", "1 h 30 min", "2 d 3 h"; under a minute in seconds."""
    if time is None:
        return NOTHING
    seconds = round(time.total_seconds())
    if abs(seconds) < 60:
        return _("%(n)s s") % {"n": seconds}
    minutes = round(seconds / 60) if seconds < 86400 else round(seconds / 3600) * 60
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    units = ((days, _("%(n)s d")), (hours, _("%(n)s h")), (rest, _("%(n)s min")))
    return " ".join(text % {"n": number} for number, text in units if number)


def minutes_text(minutes: float | None) -> str:
    return duration_text(None if minutes is None else timedelta(minutes=float(minutes)))


def exact(at: datetime) -> str:
    """An instant to the second in the reader's zone, the zone named."""
    return _exact(at.astimezone(UTC).replace(microsecond=0), timezone.get_current_timezone_name(), locale())


@lru_cache(maxsize=8192)  # in UTC: as local times the hour before clocks go back equals the one after
def _exact(at: datetime, zone: str, locale: Locale) -> str:
    return format_datetime(timezone.localtime(at), format="long", locale=locale)


def moment_text(at: datetime) -> str:
    """An instant in a sentence: "Mon, Nov 23, 9:00 AM (Europe/Berlin)", in the zone that is active."""
    local = timezone.localtime(at)
    day = format_skeleton("EEEMMMd", local.date(), locale=locale())
    return f"{day}, {format_time(local, format='short', locale=locale())} ({timezone.get_current_timezone_name()})"


def relative_text(at: datetime, now: datetime) -> str:
    """Under a day whole hours, minutes or seconds, those begun left out; from there on days as the reader's calendar counts them."""
    distance = at - now
    days = 0 if abs(distance) < DAY else (timezone.localtime(at).date() - timezone.localtime(now).date()).days
    if not days:
        seconds = abs(distance) // timedelta(seconds=1)
        unit = next((size for size in (3600, 60) if seconds >= size), 1)
        whole = timedelta(seconds=max(seconds // unit * unit, 1))
        # Babel takes 25 hours for a day: it is told hours.
        return _distance(whole if distance > timedelta() else -whole, 1 if whole < DAY else 48, locale())
    if abs(days) == 1:
        return _("tomorrow") if days > 0 else _("yesterday")
    return _distance(timedelta(days=days), 1, locale())


@lru_cache(maxsize=4096)  # there are few of these
def _distance(distance: timedelta, threshold: int, locale: Locale) -> str:
    return format_timedelta(distance, add_direction=True, locale=locale, threshold=threshold)


def when(at: datetime | None) -> SafeString:
    """The one time component: relative while that says more than a date, with the exact time on demand (title, or a click)."""
    if at is None:
        return mark_safe(NOTHING)
    now = timezone.now()
    near = abs(at - now) < RELATIVE_FOR
    text = relative_text(at, now) if near else short_day(timezone.localtime(at).date())
    return format_html(
        '<time class="when" datetime="{}" title="{}"{}>{}</time>',
        at.isoformat(timespec="seconds"),
        exact(at),
        mark_safe(" data-relative" if abs(at - now) < DAY else ""),
        text,
    )


def short_day(value: date) -> str:
    """A day, its year only where that is not this year."""
    return _by_skeleton(value, "MMMd" if value.year == timezone.localdate().year else "yMMMd", locale())


@lru_cache(maxsize=4096)  # many rows of a list tell the same few days
def _by_skeleton(value: date, skeleton: str, locale: Locale) -> str:
    return format_skeleton(skeleton, value, locale=locale)


def day_text(value: date) -> str:
    return format_date(value, format="medium", locale=locale())


def day(value: date | datetime | None) -> SafeString:
    """A day; an instant's day is counted in the reader's zone."""
    if value is None:
        return mark_safe(NOTHING)
    if isinstance(value, datetime):
        value = timezone.localtime(value).date()
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), day_text(value))


def person(thing: Any, url: str = "", detail: str = "") -> SafeString:
    """The one person component (people and affiliates): initials, name, and a second line where one is given."""
    if thing is None:
        return mark_safe(NOTHING)
    name = str(getattr(thing, "name", "") or thing)
    shown = format_html('<a href="{}">{}</a>', url, name) if url else escape(name)
    second = format_html('<span class="person-detail">{}</span>', detail) if detail else ""
    mark = format_html('<span class="initials initials-{}" aria-hidden="true">{}</span>', sum(name.encode()) % 6, initials(name))
    return format_html('<span class="person">{}<span class="person-name">{}{}</span></span>', mark, shown, second)


def why(body: SafeString, label: Any = "") -> SafeString:
    """The one explanation: opens without a script. `label` is what to press."""
    return format_html(
        '<details class="why"><summary>{}</summary><div class="why-body">{}</div></details>', label or _("Why?"), body
    )


def initials(name: str) -> str:
    words = [word for word in re.split(r"[\s.@_-]+", name) if word[:1].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "?"


def delta(now: Any, before: Any, *, against: str = "", currency: str = "", good: str = "up") -> SafeString:
    """The one comparison: how much `now` differs from `before`, what that was, and `against` which period.

    `good` says which direction is welcome: "up", "down" or "" for neither.
    """
    if now is None or before is None:
        return mark_safe("")
    now, before = Decimal(now), Decimal(before)
    was = money_text(before, currency) if currency else number_text(before)
    tail = _("from %(was)s") % {"was": was} if not against else _("from %(was)s %(against)s") % {"was": was, "against": against}
    if now == before:
        tone, mark, change = "same", "minus", _("no change")
    else:
        rising = now > before
        tone = "same" if not good else "good" if rising == (good == "up") else "bad"
        mark = "arrow-up-right" if rising else "arrow-down-right"
        change = percent_text(abs((now - before) / before)) if before else _("new")
        change = f"{'+' if rising else '−'}{change}" if before else change
    return format_html(
        '<span class="delta delta-{}">{}<span>{}</span> <span class="delta-against">{}</span></span>',
        tone,
        icon(mark, 14),
        change,
        tail,
    )


def copy(text: Any, label: Any = "", show: bool = True) -> SafeString:
    """A text with a button that copies it; `show=False` leaves the button alone, `label` names the text."""
    return format_html(
        '<span class="copy">{shown}<button class="icon-button" type="button" data-copy="{text}" aria-label="{label}"'
        ' title="{label}" hidden>{icon}</button></span>',
        shown=format_html("<code>{}</code>", text) if show else "",
        text=text,
        label=label or _("Copy"),
        icon=icon("copy", 16),
    )


def sparkline(values: Sequence[Any], label: str = "", width: int = 96, height: int = 24) -> SafeString:
    """A word-sized line, drawn here: no script. `label` tells it to those who do not see it."""
    points = [float(value or 0) for value in values]
    if len(points) < 2:
        return mark_safe("")
    low, high = min(points), max(points)
    reach, step = (high - low) or 1, (width - 4) / (len(points) - 1)
    line = " ".join(
        f"{2 + n * step:.1f},{height - 3 - (value - low) / reach * (height - 6):.1f}" for n, value in enumerate(points)
    )
    end_x, end_y = line.rsplit(" ", 1)[-1].split(",")
    spoken = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html(
        '<svg class="sparkline" width="{w}" height="{h}" viewBox="0 0 {w} {h}" {spoken}>'
        '<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round"/>'
        '<circle cx="{x}" cy="{y}" r="2" fill="currentColor"/></svg>',
        w=width,
        h=height,
        spoken=spoken,
        line=line,
        x=end_x,
        y=end_y,
    )
