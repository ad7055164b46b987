"""What is learnt of conversions after they were written: whose they are, where their click was spooled to disk while PostgreSQL was
away or a claim was decided; and what the shop says of an order that a claim's decision has written."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from affiliates.models import Enrollment, EnrollmentStatus
from core.rows import select_rows
from programs.models import Program
from tracking.attribution import CLOCK_SKEW, Attribution, ClickEvidence, Evidence, Terms, Tie, attribute
from tracking.clicks import find_clicks
from tracking.conversions import ConversionInput, Decided
from tracking.models import Conversion, Customer, Source
from tracking.partitions import first_id_at

LATE = timedelta(days=7)  # how long a click may be on its way from a click server's spool
CHUNK = 1000

# A click that was not there yet when its sale came has been on its way since then at the longest, so that with the sale's own
# waiting it is at most twice as old. Bound as constants, these let the plan touch (and lock) only the days between.
_ARRIVED = """
    SELECT v.id FROM tracking_conversion v
    WHERE v.program_id = %(program)s AND v.awaited_click_id IS NOT NULL AND v.created_at >= %(since)s
      AND EXISTS (SELECT FROM tracking_click k WHERE k.id = v.awaited_click_id AND k.id >= %(oldest)s AND k.id < %(newest)s)
    ORDER BY v.id LIMIT %(most)s
"""


def credit_late(program: Program, *, now: datetime) -> list[Decided]:
    """Judge the conversions whose awaited click is there now; returns those that it credits, in the caller's transaction.

    What came in is not touched, only nobody becomes somebody. Those it does not credit (the click is too old, say) wait no more.
    Customers are locked before conversions, by name, as `write_conversions` does.
    """
    bound = {
        "program": program.pk,
        "since": now - LATE,
        "oldest": str(first_id_at(now - 2 * LATE)),
        "newest": str(first_id_at(now + CLOCK_SKEW)),
        "most": CHUNK,
    }
    ids = [pk for (pk,) in select_rows(_ARRIVED, bound)]
    if not ids:
        return []
    named = Customer.objects.filter(conversions__in=ids).order_by("external_id").values_list("pk", flat=True)
    customers = {c.pk: c for c in Customer.objects.filter(pk__in=list(named)).order_by("external_id").select_for_update()}
    waiting = list(
        Conversion.objects.filter(pk__in=ids, awaited_click_id__isnull=False).order_by("occurred_at", "pk").select_for_update()
    )
    clicks = find_clicks(program, _claims(waiting))
    terms = _terms(program, clicks, customers)
    decided = []
    for conversion in waiting:
        customer = customers.get(conversion.customer_id or 0)
        to = attribute(_evidence(conversion, clicks[conversion.awaited_click_id], customer), terms)  # type: ignore[index]
        _settle(conversion, to)
        if to.affiliate_id is None:
            continue
        if customer is not None and customer.affiliate_id is None:
            customer.affiliate_id, customer.link_id, customer.offer_id = to.affiliate_id, to.link_id, to.offer_id
            customer.tied_at = conversion.occurred_at
            customer.save(update_fields=["affiliate", "link", "offer", "tied_at"])
        decided.append(Decided(conversion.pk, _as_it_came(conversion), to))
    return decided


def credit_claimed(conversion: Conversion, affiliate: int, claim: str) -> Decided | None:
    """Credit the locked conversion, which is nobody's, to the affiliate to whom the decision about a claim gives it; None where it
    is somebody's, or the affiliate is not approved. What did not hold before stays told. Its customer is tied to nobody by this."""
    enrolled = Enrollment.objects.filter(program=conversion.program_id, status=EnrollmentStatus.APPROVED, affiliate=affiliate)
    if conversion.affiliate_id is not None or not enrolled.exists():
        return None
    tried = list(conversion.given.get("tried") or [conversion.reason])
    to = Attribution("claim", affiliate, Source.CLAIM, tried=tried)
    conversion.given["claim"] = claim
    _settle(conversion, to)
    return Decided(conversion.pk, _as_it_came(conversion), to)


@dataclass(frozen=True)
class Told:
    """`differs`: the shop tells another amount than was decided."""

    conversion: Conversion
    differs: bool


def take_as_told(program: Program, pk: int, row: ConversionInput) -> Told | None:
    """The shop tells the order that a claim's decision has written: it is the same one, and repeats from now on what the shop says.
    What was unknown is filled in; what was decided (money, affiliate) stays. Its customer is tied to nobody by this. None where
    the shop has told it already."""
    customer = None
    if row.customer:  # before the conversion, as `write_conversions` locks them
        customer, _new = Customer.objects.get_or_create(
            program=program, external_id=row.customer, defaults={"email": row.customer_email}
        )
    conversion = Conversion.objects.select_for_update(of=("self",)).select_related("program").get(pk=pk)
    if not conversion.given.pop("awaits_shop", False):
        return None
    conversion.customer = conversion.customer or customer
    conversion.quantity = conversion.quantity if conversion.quantity is not None else row.quantity
    conversion.fingerprint = row.fingerprint
    differs = row.amount is not None and (row.amount, row.currency) != (conversion.amount, conversion.currency)
    for name in ("click_id", "coupon", "items", "metadata"):
        if value := getattr(row, name):
            conversion.given.setdefault(name, value)
    conversion.save(update_fields=["customer", "quantity", "fingerprint", "given"])
    return Told(conversion, differs)


def _claims(waiting: list[Conversion]) -> dict[uuid.UUID, datetime]:
    """Each awaited click and the moment of the first sale that waits for it; they come in that order."""
    claims: dict[uuid.UUID, datetime] = {}
    for conversion in waiting:
        claims.setdefault(conversion.awaited_click_id, conversion.occurred_at)  # type: ignore[arg-type]
    return claims


def _terms(program: Program, clicks: dict[uuid.UUID, list[ClickEvidence]], customers: dict[int, Customer]) -> Terms:
    concerned = {click.affiliate_id for chain in clicks.values() for click in chain}
    concerned |= {customer.affiliate_id for customer in customers.values() if customer.affiliate_id}
    approved = Enrollment.objects.filter(program=program, status=EnrollmentStatus.APPROVED, affiliate__in=concerned)
    return Terms(
        program.pk,
        program.attribution_model,
        timedelta(days=program.attribution_window_days),
        set(approved.values_list("affiliate_id", flat=True)),
    )


def _evidence(conversion: Conversion, clicks: list[ClickEvidence], customer: Customer | None) -> Evidence:
    """The click that has come, and the tie that another sale may have made meanwhile: under "first click" it comes first."""
    tie = None
    if customer is not None and customer.affiliate_id is not None and customer.tied_at is not None:
        tie = Tie(customer.affiliate_id, customer.link_id, customer.coupon_id, customer.offer_id, customer.tied_at)
    return Evidence(conversion.occurred_at, str(conversion.awaited_click_id), clicks, tie=tie)


def _settle(conversion: Conversion, to: Attribution) -> None:
    conversion.awaited_click_id = None
    conversion.affiliate_id, conversion.source, conversion.reason = to.affiliate_id, to.source, to.reason
    conversion.click_id, conversion.link_id, conversion.coupon_id = to.click_id, to.link_id, to.coupon_id
    conversion.offer_id, conversion.subs = to.offer_id, to.subs
    conversion.given.pop("tried", None)
    if to.tried:
        conversion.given["tried"] = to.tried
    conversion.save(
        update_fields=[
            "awaited_click_id",
            "affiliate",
            "source",
            "reason",
            "click_id",
            "link",
            "coupon",
            "offer",
            "subs",
            "given",
        ]
    )


def _as_it_came(conversion: Conversion) -> ConversionInput:
    return ConversionInput(
        conversion.event, conversion.external_id, conversion.occurred_at, conversion.amount, conversion.currency
    )
