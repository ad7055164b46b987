"""The team's rooms that know of accounts and tickets: capacity, personal managers, handing over."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from affiliates.models import Affiliate
from affiliates.queries import affiliate_managers
from affiliates.services import suggest_managers
from core.access import Can, manager_required, rights_of
from core.languages import language_choices, language_name
from core.ui import refusals_as_errors, refusals_as_messages
from programs.models import Program
from programs.queries import visible_programs
from support.cards_team import handover_context
from support.growth import WEEKS
from support.models import Commitment, ManagerProposal, ManagerRule, Ticket
from support.queries.team import growth_of, handed_over, left_by, loads
from support.services.managers import decline_manager, grant_manager
from team.models import Absence, Capacity, Duty, HandoverNote, Shift
from team.queries import members
from team.services import read_handover, set_capacity, write_handover


class CapacityForm(forms.Form):
    accounts = forms.IntegerField(label=gettext_lazy("Accounts"), min_value=0, max_value=10_000)
    open_tickets = forms.IntegerField(label=gettext_lazy("Open tickets at once"), min_value=0, max_value=10_000)
    languages = forms.MultipleChoiceField(
        label=gettext_lazy("Languages"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None: the language of their account."),
    )
    programs = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Knows these programs"),
        queryset=Program.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None: every program of their roles."),
    )

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["programs"].queryset = visible_programs(by, Can.PLAN_TEAM)  # type: ignore[attr-defined]
        known = dict(language_choices())
        kept = [(code, language_name(code)) for code in self.initial["languages"] if code not in known]
        self.fields["languages"].choices = [*known.items(), *kept]  # type: ignore[attr-defined]


class RuleForm(forms.ModelForm):
    class Meta:
        model = ManagerRule
        fields = ["name", "program", "tag", "revenue", "conversions", "days"]

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        program: Any = self.fields["program"]
        program.queryset, program.empty_label = visible_programs(by, Can.PLAN_TEAM), _("Choose a program")

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or {}
        if not any(asked.get(name) for name in ("tag", "revenue", "conversions")):
            raise forms.ValidationError(_("Ask for something: a tag, sales or conversions."))
        return asked


@manager_required(Can.SEE_TEAM)
def capacity_list(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    found = loads(now)
    plans = rights_of(request.user).has(Can.PLAN_TEAM)
    context = {"loads": found.people, "forecast": growth_of(found, now), "weeks": WEEKS, "plans": plans}
    return render(request, "support/manager/capacity_list.html", context)


@manager_required(Can.PLAN_TEAM)
def capacity_edit(request: HttpRequest, public_id: str) -> HttpResponse:
    person = members().filter(pk=User.pk_from(public_id) or 0).first()
    if person is None:
        raise Http404
    known = Capacity.objects.filter(person=person).first() or Capacity(person=person)
    initial = {
        "accounts": known.accounts,
        "open_tickets": known.open_tickets,
        "languages": known.languages,
        "programs": known.programs.all() if known.pk else [],
    }
    form = CapacityForm(request.POST or None, by=request.user, initial=initial)
    if form.is_valid():
        with refusals_as_errors(form):
            set_capacity(person, by=request.user, **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("manage:capacity_list")
    return render(request, "support/manager/capacity_edit.html", {"form": form, "person": person})


@manager_required(Can.PLAN_TEAM)
def proposal_list(request: HttpRequest) -> HttpResponse:
    """Who of the support pool should have a personal manager, and by which rules."""
    programs = visible_programs(request.user, Can.PLAN_TEAM)
    form = RuleForm(request.POST or None, by=request.user)
    if form.is_valid():
        form.save()
        messages.success(request, _("The rule proposes from the next hour on."))
        return redirect("manage:proposal_list")
    proposals = ManagerProposal.objects.filter(state="proposed", rule__program__in=programs)
    proposed = list(proposals.select_related("affiliate", "rule__program").prefetch_related("affiliate__enrollments")[:200])
    suggested = suggest_managers(proposal.affiliate for proposal in proposed) if proposed else {}
    context = {
        "proposals": [(proposal, suggested[proposal.affiliate_id]) for proposal in proposed],
        "rules": list(ManagerRule.objects.filter(program__in=programs).select_related("program")),
        "managers": list(affiliate_managers()),
        "form": form,
    }
    return render(request, "support/manager/proposal_list.html", context)


@manager_required(Can.PLAN_TEAM)
@require_POST
def proposal_decide(request: HttpRequest, public_id: str) -> HttpResponse:
    proposals = ManagerProposal.objects.filter(rule__program__in=visible_programs(request.user, Can.PLAN_TEAM))
    proposal = get_object_or_404(proposals, pk=ManagerProposal.pk_from(public_id))
    manager = _chosen(request.POST.get("manager", ""))
    with refusals_as_messages(request):
        if request.POST.get("word") == "decline":
            decline_manager(proposal, by=request.user)
        elif manager is None:
            messages.error(request, _("Choose who it is."))
        else:
            grant_manager(proposal, manager, by=request.user)
            messages.success(request, _("%(person)s looks after them from now on.") % {"person": manager})
    return redirect("manage:proposal_list")


def _chosen(number: str) -> User | None:
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    return affiliate_managers().filter(pk=int(number)).first()


@manager_required(Can.PLAN_TEAM)
@require_POST
def manager_rule_toggle(request: HttpRequest, number: int) -> HttpResponse:
    rules = ManagerRule.objects.filter(program__in=visible_programs(request.user, Can.PLAN_TEAM))
    rule = get_object_or_404(rules, pk=number)
    rule.is_active = not rule.is_active
    rule.save(update_fields=["is_active"])
    return redirect("manage:proposal_list")


@manager_required(Can.SEE_TICKETS)
def handover(request: HttpRequest) -> HttpResponse:
    """What one leaves at the end of a shift, and what colleagues left."""
    tickets, promises = left_by(request.user)
    if request.method == "POST":
        duty = request.POST.get("duty", "")
        note = write_handover(
            request.user,
            duty if duty in Duty.values else Duty.SUPPORT,
            request.POST.get("text", "")[:20_000],
            tickets=list(tickets.values_list("pk", flat=True)[:500]),
            promises=list(promises.values_list("pk", flat=True)[:500]),
        )
        messages.success(request, _("Handed over: whoever comes sees it (%(duty)s).") % {"duty": note.get_duty_display()})
        return redirect("manage:handover")
    own = Shift.objects.filter(person=request.user.pk).order_by("-first_day", "-pk").values_list("duty", flat=True).first()
    context = {
        "tickets": list(tickets[:100]),
        "promises": list(promises[:100]),
        "duties": Duty.choices,
        "duty": own or Duty.SUPPORT,
        "handed": handed_over(request.user),
    }
    return render(request, "support/manager/handover.html", context)


@manager_required(Can.SEE_TICKETS)
@require_safe
def handover_reminder(request: HttpRequest) -> HttpResponse:
    """A fragment of home, inbox and roster, asked for now and then: what was handed over, and that one's own shift ends."""
    context = handover_context(request)
    return render(request, "support/manager/_handover_card.html", context) if context else HttpResponse()


@manager_required(Can.SEE_TICKETS)
@require_POST
def handover_read(request: HttpRequest, public_id: str) -> HttpResponse:
    note = get_object_or_404(HandoverNote, pk=HandoverNote.pk_from(public_id))
    read_handover([note], by=request.user)
    return redirect("manage:handover")


@manager_required(Can.SEE)
def handover_sheet(request: HttpRequest, public_id: str) -> HttpResponse:
    """On paper: every account of an absence, with what is open in it. Of those that the reader sees."""
    absence = get_object_or_404(Absence.objects.select_related("person", "deputy"), pk=Absence.pk_from(public_id))
    covers = absence.covers.filter(ended_at=None, affiliate__in=Affiliate.objects.known_to(request.user))
    rows = list(covers.select_related("affiliate", "to_person").order_by("to_person__name", "affiliate__name", "pk"))
    accounts = [cover.affiliate_id for cover in rows]
    tickets = Ticket.objects.visible_to(request.user).unresolved().filter(affiliate__in=accounts).order_by("next_due", "pk")
    promises = Commitment.objects.visible_to(request.user).open().filter(ticket__affiliate__in=accounts)
    promises = promises.select_related("ticket", "owner").order_by("due_at", "pk")
    by_account: dict[int | None, dict[str, list[Any]]] = {pk: {"tickets": [], "promises": []} for pk in accounts}
    for ticket in tickets:
        by_account[ticket.affiliate_id]["tickets"].append(ticket)
    for promise in promises:
        by_account[promise.ticket.affiliate_id]["promises"].append(promise)
    sheets = [{"cover": cover, **by_account[cover.affiliate_id]} for cover in rows]
    return render(request, "support/manager/handover_sheet.html", {"absence": absence, "sheets": sheets})
