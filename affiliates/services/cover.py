"""Accounts of somebody who is away: spread over colleagues or given to a deputy, handed over, and given back afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Role, RoleAssignment, User
from accounts.queries import programs_by_person
from accounts.services import appoint_person, return_role
from affiliates import events
from affiliates.errors import AffiliateError
from affiliates.models import Affiliate, Cover, Enrollment
from affiliates.queries import accounts_carried
from affiliates.spreading import Account, Colleague, Share, spread
from core.access import Can, Rights, rights_of
from core.errors import Refusal
from core.events import Fact, record, record_many
from core.middleware import zone_of
from programs.models import Program
from team.models import ACCOUNTS, Absence, Capacity
from team.queries import span_of
from team.services import check_plans_for, check_works_here


def uncovered_accounts(absence: Absence) -> list[Affiliate]:
    """The absent person's accounts that nobody covers yet for this absence, by name."""
    accounts = Affiliate.objects.filter(manager=absence.person_id).exclude(covers__absence=absence)
    return list(accounts.prefetch_related("enrollments").order_by("name", "pk"))


def propose_cover(absence: Absence, accounts: list[Affiliate] | None = None) -> list[Share]:
    """Who would take each account: the named deputy all of them, else colleagues by program, language and load."""
    accounts = uncovered_accounts(absence) if accounts is None else accounts
    if absence.deputy_id is not None:
        return [Share(affiliate.pk, absence.deputy_id, _("Named as the deputy.")) for affiliate in accounts]
    return spread([_account(affiliate) for affiliate in accounts], _colleagues(absence))


def _account(affiliate: Affiliate) -> Account:
    programs = frozenset(e.program_id for e in affiliate.enrollments.all() if e.status in ("approved", "pending", "suspended"))
    return Account(affiliate.pk, affiliate.language, programs)


def suggest_managers(affiliates: Iterable[Affiliate]) -> dict[int, Share]:
    """Who could look after each of these for good: by program, language and load, each suggestion counted as load for the next.
    Nobody is given anything by it. `enrollments` prefetched."""
    accounts = [_account(affiliate) for affiliate in affiliates]
    shares = spread(accounts, _known_to(programs_by_person(Can.MANAGE_AFFILIATES), timezone.now()))
    return {share.affiliate: share for share in shares}


def _colleagues(absence: Absence) -> list[Colleague]:
    """Those who manage affiliates and are there on every day of the absence."""
    managing = programs_by_person(Can.MANAGE_AFFILIATES)
    overlapping = Absence.objects.filter(
        Q(state=Absence.State.APPROVED), first_day__lte=absence.last_day, last_day__gte=absence.first_day
    )
    for person in {absence.person_id, *overlapping.values_list("person_id", flat=True)}:
        managing.pop(person, None)
    return _known_to(managing, span_of(absence)[0])


def _known_to(managing: Mapping[int, frozenset[int] | None], at: datetime) -> list[Colleague]:
    """What each of these people can take, and carries at that instant."""
    capacities = {c.person_id: c for c in Capacity.objects.filter(person__in=managing).prefetch_related("programs")}
    carried = accounts_carried(at)
    # Who sees to the whole house comes last: an admin takes an account only where no manager can.
    managers = set(RoleAssignment.objects.current().filter(role=Role.MANAGER).values_list("user_id", flat=True))
    found = []
    for person in User.objects.filter(pk__in=managing).order_by("name", "pk"):
        capacity = capacities.get(person.pk)
        limit = capacity.accounts if capacity else ACCOUNTS if person.pk in managers else 0
        known = frozenset(program.pk for program in capacity.programs.all()) if capacity else frozenset()
        may = managing[person.pk]
        programs = may if not known else known if may is None else known & may
        languages = (capacity.languages if capacity else []) or [person.language]
        found.append(Colleague(person.pk, programs, languages, carried.get(person.pk, 0), limit))
    return found


@transaction.atomic
def spread_accounts(absence: Absence, *, by: User, chosen: Mapping[int, int | None] | None = None) -> list[Cover]:
    """Cover the absent person's accounts for these days, as proposed, or as `chosen` (affiliate -> person) says instead.

    Whoever lacks the absent person's rights in a program of an account gets that role until the absence ends.
    """
    absence = Absence.objects.select_for_update(of=("self",)).select_related("person", "deputy").get(pk=absence.pk)
    check_plans_for(by, absence.person)
    starts, ends = span_of(absence)
    if absence.state != Absence.State.APPROVED or ends <= timezone.now():
        raise AffiliateError(_("Only an absence that was approved and is not over is covered."), code="state")
    accounts = uncovered_accounts(absence)
    shares = {share.affiliate: share for share in propose_cover(absence, accounts)}
    wanted = {a.pk: (chosen or {}).get(a.pk, shares[a.pk].person) for a in accounts}
    people = User.objects.in_bulk({number for number in wanted.values() if number is not None})
    if {number for number in wanted.values() if number is not None} - people.keys():
        raise AffiliateError(_("There is no such colleague."), code="unknown", field="person")
    for person in people.values():
        _check_there(person, absence)
    covers = []
    for affiliate in accounts:
        number = wanted[affiliate.pk]
        if number is None:
            continue
        share = shares[affiliate.pk]
        reason = share.reason if number == share.person else str(_("Chosen by %(person)s.") % {"person": by})
        covers.append(
            Cover(
                affiliate=affiliate,
                absence=absence,
                from_person=absence.person,
                to_person=people[number],
                starts_at=max(starts, timezone.now()),
                ends_at=ends,
                reason=reason,
                planned_by=by,
            )
        )
    Cover.objects.bulk_create(covers, batch_size=1000)
    record_many([Fact(events.COVER_PLANNED, _about(c), _told(c), c.reason) for c in covers], by=by)
    start_covers()
    return covers


def _check_there(person: User, absence: Absence) -> None:
    check_works_here(person, "person")
    overlapping = Absence.objects.filter(
        person=person, state=Absence.State.APPROVED, first_day__lte=absence.last_day, last_day__gte=absence.first_day
    )
    if person.pk == absence.person_id or not person.is_active or overlapping.exists():
        raise AffiliateError(_("%(person)s is away in these days too.") % {"person": person}, code="away", field="person")


def start_covers() -> int:
    """Hand over what begins now: the rights, and an event by which tickets and promises follow. Returns how many."""
    now = timezone.now()
    with transaction.atomic():
        due = list(_locked().filter(started_at=None, ended_at=None, starts_at__lte=now, ends_at__gt=now))
        Cover.objects.filter(pk__in=[cover.pk for cover in due]).update(started_at=now)
        refused = _lend_roles(due)
        record_many([Fact(events.COVER_STARTED, _about(c), _told(c), " ".join([c.reason, *refused.get(c.pk, [])])) for c in due])
    return len(due)


def _lend_roles(covers: list[Cover]) -> dict[int, list[str]]:
    """The role of a manager, until the cover ends, in each program of the account in which the colleague cannot do what the
    absent one can; lent in the name of whoever planned it. Returns what was refused of each cover, in words.

    A role that another account of this absence brought serves this one too, and ends with the last of them.
    """
    programs: dict[int, list[Program]] = {}
    rows = Enrollment.objects.filter(affiliate__in={c.affiliate_id for c in covers}).select_related("program").order_by("pk")
    for enrollment in rows:
        programs.setdefault(enrollment.affiliate_id, []).append(enrollment.program)
    groups: dict[tuple[int, int], list[Cover]] = {}
    for cover in covers:
        groups.setdefault((cover.absence_id, cover.to_person_id), []).append(cover)
    absent = {pk: rights_of(user) for pk, user in User.objects.in_bulk({c.from_person_id for c in covers}).items()}
    refused: dict[int, list[str]] = {}
    links = []
    for group in groups.values():
        roles, refusals = _roles_for(
            group,
            absent[group[0].from_person_id],
            {program.pk: program for c in group for program in programs.get(c.affiliate_id, [])},
        )
        for cover in group:
            known = [program.pk for program in programs.get(cover.affiliate_id, [])]
            links += [Cover.roles.through(cover_id=cover.pk, roleassignment_id=roles[pk].pk) for pk in known if pk in roles]
            refused[cover.pk] = [refusals[pk] for pk in known if pk in refusals]
    Cover.roles.through.objects.bulk_create(links, ignore_conflicts=True, batch_size=1000)
    return refused


def _roles_for(
    group: list[Cover], absent: Rights, programs: dict[int, Program]
) -> tuple[dict[int, RoleAssignment], dict[int, str]]:
    """Of one colleague who covers for one absence: the role that is lent in each program, and where it was refused."""
    cover = group[0]
    person = User.objects.get(pk=cover.to_person_id)  # anew: an absence before may have brought a role
    lent = {role.program_id: role for role in RoleAssignment.objects.filter(pk__in=_lent(cover), revoked_at=None)}
    roles = {pk: role for pk, role in lent.items() if pk is not None}
    refusals: dict[int, str] = {}
    last = (max(each.ends_at for each in group) - timedelta(microseconds=1)).date()
    for program in programs.values():
        lacks = absent.covers(Role.MANAGER, program.pk) and not rights_of(person).covers(Role.MANAGER, program.pk)
        if program.pk not in roles and lacks:
            try:
                with transaction.atomic():
                    roles[program.pk] = appoint_person(person, Role.MANAGER, program, last, by=cover.planned_by)
            except Refusal as refusal:
                refusals[program.pk] = refusal.message
    return roles, refusals


def _lent(cover: Cover) -> Any:
    through = Cover.roles.through.objects
    return through.filter(cover__absence=cover.absence_id, cover__to_person=cover.to_person_id).values("roleassignment")


def end_covers() -> int:
    """Give back what is over: because its time has come, or because the absence ended sooner. Returns how many."""
    now = timezone.now()
    with transaction.atomic():
        ended = []
        for cover in _locked().filter(ended_at=None).select_related("absence__person"):
            ends = span_of(cover.absence)[1] if cover.absence.state == Absence.State.APPROVED else now
            if min(ends, cover.ends_at) <= now:
                cover.ends_at = max(min(ends, cover.ends_at, now), cover.starts_at)
                ended.append(cover)
        _end(ended)
        started = [cover for cover in ended if cover.started_at is not None]
        record_many([Fact(events.COVER_ENDED, _about(c), _told(c)) for c in started])
    return len(ended)


@transaction.atomic
def give_back(cover: Cover, *, by: User) -> None:
    """Whoever plans gives one account back before its time."""
    cover = _locked().select_related("from_person").get(pk=cover.pk)
    check_plans_for(by, cover.from_person)
    if cover.ended_at is None:
        cover.ends_at = max(timezone.now(), cover.starts_at)
        _end([cover], by=by)
        record(events.COVER_ENDED, *_about(cover), by=by, data=_told(cover))


def _end(covers: list[Cover], by: User | None = None) -> None:
    """At their `ends_at`; a role that was lent goes with the last cover that needs it."""
    for cover in covers:
        cover.ended_at = timezone.now()
    Cover.objects.bulk_update(covers, ["ended_at", "ends_at"], batch_size=1000)
    lent = RoleAssignment.objects.filter(pk__in=_roles_of(covers), revoked_at=None)
    needed = Cover.objects.filter(roles=OuterRef("pk"), ended_at=None)
    for role in lent.exclude(Exists(needed)).order_by("pk"):
        return_role(role, by=by)


def _roles_of(covers: list[Cover]) -> Any:
    return Cover.roles.through.objects.filter(cover__in=covers).values("roleassignment")


def _locked() -> Any:
    return (
        Cover.objects.select_for_update(of=("self",))
        .select_related("affiliate", "from_person", "to_person", "planned_by")
        .order_by("pk")
    )


def _about(cover: Cover) -> list[Any]:
    return [cover.affiliate, cover.from_person, cover.to_person, f"absence:{cover.absence_id}"]


def last_day_of(cover: Cover) -> date:
    """By the calendar of whoever is away."""
    return (cover.ends_at - timedelta(microseconds=1)).astimezone(zone_of(cover.from_person)).date()


def _told(cover: Cover) -> dict[str, Any]:
    return {
        "affiliate": cover.affiliate.name,
        "person": str(cover.from_person),
        "colleague": str(cover.to_person),
        "until": last_day_of(cover).isoformat(),
        "cover": cover.pk,
    }
