"""The facts that this app publishes; those about commissions carry `amount` and `currency`."""

from django.utils.translation import gettext_lazy as _

from core.ui import register_fact, with_money

COMMISSION_APPROVED = "commission.approved"
COMMISSION_REJECTED = "commission.rejected"
COMMISSION_HELD = "commission.held"
COMMISSION_RELEASED = "commission.released"
COMMISSION_REVERSED = "commission.reversed"
RULE_CREATED = "rule.created"  # data: name, version, type, value
RULE_REVISED = "rule.revised"
RULE_ARCHIVED = "rule.archived"


def register_facts() -> None:
    """How the timeline tells them."""
    register_fact(COMMISSION_APPROVED, "circle-check", with_money(_("Commission of %(amount)s approved")))
    register_fact(COMMISSION_REJECTED, "x", with_money(_("Commission of %(amount)s rejected")))
    register_fact(COMMISSION_HELD, "hand-stop", with_money(_("Commission of %(amount)s put on hold")))
    register_fact(COMMISSION_RELEASED, "player-play", with_money(_("Commission of %(amount)s released from its hold")))
    register_fact(COMMISSION_REVERSED, "arrow-back-up", with_money(_("%(amount)s of the commission taken back after a refund")))
    register_fact(RULE_CREATED, "percentage", _("Rule “%(name)s” created"))
    register_fact(RULE_REVISED, "percentage", _("Rule “%(name)s” changed: version %(version)s"))
    register_fact(RULE_ARCHIVED, "archive", _("Rule “%(name)s” archived"))
