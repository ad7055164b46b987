"""My numbers: the last 30 days against the 30 before, program by program, in the program's days."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from commissions.performance import Performance, totals
from core.components import NOTHING, money_text, number_text, percent_text
from core.periods import Period
from programs.models import Program
from support.answers.money import working_programs
from support.answers.shapes import Answer, Asker, Fact, Question, Section, Way


def about_numbers(asker: Asker, now: datetime) -> Answer:
    programs = working_programs(asker)
    sections = [_section(asker, program, now, len(programs) > 1) for program in programs]
    if not sections:
        sections = [Section("", sentences=[_("You are in no program yet in which something could be counted.")])]
    ways = [Way(_("All numbers"), "portal:numbers")]
    note = _("Earned is before refunds and includes what still waits for its check.")
    return Answer(Question.NUMBERS, _("Your last 30 days"), sections, ways, note, now)


def _section(asker: Asker, program: Program, now: datetime, named: bool) -> Section:
    period = Period.preset("30", now.astimezone(program.zone).date())
    current, before = (
        totals(program, span.start, span.end, affiliates=[asker.affiliate.pk]) for span in (period, period.previous)
    )
    if not (current.clicks or current.conversions or before.clicks or before.conversions):
        told = _("No clicks and no sales in these 60 days. Clicks count from the first visitor on.")
        return Section(program.name if named else "", sentences=[told])
    facts = [
        _fact(_("Earned"), current.commission, before.commission, program.currency),
        _fact(_("Conversions"), current.conversions, before.conversions),
        _fact(_("Clicks"), current.clicks, before.clicks),
        Fact(_("Earned per click"), _epc(current), _("%(before)s before") % {"before": _epc(before)}),
    ]
    return Section(
        program.name if named else "",
        facts,
        [_("%(span)s, compared with %(before)s.") % {"span": period.span, "before": period.previous.span}],
    )


def _fact(label: str, now: Decimal | int, before: Decimal | int, currency: str = "") -> Fact:
    told = (lambda value: money_text(value, currency)) if currency else number_text
    change = ""
    if before:
        ratio = (Decimal(now) - Decimal(before)) / Decimal(before)
        change = ("+" if ratio > 0 else "") + percent_text(ratio, 0)
    against = _("%(before)s before") % {"before": told(before)}
    return Fact(label, told(now), f"{against}, {change}" if change else against)


def _epc(numbers: Performance) -> str:
    return money_text(round(numbers.epc, 2), numbers.currency) if numbers.clicks else NOTHING
