"""The one way in for conversions and refunds: tracking attributes and writes, commissions price, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from affiliates.models import Affiliate
from commissions.services import price_conversions, reverse_for_refund
from core.access import Can, check
from core.errors import Conflict, Refusal
from core.events import Fact, record, record_many
from core.money import plain_amount
from core.rows import select_rows
from programs.models import Program
from tracking import events
from tracking.conversions import ConversionInput, Decided, write_conversions
from tracking.late import credit_claimed, credit_late, take_as_told
from tracking.models import Conversion, Refund

FUTURE = timedelta(minutes=5)  # how far a shop's clock may run ahead


class IntakeError(Refusal):
    """A conversion or a refund that cannot be taken so."""


@dataclass(slots=True)
class Recorded:
    """What became of one row: the conversion's number, and whether it is new."""

    id: int
    created: bool


@dataclass(slots=True)
class Rejected:
    """One row that was not taken; the others are not harmed."""

    refusal: Refusal


@transaction.atomic
def record_conversions(
    program: Program, rows: Sequence[ConversionInput], *, by: Any, now: datetime | None = None
) -> list[Recorded | Rejected]:
    """Record rows of one program as one set; the answers stand in the rows' order.

    The same (external_id, event) again is the same conversion, for ever: a replay answers with the first one's number, other
    content under it is a Conflict. Within the set the first row counts. What a claim's decision has recorded, the shop may tell
    once with other content: that is the same order, and where its amount differs a person hears of it.
    """
    check(by, Can.RECORD_CONVERSIONS, program.pk)
    now = now or timezone.now()
    refusals = {index: refusal for index, row in enumerate(rows) if (refusal := _refusal_of(row, now))}
    for row in rows:
        row.occurred_at = min(row.occurred_at, now)  # a shop's clock that runs ahead puts no hold off
    good = [row for index, row in enumerate(rows) if index not in refusals]
    decided = write_conversions(program, good, now=now)
    commissions = price_conversions(program, decided, now=now)
    record_many((_fact(program, conversion, commissions.get(conversion.id)) for conversion in decided), by=by)
    created = {conversion.row.key: (conversion.id, id(conversion.row)) for conversion in decided}
    return _answers(program, rows, refusals, created, by=by)


@transaction.atomic
def credit_late_clicks(program: Program, *, now: datetime | None = None) -> int:
    """Credit and price what came before its click was in the database; returns how many conversions that were.

    Refunds that came meanwhile take back their part at once.
    """
    now = now or timezone.now()
    decided = credit_late(program, now=now)
    _price_credited(program, decided, by=None, now=now)
    return len(decided)


@transaction.atomic
def credit_claimed_conversion(conversion: Conversion, affiliate: Affiliate, *, claim: str, by: Any) -> None:
    """Credit and price a conversion that was credited to nobody, after the decision that it is this affiliate's. `claim` is the
    claim's public id. Conflict where it is somebody's by now, or the affiliate is not approved."""
    conversion = Conversion.objects.select_for_update(of=("self",)).select_related("program").get(pk=conversion.pk)
    check(by, Can.RECORD_CONVERSIONS, conversion.program_id)
    decided = credit_claimed(conversion, affiliate.pk, claim)
    if decided is None:
        raise Conflict(
            _("It is credited to somebody already, or %(affiliate)s is not approved in this program.") % {"affiliate": affiliate},
            code="not_to_be_credited",
        )
    _price_credited(conversion.program, [decided], by=by, now=timezone.now())


def _price_credited(program: Program, decided: Sequence[Decided], *, by: Any, now: datetime) -> None:
    """What was credited after it came: refunds that came meanwhile take back their part at once."""
    commissions = price_conversions(program, decided, now=now)
    facts = [_fact(program, conversion, commissions.get(conversion.id), events.CONVERSION_CREDITED) for conversion in decided]
    record_many(facts, by=by)
    for refund in Refund.objects.filter(conversion__in=commissions).select_related("conversion__program").order_by("pk"):
        reverse_for_refund(refund.conversion, refund, by=by, now=now)


def _refusal_of(row: ConversionInput, now: datetime) -> Refusal | None:
    if row.event in {"sale", "recurring"} and row.amount is None:
        return IntakeError(_("A sale needs its amount."), code="required", field="amount")
    if row.amount is not None and not row.currency:
        return IntakeError(_("An amount needs its currency."), code="required", field="currency")
    if row.occurred_at > now + FUTURE:
        return IntakeError(_("This lies in the future."), code="future", field="occurred_at")
    return None


def _fact(program: Program, conversion: Decided, commission: int | None, name: str = events.CONVERSION_RECORDED) -> Fact:
    row, to = conversion.row, conversion.attribution
    about = [f"conversion:{conversion.id}"]
    if commission is not None:
        about.append(f"commission:{commission}")
    if to.affiliate_id is not None:
        about.append(f"affiliate:{to.affiliate_id}")
    data: dict[str, Any] = {"external_id": row.external_id, "event": row.event}
    if row.amount is not None:
        data |= {"amount": plain_amount(row.amount, row.currency), "currency": row.currency}
    return Fact(name, about, data)


def _answers(
    program: Program,
    rows: Sequence[ConversionInput],
    refusals: dict[int, Refusal],
    created: dict[tuple[str, str], tuple[int, int]],
    *,
    by: Any,
) -> list[Recorded | Rejected]:
    others = [
        row.external_id for index, row in enumerate(rows) if index not in refusals and created.get(row.key, (0, 0))[1] != id(row)
    ]
    known = {}
    if others:
        known = {
            (external_id, event): (pk, fingerprint, awaits_shop)
            for pk, external_id, event, fingerprint, awaits_shop in select_rows(
                "SELECT id, external_id, event, fingerprint, given->>'awaits_shop' FROM tracking_conversion"
                " WHERE program_id = %s AND external_id = ANY(%s)",
                [program.pk, others],
            )
        }
    answers: list[Recorded | Rejected] = []
    for index, row in enumerate(rows):
        if index in refusals:
            answers.append(Rejected(refusals[index]))
        elif created.get(row.key, (0, 0))[1] == id(row):
            answers.append(Recorded(created[row.key][0], True))
        elif known[row.key][2] is not None and not row.claim and _take_as_told(program, known[row.key][0], row, by=by):
            answers.append(Recorded(known[row.key][0], False))
            known[row.key] = (known[row.key][0], row.fingerprint, None)
        elif known[row.key][1] == row.fingerprint:
            answers.append(Recorded(known[row.key][0], False))
        else:
            answers.append(
                Rejected(
                    Conflict(
                        _(
                            "This external_id is already recorded for this event with other content. Send a refund, or use another external_id."
                        ),
                        code="other_content",
                        field="external_id",
                    )
                )
            )
    return answers


def _take_as_told(program: Program, pk: int, row: ConversionInput, *, by: Any) -> bool:
    told = take_as_told(program, pk, row)
    if told is None:
        return False
    conversion = told.conversion
    data: dict[str, Any] = {"external_id": conversion.external_id, "claim": conversion.given.get("claim", "")}
    name = events.CONVERSION_TOLD
    if told.differs:
        assert row.amount is not None
        name = events.CONVERSION_TOLD_OTHERWISE
        data |= {"told": plain_amount(row.amount, row.currency), "told_currency": row.currency, "currency": conversion.currency}
        data["amount"] = plain_amount(conversion.amount, conversion.currency) if conversion.amount is not None else ""
    record(name, conversion, by=by, data=data)
    return True


@transaction.atomic
def record_refund(
    conversion: Conversion,
    *,
    external_id: str,
    amount: Decimal,
    by: Any,
    occurred_at: datetime | None = None,
    reason: str = "",
    now: datetime | None = None,
) -> tuple[Refund, bool]:
    """Refund a conversion, in part or whole, in its own currency; returns the refund and whether it is new.

    The same external_id again is the same refund; another amount under it, or more than is left, is a Conflict. One that says
    it came before its sale (clocks differ) is taken at the sale's time: no refund is lost.
    """
    conversion = Conversion.objects.select_for_update(of=("self",)).select_related("program").get(pk=conversion.pk)
    check(by, Can.RECORD_CONVERSIONS, conversion.program_id)
    now = now or timezone.now()
    known = conversion.refunds.filter(external_id=external_id).first()
    if known is not None:
        if known.amount != amount:
            raise Conflict(_("This refund is already recorded with another amount."), code="other_content", field="external_id")
        return known, False
    if amount <= 0:
        raise IntakeError(_("A refund is more than zero."), code="invalid", field="amount")
    if occurred_at is not None and occurred_at > now + FUTURE:
        raise IntakeError(_("This lies in the future."), code="future", field="occurred_at")
    if amount > conversion.left_to_refund:
        left = plain_amount(conversion.left_to_refund, conversion.currency) if conversion.amount is not None else "0"
        raise Conflict(
            _("Only %(left)s %(currency)s of this conversion are left to refund.")
            % {"left": left, "currency": conversion.currency},
            code="beyond_what_is_left",
            field="amount",
        )
    conversion.refunded += amount
    conversion.save(update_fields=["refunded"])
    refund = Refund.objects.create(
        conversion=conversion,
        external_id=external_id,
        amount=amount,
        refunded_after=conversion.refunded,
        occurred_at=max(min(occurred_at or now, now), conversion.occurred_at),
        reason=reason,
        created_at=now,
    )
    data = {
        "external_id": conversion.external_id,
        "amount": plain_amount(amount, conversion.currency),
        "currency": conversion.currency,
    }
    affiliate = f"affiliate:{conversion.affiliate_id}" if conversion.affiliate_id else None
    record(events.CONVERSION_REFUNDED, conversion, affiliate, by=by, data=data, reason=reason, at=now)
    reverse_for_refund(conversion, refund, by=by, now=now)
    return refund, True
