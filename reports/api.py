"""Reports over the API."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db import OperationalError, connection, transaction
from django.urls import path
from django.utils.translation import gettext as _
from psycopg2.errors import QueryCanceled
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from affiliates.api import find_affiliate
from affiliates.models import Affiliate
from commissions.performance import GROUPS, Performance, performance
from core.access import Can
from core.api.answers import Answer, Id, MoneyText, Number, Word
from core.api.fields import FILTER, Between, Choice, Reference
from core.api.operations import address, operation
from core.api.pages import bad_cursor, page_address, read_cursor, read_limit
from core.api.problems import invalid
from core.ids import encode_id
from programs.api import find_program
from programs.models import Offer, Program
from programs.queries import visible_programs
from tracking.models import Link

LARGEST_PAGE = 1000
LONGEST_SECONDS = 20
PREFIXES = {"affiliate": Affiliate.prefix, "offer": Offer.prefix, "link": Link.prefix}


class TooLong(APIException):
    status_code = 503
    default_code = "too_long"


class PerformanceFilters(Between):
    group_by = Choice(choices=GROUPS, help_text="day unless given.", **FILTER)
    program = Reference(find_program, help_text="Only this program's numbers.", **FILTER)
    affiliate = Reference(find_affiliate, help_text="Only this affiliate's numbers.", **FILTER)


class PerformanceAnswer(Answer):
    """Amounts and commissions are before refunds, in the program's currency. Nothing is ever null."""

    program = Id(Program.prefix)
    key = Word(help_text="The day in the program's zone, the id, or the sub id; empty: what belongs to none.")
    clicks = Number(help_text="Repeats count, robots do not.")
    unique_clicks = Number(help_text="Each visitor once a link.")
    conversions = Number()
    currency = Word()
    amount = MoneyText()
    refunded = MoneyText()
    commission = MoneyText()
    epc = Word(help_text="Earnings per click: commission / clicks, to four decimals.")
    conversion_rate = Word(
        help_text="Conversions credited to a click / clicks, to four decimals; coupons and returning customers need none."
    )


@operation(Can.SEE_MONEY, PerformanceAnswer, filters=PerformanceFilters, pages_of=LARGEST_PAGE)
def report_performance(request: Request, filters: dict[str, Any]) -> Response:
    """Show performance

    Clicks, conversions and commissions of a program, grouped by day, affiliate, offer, link or a sub id. `from` and `to` are
    days in the program's zone, both inclusive. Without `program`: of every program that the key sees, one after the other; each
    row says whose it is. Computed anew each time; 503 where that takes longer than 20 seconds.
    """
    group_by, affiliate = filters.get("group_by", "day"), filters.get("affiliate")
    programs = _programs(request.user, filters.get("program"))
    limit, (way, edge) = read_limit(request, LARGEST_PAGE, LARGEST_PAGE), _read_edge(request)
    back = way == "p"
    found: list[tuple[Program, Performance]] = []
    for program in reversed(programs) if back else programs:
        if edge is not None and (program.pk > edge[0] if back else program.pk < edge[0]):
            continue
        key = edge[1] if edge is not None and edge[0] == program.pk else None
        rows = _computed(
            program,
            group_by,
            filters.get("from"),
            filters.get("to"),
            affiliates=None if affiliate is None else [affiliate.pk],
            limit=limit + 1 - len(found),
            after_key=None if back else key,
            before_key=key if back else None,
            from_the_end=back,
        )
        found = [*((program, row) for row in rows), *found] if back else [*found, *((program, row) for row in rows)]
        if len(found) > limit:
            break
    more, found = len(found) > limit, found[-limit:] if back else found[:limit]
    has_next, has_previous = (True, more) if back else (more, edge is not None)
    return Response(
        {
            "next": _address(request, "n", *found[-1]) if found and has_next else None,
            "previous": _address(request, "p", *found[0]) if found and has_previous else None,
            "results": [_row(program, row, group_by) for program, row in found],
        }
    )


def _computed(program: Program, *how: Any, **options: Any) -> list[Performance]:
    """The rows, or 503 where they take the database too long: nobody waits for an answer for minutes."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{LONGEST_SECONDS}s"])
            return performance(program, *how, **options)
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooLong(_("This took too long to compute. Ask for fewer days, or for one program.")) from None
        raise


def _programs(user: Any, named: Program | None) -> list[Program]:
    """The one that is named, or all whose money the key sees."""
    programs = visible_programs(user, Can.SEE_MONEY)
    if named is None:
        return list(programs.order_by("pk"))
    if programs.filter(pk=named.pk).exists():
        return [named]
    raise invalid("program", _("There is no such thing, or this key cannot see it."), "not_found")


def _read_edge(request: Request) -> tuple[str, tuple[int, str] | None]:
    """Which way the cursor goes, and from which row: (program, key)."""
    match read_cursor(request):
        case None:
            return "n", None
        case ["n" | "p" as way, int(program), str(key)] if _is_text(key):
            return way, (program, key)
    raise bad_cursor()


def _is_text(key: str) -> bool:
    """Whether the database can read it."""
    return "\x00" not in key and key == key.encode("utf-8", "replace").decode()


def _address(request: Request, way: str, program: Program, row: Performance) -> str:
    return page_address(request, [way, program.pk, row.key])


def _row(program: Program, row: Performance, group_by: str) -> dict[str, Any]:
    numbers = {**asdict(row), "program_id": program.pk, "epc": f"{row.epc:.4f}", "conversion_rate": f"{row.conversion_rate:.4f}"}
    if row.key and group_by in PREFIXES:
        numbers["key"] = encode_id(PREFIXES[group_by], int(row.key))
    return dict(PerformanceAnswer(numbers).data)


api = [
    path("reports/performance", address(get=report_performance), name="report_performance"),
]
