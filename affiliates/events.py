"""The facts that this app publishes. Enrollment events stand on the timelines of enrollment, affiliate and program."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.components import day_text
from core.ui import register_fact

AFFILIATE_CREATED = "affiliate.created"
AFFILIATE_UPDATED = "affiliate.updated"  # data: fields, their names
ENROLLMENT_APPLIED = "enrollment.applied"
ENROLLMENT_INVITED = "enrollment.invited"
ENROLLMENT_APPROVED = "enrollment.approved"
ENROLLMENT_REJECTED = "enrollment.rejected"
ENROLLMENT_SUSPENDED = "enrollment.suspended"
ENROLLMENT_TERMINATED = "enrollment.terminated"
INVITATION_SENT = "invitation.sent"  # data: email, functions
INVITATION_REVOKED = "invitation.revoked"
MEMBER_JOINED = "member.joined"  # data: person, functions
MEMBER_CHANGED = "member.changed"
MEMBER_REMOVED = "member.removed"

COVER_PLANNED = "cover.planned"  # data: affiliate, person (who is away), colleague, until (the last day), cover (its row)
COVER_STARTED = "cover.started"
COVER_ENDED = "cover.ended"


def _until(sentence: Any) -> Callable[[Any], str]:
    """The sentence with the event's data, its last day as the reader writes it."""

    def tell(event: Any) -> str:
        return str(sentence) % {**event.data, "until": day_text(date.fromisoformat(event.data["until"]))}

    return tell


def register_facts() -> None:
    """How the timeline tells them."""
    register_fact(AFFILIATE_CREATED, "user-plus", _("Affiliate created"))
    register_fact(AFFILIATE_UPDATED, "edit", _("Changed: %(fields)s"))
    register_fact(ENROLLMENT_APPLIED, "inbox", _("Applied to %(program)s"))
    register_fact(ENROLLMENT_INVITED, "mail", _("Invited to %(program)s"))
    register_fact(ENROLLMENT_APPROVED, "circle-check", _("Approved for %(program)s"))
    register_fact(ENROLLMENT_REJECTED, "x", _("Rejected for %(program)s"))
    register_fact(ENROLLMENT_SUSPENDED, "ban", _("Suspended from %(program)s"))
    register_fact(ENROLLMENT_TERMINATED, "ban", _("Ended in %(program)s"))
    register_fact(INVITATION_SENT, "mail", _("Invited %(email)s to the account"))
    register_fact(INVITATION_REVOKED, "mail", _("Took back the invitation of %(email)s"))
    register_fact(MEMBER_JOINED, "login", _("%(person)s joined the account"))
    register_fact(MEMBER_CHANGED, "user-cog", _("%(person)s is now: %(functions)s"))
    register_fact(MEMBER_REMOVED, "user-minus", _("%(person)s was taken out of the account"))
    planned = _("%(colleague)s will look after %(affiliate)s for %(person)s, until %(until)s")
    register_fact(COVER_PLANNED, "calendar-plus", _until(planned))
    started = _("%(colleague)s looks after %(affiliate)s for %(person)s, until %(until)s")
    register_fact(COVER_STARTED, "arrows-exchange", _until(started))
    register_fact(COVER_ENDED, "arrow-back-up", _("%(person)s looks after %(affiliate)s again; %(colleague)s gave it back"))
