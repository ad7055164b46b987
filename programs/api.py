"""Programs and offers over the API."""

from __future__ import annotations

from typing import Any

from django.core.validators import validate_slug
from django.db.models import QuerySet
from django.urls import path
from rest_framework.request import Request

from core.access import Can
from core.api.answers import Answer, Id, MoneyText, Number, Time, Truth, Word, Words
from core.api.fields import (
    FILTER,
    OPTIONAL,
    Address,
    Amount,
    Choice,
    Currency,
    Flag,
    Input,
    Many,
    Reference,
    Text,
    Whole,
    amount_in,
)
from core.api.operations import address, operation
from core.api.references import find, found
from programs.models import AttributionModel, Offer, Program, check_zone
from programs.queries import visible_offers, visible_programs
from programs.services import create_offer, create_program, update_offer, update_program


def find_program(user: Any, text: str) -> Program | None:
    """By id or slug, among those that the caller sees."""
    return find(visible_programs(user), text, "slug")


def find_offer(user: Any, text: str) -> Offer | None:
    return find(visible_offers(user).select_related("program"), text, "slug")


class ProgramInput(Input):
    name = Text(max_length=120)
    slug = Text(max_length=60, validators=[validate_slug])
    currency = Currency()
    status = Choice(choices=Program.Status.values, **OPTIONAL)
    time_zone = Text(max_length=60, validators=[check_zone], help_text="IANA name, such as Europe/Berlin.", **OPTIONAL)
    attribution_model = Choice(choices=AttributionModel.values, **OPTIONAL)
    attribution_window_days = Whole(min_value=1, max_value=3650, **OPTIONAL)
    hold_days = Whole(min_value=0, max_value=3650, **OPTIONAL)
    minimum_payout = Amount(**OPTIONAL)
    fallback_url = Address(allow_blank=True, **OPTIONAL)
    summary = Text(max_length=300, allow_blank=True, **OPTIONAL)
    description = Text(max_length=20_000, allow_blank=True, **OPTIONAL)
    public = Flag(**OPTIONAL)


class ProgramChange(ProgramInput):
    """Any of a program's fields but its currency, which stays."""

    currency = None  # type: ignore[assignment]


class ProgramAnswer(Answer):
    id = Id("prg")
    name = Word()
    slug = Word()
    status = Word(choices=Program.Status.values)
    currency = Word()
    time_zone = Word()
    attribution_model = Word(choices=AttributionModel.values)
    attribution_window_days = Number()
    hold_days = Number()
    minimum_payout = MoneyText()
    fallback_url = Word(allow_null=True)
    summary = Word(allow_null=True)
    description = Word(allow_null=True)
    public = Truth()
    created_at = Time()


class OfferInput(Input):
    program = Reference(find_program)
    name = Text(max_length=120)
    slug = Text(max_length=80, validators=[validate_slug], **OPTIONAL)
    landing_url = Address()
    allowed_domains = Many(child=Text(max_length=253), max_length=100, **OPTIONAL)
    status = Choice(choices=Offer.Status.values, **OPTIONAL)
    description = Text(max_length=20_000, allow_blank=True, **OPTIONAL)


class OfferChange(OfferInput):
    """Any of an offer's fields but its program."""

    program = None  # type: ignore[assignment]


class OfferAnswer(Answer):
    id = Id("off")
    program = Id("prg")
    name = Word()
    slug = Word()
    status = Word(choices=Offer.Status.values)
    landing_url = Word()
    allowed_domains = Words()
    description = Word(allow_null=True)
    created_at = Time()


class OfferFilters(Input):
    program = Reference(find_program, **FILTER)
    status = Choice(choices=Offer.Status.values, **FILTER)


@operation(Can.SEE, ProgramAnswer, newest_by="created_at")
def program_list(request: Request) -> QuerySet[Program]:
    """List programs"""
    return visible_programs(request.user)


@operation(Can.MANAGE_PROGRAMS, ProgramAnswer, takes=ProgramInput, status=201)
def program_create(request: Request, data: dict[str, Any]) -> Program:
    """Create a program

    Takes a key whose role reaches all programs.
    """
    if "minimum_payout" in data:
        data["minimum_payout"] = amount_in(data, "minimum_payout", data["currency"])
    return create_program(by=request.user, **data)


@operation(Can.SEE, ProgramAnswer)
def program_get(request: Request, id: str) -> Program:
    """Show a program"""
    return found(find_program(request.user, id))


@operation(Can.MANAGE_PROGRAMS, ProgramAnswer, takes=ProgramChange)
def program_update(request: Request, id: str, data: dict[str, Any]) -> Program:
    """Change a program

    What is left out stays as it is. A program keeps its currency.
    """
    program = found(find_program(request.user, id))
    if "minimum_payout" in data:
        data["minimum_payout"] = amount_in(data, "minimum_payout", program.currency)
    return update_program(program, by=request.user, **data)


@operation(Can.SEE, OfferAnswer, filters=OfferFilters, newest_by="created_at")
def offer_list(request: Request, filters: dict[str, Any]) -> QuerySet[Offer]:
    """List offers"""
    return visible_offers(request.user).filter(**filters)


@operation(Can.MANAGE_PROGRAMS, OfferAnswer, takes=OfferInput, status=201)
def offer_create(request: Request, data: dict[str, Any]) -> Offer:
    """Create an offer

    Affiliates may link deeply to the landing page's host and to `allowed_domains`, subdomains included.
    """
    return create_offer(data.pop("program"), by=request.user, **data)


@operation(Can.SEE, OfferAnswer)
def offer_get(request: Request, id: str) -> Offer:
    """Show an offer"""
    return found(find_offer(request.user, id))


@operation(Can.MANAGE_PROGRAMS, OfferAnswer, takes=OfferChange)
def offer_update(request: Request, id: str, data: dict[str, Any]) -> Offer:
    """Change an offer

    What is left out stays as it is.
    """
    return update_offer(found(find_offer(request.user, id)), by=request.user, **data)


api = [
    path("programs", address(get=program_list, post=program_create), name="program_list"),
    path("programs/<str:id>", address(get=program_get, patch=program_update), name="program_detail"),
    path("offers", address(get=offer_list, post=offer_create), name="offer_list"),
    path("offers/<str:id>", address(get=offer_get, patch=offer_update), name="offer_detail"),
]
