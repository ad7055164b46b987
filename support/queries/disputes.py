"""The dispute report in figures: what was claimed of each program, what it came to, how long a decision took, what waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import (
    Aggregate,
    Case,
    CharField,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    Min,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.utils.translation import gettext as _

from core.components import duration_text
from support.models import ClaimDecision, Ticket

Outcome = ClaimDecision.Outcome
WAITING = "waiting"
# As `ClaimDecision.outcome` tells it of one.
OUTCOME = Case(
    When(decision__isnull=True, then=Value(WAITING)),
    When(decision__kind="uphold", decision__amount__isnull=True, then=Value(Outcome.CONFIRMED.value)),
    When(decision__kind="uphold", then=Value(Outcome.GRANTED.value)),
    When(decision__kind="correct", then=Value(Outcome.CORRECTED.value)),
    default=Value(Outcome.REFUSED.value),
    output_field=CharField(),
)


class Median(Aggregate):
    """PostgreSQL's, of the middle two where there is no middle one."""

    function = "percentile_cont"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"


@dataclass
class Disputes:
    """Of one program. `amounts`: what affiliates got by decisions, by currency. `median`: from the claim to its decision."""

    program: str
    counts: dict[str, int] = field(default_factory=dict)
    amounts: dict[str, Decimal] = field(default_factory=dict)
    oldest: datetime | None = None  # of those to decide
    median: timedelta | None = None

    @property
    def waiting(self) -> int:
        return self.counts.get(WAITING, 0)

    @property
    def outcomes(self) -> list[int]:
        return [self.counts.get(outcome.value, 0) for outcome in Outcome]


def disputes_by_program(tickets: QuerySet[Ticket]) -> list[Disputes]:
    """Two statements, by the programs' names. Decided cases count once, whatever they came to."""
    found: dict[int, Disputes] = {}
    plain = tickets.order_by()
    groups = plain.values("program", "program__name", outcome=OUTCOME, of=F("decision__currency"))
    for row in groups.annotate(number=Count("pk"), total=Sum("decision__amount"), oldest=Min("created_at")):
        line = found.setdefault(row["program"], Disputes(row["program__name"]))
        line.counts[row["outcome"]] = line.counts.get(row["outcome"], 0) + row["number"]
        if row["total"] is not None:
            line.amounts[row["of"]] = line.amounts.get(row["of"], Decimal(0)) + row["total"]
        if row["outcome"] == WAITING:
            line.oldest = row["oldest"]
    took = ExpressionWrapper(F("decision__created_at") - F("created_at"), output_field=DurationField())
    for program, median in (
        plain.filter(Q(decision__isnull=False)).values("program").annotate(median=Median(took)).values_list("program", "median")
    ):
        found[program].median = median
    return sorted(found.values(), key=lambda line: line.program)


def heading() -> list[str]:
    return [
        "program",
        "to_decide",
        "oldest_to_decide",
        *(outcome.value for outcome in Outcome),
        "currency",
        "amount",
        "median_time_to_decision",
    ]


def rows_of(lines: list[Disputes]) -> Iterator[list[Any]]:
    """Under `heading()`; a program that decided in several currencies has a row for each, the counts in the first alone."""
    for line in lines:
        counts: list[Any] = [line.waiting, line.oldest, *line.outcomes]
        took = duration_text(line.median) if line.median is not None else ""
        amounts: list[tuple[str, Decimal | None]] = [*sorted(line.amounts.items())] or [("", None)]
        for currency, amount in amounts:
            yield [line.program, *counts, currency, amount, took]
            counts, took = [None] * len(counts), ""


def outcome_labels() -> list[str]:
    return [_("To decide"), *(str(outcome.label) for outcome in Outcome)]
