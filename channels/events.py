"""The facts that this app publishes."""

from django.utils.translation import gettext_lazy as _

from core.ui import register_fact

CHANNEL_CREATED = "channel.created"
CHANNEL_CHANGED = "channel.changed"
CHANNEL_FAILED = "channel.failed"
CHANNEL_RECOVERED = "channel.recovered"
CONTACT_MATCHED = "contact.matched"  # about the contact and the affiliate
CONTACT_UNMATCHED = "contact.unmatched"
INBOUND_QUARANTINED = "inbound.quarantined"  # about the item and its channel
INBOUND_RESCUED = "inbound.rescued"
INBOUND_DISMISSED = "inbound.dismissed"
OUTGOING_SENT = "outgoing.sent"  # about the row and what it belongs to; data: outgoing, about, to, provider_id, error
OUTGOING_FAILED = "outgoing.failed"
OUTGOING_UNKNOWN = "outgoing.unknown"
OUTGOING_DECIDED = "outgoing.decided"  # by a person; data: decision "arrived", "again" or "given up"
CHAT_CLOSED = "chat.closed"  # nothing can be sent into it; the reason says why
CHAT_REOPENED = "chat.reopened"
CHAT_GIVEN = "chat.given"  # a group, to an affiliate or to nobody
BUSINESS_CONNECTION_CHANGED = "business_connection.changed"  # connected, disconnected, other rights
BUSINESS_PERSON_CHANGED = "business_connection.person_changed"
CHAT_INTRODUCED = "chat.introduced"  # the contact was told who writes now: data {person, text, outgoing}


def register_facts() -> None:
    """How the timeline tells them."""
    register_fact(CHANNEL_CREATED, "plus", _("%(channel)s was connected."))
    register_fact(CHANNEL_CHANGED, "pencil", _("%(channel)s was changed."))
    register_fact(CHANNEL_FAILED, "plug-connected-x", _("%(channel)s stopped working."))
    register_fact(CHANNEL_RECOVERED, "plug-connected", _("%(channel)s works again."))
    register_fact(CONTACT_MATCHED, "user-check", _("%(contact)s is %(affiliate)s."))
    register_fact(CONTACT_UNMATCHED, "user-off", _("%(contact)s is not %(affiliate)s."))
    register_fact(INBOUND_QUARANTINED, "shield-question", _("Something came in through %(channel)s that could not be filed."))
    register_fact(INBOUND_RESCUED, "ticket", _("What was quarantined became a ticket."))
    register_fact(INBOUND_DISMISSED, "trash", _("What was quarantined was set aside."))
    register_fact(OUTGOING_SENT, "send", _("It was handed over for %(to)s."))
    register_fact(OUTGOING_FAILED, "mail-x", _("It could not be sent to %(to)s: %(error)s"))
    register_fact(OUTGOING_UNKNOWN, "mail-question", _("Nobody knows whether it reached %(to)s: a person decides."))
    register_fact(OUTGOING_DECIDED, "checks", _decided)
    register_fact(CHAT_CLOSED, "message-off", _("Nothing can be sent to %(chat)s now."))
    register_fact(CHAT_REOPENED, "message", _("Messages can be sent to %(chat)s again."))
    register_fact(CHAT_GIVEN, "users-group", _("The group %(chat)s belongs to %(affiliate)s."))
    register_fact(BUSINESS_CONNECTION_CHANGED, "plug-connected", _("%(account)s: %(state)s"))
    register_fact(BUSINESS_PERSON_CHANGED, "user-edit", _("%(person)s writes as %(account)s."))
    register_fact(CHAT_INTRODUCED, "user-check", _("They were told that %(person)s writes to them now."))


def _decided(event: object) -> str:
    data = getattr(event, "data", {})
    told = {
        "arrived": _("It arrived at %(to)s, as a person has found out."),
        "again": _("It is sent to %(to)s again."),
        "given up": _("It is not sent to %(to)s any more."),
    }
    return str(told[data["decision"]]) % {"to": data.get("to", "—")}
