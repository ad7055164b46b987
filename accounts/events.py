"""The facts that this app publishes; each stands on the timeline of the person it is about."""

from django.utils.translation import gettext_lazy as _

from core.ui import register_fact

ROLE_GRANTED = "role.granted"  # data: person, role, program, until
ROLE_REVOKED = "role.revoked"
PERSON_DEACTIVATED = "person.deactivated"
PERSON_REACTIVATED = "person.reactivated"
API_KEY_CREATED = "api_key.created"  # data: name, role, program
API_KEY_REVOKED = "api_key.revoked"


def register_facts() -> None:
    """How the timeline tells them."""
    register_fact(ROLE_GRANTED, "user-plus", _("%(person)s was appointed: %(role)s, %(program)s"))
    register_fact(ROLE_REVOKED, "user-minus", _("%(person)s is no longer: %(role)s, %(program)s"))
    register_fact(PERSON_DEACTIVATED, "user-off", _("%(person)s was deactivated"))
    register_fact(PERSON_REACTIVATED, "user-check", _("%(person)s was reactivated"))
    register_fact(API_KEY_CREATED, "key", _("API key “%(name)s” was made: %(role)s, %(program)s"))
    register_fact(API_KEY_REVOKED, "key-off", _("API key “%(name)s” was revoked"))
