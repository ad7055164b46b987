"""The statement of a payout: every commission, refund and adjustment in it, each with the sum that it added or took."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Prefetch
from django.utils import timezone
from django.utils.translation import gettext as _

from commissions.models import Commission
from commissions.rates import rate_text
from core.money import round_money
from payouts.models import Payout, PayoutLine
from tracking.conversion_events import event_label


@dataclass(frozen=True, slots=True)
class Line:
    """One line. Of a commission: its sale. Of a refund: what went back, and the payout that had paid the commission. Of an
    adjustment: the reason (as its rule), and the payout that was disputed."""

    order: str
    event: str
    at: datetime
    of: Decimal | None  # the sale, or what of it went back
    currency: str  # of `of`
    rate: str
    rule: str
    amount: Decimal  # negative for a refund
    refund: str = ""  # the shop's number of the refund
    earlier: Payout | None = None  # where the commission was paid before (None: in this very statement); what was adjusted


@dataclass(frozen=True, slots=True)
class Statement:
    payout: Payout
    commissions: list[Line]
    refunds: list[Line]
    adjustments: list[Line]

    @property
    def earned(self) -> Decimal:
        return sum((line.amount for line in self.commissions), Decimal(0))

    @property
    def taken_back(self) -> Decimal:
        return sum((line.amount for line in self.refunds), Decimal(0))

    @property
    def adjusted(self) -> Decimal:
        return sum((line.amount for line in self.adjustments), Decimal(0))


def statement_of(payout: Payout) -> Statement:
    """Two statements, however long it is. The lines add up to the payout's amount: `ledger_verify` proves it."""
    earlier = PayoutLine.objects.filter(released_at__isnull=True).select_related("payout")
    lines = (
        payout.lines.filter(released_at__isnull=True)
        .select_related(
            "commission__conversion",
            "commission__rule_version__rule",
            "reversal__refund",
            "reversal__commission__conversion",
            "reversal__commission__rule_version__rule",
            "adjustment__payout",
        )
        .prefetch_related(Prefetch("reversal__commission__payout_lines", queryset=earlier, to_attr="paid_in"))
        .order_by("pk")
    )
    found: dict[str, list[Line]] = {"commission": [], "refund": [], "adjustment": []}
    for line in lines:
        kind = "adjustment" if line.adjustment_id else "refund" if line.reversal_id else "commission"
        found[kind].append(_line(line, payout))
    for told in found.values():
        told.sort(key=lambda line: line.at)
    return Statement(payout, found["commission"], found["refund"], found["adjustment"])


def _line(line: PayoutLine, payout: Payout) -> Line:
    if line.commission is not None:
        conversion = line.commission.conversion
        return Line(
            conversion.external_id,
            event_label(conversion.event),
            conversion.occurred_at,
            conversion.amount,
            conversion.currency,
            *_rate(line.commission),
            line.amount,
        )
    if line.adjustment is not None:
        given = line.adjustment
        return Line("", "", given.created_at, None, "", "", given.reason, line.amount, earlier=given.payout)
    assert line.reversal is not None  # the database holds that a line is one of the three
    refund, commission = line.reversal.refund, line.reversal.commission
    paid_in: list[PayoutLine] = commission.paid_in  # type: ignore[attr-defined]
    earlier = next((each.payout for each in paid_in if each.payout_id != payout.pk), None)
    return Line(
        commission.conversion.external_id,
        event_label(commission.conversion.event),
        refund.occurred_at,
        refund.amount,
        commission.conversion.currency,
        *_rate(commission),
        line.amount,
        refund.external_id,
        earlier,
    )


def _rate(commission: Commission) -> tuple[str, str]:
    version = commission.rule_version
    rule = _("%(rule)s, version %(version)d") % {"rule": version.rule.name, "version": version.number}
    return rate_text(version.type, version.value, commission.currency), rule


HEADING = [
    "type",
    "event",
    "order",
    "refund",
    "date",
    "amount",
    "amount_currency",
    "rate",
    "rule",
    "earlier_payout",
    "sum",
    "sum_currency",
]


def statement_rows(statement: Statement) -> Iterator[list[Any]]:
    """The statement as rows under HEADING; they add up to the payout's amount."""
    for kind, lines in (
        (_("commission"), statement.commissions),
        (_("refund"), statement.refunds),
        (_("adjustment"), statement.adjustments),
    ):
        for line in lines:
            yield [
                kind,
                line.event,
                line.order,
                line.refund,
                timezone.localtime(line.at),
                None if line.of is None else round_money(line.of, line.currency),
                line.currency,
                line.rate,
                line.rule,
                line.earlier.public_id if line.earlier else "",
                round_money(line.amount, statement.payout.currency),
                statement.payout.currency,
            ]
