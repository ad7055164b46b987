"""The facts that this app publishes. An offer's stand on its program's timeline too."""

from django.utils.translation import gettext_lazy as _

from core.ui import register_fact

PROGRAM_CREATED = "program.created"
PROGRAM_UPDATED = "program.updated"  # data: fields (their names), changes (field: [before, after])
OFFER_CREATED = "offer.created"  # data: name
OFFER_UPDATED = "offer.updated"  # data: name, fields, changes
TERMS_PUBLISHED = "terms.published"  # data: number


def register_facts() -> None:
    """How the timeline tells them."""
    register_fact(PROGRAM_CREATED, "building-store", _("Program created"))
    register_fact(PROGRAM_UPDATED, "edit", _("Changed: %(fields)s"))
    register_fact(OFFER_CREATED, "tag", _("Offer “%(name)s” created"))
    register_fact(OFFER_UPDATED, "edit", _("Offer “%(name)s” changed: %(fields)s"))
    register_fact(TERMS_PUBLISHED, "file-text", _("Terms published, version %(number)s"))
