"""Affiliates in programs: how they come in, and what is decided about them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from affiliates import events
from affiliates.errors import AffiliateError
from affiliates.models import Affiliate, AffiliateMember, Enrollment, EnrollmentStatus, Function, Invitation
from affiliates.services.people import invitation_path, open_invitation
from core.access import Can, check
from core.components import number_text
from core.errors import Conflict
from core.events import Fact, record_many
from core.mail import write_mail
from programs.models import Program, TermsVersion

S = EnrollmentStatus
MOVES: dict[str, frozenset[str]] = {
    S.PENDING: frozenset({S.APPROVED, S.REJECTED}),
    S.INVITED: frozenset({S.APPROVED, S.REJECTED}),
    S.APPROVED: frozenset({S.SUSPENDED, S.TERMINATED}),
    S.SUSPENDED: frozenset({S.APPROVED, S.TERMINATED}),
    S.REJECTED: frozenset({S.PENDING}),
    S.TERMINATED: frozenset(),
}
FACTS = {
    S.PENDING: events.ENROLLMENT_APPLIED,
    S.INVITED: events.ENROLLMENT_INVITED,
    S.APPROVED: events.ENROLLMENT_APPROVED,
    S.REJECTED: events.ENROLLMENT_REJECTED,
    S.SUSPENDED: events.ENROLLMENT_SUSPENDED,
    S.TERMINATED: events.ENROLLMENT_TERMINATED,
}
MAILS = {S.REJECTED: "rejection", S.SUSPENDED: "suspension", S.TERMINATED: "ending"}  # of approvals: _tell_approved
AT_FIRST = frozenset({S.PENDING, S.APPROVED, S.INVITED})


class NoSuchMove(AffiliateError, Conflict):
    """Nothing is wrong with the status that was asked for, but what the enrollment is now stands against it."""


@transaction.atomic
def enroll_affiliate(
    affiliate: Affiliate,
    program: Program,
    *,
    by: User,
    status: str = S.PENDING,
    pitch: str = "",
    at: datetime | None = None,
    tell: bool = True,
) -> Enrollment:
    """Put an affiliate into a program: pending, invited, or approved at once. Conflict where it is in it already.

    An approved one gets a mail, with an invitation where nobody can sign in for it yet; not where the caller sees to the
    invitation (`tell`).
    """
    check(by, Can.MANAGE_AFFILIATES, program.pk)
    if status not in AT_FIRST:
        raise AffiliateError(_("An enrollment begins as pending, invited or approved."), code="status", field="status")
    enrollment = _enroll(affiliate, program, status, pitch=pitch, at=at, by=by)
    if status == S.APPROVED and tell:
        _tell_approved(enrollment, by=by)
    return enrollment


@transaction.atomic
def change_enrollments(
    enrollments: QuerySet[Enrollment], status: str, *, by: User, reason: str = "", at: datetime | None = None
) -> int:
    """Move all of these to `status`; returns how many. Either every one may be moved there, or none is (`MOVES`).

    The row locks let only one of two decisions win. Each affiliate is told by mail; whoever is approved gets an invitation
    where nobody can sign in for the affiliate yet. An invitation that is taken back is told to nobody.
    """
    rows = list(enrollments.select_for_update(of=("self",)).select_related("affiliate__manager", "program").order_by("pk"))
    for program in {row.program_id for row in rows}:
        check(by, Can.MANAGE_AFFILIATES, program)
    barred = [row for row in rows if status not in MOVES[row.status]]
    if barred:
        raise NoSuchMove(_told_barred(barred, status), code="status", field="status")
    now = at or timezone.now()
    Enrollment.objects.filter(pk__in=[row.pk for row in rows]).update(status=status, status_at=now, reason=reason)
    told = [row for row in rows if status in MAILS and row.status != S.INVITED]
    for row in rows:
        row.status, row.status_at, row.reason = status, now, reason
    record_many([_fact(row) for row in rows], by=by)
    for row in told:
        context = {"affiliate": row.affiliate, "program": row.program, "manager": row.affiliate.manager}
        write_mail(row.affiliate.email, f"affiliates/mails/{MAILS[S(status)]}", context, about=[row])
    if status == S.APPROVED:
        for row in rows:
            _tell_approved(row, by=by)
    return len(rows)


@transaction.atomic
def apply_to_program(
    program: Program,
    *,
    email: str,
    name: str,
    website: str = "",
    kind: str = "other",
    country: str = "",
    pitch: str = "",
    terms: int | None = None,
) -> None:
    """Someone asks to take part. Says nothing about who is known here: the answer goes to the e-mail address alone.

    An address that is already an affiliate's keeps its profile; it is enrolled as pending where it may be. `terms` is the
    number of the version that was read and agreed to: the newest, where the program has terms.
    """
    if program.status != Program.Status.ACTIVE or not program.public:
        raise AffiliateError(_("This program takes no applications at the moment."), code="closed")
    agreed = _agreed(program, terms)
    email = email.strip().lower()
    affiliate = Affiliate.objects.select_for_update().filter(email__iexact=email).first()
    if affiliate is None:
        affiliate = Affiliate(email=email, name=" ".join(name.split()), website=website, kind=kind, country=country)
        affiliate.clean_fields()
        try:
            with transaction.atomic():
                affiliate.save()
        except IntegrityError:  # the same application a moment ago
            affiliate = Affiliate.objects.select_for_update().get(email__iexact=email)
        else:
            record_many([Fact(events.AFFILIATE_CREATED, [affiliate])])
    enrollment = Enrollment.objects.select_for_update().filter(affiliate=affiliate, program=program).first()
    if enrollment is None:
        enrollment = _enroll(affiliate, program, S.PENDING, pitch=pitch, at=None, by=None, terms=agreed)
    elif enrollment.status == S.REJECTED:
        enrollment.status, enrollment.status_at, enrollment.reason, enrollment.pitch = S.PENDING, timezone.now(), "", pitch
        enrollment.terms, enrollment.terms_at = agreed, enrollment.status_at if agreed else None
        enrollment.save()
        record_many([_fact(enrollment)])
    write_mail(
        affiliate.email,
        "affiliates/mails/application",
        {"affiliate": affiliate, "program": program, "waiting": enrollment.status == S.PENDING},
        about=[enrollment],
    )


def _agreed(program: Program, number: int | None) -> TermsVersion | None:
    """The version of the terms that is agreed to; refused where it is no longer, or not at all, the one in force."""
    newest = program.terms.order_by("-number").first()
    if number != (newest.number if newest else None):
        raise AffiliateError(
            _("The terms have changed in the meantime. Read them once more, then agree."), code="terms", field="terms"
        )
    return newest


def _enroll(
    affiliate: Affiliate,
    program: Program,
    status: str,
    *,
    pitch: str,
    at: datetime | None,
    by: User | None,
    terms: TermsVersion | None = None,
) -> Enrollment:
    at = at or timezone.now()
    try:
        with transaction.atomic():
            enrollment = Enrollment.objects.create(
                affiliate=affiliate,
                program=program,
                status=status,
                status_at=at,
                pitch=pitch,
                terms=terms,
                terms_at=at if terms else None,
            )
    except IntegrityError:
        raise Conflict(_("This affiliate is in this program already."), code="duplicate", field="affiliate") from None
    record_many([_fact(enrollment)], by=by)
    return enrollment


def _fact(enrollment: Enrollment) -> Fact:
    data: dict[str, Any] = {"affiliate": enrollment.affiliate.name, "program": enrollment.program.name}
    if enrollment.status == S.PENDING and enrollment.terms is not None:
        data["terms"] = enrollment.terms.number
    return Fact(
        FACTS[EnrollmentStatus(enrollment.status)],
        [enrollment, enrollment.affiliate, enrollment.program],
        data,
        enrollment.reason,
        enrollment.status_at,
    )


def _told_barred(barred: list[Enrollment], status: str) -> str:
    first = barred[0]
    return ngettext(
        "%(affiliate)s is %(now)s in %(program)s and cannot become %(then)s. Reload and look again.",
        "%(count)s of these cannot become %(then)s, %(affiliate)s (%(now)s) among them. Reload and look again.",
        len(barred),
    ) % {
        "affiliate": first.affiliate,
        "program": first.program,
        "now": first.get_status_display().lower(),
        "then": EnrollmentStatus(status).label.lower(),
        "count": number_text(len(barred)),
    }


def _has_member(affiliate: Affiliate) -> bool:
    return AffiliateMember.objects.filter(affiliate=affiliate, removed_at__isnull=True).exists()


def _tell_approved(enrollment: Enrollment, *, by: User) -> None:
    affiliate = enrollment.affiliate
    about: Enrollment | Invitation = enrollment
    path = ""
    if not _has_member(affiliate):
        about, token = open_invitation(affiliate, affiliate.email, [Function.OWNER], by=by)
        path = invitation_path(token)
    context = {"affiliate": affiliate, "program": enrollment.program, "invitation_path": path}
    write_mail(affiliate.email, "affiliates/mails/approval", context, about=[about])
