"""When a message begins a request of its own: what the team has stated, and how the last messages would have fallen."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.access import Can, manager_required, rights_of
from core.models import Event
from core.ui import refusals_as_errors, refusals_as_messages
from support.forms_starts import StartRuleForm
from support.models import StartRule
from support.queries.starts import falls_under
from support.services.starts import delete_start_rule, deleted_start_rules, save_start_rule, visible_start_rules


@manager_required(Can.SEE_TICKETS)
def start_rule_list(request: HttpRequest) -> HttpResponse:
    context = {
        "rules": visible_start_rules(request.user),
        "sets": rights_of(request.user).has(Can.SET_INBOX),
        "events": deleted_start_rules(request.user),
    }
    return render(request, "support/manager/start_rule_list.html", context)


@manager_required(Can.SET_INBOX)
def start_rule_create(request: HttpRequest) -> HttpResponse:
    return _edit(request, StartRule())


@manager_required(Can.SET_INBOX)
def start_rule_edit(request: HttpRequest, public_id: str) -> HttpResponse:
    rules = visible_start_rules(request.user, Can.SET_INBOX)
    return _edit(request, get_object_or_404(rules, pk=StartRule.pk_from(public_id)))


@manager_required(Can.SET_INBOX)
@require_POST
def start_rule_delete(request: HttpRequest, public_id: str) -> HttpResponse:
    rule = get_object_or_404(visible_start_rules(request.user, Can.SET_INBOX), pk=StartRule.pk_from(public_id))
    with refusals_as_messages(request):
        delete_start_rule(rule, by=request.user)
        messages.success(request, _("Deleted. What it has started stays as it is."))
    return redirect("manage:start_rule_list")


def _edit(request: HttpRequest, rule: StartRule) -> HttpResponse:
    pk, heading = rule.pk, rule.sentence if rule.pk else _("A new rule")
    form = StartRuleForm(request.POST or None, instance=rule, user=request.user)
    if form.is_valid() and "preview" not in request.POST:
        with refusals_as_errors(form):
            row = StartRule.objects.get(pk=pk) if pk else StartRule()
            save_start_rule(row, by=request.user, **form.cleaned_data)
            messages.success(request, _("Saved. What comes in from now on falls under it."))
            return redirect("manage:start_rule_list")
    context: dict[str, Any] = {"form": form, "heading": heading, "rule": rule}
    if rule.kind and (not form.is_bound or form.is_valid()):
        falls = falls_under(rule, request.user)
        context |= {"falls": falls, "started": sum(fall.starts for fall in falls)}
    if pk:
        context["events"] = Event.objects.about(rule)
    return render(request, "support/manager/start_rule_edit.html", context)
