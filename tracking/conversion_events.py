"""What conversions are of: the events that the contract names. Others are programs' own."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

EVENTS = {
    "sale": gettext_lazy("Sale"),
    "lead": gettext_lazy("Lead"),
    "signup": gettext_lazy("Sign-up"),
    "install": gettext_lazy("Install"),
    "recurring": gettext_lazy("Recurring payment"),
}


def event_label(event: str) -> str:
    """Events of the contract in the reader's language; a program's own are told by their names."""
    return str(EVENTS.get(event, event.replace("_", " ").capitalize()))
