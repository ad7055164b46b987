"""What is payable, to whom, and who has to wait for it: decided here for balances, forecasts, previews, batches and their approval.

What is open, and when a hold is over, `commissions.queries` says for each commission; here it stands as a set, in the names of
SQL: `open` is a row for each open commission and adjustment, and a negative one for each open reversal, `share` is one affiliate's sum of it in
one program and currency, and `judged` says of each share why it would be left for later.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.fields import BigIntegerField
from django.db.models.functions import Cast
from django.db.models.lookups import IsNull

from affiliates.models import EnrollmentStatus
from commissions.models import Commission, Reversal
from commissions.queries import is_hold_over, is_open, live_lines
from core.rows import select_rows
from payouts.models import Adjustment, PayoutException

# Whose earnings a batch pays: a suspended affiliate's wait for a decision, a terminated one is settled.
PAID_ENROLLMENTS = (EnrollmentStatus.APPROVED, EnrollmentStatus.TERMINATED)

SOME_TIME = datetime(1, 1, 1, tzinfo=UTC)  # of which nothing else is
NOTHING = Cast(Value(None), BigIntegerField())  # a bare NULL would be text to UNION
COLUMNS = "program_id, affiliate_id, currency, payable, payable_at, counts, commission_id, reversal_id, adjustment_id, amount"

# `share` has program_id, affiliate_id, currency, amount. The reasons stand in the order in which they are told.
_JUDGED = f"""judged AS (
    SELECT share.*, m.id AS method_id, limits.minimum, array_remove(ARRAY[
        CASE WHEN e.id IS NULL THEN '{PayoutException.NOT_APPROVED}' END,
        CASE WHEN share.amount <= 0 THEN '{PayoutException.NOT_POSITIVE}'
             WHEN share.amount < limits.minimum THEN '{PayoutException.BELOW_MINIMUM}' END,
        CASE WHEN m.id IS NULL THEN '{PayoutException.NO_METHOD}'
             WHEN m.usable_from > %(now)s THEN '{PayoutException.METHOD_COOLING_OFF}' END], NULL) AS exceptions
    FROM share
    JOIN (SELECT id, currency, minimum_payout FROM programs_program) p ON p.id = share.program_id
    CROSS JOIN LATERAL (SELECT CASE WHEN share.currency = p.currency THEN p.minimum_payout ELSE 0 END AS minimum) limits
    LEFT JOIN payouts_payoutmethod m
           ON m.affiliate_id = share.affiliate_id AND m.currency = share.currency AND m.replaced_at IS NULL
    LEFT JOIN affiliates_enrollment e
           ON e.affiliate_id = share.affiliate_id AND e.program_id = share.program_id AND e.status = ANY(%(paid)s)
)"""


# The shares of one batch: everything payable in a program and currency.
BATCH_SHARES = """SELECT program_id, affiliate_id, currency, sum(amount) AS amount
    FROM open WHERE program_id = %(program)s AND currency = %(currency)s AND payable GROUP BY 1, 2, 3"""


def select_judged(
    statement: str,
    share: str,
    *,
    now: datetime,
    at: datetime | None = None,
    besides: int | None = None,
    at_once: bool = False,
    **values: Any,
) -> list[tuple[Any, ...]]:
    """What `statement` answers of `judged`, where `share` selects the shares from `open` (see `open_rows`): one statement, so
    that all of it is seen at one moment. Nothing is payable before its time: a later `at` than `now` counts as now."""
    opened = open_rows(min(at or now, now), besides=besides, at_once=at_once)
    return select_rows(
        f"WITH {opened}, share AS ({share}), {_JUDGED} {statement}", {**values, "now": now, "paid": list(PAID_ENROLLMENTS)}
    )


def open_rows(at: datetime, *, besides: int | None = None, at_once: bool = False) -> str:
    """`open` for a WITH clause. `payable`: its hold is over by `at`; `counts`: refunds have left something of the commission.
    `besides`: as if this batch held nothing. `at_once`: all lines are read once, which is faster where whole programs are read."""
    return _open_rows(besides, at_once).replace(_literal(SOME_TIME), _literal(at))


def _literal(value: Any) -> str:
    return str(connection.ops.compose_sql("%s", [value])).replace("%", "%%")  # type: ignore[attr-defined]


@lru_cache(maxsize=32)  # pages ask it again and again: building it takes longer than its answer
def _open_rows(besides: int | None, at_once: bool) -> str:
    """As it is at SOME_TIME."""
    at = SOME_TIME
    held = _held_at_once if at_once else _held
    earned = Commission.objects.filter(is_open(held(besides, commission=OuterRef("pk"))))
    owed_besides = Adjustment.objects.filter(~held(besides, adjustment=OuterRef("pk")))
    taken_back = Reversal.objects.filter(is_open(held(besides, reversal=OuterRef("pk")), of="commission__"))
    union = (
        earned.order_by()
        .values_list(
            "rule_version__rule__program_id",  # which is its conversion's: a few rules are joined instead of every conversion
            "affiliate_id",
            "currency",
            ExpressionWrapper(is_hold_over(at), BooleanField()),
            "payable_at",
            ExpressionWrapper(Q(reversed__lt=F("amount")), BooleanField()),
            "pk",
            NOTHING,
            NOTHING,
            "amount",
        )
        .union(
            taken_back.order_by().values_list(
                "commission__rule_version__rule__program_id",
                "commission__affiliate_id",
                "currency",
                ExpressionWrapper(is_hold_over(at, of="commission__"), BooleanField()),
                "commission__payable_at",
                Value(False),
                NOTHING,
                "pk",
                NOTHING,
                -F("amount"),
            ),
            owed_besides.order_by().values_list(
                "payout__batch__program_id",
                "payout__affiliate_id",
                "currency",
                ExpressionWrapper(Q(created_at__lte=at), BooleanField()),
                "created_at",
                Value(True),
                NOTHING,
                NOTHING,
                "pk",
                "amount",
            ),
            all=True,
        )
    )
    sql, params = union.query.sql_with_params()
    text = connection.ops.compose_sql(sql, params).replace("%", "%%")  # type: ignore[attr-defined]
    return f"open ({COLUMNS}) AS NOT MATERIALIZED ({text})"


def _held(besides: int | None, **of: Any) -> Q:
    """The line that holds a row, looked up row by row: while a batch is computed the database does not know yet how many lines
    there are, and joined it would compare each row with all of them."""
    return Q(IsNull(Subquery(_lines(besides, **of).values("pk")[:1]), False))


def _held_at_once(besides: int | None, **of: Any) -> Q:
    return Q(Exists(_lines(besides, **of)))


def _lines(besides: int | None, **of: Any) -> QuerySet[Any]:
    lines = live_lines(**of).order_by()
    return lines if besides is None else lines.exclude(payout__batch=besides)
