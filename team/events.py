"""The facts that this app publishes; each stands on the timeline of the person it is about."""

from django.utils.translation import gettext_lazy as _

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


def register_facts() -> None:
    """How the timeline tells them."""
    register_fact(SHIFT_PLANNED, "calendar-plus", _("%(person)s was planned: %(duty)s, from %(first)s"))
    register_fact(SHIFT_ENDED, "calendar-off", _("%(person)s is no longer planned: %(duty)s, after %(last)s"))
    register_fact(TURN_CANCELLED, "calendar-x", _("%(person)s does not work on %(day)s: %(duty)s"))
    register_fact(SWAP_PROPOSED, "arrows-exchange", _("%(person)s asked %(taker)s to take %(day)s: %(duty)s"))
    register_fact(SWAP_ACCEPTED, "arrows-exchange", _("%(taker)s would take %(day)s from %(person)s: %(duty)s"))
    register_fact(SWAP_APPROVED, "arrows-exchange", _("%(taker)s takes %(day)s from %(person)s: %(duty)s"))
    register_fact(SWAP_REFUSED, "x", _("%(taker)s does not take %(day)s from %(person)s: %(duty)s"))
    register_fact(SWAP_WITHDRAWN, "arrow-back-up", _("%(person)s no longer asks %(taker)s to take %(day)s: %(duty)s"))
    register_fact(ABSENCE_ASKED, "beach", _("%(person)s asked for %(first)s to %(last)s: %(kind)s"))
    register_fact(ABSENCE_APPROVED, "beach", _("%(person)s is away from %(first)s to %(last)s: %(kind)s"))
    register_fact(ABSENCE_REFUSED, "x", _("%(person)s is needed from %(first)s to %(last)s: %(kind)s"))
    register_fact(ABSENCE_WITHDRAWN, "arrow-back-up", _("%(person)s is not away from %(first)s to %(last)s after all: %(kind)s"))
    register_fact(ABSENCE_SHORTENED, "arrow-back-up", _("%(person)s is back after %(last)s: %(kind)s"))
    register_fact(CAPACITY_SET, "gauge", _("%(person)s carries %(accounts)s accounts and %(tickets)s open tickets"))
    register_fact(HANDOVER_WRITTEN, "clipboard-text", _("%(person)s handed over: %(duty)s"))
    register_fact(CALENDAR_MADE, "calendar-plus", _("Made"))
    register_fact(CALENDAR_CHANGED, "edit", _("Changed: %(fields)s"))
