"""When the team will be full, at the growth of the last weeks. Pure, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

WEEKS = 8
TOO_FEW = 5  # approvals in all the weeks: fewer say nothing about growth


@dataclass(frozen=True)
class Forecast:
    """`full_in_weeks`: 0 where it is full already; None where nothing can be said, or it does not grow."""

    carried: int  # accounts with a personal manager, and open applications of those without one
    capacity: int
    growth: float  # accounts a week
    enough_data: bool
    full_in_weeks: int | None


def slope(values: Sequence[float]) -> float:
    """The least-squares slope of values that are one step apart."""
    middle, mean = (len(values) - 1) / 2, sum(values) / len(values)
    over = sum((x - middle) ** 2 for x in range(len(values)))
    return sum((x - middle) * (y - mean) for x, y in enumerate(values)) / over if over else 0.0


def forecast(approvals: Sequence[int], *, accounts: int, managed: int, applications: int, capacity: int) -> Forecast:
    """`approvals` of each of the last weeks, the oldest first; `accounts` in all, of which `managed` have a personal manager.

    The line through the sum of approvals gives the growth; the part of it that managers will have to carry is taken to be the
    part of the accounts that have a manager now (all of them where there are none). Open applications count in full.
    """
    sums = [sum(approvals[: week + 1]) for week in range(len(approvals))]
    part = managed / accounts if accounts and managed else 1.0
    growth = max(slope([0, *sums]), 0.0) * part
    carried, enough = managed + applications, sum(approvals) >= TOO_FEW
    free = capacity - carried
    weeks = 0 if free <= 0 else ceil(free / growth) if enough and growth else None
    return Forecast(carried, capacity, growth, enough, weeks)
