"""Conversions and refunds over the API."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

from affiliates.api import find_affiliate
from commissions.api import CommissionShown
from commissions.models import Commission
from commissions.queries import explain_unpriced, with_state
from core.access import AccessError, Can, check, rights_of
from core.api.answers import Answer, Id, MoneyText, Number, Time, Word
from core.api.fields import (
    FILTER,
    OPTIONAL,
    Amount,
    Between,
    Currency,
    Email,
    FreeObject,
    Input,
    Many,
    Moment,
    Reference,
    Text,
    Whole,
    amount_in,
    between,
)
from core.api.operations import address, operation
from core.api.problems import FieldError, errors_of, invalid, status_of
from core.api.references import find, found
from core.errors import Conflict
from core.money import plain_amount
from intake.services import Recorded, Rejected, record_conversions, record_refund
from programs.api import find_program
from programs.models import Program
from programs.queries import visible_programs
from tracking.api import event_name
from tracking.conversions import ConversionInput
from tracking.models import Conversion, Refund, Source

LARGEST_BATCH = 1000
PRICED = {"sale", "recurring"}  # events that need an amount
STATUSES = ["recorded", "unattributed", "unpriced", "partially_refunded", "refunded"]


def with_details(rows: QuerySet[Conversion]) -> QuerySet[Conversion]:
    """With what an answer shows: two queries, however many rows."""
    commissions = with_state(Commission.objects.select_related("rule_version__rule").order_by("pk"))
    return rows.select_related("program", "customer").prefetch_related(Prefetch("commissions", commissions))


def find_conversion(user: Any, text: str) -> Conversion | None:
    """By id; by external id where only one conversion that the caller sees has it."""
    rows = Conversion.objects.visible_to(user).select_related("program")
    if Conversion.pk_from(text) is None:
        # Named one by one, so that the index on program and external id finds them.
        rows = rows.filter(program__in=list(visible_programs(user, Can.SEE_TRACKING).values_list("pk", flat=True)))
    return find(rows, text, "external_id")


class ItemBody(Input):
    sku = Text(max_length=200)
    category = Text(max_length=200, allow_blank=True, **OPTIONAL)
    quantity = Whole(min_value=0, max_value=1_000_000)
    amount = Amount()


class CustomerBody(Input):
    external_id = Text(max_length=200)
    email = Email(allow_blank=True, **OPTIONAL)


class ConversionBody(Input):
    program = Reference(find_program)
    event = Text(
        max_length=40, validators=[event_name], help_text="sale, lead, signup, install, recurring, or a name of your own."
    )
    external_id = Text(max_length=200, help_text="Your order number. With program and event it names the conversion, for good.")
    amount = Amount(**OPTIONAL)
    currency = Currency(**OPTIONAL)
    click_id = Text(max_length=200, allow_blank=True, help_text="As the landing page got it.", **OPTIONAL)
    coupon = Text(max_length=200, allow_blank=True, **OPTIONAL)
    customer = CustomerBody(**OPTIONAL)
    occurred_at = Moment(past=True, **OPTIONAL)
    items = Many(child=ItemBody(), max_length=500, **OPTIONAL)
    metadata = FreeObject(**OPTIONAL)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        absent = [name for name in ("amount", "currency") if name not in attrs] if attrs["event"] in PRICED else []
        if absent:
            message = _("A %(event)s needs this.") % {"event": attrs["event"]}
            raise ValidationError({name: [ErrorDetail(message, code="required")] for name in absent})
        priced = "amount" in attrs or any("amount" in item for item in attrs.get("items", []))
        if priced and "currency" not in attrs:
            raise invalid("currency", _("An amount needs its currency."), "required")
        if "amount" in attrs:
            attrs["amount"] = amount_in(attrs, "amount", attrs["currency"])
        errors: Any = {}
        for place, item in enumerate(attrs.get("items", [])):
            try:
                amount = amount_in(item, "amount", attrs["currency"])
                item["amount"] = plain_amount(amount, attrs["currency"])
            except ValidationError as error:
                errors[place] = error.detail
        if errors:
            raise ValidationError({"items": errors})
        return attrs


class Rows(Many):
    """Taken as they are: `conversion_batch` reads them one by one, as one bad row is that row's error and not the batch's."""

    def run_child_validation(self, data: Any) -> Any:
        return data


class BatchBody(Input):
    conversions = Rows(
        child=ConversionBody(), min_length=1, max_length=LARGEST_BATCH, help_text="Up to 1,000, each judged on its own."
    )


class RefundBody(Input):
    external_id = Text(max_length=200, help_text="Your number of the refund. It names it within the conversion, for good.")
    amount = Amount()
    occurred_at = Moment(
        past=True,
        help_text="RFC 3339. Left out: now. One before the sale (clocks differ) is kept as the sale's time, which the answer tells.",
        **OPTIONAL,
    )
    reason = Text(max_length=300, allow_blank=True, **OPTIONAL)


class AttributionAnswer(Answer):
    source = Word(choices=Source.values, allow_null=True)  # type: ignore[assignment]
    click_id = Word(allow_null=True)
    link = Id("lnk", allow_null=True)
    coupon = Id("cpn", allow_null=True)
    reason = Word(help_text="A code that says why it was credited so, or to nobody.")


class ConversionAnswer(Answer):
    id = Id("cnv")
    status = Word(choices=STATUSES)
    reason = serializers.SerializerMethodField(help_text="Why it is unpriced, for people; null with every other status.")
    program = Id("prg")
    event = Word()
    external_id = Word()
    amount = MoneyText(allow_null=True)
    currency = Word(allow_null=True)
    refunded = MoneyText(allow_null=True)
    customer = Word(source="customer.external_id", allow_null=True, help_text="Your name of the customer.")
    affiliate = Id("aff", allow_null=True)
    attribution = AttributionAnswer(source="*", read_only=True)
    commissions = CommissionShown(many=True, read_only=True, allow_null=True, help_text="null for keys without access to money.")
    occurred_at = Time()
    created_at = Time()

    def get_reason(self, conversion: Conversion) -> str | None:
        return explain_unpriced(conversion) if conversion.status == "unpriced" else None

    def to_representation(self, instance: Conversion) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if instance.amount is None:
            shown["refunded"] = None
        if not rights_of(self.context["request"].user).has(Can.SEE_MONEY, instance.program_id):
            shown["commissions"] = None
        return shown


class ConversionFilters(Between):
    program = Reference(find_program, **FILTER)
    affiliate = Reference(find_affiliate, **FILTER)
    event = Text(**FILTER)
    external_id = Text(**FILTER)


class BatchRowAnswer(Answer):
    index = Number()
    status = Number(help_text="As the row alone would have been answered: 201 new, 200 known, 400, 403 or 409.")
    id = Word(allow_null=True)
    conversion = ConversionAnswer(allow_null=True, read_only=True)
    errors = FieldError(many=True, read_only=True, allow_null=True)  # type: ignore[assignment]


class BatchAnswer(Answer):
    results = BatchRowAnswer(many=True, read_only=True)


class RefundAnswer(Answer):
    id = Id("ref")
    conversion = Id("cnv")
    external_id = Word()
    amount = MoneyText(currency="conversion.currency")
    currency = Word(source="conversion.currency")
    reason = Word(allow_null=True)
    occurred_at = Time()
    created_at = Time()


@operation(Can.SEE_TRACKING, ConversionAnswer, filters=ConversionFilters, newest_by="occurred_at")
def conversion_list(request: Request, filters: dict[str, Any]) -> QuerySet[Conversion]:
    """List conversions

    `from` and `to` are about when they occurred.
    """
    zone = filters["program"].zone if "program" in filters else UTC
    lookups = between(filters, "occurred_at", zone)
    return with_details(Conversion.objects.visible_to(request.user).filter(**filters, **lookups))


@operation(Can.RECORD_CONVERSIONS, ConversionAnswer, takes=ConversionBody, status=(201, 200))
def conversion_create(request: Request, data: dict[str, Any]) -> tuple[Conversion, int]:
    """Record a conversion

    201 for a new one. The same program, event and external_id again: 200 with the same id in its current state, for good; with
    another amount, currency, click, coupon, customer or items: 409. `amount` and `currency` are required for sale and recurring.
    What cannot be credited is kept all the same, with the reason.
    """
    [outcome] = record_conversions(data["program"], [_row(data)], by=request.user)
    if isinstance(outcome, Rejected):
        raise outcome.refusal
    return with_details(Conversion.objects.all()).get(pk=outcome.id), 201 if outcome.created else 200


@operation(Can.RECORD_CONVERSIONS, BatchAnswer, takes=BatchBody)
def conversion_batch(request: Request, data: dict[str, Any]) -> dict[str, Any]:
    """Record many conversions

    Up to 1,000, of one program or several. The results stand in the rows' order; one bad row harms no other.
    """
    reader = ConversionBody(context={"request": request})
    outcomes: dict[int, Recorded | Exception] = {}
    by_program: dict[Program, list[tuple[int, ConversionInput]]] = {}
    for place, given in enumerate(data["conversions"]):
        try:
            values = reader.run_validation(given)
        except ValidationError as error:
            outcomes[place] = error
        else:
            by_program.setdefault(values["program"], []).append((place, _row(values)))
    with transaction.atomic():
        for program in sorted(by_program, key=lambda program: program.pk):
            outcomes |= _record(program, by_program[program], request.user)
    return {"results": _results(outcomes)}


def _record(program: Program, rows: list[tuple[int, ConversionInput]], by: Any) -> dict[int, Recorded | Exception]:
    try:
        check(by, Can.RECORD_CONVERSIONS, program.pk)
    except AccessError as refusal:
        return dict.fromkeys((place for place, _row in rows), refusal)
    answers = record_conversions(program, [row for _place, row in rows], by=by)
    places = [place for place, _row in rows]
    return {
        place: answer.refusal if isinstance(answer, Rejected) else answer for place, answer in zip(places, answers, strict=True)
    }


def _results(outcomes: dict[int, Recorded | Exception]) -> list[dict[str, Any]]:
    recorded = [outcome.id for outcome in outcomes.values() if isinstance(outcome, Recorded)]
    rows = with_details(Conversion.objects.all()).in_bulk(recorded)
    results = []
    for place, outcome in sorted(outcomes.items()):
        if isinstance(outcome, Recorded):
            conversion = rows[outcome.id]
            status = 201 if outcome.created else 200
            results.append(
                {"index": place, "status": status, "id": conversion.public_id, "conversion": conversion, "errors": None}
            )
        else:
            errors = errors_of(outcome)
            results.append({"index": place, "status": status_of(outcome), "id": None, "conversion": None, "errors": errors})
    return results


def _row(data: dict[str, Any]) -> ConversionInput:
    customer, items = data.get("customer") or {}, data.get("items")
    return ConversionInput(
        event=data["event"],
        external_id=data["external_id"],
        occurred_at=data.get("occurred_at") or timezone.now(),
        amount=data.get("amount"),
        currency=data.get("currency", ""),
        click_id=data.get("click_id", ""),
        coupon=data.get("coupon", ""),
        customer=customer.get("external_id", ""),
        customer_email=customer.get("email", ""),
        quantity=sum(item["quantity"] for item in items) if items else None,
        items=[dict(item) for item in items] if items else None,
        metadata=data.get("metadata"),
    )


@operation(Can.SEE_TRACKING, ConversionAnswer)
def conversion_get(request: Request, id: str) -> Conversion:
    """Show a conversion

    By its id, or by your external_id where that names one conversion alone.
    """
    conversion = found(find_conversion(request.user, id))
    return with_details(Conversion.objects.all()).get(pk=conversion.pk)


@operation(Can.SEE_TRACKING, RefundAnswer, newest_by="created_at")
def refund_list(request: Request, id: str) -> QuerySet[Refund]:
    """List a conversion's refunds"""
    conversion = found(find_conversion(request.user, id))
    return Refund.objects.filter(conversion=conversion).select_related("conversion")


@operation(Can.RECORD_CONVERSIONS, RefundAnswer, takes=RefundBody, status=(201, 200))
def refund_create(request: Request, id: str, data: dict[str, Any]) -> tuple[Refund, int]:
    """Refund a conversion

    In part or whole, in the conversion's currency. 201 for a new refund, 200 for the same external_id again, 409 for more than is
    left. Commissions are reversed in proportion.
    """
    conversion = found(find_conversion(request.user, id))
    if conversion.amount is None:
        raise Conflict(_("This conversion has no amount that could be refunded."), code="beyond_what_is_left", field="amount")
    amount = amount_in(data, "amount", conversion.currency)
    assert amount is not None  # required, and null is refused
    refund, created = record_refund(
        conversion,
        external_id=data["external_id"],
        amount=amount,
        occurred_at=data.get("occurred_at"),
        reason=data.get("reason", ""),
        by=request.user,
    )
    refund.conversion = conversion
    return refund, 201 if created else 200


api = [
    path("conversions", address(get=conversion_list, post=conversion_create), name="conversion_list"),
    path("conversions/batch", address(post=conversion_batch), name="conversion_batch"),
    path("conversions/<str:id>", address(get=conversion_get), name="conversion_detail"),
    path("conversions/<str:id>/refunds", address(get=refund_list, post=refund_create), name="refund_list"),
]
