"""Who is credited with a conversion, and why: a pure decision over evidence that the caller has looked up.

Evidence is tried in order. With "last click" that is the click, then the coupon, then the affiliate to whom an earlier
conversion tied the customer; with "first click" the tie comes first, and the click is the earliest that holds of the one that
the sale claims and those that the same visitor made before it. The first evidence that holds decides; what was tried
before it and why it did not hold is kept, for the "why?".
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from programs.models import AttributionModel
from tracking.models import ClickOutcome, Source

CLOCK_SKEW = timedelta(minutes=1)  # a shop's clock may run behind, and many shops send whole seconds

REASONS = {
    "click": gettext_lazy("The sale came with a click of this affiliate."),
    "first_click": gettext_lazy(
        "An earlier click of the same visitor was this affiliate’s, and the program credits the first one within the window."
    ),
    "coupon": gettext_lazy("The coupon belongs to this affiliate."),
    "customer": gettext_lazy("An earlier conversion tied this customer to the affiliate."),
    "named": gettext_lazy("The import names this affiliate."),
    "claim": gettext_lazy("The affiliate claimed it, and it was decided that it is theirs."),
    "nothing_given": gettext_lazy("It came without a click, a coupon or a customer who is tied to an affiliate."),
    "click_unknown": gettext_lazy("No such click is recorded."),
    "click_of_another_program": gettext_lazy("The click belongs to another program."),
    "click_after_sale": gettext_lazy("The click came after the sale."),
    "click_expired": gettext_lazy("The click is older than the attribution window."),
    "click_not_credited": gettext_lazy("The click was not credited: its link, offer or affiliate was not active."),
    "coupon_unknown": gettext_lazy("The program has no such coupon."),
    "coupon_paused": gettext_lazy("The coupon is paused."),
    "sale_before_tie": gettext_lazy("The customer was tied to an affiliate later than this."),
    "affiliate_unknown": gettext_lazy("The affiliate that the import names is not enrolled here."),
    "affiliate_not_approved": gettext_lazy("The affiliate is not approved in this program."),
}


@dataclass(frozen=True, slots=True)
class ClickEvidence:
    id: uuid.UUID
    at: datetime
    link_id: int
    affiliate_id: int
    offer_id: int
    program_id: int
    outcome: int
    subs: list[str] | None


@dataclass(frozen=True, slots=True)
class CouponEvidence:
    id: int
    affiliate_id: int
    offer_id: int | None
    active: bool


@dataclass(frozen=True, slots=True)
class Tie:
    """To whom a customer belongs since their first credited conversion, and through what."""

    affiliate_id: int
    link_id: int | None
    coupon_id: int | None
    offer_id: int | None
    tied_at: datetime  # when the conversion that tied them occurred


@dataclass(slots=True)
class Evidence:
    """What came with one conversion. `…_given` is the text as it came; the looked-up thing is None where there is none."""

    occurred_at: datetime
    click_given: str = ""
    clicks: Sequence[ClickEvidence] = ()  # the one that was given, then what its visitor clicked before it, newest first
    coupon_given: str = ""
    coupon: CouponEvidence | None = None
    tie: Tie | None = None
    affiliate_given: str = ""
    affiliate_id: int | None = None
    claim: str = ""  # whose decision names the affiliate, where nothing else does


@dataclass(slots=True)
class Attribution:
    reason: str
    affiliate_id: int | None = None
    source: str = ""
    click_id: uuid.UUID | None = None
    link_id: int | None = None
    coupon_id: int | None = None
    offer_id: int | None = None
    subs: list[str] | None = None
    tried: list[str] = field(default_factory=list)  # codes of what did not hold, in order


@dataclass(frozen=True, slots=True)
class Terms:
    """The program's side of the decision."""

    program_id: int
    model: str
    window: timedelta
    approved: Collection[int]  # affiliates whose enrollment is approved


def attribute(evidence: Evidence, terms: Terms) -> Attribution:
    """Decide one conversion. The tie itself is not undone by a later click: it only loses to it under "last click"."""
    tried: list[str] = []
    first_click = terms.model == AttributionModel.FIRST_CLICK
    order = [_by_customer, _by_click, _by_coupon] if first_click else [_by_click, _by_coupon, _by_customer]
    for way in [_by_name, *order, _by_claim]:
        verdict = way(evidence, terms)
        if isinstance(verdict, Attribution):
            if verdict.affiliate_id in terms.approved:
                verdict.tried = [*tried, *verdict.tried]
                return verdict
            verdict = "affiliate_not_approved"
        if verdict:
            tried.append(verdict)
    return Attribution(reason=tried[0] if tried else "nothing_given", tried=tried)


def _by_name(evidence: Evidence, terms: Terms) -> Attribution | str:
    if not evidence.affiliate_given or evidence.claim:
        return ""
    if evidence.affiliate_id is None:
        return "affiliate_unknown"
    return Attribution("named", evidence.affiliate_id, Source.NAMED)


def _by_claim(evidence: Evidence, terms: Terms) -> Attribution | str:
    """Last: what came with a sale tells whose it is before a person does."""
    if not evidence.claim:
        return ""
    return Attribution("claim", evidence.affiliate_id, Source.CLAIM) if evidence.affiliate_id else "affiliate_unknown"


def _by_click(evidence: Evidence, terms: Terms) -> Attribution | str:
    if not evidence.click_given:
        return ""
    if not evidence.clicks:
        return "click_unknown"
    given = evidence.clicks[0]
    refused = _refuse_click(given, evidence.occurred_at, terms)
    if terms.model == AttributionModel.FIRST_CLICK:
        for click in reversed(evidence.clicks[1:]):
            if not _refuse_click(click, evidence.occurred_at, terms):
                return _credit_click("first_click", click, [refused] if refused else [])
    return refused or _credit_click("click", given, [])


def _refuse_click(click: ClickEvidence, occurred_at: datetime, terms: Terms) -> str:
    """Why a click cannot be credited with a sale of that moment; empty if it can."""
    if click.program_id != terms.program_id:
        return "click_of_another_program"
    if click.outcome != ClickOutcome.CREDITED:
        return "click_not_credited"
    if click.at - occurred_at > CLOCK_SKEW:
        return "click_after_sale"
    if occurred_at - click.at > terms.window:
        return "click_expired"
    return "" if click.affiliate_id in terms.approved else "affiliate_not_approved"


def _credit_click(reason: str, click: ClickEvidence, tried: list[str]) -> Attribution:
    whose = (click.link_id, None, click.offer_id)
    return Attribution(reason, click.affiliate_id, Source.CLICK, click.id, *whose, click.subs, tried)


def _by_coupon(evidence: Evidence, terms: Terms) -> Attribution | str:
    coupon = evidence.coupon
    if not evidence.coupon_given:
        return ""
    if coupon is None:
        return "coupon_unknown"
    if not coupon.active:
        return "coupon_paused"
    return Attribution("coupon", coupon.affiliate_id, Source.COUPON, coupon_id=coupon.id, offer_id=coupon.offer_id)


def _by_customer(evidence: Evidence, terms: Terms) -> Attribution | str:
    tie = evidence.tie
    if tie is None:
        return ""
    if evidence.occurred_at < tie.tied_at:
        return "sale_before_tie"
    return Attribution("customer", tie.affiliate_id, Source.CUSTOMER, None, tie.link_id, tie.coupon_id, tie.offer_id)


def explain_attribution(reason: str, tried: Collection[str]) -> str:
    """The decision in sentences: what did not hold, then what did."""
    codes = [*(code for code in tried if code != reason), reason]
    return " ".join(str(REASONS.get(code, code)) for code in codes) or _("Nothing was given.")


def parse_click_id(text: str) -> uuid.UUID | None:
    """A click id as it comes back from shops: bare, or with the prefix `clk_`; None where it cannot be one of ours."""
    try:
        click_id = uuid.UUID(text.strip().removeprefix("clk_"))
    except ValueError:
        return None
    return click_id if click_id.version == 7 else None
