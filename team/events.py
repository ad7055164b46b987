"""The facts that this app publishes; each stands on the timeline of the person it is about."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.components import day_text
from core.ui import register_fact

SHIFT_PLANNED = "shift.planned"  # data: person, duty, from
SHIFT_ENDED = "shift.ended"  # data: person, duty, until
TURN_CANCELLED = "turn.cancelled"  # data: person, duty, day
SWAP_PROPOSED = "swap.proposed"  # data: person, taker, duty, day
SWAP_ACCEPTED = "swap.accepted"
SWAP_APPROVED = "swap.approved"
SWAP_REFUSED = "swap.refused"
SWAP_WITHDRAWN = "swap.withdrawn"
ABSENCE_ASKED = "absence.asked"  # data: person, kind, first, last
ABSENCE_APPROVED = "absence.approved"
ABSENCE_REFUSED = "absence.refused"
ABSENCE_WITHDRAWN = "absence.withdrawn"
ABSENCE_SHORTENED = "absence.shortened"
CAPACITY_SET = "capacity.set"  # data: person, accounts, tickets
HANDOVER_WRITTEN = "handover.written"  # data: person, duty
CALENDAR_MADE = "calendar.made"
CALENDAR_CHANGED = "calendar.changed"  # data: fields


def _dated(sentence: Any) -> Callable[[Any], str]:
    """The sentence with the event's data, its days as the reader writes them."""

    def tell(event: Any) -> str:
        days = {key: day_text(date.fromisoformat(event.data[key])) for key in ("day", "first", "last") if event.data.get(key)}
        return str(sentence) % {
            "first": "—",
            "last": "—",
            "day": "—",
            "taker": "—",
            "kind": "—",
            "duty": "—",
            **event.data,
            **days,
        }

    return tell


def register_facts() -> None:
    """How the timeline tells them."""
    register_fact(SHIFT_PLANNED, "calendar-plus", _dated(_("%(person)s was planned: %(duty)s, from %(first)s")))
    register_fact(SHIFT_ENDED, "calendar-off", _dated(_("%(person)s is no longer planned: %(duty)s, after %(last)s")))
    register_fact(TURN_CANCELLED, "calendar-x", _dated(_("%(person)s does not work on %(day)s: %(duty)s")))
    register_fact(SWAP_PROPOSED, "arrows-exchange", _dated(_("%(person)s asked %(taker)s to take %(day)s: %(duty)s")))
    register_fact(SWAP_ACCEPTED, "arrows-exchange", _dated(_("%(taker)s would take %(day)s from %(person)s: %(duty)s")))
    register_fact(SWAP_APPROVED, "arrows-exchange", _dated(_("%(taker)s takes %(day)s from %(person)s: %(duty)s")))
    register_fact(SWAP_REFUSED, "x", _dated(_("%(taker)s does not take %(day)s from %(person)s: %(duty)s")))
    register_fact(SWAP_WITHDRAWN, "arrow-back-up", _dated(_("%(person)s no longer asks %(taker)s to take %(day)s: %(duty)s")))
    register_fact(ABSENCE_ASKED, "beach", _dated(_("%(person)s asked for %(first)s to %(last)s: %(kind)s")))
    register_fact(ABSENCE_APPROVED, "beach", _dated(_("%(person)s is away from %(first)s to %(last)s: %(kind)s")))
    register_fact(ABSENCE_REFUSED, "x", _dated(_("%(person)s is needed from %(first)s to %(last)s: %(kind)s")))
    register_fact(
        ABSENCE_WITHDRAWN, "arrow-back-up", _dated(_("%(person)s is not away from %(first)s to %(last)s after all: %(kind)s"))
    )
    register_fact(ABSENCE_SHORTENED, "arrow-back-up", _dated(_("%(person)s is back after %(last)s: %(kind)s")))
    register_fact(CAPACITY_SET, "gauge", _("%(person)s carries %(accounts)s accounts and %(tickets)s open tickets"))
    register_fact(HANDOVER_WRITTEN, "clipboard-text", _("%(person)s handed over: %(duty)s"))
    register_fact(CALENDAR_MADE, "calendar-plus", _("Made"))
    register_fact(CALENDAR_CHANGED, "edit", _("Changed: %(fields)s"))
