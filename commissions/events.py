"""The facts that this app publishes; those about commissions carry `amount` and `currency`."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from commissions.rates import rate_text
from core.ui import register_fact, with_money

COMMISSION_APPROVED = "commission.approved"
COMMISSION_REJECTED = "commission.rejected"
COMMISSION_HELD = "commission.held"
COMMISSION_RELEASED = "commission.released"
COMMISSION_REVERSED = "commission.reversed"
RULE_CREATED = "rule.created"  # data: name, version, type, value, currency
RULE_REVISED = "rule.revised"
RULE_ARCHIVED = "rule.archived"


def register_facts() -> None:
    """How the timeline tells them."""
    register_fact(COMMISSION_APPROVED, "circle-check", with_money(_("Commission of %(amount)s approved")))
    register_fact(COMMISSION_REJECTED, "x", with_money(_("Commission of %(amount)s rejected")))
    register_fact(COMMISSION_HELD, "hand-stop", with_money(_("Commission of %(amount)s put on hold")))
    register_fact(COMMISSION_RELEASED, "player-play", with_money(_("Commission of %(amount)s released from its hold")))
    register_fact(COMMISSION_REVERSED, "arrow-back-up", with_money(_("%(amount)s of the commission taken back after a refund")))
    register_fact(RULE_CREATED, "percentage", _with_rate(_("Rule “%(name)s” created: %(rate)s")))
    register_fact(RULE_REVISED, "percentage", _with_rate(_("Rule “%(name)s” changed: %(rate)s from version %(version)s on")))
    register_fact(RULE_ARCHIVED, "archive", _("Rule “%(name)s” archived"))


def _with_rate(sentence: Any) -> Callable[[Any], str]:
    def tell(event: Any) -> str:
        data = event.data
        return str(sentence) % {**data, "rate": rate_text(data["type"], Decimal(data["value"]), data.get("currency", ""))}

    return tell
