"""Service levels, for those who set the inbox up."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.access import Can, manager_required
from core.models import Event
from core.ui import redirect_back, refusals_as_errors, refusals_as_messages
from support.forms_policies import PolicyForm
from support.models import SlaPolicy
from support.queries.policies import open_tickets_by_policy, tickets_it_would_take
from support.services.clocks import active_policies
from support.services.policies import move_policy, save_policy, visible_policies

PREVIEWED = 10


@manager_required(Can.SET_INBOX)
def policy_list(request: HttpRequest) -> HttpResponse:
    active_policies()  # makes the default where there is none yet
    counts = open_tickets_by_policy(request.user)
    policies = [(policy, counts.get(policy.pk, 0)) for policy in visible_policies(request.user)]
    context = {"policies": policies, "without": counts.get(None, 0)}
    return render(request, "support/manager/policy_list.html", context)


@manager_required(Can.SET_INBOX)
def policy_create(request: HttpRequest) -> HttpResponse:
    return _edit(request, SlaPolicy())


@manager_required(Can.SET_INBOX)
def policy_edit(request: HttpRequest, public_id: str) -> HttpResponse:
    return _edit(request, get_object_or_404(visible_policies(request.user), pk=SlaPolicy.pk_from(public_id)))


def _edit(request: HttpRequest, policy: SlaPolicy) -> HttpResponse:
    pk = policy.pk
    form = PolicyForm(request.POST or None, instance=policy, user=request.user)
    previews = "preview" in request.POST
    if form.is_valid() and not previews:
        with refusals_as_errors(form):
            row = SlaPolicy.objects.get(pk=pk) if pk else SlaPolicy()
            save_policy(row, by=request.user, **form.cleaned_data)
            messages.success(request, _("Saved. Due times of what is open are computed anew."))
            return redirect("manage:policy_list")
    heading = SlaPolicy.objects.get(pk=pk).name if pk else _("A new service level")
    context: dict[str, Any] = {"form": form, "heading": heading}
    if not form.is_bound or form.is_valid():
        taken = tickets_it_would_take(policy, request.user)
        context |= {"taken": list(taken[:PREVIEWED]), "taken_count": taken.count(), "shows_preview": pk or previews}
    if pk:
        context["events"] = Event.objects.about(policy)
    return render(request, "support/manager/policy_edit.html", context)


@manager_required(Can.SET_INBOX)
@require_POST
def policy_move(request: HttpRequest, public_id: str) -> HttpResponse:
    policy = get_object_or_404(visible_policies(request.user), pk=SlaPolicy.pk_from(public_id))
    with refusals_as_messages(request):
        move_policy(policy, by=request.user, up=request.POST.get("to") == "up")
    return redirect_back(request, "manage:policy_list")
