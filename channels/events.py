"""The facts that this app publishes."""

from django.utils.translation import gettext_lazy as _

from core.ui import register_fact

CONTACT_MATCHED = "contact.matched"  # about the contact and the affiliate
CONTACT_UNMATCHED = "contact.unmatched"


def register_facts() -> None:
    """How the timeline tells them."""
    register_fact(CONTACT_MATCHED, "user-check", _("%(contact)s is %(affiliate)s."))
    register_fact(CONTACT_UNMATCHED, "user-off", _("%(contact)s is not %(affiliate)s."))
