"""Reports over the API."""

from __future__ import annotations

from typing import Any

from django.urls import path
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from affiliates.api import find_affiliate
from affiliates.models import Affiliate
from core.access import Can
from core.api.answers import Answer, MoneyText, Number, Word
from core.api.fields import FILTER, Between, Choice, Reference
from core.api.operations import address, operation
from core.api.pages import page_of
from core.api.problems import invalid
from core.ids import encode_id
from programs.api import find_program
from programs.models import Offer, Program
from programs.queries import visible_programs
from reports.queries import GROUPS, Performance, performance
from tracking.models import Link

LARGEST_PAGE = 1000
PREFIXES = {"affiliate": Affiliate.prefix, "offer": Offer.prefix, "link": Link.prefix}


class PerformanceFilters(Between):
    group_by = Choice(choices=GROUPS, help_text="day unless given.", **FILTER)
    program = Reference(find_program, help_text="Needed where the key sees several.", **FILTER)
    affiliate = Reference(find_affiliate, help_text="Only this affiliate's numbers.", **FILTER)


class PerformanceAnswer(Answer):
    """Amounts and commissions are before refunds, in the program's currency. Nothing is ever null."""

    key = Word(help_text="The day in the program's zone, the id, or the sub id; empty: what belongs to none.")
    clicks = Number(help_text="Repeats count.")
    unique_clicks = Number(help_text="Each visitor once a link.")
    conversions = Number()
    currency = Word()
    amount = MoneyText()
    refunded = MoneyText()
    commission = MoneyText()
    epc = MoneyText(help_text="Earnings per click: commission / clicks.")
    conversion_rate = Word(help_text="conversions / clicks, to four decimals.")


@operation(Can.SEE_MONEY, PerformanceAnswer, filters=PerformanceFilters, pages_of=LARGEST_PAGE)
def report_performance(request: Request, filters: dict[str, Any]) -> Response:
    """Show performance

    Clicks, conversions and commissions of one program, grouped by day, affiliate, offer, link or a sub id. `from` and `to` are
    days in the program's zone, both inclusive. Computed anew each time.
    """
    program = _program(request.user, filters.get("program"))
    group_by = filters.get("group_by", "day")
    affiliate = filters.get("affiliate")
    rows = performance(
        program, group_by, filters.get("from"), filters.get("to"), affiliates=None if affiliate is None else [affiliate.pk]
    )
    page = page_of(rows, request, LARGEST_PAGE)
    shown = [_row(row, group_by) for row in page.rows]
    return Response({"next": page.next, "previous": page.previous, "results": shown})


def _program(user: Any, named: Program | None) -> Program:
    """The one that is named, or the only one whose money the key sees."""
    programs = visible_programs(user, Can.SEE_MONEY)
    if named is not None:
        if programs.filter(pk=named.pk).exists():
            return named
        raise invalid("program", _("There is no such thing, or this key cannot see it."), "not_found")
    seen = list(programs[:2])
    if len(seen) != 1:
        raise invalid("program", _("Say which program."), "required")
    return seen[0]


def _row(row: Performance, group_by: str) -> dict[str, Any]:
    shown = dict(PerformanceAnswer(row).data)
    if row.key and group_by in PREFIXES:
        shown["key"] = encode_id(PREFIXES[group_by], int(row.key))
    return shown


api = [
    path("reports/performance", address(get=report_performance), name="report_performance"),
]
