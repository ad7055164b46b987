"""The accounts of somebody who is away: who takes which, the sheet that goes with them, and their way back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.models import User
from affiliates.models import Affiliate, Cover
from affiliates.queries import affiliate_managers
from affiliates.services import give_back, propose_cover, spread_accounts, uncovered_accounts
from core.access import Can, manager_required
from core.components import number_text
from core.models import Event
from core.ui import refusals_as_messages
from team.models import Absence
from team.queries import span_of
from team.services import plans_for

SHOWN = 300  # accounts on the page; the others go as proposed


def _absence(public_id: str) -> Absence:
    absences = Absence.objects.select_related("person", "deputy", "asked_by", "decided_by")
    absence: Absence = get_object_or_404(absences, pk=Absence.pk_from(public_id))
    return absence


@manager_required(Can.SEE)
def absence_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    absence = _absence(public_id)
    plans = plans_for(request.user, absence.person)
    coming = absence.state == Absence.State.APPROVED and span_of(absence)[1] > timezone.now()
    accounts = uncovered_accounts(absence) if plans and coming else []
    proposals, covers = _proposals(absence, accounts), _covers(request, absence)
    context = {
        "absence": absence,
        "plans": plans,
        "coming": coming,
        "covers": covers[:SHOWN],
        "more_covers": len(covers[SHOWN:]),
        "named": plans or absence.person_id == request.user.pk,
        "proposals": proposals[:SHOWN],
        "more_proposals": len(proposals[SHOWN:]),
        "people": [person for person in _takers(absence) if person.pk != absence.person_id] if accounts else [],
        "history": Event.objects.about(absence).select_related("by") if plans else None,
        "today": timezone.localdate(),
    }
    return render(request, "affiliates/manager/absence_detail.html", context)


def _covers(request: HttpRequest, absence: Absence) -> list[Cover]:
    """Those of affiliates that the reader sees."""
    seen = absence.covers.filter(affiliate__in=Affiliate.objects.visible_to(request.user))
    return list(seen.select_related("affiliate", "to_person").order_by("to_person__name", "affiliate__name", "pk"))


def _takers(absence: Absence) -> list[User]:
    people = list(affiliate_managers())
    if absence.deputy is not None and absence.deputy not in people:
        people.append(absence.deputy)
    return people


def _proposals(absence: Absence, accounts: list[Affiliate]) -> list[tuple[Affiliate, Any]]:
    shares = {share.affiliate: share for share in propose_cover(absence, accounts)} if accounts else {}
    return [(affiliate, shares[affiliate.pk]) for affiliate in accounts]


@manager_required(Can.PLAN_TEAM)
@require_POST
def accounts_spread(request: HttpRequest, public_id: str) -> HttpResponse:
    absence = _absence(public_id)
    chosen: dict[int, int | None] = {}
    for affiliate in uncovered_accounts(absence):
        if (asked := request.POST.get(f"to-{affiliate.pk}")) is not None:
            chosen[affiliate.pk] = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
    with refusals_as_messages(request):
        covers = spread_accounts(absence, by=request.user, chosen=chosen)
        told = ngettext("{count} account is covered.", "{count} accounts are covered.", len(covers))
        messages.success(request, told.format(count=number_text(len(covers))))
    return redirect("manage:absence_detail", absence.public_id)


@manager_required(Can.PLAN_TEAM)
@require_POST
def cover_end(request: HttpRequest, number: int) -> HttpResponse:
    cover = get_object_or_404(Cover.objects.select_related("absence"), pk=number)
    with refusals_as_messages(request):
        give_back(cover, by=request.user)
        messages.success(request, _("Given back."))
    return redirect("manage:absence_detail", cover.absence.public_id)
