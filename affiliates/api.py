"""Affiliates and their enrollments over the API."""

from __future__ import annotations

from typing import Any

from django.core.validators import RegexValidator
from django.db.models import QuerySet
from django.urls import path
from django.utils.translation import gettext, gettext_lazy
from rest_framework.request import Request

from accounts.models import User
from affiliates.models import Affiliate, Enrollment, EnrollmentStatus
from affiliates.services import change_enrollments, create_affiliate, enroll_affiliate, update_affiliate
from core.access import Can
from core.api.answers import Answer, Id, Time, Word
from core.api.fields import FILTER, OPTIONAL, Address, Choice, Currency, Email, Input, Reference, Text
from core.api.operations import address, operation
from core.api.problems import invalid
from core.api.references import find, found
from programs.api import find_program

country_code = RegexValidator(r"^[A-Z]{2}\Z", gettext_lazy("Give the country as two capitals (ISO 3166), such as DE."))


def find_affiliate(user: Any, text: str) -> Affiliate | None:
    """By id or external id, among those that the caller sees."""
    return find(Affiliate.objects.visible_to(user), text, "external_id")


def find_enrollment(user: Any, text: str) -> Enrollment | None:
    return find(Enrollment.objects.visible_to(user).select_related("affiliate", "program"), text)


def find_person(user: Any, text: str) -> User | None:
    """A member of the team, by id or e-mail."""
    team = User.objects.filter(is_active=True, assignments__revoked_at__isnull=True, assignments__isnull=False).distinct()
    return find(team, text, "email__iexact")


class AffiliateInput(Input):
    email = Email()
    name = Text(max_length=160)
    kind = Choice(choices=Affiliate.Kind.values, **OPTIONAL)
    country = Text(max_length=2, validators=[country_code], allow_blank=True, help_text="ISO 3166, such as DE.", **OPTIONAL)
    currency = Currency(help_text="The one they would like to be paid in.", **OPTIONAL)
    website = Address(max_length=500, allow_blank=True, **OPTIONAL)
    external_id = Text(max_length=120, help_text="Your own name for them; wherever an id is taken, it is taken too.", **OPTIONAL)
    manager = Reference(find_person, help_text="Id or e-mail of the team member who looks after them.", **OPTIONAL)
    parent = Reference(find_affiliate, help_text="Who recruited them.", **OPTIONAL)  # type: ignore[assignment]


class AffiliateAnswer(Answer):
    id = Id("aff")
    name = Word()
    email = Word()
    kind = Word(choices=Affiliate.Kind.values)
    country = Word(allow_null=True)
    currency = Word(allow_null=True)
    website = Word(allow_null=True)
    external_id = Word(allow_null=True)
    manager = Id("usr", allow_null=True)
    parent = Id("aff", allow_null=True)  # type: ignore[assignment]
    created_at = Time()


class AffiliateFilters(Input):
    email = Text(**FILTER)
    external_id = Text(**FILTER)
    program = Reference(find_program, **FILTER)
    status = Choice(choices=EnrollmentStatus.values, help_text="Of an enrollment (in the program, if one is given).", **FILTER)


class EnrollmentInput(Input):
    affiliate = Reference(find_affiliate)
    program = Reference(find_program)
    status = Choice(choices=["pending", "approved", "invited"], **OPTIONAL)


class EnrollmentChange(Input):
    status = Choice(choices=EnrollmentStatus.values)
    reason = Text(max_length=1000, allow_blank=True, **OPTIONAL)


class EnrollmentAnswer(Answer):
    id = Id("enr")
    affiliate = Id("aff")
    program = Id("prg")
    status = Word(choices=EnrollmentStatus.values)
    status_at = Time()
    reason = Word(allow_null=True)
    created_at = Time()


class EnrollmentFilters(Input):
    affiliate = Reference(find_affiliate, **FILTER)
    program = Reference(find_program, **FILTER)
    status = Choice(choices=EnrollmentStatus.values, **FILTER)


@operation(Can.SEE, AffiliateAnswer, filters=AffiliateFilters, newest_by="created_at")
def affiliate_list(request: Request, filters: dict[str, Any]) -> QuerySet[Affiliate]:
    """List affiliates"""
    rows = Affiliate.objects.visible_to(request.user)
    if "email" in filters:
        rows = rows.filter(email__iexact=filters["email"])
    if "external_id" in filters:
        rows = rows.filter(external_id=filters["external_id"])
    enrolled = {name: filters[name] for name in ("program", "status") if name in filters}
    if enrolled:
        rows = rows.filter(pk__in=Enrollment.objects.visible_to(request.user).filter(**enrolled).values("affiliate"))
    return rows


@operation(Can.MANAGE_AFFILIATES, AffiliateAnswer, takes=AffiliateInput, status=201)
def affiliate_create(request: Request, data: dict[str, Any]) -> Affiliate:
    """Create an affiliate

    In no program yet: an enrollment puts them into one. The e-mail and the external id are unique in every program.
    """
    return create_affiliate(by=request.user, **data)


@operation(Can.SEE, AffiliateAnswer)
def affiliate_get(request: Request, id: str) -> Affiliate:
    """Show an affiliate"""
    return found(find_affiliate(request.user, id))


@operation(Can.MANAGE_AFFILIATES, AffiliateAnswer, takes=AffiliateInput)
def affiliate_update(request: Request, id: str, data: dict[str, Any]) -> Affiliate:
    """Change an affiliate

    What is left out stays as it is; null empties.
    """
    data |= {name: "" for name in ("country", "currency", "website") if name in data and data[name] is None}
    return update_affiliate(found(find_affiliate(request.user, id)), by=request.user, **data)


@operation(Can.SEE, EnrollmentAnswer, filters=EnrollmentFilters, newest_by="created_at")
def enrollment_list(request: Request, filters: dict[str, Any]) -> QuerySet[Enrollment]:
    """List enrollments"""
    return Enrollment.objects.visible_to(request.user).filter(**filters)


@operation(Can.MANAGE_AFFILIATES, EnrollmentAnswer, takes=EnrollmentInput, status=201)
def enrollment_create(request: Request, data: dict[str, Any]) -> Enrollment:
    """Enroll an affiliate in a program

    As pending unless another status is given. Only an approved affiliate earns.
    """
    return enroll_affiliate(by=request.user, **data)


@operation(Can.SEE, EnrollmentAnswer)
def enrollment_get(request: Request, id: str) -> Enrollment:
    """Show an enrollment"""
    return found(find_enrollment(request.user, id))


@operation(Can.MANAGE_AFFILIATES, EnrollmentAnswer, takes=EnrollmentChange)
def enrollment_update(request: Request, id: str, data: dict[str, Any]) -> Enrollment:
    """Decide about an enrollment

    pending and invited become approved or rejected; approved becomes suspended or terminated, suspended approved again. `reason`
    belongs to such a change. 409 where it cannot become that from what it is now.
    """
    enrollment = found(find_enrollment(request.user, id))
    reason = data.get("reason", "")
    if data.get("status", enrollment.status) != enrollment.status:
        change_enrollments(Enrollment.objects.filter(pk=enrollment.pk), data["status"], by=request.user, reason=reason)
        enrollment.refresh_from_db()
    elif "reason" in data and reason != enrollment.reason:
        raise invalid("reason", gettext("A reason is a change's: give the status that it explains."), "no_change")
    return enrollment


api = [
    path("affiliates", address(get=affiliate_list, post=affiliate_create), name="affiliate_list"),
    path("affiliates/<str:id>", address(get=affiliate_get, patch=affiliate_update), name="affiliate_detail"),
    path("enrollments", address(get=enrollment_list, post=enrollment_create), name="enrollment_list"),
    path("enrollments/<str:id>", address(get=enrollment_get, patch=enrollment_update), name="enrollment_detail"),
]
