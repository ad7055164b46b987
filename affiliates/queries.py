"""Affiliates as pages read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import BigIntegerField, Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.models import Role, RoleAssignment, User
from affiliates.models import Affiliate, Cover, Enrollment, EnrollmentStatus
from core.access import Can, programs_of, rights_of
from core.choices import country_name
from core.models import Event

# What comes with every order is told by its own lists; here it would bury all else.
BY_THE_THOUSAND = [
    "conversion.recorded",
    "conversion.credited",
    "conversion.refunded",
    "commission.approved",
    "commission.reversed",
]
MANAGING = [role for role in Role.values if role in {Role.ADMIN, Role.HEAD, Role.MANAGER}]


def affiliate_managers() -> QuerySet[User]:
    """Who can be somebody's personal manager: those who manage affiliates now."""
    holders = RoleAssignment.objects.current().filter(role__in=MANAGING).values("user")
    return User.objects.filter(pk__in=holders, is_active=True, is_service=False).order_by("name", "email")


def known_countries(user: Any) -> Callable[[], list[tuple[str, str]]]:
    """The countries that affiliates come from, by name: for a filter, read once and only where it is asked."""
    return cache(
        lambda: sorted(
            (
                (code, country_name(code))
                for code in Affiliate.objects.visible_to(user)
                .exclude(country="")
                .order_by()
                .values_list("country", flat=True)
                .distinct()
            ),
            key=lambda choice: choice[1],
        )
    )


Hidden = Callable[[Affiliate, Any], Iterable[str]]
_hidden: list[Hidden] = []


def register_hidden(hidden: Hidden) -> None:
    """Higher apps name those of their rows about an affiliate ("ticket:17") that this reader may not see: a request in a program in
    which the affiliate is not enrolled."""
    if hidden not in _hidden:
        _hidden.append(hidden)


def timeline_of(affiliate: Affiliate, user: Any) -> QuerySet[Event]:
    """What happened to the affiliate, as far as the reader may know.

    Facts of higher apps (links, commissions, payouts) are told to those who see tracking and money in all of its programs, but for
    what is about a row that they may not see; others read about the account itself, as far as they may know of it, and about its
    enrollments in programs they see.
    """
    events = Event.objects.about(affiliate).exclude(name__in=BY_THE_THOUSAND)
    enrolled = set(affiliate.enrollments.values_list("program_id", flat=True))
    rights = rights_of(user)
    if all(
        rights.everywhere(can) or all(rights.has(can, p) for p in enrolled) for can in (Can.SEE, Can.SEE_TRACKING, Can.SEE_MONEY)
    ):
        refs = [ref for hidden in _hidden for ref in hidden(affiliate, user)]
        return events.exclude(about__overlap=refs) if refs else events
    account = Q(pk__in=[])
    if Affiliate.objects.known_to(user).filter(pk=affiliate.pk).exists():
        account = Q(name__startswith="affiliate.") | Q(name__startswith="invitation.") | Q(name__startswith="member.")
    programs = programs_of(user)
    enrollment = Q(name__startswith="enrollment.")
    if programs is not None:
        enrollment &= Q(about__overlap=[f"program:{pk}" for pk in sorted(programs)])
    return events.filter(account | enrollment)


CARRIED = (EnrollmentStatus.APPROVED, EnrollmentStatus.SUSPENDED, EnrollmentStatus.PENDING, EnrollmentStatus.INVITED)


def carried_affiliates() -> QuerySet[Affiliate]:
    """Those that are work for whoever looks after them: in a program, suspended, or asking to be let in."""
    return Affiliate.objects.filter(Exists(Enrollment.objects.filter(affiliate=OuterRef("pk"), status__in=CARRIED)))


def accounts_carried(at: datetime) -> Counter[int]:
    """How many accounts each person looks after at this instant: their own but for those that a colleague covers, and those
    that they cover."""
    cover = Cover.objects.current(at).filter(affiliate=OuterRef("pk")).values("to_person")[:1]
    managed = (
        carried_affiliates()
        .exclude(manager=None)
        .annotate(carrier=Coalesce(Subquery(cover), F("manager_id"), output_field=BigIntegerField()))
    )
    return Counter(dict(managed.order_by().values_list("carrier").annotate(Count("pk"))))


def covering(at: datetime) -> dict[int, int]:
    """Which accounts are covered at this instant, and by whom."""
    return dict(Cover.objects.current(at).values_list("affiliate_id", "to_person_id"))


def manager_at(affiliate: Affiliate, at: datetime) -> User | None:
    """Who looks after the affiliate at this instant: whoever covers, else the personal manager. What happens in that time,
    results and promises, counts for them."""
    cover = Cover.objects.current(at).filter(affiliate=affiliate).select_related("to_person").first()
    return cover.to_person if cover else affiliate.manager


def open_applications() -> QuerySet[Enrollment]:
    """Those that nobody has decided yet: work that capacity counts too."""
    return Enrollment.objects.filter(status=EnrollmentStatus.PENDING)
