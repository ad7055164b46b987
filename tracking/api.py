"""Links and coupons over the API."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db.models import QuerySet
from django.urls import path
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from affiliates.api import find_affiliate
from core.access import Can
from core.api.answers import Answer, Id, Time, Word
from core.api.fields import FILTER, OPTIONAL, Address, Choice, Input, Reference, Text
from core.api.operations import address, operation
from core.api.references import find, found
from programs.api import find_offer, find_program
from tracking.codes import PATTERN
from tracking.conversion_events import EVENTS
from tracking.models import Coupon, Link, Status
from tracking.services import create_coupon, create_link, set_coupon_status, set_link_status

link_code = RegexValidator(rf"^{PATTERN}\Z", _("A code has 1 to 60 letters, digits, - or _."))


class EventName(RegexValidator):
    """Refuses what is no event's name, and "Sale": it would be a program's own event, which no rule for sales prices."""

    def __call__(self, value: Any) -> None:
        super().__call__(value)
        if value not in EVENTS and value.lower() in EVENTS:
            raise ValidationError(_("Write this event in small letters: %(event)s.") % {"event": value.lower()}, code="event")


event_name = EventName(
    r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,39}\Z", _("An event has 1 to 40 letters, digits, _, ., : or -, such as sale.")
)


def find_link(user: Any, text: str) -> Link | None:
    """By id or code, among those that the caller sees."""
    return find(Link.objects.visible_to(user), text, "code")


def find_coupon(user: Any, text: str) -> Coupon | None:
    """By id, or by a code that stands in one of the caller's programs alone."""
    return find(Coupon.objects.visible_to(user), text, "code__iexact")


class LinkInput(Input):
    affiliate = Reference(find_affiliate)
    offer = Reference(find_offer)
    code = Text(
        max_length=60, validators=[link_code], help_text="What stands in the address; left out, one is chosen.", **OPTIONAL
    )
    destination_url = Address(
        allow_blank=True, help_text="Left out: the offer's landing page. Otherwise on a host that the offer allows.", **OPTIONAL
    )


class StatusChange(Input):
    status = Choice(choices=Status.values)


class LinkAnswer(Answer):
    id = Id("lnk")
    code = Word()
    url = Word(help_text="What visitors click.")
    affiliate = Id("aff")
    offer = Id("off")
    destination_url = Word(allow_null=True)
    status = Word(choices=Status.values)
    created_at = Time()


class LinkFilters(Input):
    affiliate = Reference(find_affiliate, **FILTER)
    offer = Reference(find_offer, **FILTER)
    program = Reference(find_program, **FILTER)
    status = Choice(choices=Status.values, **FILTER)


class CouponInput(Input):
    affiliate = Reference(find_affiliate)
    program = Reference(find_program)
    code = Text(max_length=60, help_text="As customers type it; case does not matter.")
    offer = Reference(find_offer, **OPTIONAL)


class CouponAnswer(Answer):
    id = Id("cpn")
    code = Word()
    affiliate = Id("aff")
    program = Id("prg")
    offer = Id("off", allow_null=True)
    status = Word(choices=Status.values)
    created_at = Time()


class CouponFilters(Input):
    affiliate = Reference(find_affiliate, **FILTER)
    program = Reference(find_program, **FILTER)
    code = Text(**FILTER)
    status = Choice(choices=Status.values, **FILTER)


@operation(Can.SEE_TRACKING, LinkAnswer, filters=LinkFilters, newest_by="created_at")
def link_list(request: Request, filters: dict[str, Any]) -> QuerySet[Link]:
    """List links"""
    if "program" in filters:
        filters["offer__program"] = filters.pop("program")
    return Link.objects.visible_to(request.user).filter(**filters)


@operation(Can.MANAGE_TRACKING, LinkAnswer, takes=LinkInput, status=201)
def link_create(request: Request, data: dict[str, Any]) -> Link:
    """Create a link

    It works as soon as this has answered. The affiliate must be enrolled in the offer's program; while the enrollment is not
    approved, the link's clicks earn nothing.
    """
    return create_link(data.pop("affiliate"), data.pop("offer"), by=request.user, **data)


@operation(Can.SEE_TRACKING, LinkAnswer)
def link_get(request: Request, id: str) -> Link:
    """Show a link"""
    return found(find_link(request.user, id))


@operation(Can.MANAGE_TRACKING, LinkAnswer, takes=StatusChange)
def link_update(request: Request, id: str, data: dict[str, Any]) -> Link:
    """Pause or resume a link

    Visitors of a paused link are sent to the program's fallback address.
    """
    link = found(find_link(request.user, id))
    return set_link_status(link, data.get("status", link.status), by=request.user)


@operation(Can.SEE_TRACKING, CouponAnswer, filters=CouponFilters, newest_by="created_at")
def coupon_list(request: Request, filters: dict[str, Any]) -> QuerySet[Coupon]:
    """List coupons"""
    if "code" in filters:
        filters["code__iexact"] = filters.pop("code")
    return Coupon.objects.visible_to(request.user).filter(**filters)


@operation(Can.MANAGE_TRACKING, CouponAnswer, takes=CouponInput, status=201)
def coupon_create(request: Request, data: dict[str, Any]) -> Coupon:
    """Create a coupon

    Sales that come with it are credited to the affiliate. The shop has to know the code as well.
    """
    return create_coupon(by=request.user, **data)


@operation(Can.SEE_TRACKING, CouponAnswer)
def coupon_get(request: Request, id: str) -> Coupon:
    """Show a coupon"""
    return found(find_coupon(request.user, id))


@operation(Can.MANAGE_TRACKING, CouponAnswer, takes=StatusChange)
def coupon_update(request: Request, id: str, data: dict[str, Any]) -> Coupon:
    """Pause or resume a coupon"""
    coupon = found(find_coupon(request.user, id))
    return set_coupon_status(coupon, data.get("status", coupon.status), by=request.user)


api = [
    path("links", address(get=link_list, post=link_create), name="link_list"),
    path("links/<str:id>", address(get=link_get, patch=link_update), name="link_detail"),
    path("coupons", address(get=coupon_list, post=coupon_create), name="coupon_list"),
    path("coupons/<str:id>", address(get=coupon_get, patch=coupon_update), name="coupon_detail"),
]
