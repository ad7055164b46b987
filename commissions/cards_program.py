"""What commissions show on the pages of programs: the rules, the step that is still to be made, and what everybody may know."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from commissions.models import RuleType
from commissions.rates import Rate, rates_of
from commissions.rules import has_active_rule, rules_of_program, since, state_of_rule, told_next, told_rate
from core.access import Can, rights_of
from programs.models import Offer, Program
from programs.queries import open_programs
from tracking.conversion_events import event_label

RULES_SHOWN = 12
NAMED = 3  # offers of one rate


def rules_card(request: HttpRequest, program: Program) -> dict[str, Any] | None:
    """The rules in use, in the order in which they win."""
    rights = rights_of(request.user)
    if not rights.has(Can.SEE_MONEY, program.pk):
        return None
    rules = rules_of_program(program.pk, request.user, timezone.now(), RULES_SHOWN)
    return {
        "program": program,
        "rules": [(r, told_rate(r), told_next(r), event_label(r.event), state_of_rule(r), since(r)) for r in rules[:RULES_SHOWN]],
        "more": len(rules) > RULES_SHOWN,
        "sets": rights.has(Can.SET_RULES, program.pk),
    }


def rule_step(request: HttpRequest, program: Program) -> dict[str, Any] | None:
    """ "A commission rule" among what a program still needs."""
    if not rights_of(request.user).has(Can.SET_RULES, program.pk) or has_active_rule(program.pk):
        return None
    return {"program": program}


def public_rates_card(request: HttpRequest, program: Program) -> dict[str, Any] | None:
    """What the program pays an affiliate with whom nothing else is agreed."""
    lines = told_rates(program, _rates(request, [program.pk]))
    return {"lines": lines} if lines else None


def public_tile(request: HttpRequest, program: Program) -> dict[str, Any] | None:
    """The same in one line. The rates of all open programs are read once for the page."""
    if not hasattr(request, "_public_rates"):
        request._public_rates = _rates(request, list(open_programs().values_list("pk", flat=True)))  # type: ignore[attr-defined]
    lines = told_rates(program, request._public_rates)  # type: ignore[attr-defined]
    return {"line": lines[0], "more": len(lines) - 1} if lines else None


Rates = list[tuple[Offer, list[Rate]]]


def _rates(request: HttpRequest, programs: list[int]) -> Rates:
    offers = list(
        Offer.objects.filter(program__in=programs, status=Offer.Status.ACTIVE).select_related("program").order_by("name", "pk")
    )
    nobody = 0  # no affiliate has this number: rules for one alone are nobody else's business
    found = rates_of(nobody, offers, timezone.now())
    return [(offer, found[offer.pk]) for offer in offers]


def told_rates(program: Program, rates: Rates) -> list[dict[str, str]]:
    """[{"rate": "10%", "what": "of every sale"}, …]: a line for each event and rate; which offers, where not all."""
    own = [(offer, of_offer) for offer, of_offer in rates if offer.program_id == program.pk]
    events = dict.fromkeys(rate.event for _offer, of_offer in own for rate in of_offer)
    lines = []
    for event in sorted(events, key=lambda event: event != "sale"):
        paying: dict[str, list[tuple[Offer, Rate]]] = {}
        for offer, of_offer in own:
            for rate in of_offer:
                if rate.event == event:
                    paying.setdefault(rate.text, []).append((offer, rate))
        for text, among in sorted(paying.items(), key=lambda item: -len(item[1])):
            what = _told_event(among[0][1])
            lines.append({"rate": text, "what": what if len(among) == len(own) else f"{what}: {_told_offers(among)}"})
    return lines


def _told_offers(among: list[tuple[Offer, Rate]]) -> str:
    names = [offer.name for offer, _rate in among[:NAMED]]
    more = len(among) - len(names)
    return ", ".join([*names, _("%(count)d more") % {"count": more}] if more else names)


def _told_event(rate: Rate) -> str:
    event = event_label(rate.event).lower()
    text = _("of every %(event)s") if rate.type == RuleType.PERCENTAGE else _("for every %(event)s")
    return text % {"event": event}
