"""Personal managers are proposed by rule and granted by a person."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Count, F, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from affiliates.models import Affiliate, EnrollmentStatus
from affiliates.services import update_affiliate
from core.access import Can, check
from core.events import record
from support import events
from support.errors import NotNow
from support.models import ManagerProposal, ManagerRule
from tracking.models import Conversion

S = ManagerProposal.State
NOT_AGAIN = timedelta(days=90)


def propose_managers() -> int:
    """Go through the rules; returns how many affiliates of the pool were proposed anew."""
    made = 0
    for rule in ManagerRule.objects.filter(is_active=True).select_related("program"):
        made += _propose(rule)
    return made


@transaction.atomic
def _propose(rule: ManagerRule) -> int:
    now = timezone.now()
    pool = Affiliate.objects.filter(
        manager=None, enrollments__program=rule.program, enrollments__status=EnrollmentStatus.APPROVED
    )
    pool = pool.exclude(manager_proposals__state=S.PROPOSED).exclude(
        manager_proposals__state=S.DECLINED, manager_proposals__decided_at__gt=now - NOT_AGAIN
    )
    if rule.tag:
        pool = pool.filter(tags__contains=[rule.tag])
    sold = _sold(rule)
    found = []
    for affiliate in pool.order_by("pk").distinct():
        revenue, conversions = sold.get(affiliate.pk, (0, 0))
        if revenue >= (rule.revenue or 0) and conversions >= (rule.conversions or 0):
            evidence = {"revenue": str(revenue), "currency": rule.program.currency, "conversions": conversions, "tag": rule.tag}
            found.append(ManagerProposal(affiliate=affiliate, rule=rule, evidence=evidence))
    return len(ManagerProposal.objects.bulk_create(found, ignore_conflicts=True))


def _sold(rule: ManagerRule) -> dict[int, tuple[int, int]]:
    """What each affiliate sold in the rule's days, in the program's currency, refunds taken off; and in how many conversions."""
    since = timezone.now() - timedelta(days=rule.days)
    rows: QuerySet[Conversion] = Conversion.objects.filter(
        program=rule.program, affiliate__isnull=False, occurred_at__gte=since, currency=rule.program.currency
    )
    told = rows.order_by().values_list("affiliate").annotate(revenue=Sum(F("amount") - F("refunded")), conversions=Count("pk"))
    return {affiliate: (revenue or 0, conversions) for affiliate, revenue, conversions in told}


@transaction.atomic
def grant_manager(proposal: ManagerProposal, manager: User, *, by: User) -> ManagerProposal:
    """The affiliate has this personal manager from now on."""
    proposal = _decidable(proposal, by)
    update_affiliate(proposal.affiliate, by=by, manager=manager)
    proposal.state, proposal.manager, proposal.decided_by, proposal.decided_at = S.GRANTED, manager, by, timezone.now()
    proposal.save()
    record(events.MANAGER_GRANTED, proposal.affiliate, manager, by=by, data={"person": str(manager)}, reason=proposal.rule.name)
    return proposal


@transaction.atomic
def decline_manager(proposal: ManagerProposal, *, by: User) -> ManagerProposal:
    """Not now: it stays in the support pool."""
    proposal = _decidable(proposal, by)
    proposal.state, proposal.decided_by, proposal.decided_at = S.DECLINED, by, timezone.now()
    proposal.save()
    record(events.MANAGER_DECLINED, proposal.affiliate, by=by, reason=proposal.rule.name)
    return proposal


def _decidable(proposal: ManagerProposal, by: User) -> ManagerProposal:
    rows = ManagerProposal.objects.select_for_update(of=("self",)).select_related("affiliate", "rule")
    proposal = rows.get(pk=proposal.pk)
    check(by, Can.PLAN_TEAM, proposal.rule.program_id)
    if proposal.state != S.PROPOSED:
        raise NotNow(_("This was decided in the meantime."), code="state")
    return proposal
