"""Placeholders of macros: what stands for an affiliate's real data. A value is put in as it is and never read again, so that
nothing that an affiliate calls themselves can do anything; one that is missing is refused by name, never left blank."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone, translation
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from affiliates.models import Affiliate
from core.access import Can, rights_of
from core.components import day_text, money_text
from payouts.prospects import Prospect, prospects
from payouts.queries import Balance, balances
from programs.models import Program
from tracking.forms_portal import promoted_offers
from tracking.models import Coupon, Link, Status

PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_]+)\s*\}\}")


@dataclass
class Subject:
    """Of whom and to whom is spoken. Data is read once, and only where a placeholder asks for it."""

    program: Program
    affiliate: Affiliate | None = None
    name: str = ""  # of a contact who is nobody's yet
    writer: Any = None  # who of the team writes
    subject: str = ""  # of the ticket
    now: datetime = field(default_factory=timezone.now)

    @property
    def shows_money(self) -> bool:
        """Whether who writes may see it: else its placeholders have no value."""
        return self.writer is None or rights_of(self.writer).has(Can.SEE_MONEY, self.program.pk)

    @property
    def language(self) -> str:
        return self.affiliate.language if self.affiliate else ""

    @cached_property
    def owed(self) -> Prospect | None:
        """In the program's own currency."""
        if self.affiliate is None or not self.shows_money:
            return None
        methods = list(self.affiliate.payout_methods.current())
        found = prospects(self.affiliate.pk, [self.program], methods, self.now)
        return next((each for each in found if each.currency == self.program.currency), None)

    @cached_property
    def balance(self) -> Balance | None:
        if self.affiliate is None or not self.shows_money:
            return None
        found = balances(self.affiliate.pk, programs=[self.program.pk], now=self.now)
        return next((each for each in found if each.currency == self.program.currency), Balance(self.program.currency))

    @cached_property
    def best_link(self) -> Link | None:
        """The active one that sold last, else the newest."""
        if self.affiliate is None:
            return None
        offers = promoted_offers(self.affiliate).filter(program=self.program)
        links = Link.objects.filter(affiliate=self.affiliate, status=Status.ACTIVE, offer__in=offers).select_related("offer")
        sold = self.affiliate.conversions.filter(link__in=links).order_by("-occurred_at", "-pk").values_list("link", flat=True)
        return links.filter(pk=sold.first() or 0).first() or links.order_by("-pk").first()

    @cached_property
    def coupon(self) -> Coupon | None:
        if self.affiliate is None:
            return None
        return self.affiliate.coupons.filter(program=self.program, status=Status.ACTIVE).order_by("-pk").first()

    @cached_property
    def last_sale(self) -> Any:
        if self.affiliate is None:
            return None
        return self.affiliate.conversions.filter(program=self.program).order_by("-occurred_at", "-pk").first()

    def amount(self, value: Decimal | None) -> str:
        return money_text(value, self.program.currency) if value is not None else ""

    def day(self, at: datetime | None) -> str:
        """In the program's zone: it is the program that speaks."""
        return day_text(at.astimezone(ZoneInfo(self.program.time_zone)).date()) if at else ""


Value = Callable[[Subject], str]
# Name → what it is, and how it is read. An empty text is a missing value.
PLACEHOLDERS: dict[str, tuple[Any, Value]] = {
    "name": (_("The affiliate’s name"), lambda s: s.affiliate.name if s.affiliate else s.name),
    "first_name": (_("The first word of the name"), lambda s: (s.affiliate.name if s.affiliate else s.name).split(" ")[0]),
    "email": (_("The affiliate’s e-mail"), lambda s: s.affiliate.email if s.affiliate else ""),
    "manager": (_("Their personal manager"), lambda s: str(s.affiliate.manager or "") if s.affiliate else ""),
    "me": (_("Who writes"), lambda s: s.writer.get_full_name() if s.writer else ""),
    "program": (_("The program"), lambda s: s.program.name),
    "subject": (_("What the ticket is about"), lambda s: s.subject),
    "link": (_("Their link that sold last, else the newest"), lambda s: s.best_link.url if s.best_link else ""),
    "offer": (_("The offer of that link"), lambda s: s.best_link.offer.name if s.best_link else ""),
    "coupon": (_("Their newest coupon"), lambda s: s.coupon.code if s.coupon else ""),
    "pending": (_("What waits for its check"), lambda s: s.amount(s.balance.pending) if s.balance else ""),
    "on_its_way": (_("Approved, in its hold"), lambda s: s.amount(s.owed.on_its_way) if s.owed else ""),
    "hold_end": (_("When the next hold ends"), lambda s: s.day(s.owed.next_at) if s.owed else ""),
    "payable": (_("What the next payout takes"), lambda s: s.amount(s.owed.payable) if s.owed else ""),
    "next_payout": (_("In a payout that is being prepared"), lambda s: s.amount(s.owed.preparing or None) if s.owed else ""),
    "short": (_("Missing to the minimum payout"), lambda s: s.amount(s.owed.short or None) if s.owed else ""),
    "minimum": (_("The program’s minimum payout"), lambda s: s.amount(s.program.minimum_payout)),
    "paid": (_("Paid so far"), lambda s: s.amount(s.balance.paid) if s.balance else ""),
    "last_payout": (_("When the last payout was paid"), lambda s: s.day(s.owed.paid_at) if s.owed else ""),
    "payout_method": (_("Where they are paid"), lambda s: str(s.owed.method or "") if s.owed else ""),
    "last_conversion": (_("Their last order"), lambda s: s.last_sale.external_id if s.last_sale else ""),
    "last_conversion_day": (_("Its day"), lambda s: s.day(s.last_sale.occurred_at) if s.last_sale else ""),
}


def unknown_placeholders(text: str) -> list[str]:
    """Names in the text that stand for nothing."""
    return [name for name in dict.fromkeys(PLACEHOLDER.findall(text)) if name not in PLACEHOLDERS]


def fill(text: str, subject: Subject) -> tuple[str, list[str]]:
    """The text with its values, and the names of those that are missing, which stay as they are written.

    One pass: what a value says is not looked at. Amounts and days stand in the affiliate's format.
    """
    missing: list[str] = []

    def value(match: re.Match[str]) -> str:
        name = match[1]
        known = PLACEHOLDERS.get(name)
        found = known[1](subject) if known else ""
        if not found:
            missing.append(name)
            return match[0]
        return found

    with translation.override(subject.language or translation.get_language() or "en"):
        return PLACEHOLDER.sub(value, text), list(dict.fromkeys(missing))
