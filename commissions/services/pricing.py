"""Pricing in sets: what new conversions earn by the rules in force when they occurred."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from commissions.models import Decision
from commissions.pricing import Candidate, price, winning_rule
from core.rows import insert_rows, select_rows
from programs.models import Program
from tracking.conversions import Decided


def price_conversions(program: Program, decided: Sequence[Decided], *, now: datetime) -> dict[int, int]:
    """Write the commissions that these new conversions earn; returns {conversion: commission}.

    A conversion in another currency than the program's is not priced until there is a rate; one that earns nothing
    (nobody credited, no rule, a sale of 0.00 by percentage) gets no commission.
    """
    candidates = _candidates(program)
    rows = []
    for conversion in decided:
        row, to = conversion.row, conversion.attribution
        if to.affiliate_id is None or row.currency not in ("", program.currency):
            continue
        rule = winning_rule(
            candidates, event=row.event, offer_id=to.offer_id, affiliate_id=to.affiliate_id, occurred_at=row.occurred_at
        )
        amount = price(rule, row.amount, program.currency) if rule else Decimal(0)
        if rule and amount > 0:
            rows.append(
                (
                    now,
                    row.occurred_at,
                    to.affiliate_id,
                    conversion.id,
                    rule.version_id,
                    amount,
                    program.currency,
                    Decision.PENDING.value,
                    "",
                    "",
                    0,
                )
            )
    return dict(
        insert_rows(
            "commissions_commission",
            [
                "created_at",
                "occurred_at",
                "affiliate_id",
                "conversion_id",
                "rule_version_id",
                "amount",
                "currency",
                "decision",
                "reason_code",
                "note",
                "reversed",
            ],
            rows,
            returning=["conversion_id", "id"],
        )
    )


def _candidates(program: Program) -> list[Candidate]:
    """All versions of a program's rules, each with the moment at which it ends."""
    rows = select_rows(
        """SELECT v.id, r.id, r.event, r.offer_id, r.affiliate_id, r.priority, v.type, v.value, v.starts_at,
                  least(lead(v.starts_at) OVER (PARTITION BY r.id ORDER BY v.number), v.ends_at, r.archived_at)
           FROM commissions_commissionrule r JOIN commissions_ruleversion v ON v.rule_id = r.id
           WHERE r.program_id = %s""",
        [program.pk],
    )
    return [Candidate(*row) for row in rows]
