"""What an offer pays an affiliate now: the rules as they would win for a conversion of this moment."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q

from commissions.models import RuleType, RuleVersion
from commissions.pricing import Candidate, winning_rule
from core.components import percent_text
from core.money import format_money
from programs.models import Offer
from tracking.conversion_events import event_label


@dataclass(frozen=True, slots=True)
class Rate:
    event: str
    type: str
    value: Decimal
    currency: str
    own: bool  # of a rule made for this affiliate alone
    last_day: date | None  # on which it counts, in the program's zone; None: no end is set

    @property
    def label(self) -> str:
        return event_label(self.event)

    @property
    def text(self) -> str:
        """10%, or $5.00."""
        return rate_text(self.type, self.value, self.currency)


def rate_text(type: str, value: Decimal, currency: str) -> str:
    if type == RuleType.PERCENTAGE:
        return percent_text(value / 100, 4)
    return format_money(value, currency)


def rates_of(affiliate: int, offers: Collection[Offer], now: datetime) -> dict[int, list[Rate]]:
    """By offer, sales first; one statement. Offers need their program."""
    programs = {offer.program_id for offer in offers}
    versions = (
        RuleVersion.objects.filter(rule__program__in=programs, rule__archived_at__isnull=True, starts_at__lte=now)
        .filter(Q(rule__affiliate=None) | Q(rule__affiliate=affiliate))
        .select_related("rule")
        .order_by("rule", "number")
    )
    latest = {version.rule_id: version for version in versions}  # the last one begun is the one in force
    found: dict[int, list[Rate]] = {}
    for offer in offers:
        candidates = [_candidate(version) for version in latest.values() if version.rule.program_id == offer.program_id]
        rates = []
        for event in sorted({candidate.event for candidate in candidates}, key=lambda event: (event != "sale", event)):
            won = winning_rule(candidates, event=event, offer_id=offer.pk, affiliate_id=affiliate, occurred_at=now)
            if won is not None and won.value > 0:
                last = _last_day(won.ends_at, offer)
                rates.append(Rate(event, won.type, won.value, offer.program.currency, won.affiliate_id is not None, last))
        found[offer.pk] = rates
    return found


def _last_day(ends_at: datetime | None, offer: Offer) -> date | None:
    return (ends_at - timedelta(microseconds=1)).astimezone(offer.program.zone).date() if ends_at else None


def _candidate(version: RuleVersion) -> Candidate:
    rule = version.rule
    return Candidate(
        version.pk, rule.pk, rule.event, rule.offer_id, rule.affiliate_id, rule.priority, version.type, version.value,
        version.starts_at, version.ends_at,
    )  # fmt: skip
