"""The ledger's proof. It stands here, above the ledger, as it holds it against commissions and payouts."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from core.access import Can, manager_required, rights_of
from payouts.verification import INVARIANTS, verify_ledger


@manager_required(Can.APPROVE_PAYOUTS)
def ledger_verify(request: HttpRequest) -> HttpResponse:
    """Run every invariant now, over all programs, and show what each found. The names are the statements they prove."""
    broken = {finding.invariant: finding for finding in verify_ledger()}
    invariants = [(invariant, broken.get(invariant)) for invariant in INVARIANTS]
    return render(
        request,
        "payouts/manager/ledger_verify.html",
        {
            "invariants": invariants,
            "broken": len(broken),
            "sees_all": rights_of(request.user).everywhere(Can.SEE_MONEY),  # the rows may be of any program
            "at": timezone.now(),
        },
    )
