"""The team's time: one door to what can be done."""

from team.errors import TeamError
from team.services.absences import ask_absence, decide_absence, end_absence, set_capacity
from team.services.planning import check_plans_for, check_works_here, plans_for
from team.services.shifts import (
    answer_swap,
    ask_coverage,
    cancel_turn,
    decide_swap,
    drop_coverage,
    end_shift,
    plan_shift,
    propose_swap,
    read_handover,
    withdraw_swap,
    write_handover,
)

__all__ = [
    "TeamError",
    "answer_swap",
    "ask_absence",
    "ask_coverage",
    "cancel_turn",
    "check_plans_for",
    "check_works_here",
    "decide_absence",
    "decide_swap",
    "drop_coverage",
    "end_absence",
    "end_shift",
    "plan_shift",
    "plans_for",
    "propose_swap",
    "read_handover",
    "set_capacity",
    "withdraw_swap",
    "write_handover",
]
