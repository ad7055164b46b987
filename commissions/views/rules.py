"""Commission rules: what a program pays for what, since when, and what a change would cost."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from commissions.forms_rules import RateForm, RuleForm
from commissions.models import CommissionRule
from commissions.rates import rate_text
from commissions.rules import (
    PRECEDENCE,
    effect_of,
    since,
    state_of_rule,
    told_next,
    told_rate,
    told_rule,
    visible_rules,
)
from commissions.services import archive_rule, create_rule, revise_rule
from core.access import Can, manager_required, rights_of
from core.listing import (
    BooleanFilter,
    Column,
    Empty,
    Listing,
    NumberColumn,
    RelatedFilter,
    StateColumn,
    TextFilter,
    TimeColumn,
)
from core.models import Event
from core.ui import refusals_as_errors, refusals_as_messages
from programs.queries import several_programs, visible_programs
from tracking.conversion_events import event_label


@manager_required(Can.SEE_MONEY)
def rule_list(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    return Listing(
        request,
        visible_rules(request.user, now),
        name="rules",
        caption=_("Commission rules"),
        columns=[
            Column("name", gettext_lazy("Rule"), sort=True),
            Column(
                "program",
                gettext_lazy("Program"),
                sort="program__name",
                shown=several_programs(request.user, Can.SEE_MONEY),
            ),
            Column("pays", gettext_lazy("Pays"), value=told_rate, template="commissions/manager/_rate.html"),
            Column("event", gettext_lazy("For"), value=lambda rule: event_label(rule.event), sort=PRECEDENCE, export="event"),
            Column("offer", gettext_lazy("Offer"), value=lambda rule: rule.offer or _("All"), sort="offer__name"),
            Column(
                "affiliate",
                gettext_lazy("Affiliate"),
                value=lambda rule: rule.affiliate or _("Everybody"),
                sort="affiliate__name",
            ),
            NumberColumn("priority", gettext_lazy("Priority"), sort=True),
            StateColumn("state", gettext_lazy("State"), value=state_of_rule),
            TimeColumn(
                "begun",
                gettext_lazy("Since"),
                value=since,
                sort=F("begun"),
                template="commissions/manager/_since.html",
            ),
        ],
        filters=[
            RelatedFilter(
                "program",
                gettext_lazy("Program"),
                rows=lambda: visible_programs(request.user, Can.SEE_MONEY).order_by("name"),
                param="slug",
            ),
            TextFilter("event", gettext_lazy("Event"), field="event__iexact"),
            BooleanFilter(
                "archived",
                gettext_lazy("State"),
                yes=gettext_lazy("Archived"),
                no=gettext_lazy("In use"),
                apply=lambda rules, value: rules.filter(archived_at__isnull=not value),
            ),
        ],
        search=["name", "affiliate__name", "affiliate__email", "offer__name"],
        search_hint=_("Rule, affiliate or offer"),
        default_sort="event",
        row_url=lambda rule: reverse("manage:rule_detail", args=[rule.public_id]),
        empty=Empty(
            _("No rules yet"),
            _("A rule says what is paid for what, for example 10% of every sale. Open a program to add one."),
            reverse("manage:program_list"),
            _("Programs"),
            icon="percentage",
        ),
    ).response("commissions/manager/rule_list.html")


@manager_required(Can.SEE_MONEY)
def rule_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    now = timezone.now()
    rule: Any = get_object_or_404(visible_rules(request.user, now), pk=CommissionRule.pk_from(public_id))
    versions = list(rule.versions.select_related("created_by").order_by("-number"))
    context = {
        "rule": rule,
        "program": rule.program,
        "state": state_of_rule(rule),
        "rate": told_rate(rule),
        "next": told_next(rule),
        "event": event_label(rule.event),
        "versions": [(v, rate_text(v.type, v.value, rule.program.currency), _version_state(rule, v, now)) for v in versions],
        "sets": rights_of(request.user).has(Can.SET_RULES, rule.program_id),
        "events": Event.objects.about(rule),
    }
    return render(request, "commissions/manager/rule_detail.html", context)


def _version_state(rule: Any, version: Any, now: Any) -> str:
    if version.starts_at > now:
        return "scheduled"
    if version.number == rule.number:
        return "archived" if rule.archived_at else "active"
    return "replaced"


@manager_required(Can.SET_RULES)
def rule_create(request: HttpRequest, slug: str) -> HttpResponse:
    program = get_object_or_404(visible_programs(request.user, Can.SET_RULES), slug=slug)
    form = RuleForm(request.POST or None, program=program)
    if form.is_valid():
        asked = dict(form.cleaned_data)
        asked["name"] = asked["name"] or told_rule(asked["event"])[:120]
        with refusals_as_errors(form):
            rule = create_rule(program, by=request.user, **asked)
            messages.success(request, _("The rule “%(rule)s” stands.") % {"rule": rule})
            return redirect("manage:program_detail", program.slug)
    return render(request, "commissions/manager/rule_create.html", {"form": form, "program": program})


@manager_required(Can.SET_RULES)
def rule_revise(request: HttpRequest, public_id: str) -> HttpResponse:
    """Two steps: what the change would mean is shown before it is made."""
    now = timezone.now()
    rule: Any = _settable(request, public_id)
    last = rule.versions.order_by("-number").first()
    initial = {"type": last.type, "value": f"{last.value.normalize():f}"}
    form = RateForm(request.POST or None, program=rule.program, initial=initial)
    context = {"form": form, "rule": rule, "program": rule.program, "last": last}
    context["rate"] = rate_text(last.type, last.value, rule.program.currency)
    if form.is_valid():
        asked = form.cleaned_data
        if "confirmed" in request.POST:
            with refusals_as_errors(form):
                version = revise_rule(rule, by=request.user, **asked)
                messages.success(
                    request, _("Version %(number)d of “%(rule)s” stands.") % {"number": version.number, "rule": rule}
                )
                return redirect("manage:rule_detail", rule.public_id)
        else:
            context["preview"] = {
                "rate": rate_text(asked["type"], asked["value"], rule.program.currency),
                "starts_at": asked["starts_at"],
                "effect": effect_of(rule, asked["type"], asked["value"], now),
            }
    return render(request, "commissions/manager/rule_revise.html", context)


@manager_required(Can.SET_RULES)
@require_POST
def rule_archive(request: HttpRequest, public_id: str) -> HttpResponse:
    rule = _settable(request, public_id)
    with refusals_as_messages(request):
        archive_rule(rule, by=request.user)
        messages.success(request, _("“%(rule)s” is archived: it pays for nothing new.") % {"rule": rule})
    return redirect("manage:rule_detail", rule.public_id)


def _settable(request: HttpRequest, public_id: str) -> CommissionRule:
    rules = visible_rules(request.user, timezone.now(), Can.SET_RULES)
    return get_object_or_404(rules, pk=CommissionRule.pk_from(public_id))
