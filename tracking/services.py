"""Links and coupons."""

from __future__ import annotations

import re
import secrets
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from affiliates.models import Affiliate, Enrollment, EnrollmentStatus
from core.access import Can, check, rights_of
from core.errors import Conflict, Refusal
from core.events import record
from programs.models import Offer, Program
from tracking import events
from tracking.codes import is_code
from tracking.models import Coupon, Link, Status

_COUPON = re.compile(r"[^\s,;\"'<>]{1,60}")
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # no look-alikes: codes are read aloud and typed from posters
ENROLLED = [EnrollmentStatus.PENDING, EnrollmentStatus.APPROVED, EnrollmentStatus.INVITED, EnrollmentStatus.SUSPENDED]


class TrackingError(Refusal):
    """A link or a coupon that cannot be made or changed so."""


@transaction.atomic
def create_link(affiliate: Affiliate, offer: Offer, *, by: Any, code: str | None = None, destination_url: str = "") -> Link:
    """A link for an affiliate who is enrolled in the offer's program. Without a code a short one is chosen."""
    _check_actor(by, affiliate, offer.program)
    _check_enrolled(affiliate, offer.program)
    if code is not None and not is_code(code):
        raise TrackingError(_("A code has 1 to 60 letters, digits, - or _."), code="invalid", field="code")
    if destination_url and not offer.allows(destination_url):
        raise TrackingError(
            _("This offer may only be linked to its landing page’s site and its allowed domains."),
            code="destination",
            field="destination_url",
        )
    link = Link(affiliate=affiliate, offer=offer, code=code or _new_code(), destination_url=destination_url)
    try:
        with transaction.atomic():
            link.save()
    except IntegrityError as error:
        raise Conflict(_("This code is taken. Choose another."), code="taken", field="code") from error
    record(events.LINK_CREATED, link, affiliate, by=by, data={"code": link.code, "offer": offer.name})
    return link


def _new_code() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(8))


@transaction.atomic
def create_coupon(affiliate: Affiliate, program: Program, code: str, *, by: Any, offer: Offer | None = None) -> Coupon:
    """A coupon for an affiliate who is enrolled. The program's managers alone give them: the shop must know them too."""
    check(by, Can.MANAGE_TRACKING, program.pk)
    _check_enrolled(affiliate, program)
    if not _COUPON.fullmatch(code):
        raise TrackingError(_("A coupon has 1 to 60 characters without spaces, commas or quotes."), code="invalid", field="code")
    if offer is not None and offer.program_id != program.pk:
        raise TrackingError(_("The offer belongs to another program."), code="invalid", field="offer")
    coupon = Coupon(affiliate=affiliate, program=program, offer=offer, code=code)
    try:
        with transaction.atomic():
            coupon.save()
    except IntegrityError as error:
        raise Conflict(_("The program has this coupon already."), code="taken", field="code") from error
    record(events.COUPON_CREATED, coupon, affiliate, by=by, data={"code": coupon.code})
    return coupon


@transaction.atomic
def set_link_status(link: Link, status: str, *, by: Any) -> Link:
    """Pause or resume: within a second the click server sends visitors of a paused link to the program's fallback."""
    link = Link.objects.select_for_update(of=("self",)).select_related("affiliate", "offer__program").get(pk=link.pk)
    _check_actor(by, link.affiliate, link.offer.program)
    if link.status != status:
        link.status = status
        link.save(update_fields=["status"])
        record(
            events.LINK_PAUSED if status == Status.PAUSED else events.LINK_RESUMED,
            link,
            link.affiliate,
            by=by,
            data={"code": link.code},
        )
    return link


@transaction.atomic
def set_coupon_status(coupon: Coupon, status: str, *, by: Any) -> Coupon:
    coupon = Coupon.objects.select_for_update(of=("self",)).select_related("affiliate").get(pk=coupon.pk)
    check(by, Can.MANAGE_TRACKING, coupon.program_id)
    if coupon.status != status:
        coupon.status = status
        coupon.save(update_fields=["status"])
        name = events.COUPON_PAUSED if status == Status.PAUSED else events.COUPON_RESUMED
        record(name, coupon, coupon.affiliate, by=by, data={"code": coupon.code})
    return coupon


def _check_actor(by: Any, affiliate: Affiliate, program: Program) -> None:
    """The program's team, or one of the affiliate's own people."""
    if (
        not rights_of(by).has(Can.MANAGE_TRACKING, program.pk)
        and not affiliate.members.filter(user=by, removed_at__isnull=True).exists()
    ):
        check(by, Can.MANAGE_TRACKING, program.pk)


def _check_enrolled(affiliate: Affiliate, program: Program) -> None:
    if not Enrollment.objects.filter(affiliate=affiliate, program=program, status__in=ENROLLED).exists():
        raise TrackingError(
            _("%(affiliate)s is not enrolled in %(program)s.") % {"affiliate": affiliate, "program": program},
            code="not_enrolled",
            field="affiliate",
        )
