"""The team's pages: who works here as what, since when and until when."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.forms import AppointForm, RoleForm
from accounts.models import Role, RoleAssignment, User
from accounts.queries import history_of, team
from accounts.services import appoint_person, deactivate_person, reactivate_person, revoke_role
from accounts.services.team import may_decide_about
from core.access import Can, manager_required, programs_of, rights_of
from core.listing import (
    BooleanFilter,
    ChoiceFilter,
    Column,
    Empty,
    Listing,
    PersonColumn,
    RelatedFilter,
    StateColumn,
    TimeColumn,
)
from core.ui import refusals_as_errors, refusals_as_messages
from programs.models import Program


@manager_required(Can.SEE_TEAM)
def team_list(request: HttpRequest) -> HttpResponse:
    decides = rights_of(request.user).has(Can.MANAGE_PEOPLE)
    return Listing(
        request,
        team(),
        name="team",
        columns=_columns(decides),
        filters=[
            ChoiceFilter("role", gettext_lazy("Role"), choices=Role, apply=_with_role),
            RelatedFilter("program", gettext_lazy("Program"), rows=lambda: _programs(request), param="slug", apply=_in_program),
            BooleanFilter("works_here", gettext_lazy("Now"), yes=gettext_lazy("Works here"), no=gettext_lazy("Worked here")),
        ],
        search=["name", "email"],
        search_hint=gettext_lazy("Name or e-mail"),
        default_sort="name",
        row_url=lambda user: reverse("manage:member_detail", args=[user.public_id]),
        empty=Empty(gettext_lazy("Nobody yet"), gettext_lazy("Appoint the first member of the team.")),
    ).response("accounts/manager/team_list.html", {"decides": decides})


def _columns(decides: bool) -> list[Column]:
    columns: list[Column] = [
        PersonColumn("name", gettext_lazy("Name"), value=lambda user: user, detail="email", sort=["name", "email"]),
        Column("roles", gettext_lazy("Roles"), template="accounts/manager/_roles.html", value=_told_roles),
        StateColumn("state", gettext_lazy("Account"), value=lambda user: "active" if user.is_active else "inactive"),
    ]
    if decides:  # when somebody was last here and how they sign in is for those who answer for it
        columns += [
            TimeColumn("last_seen", gettext_lazy("Last seen"), sort="last_seen"),
            Column(
                "second_factor",
                gettext_lazy("Second factor"),
                value=lambda user: _("Yes") if user.second_factor else _("No"),
                sort="second_factor",
            ),
        ]
    return columns


def _told_roles(user: Any) -> str:
    return "; ".join(
        f"{role.get_role_display()} ({role.program or _('all programs')})" + (f" – {role.ends_on}" if role.ends_on else "")
        for role in user.current_roles
    )


def _programs(request: HttpRequest) -> QuerySet[Program]:
    programs = programs_of(request.user)
    return Program.objects.all() if programs is None else Program.objects.filter(pk__in=programs)


def _with_role(users: QuerySet[User], role: str) -> QuerySet[User]:
    return users.filter(pk__in=RoleAssignment.objects.current().filter(role=role).values("user"))


def _in_program(users: QuerySet[User], program: Program) -> QuerySet[User]:
    current = RoleAssignment.objects.current()
    return users.filter(pk__in=(current.filter(program=program) | current.filter(program=None)).values("user"))


@manager_required(Can.MANAGE_PEOPLE)
def member_appoint(request: HttpRequest) -> HttpResponse:
    form = AppointForm(request.POST or None, by=request.user)
    if form.is_valid():
        asked = form.cleaned_data
        with refusals_as_errors(form):
            assignment = appoint_person(
                asked["email"], asked["role"], asked["program"], asked["ends_on"], by=request.user, name=asked["name"]
            )
            messages.success(request, _("%(person)s was appointed.") % {"person": assignment.user})
            return redirect("manage:member_detail", assignment.user.public_id)
    return render(request, "accounts/manager/member_appoint.html", {"form": form})


@manager_required(Can.SEE_TEAM)
def member_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    member = _member(public_id)
    return _member_page(request, member, RoleForm(by=request.user) if _may_appoint(request, member) else None)


@manager_required(Can.MANAGE_PEOPLE)
@require_POST
def role_grant(request: HttpRequest, public_id: str) -> HttpResponse:
    member = _member(public_id)
    form = RoleForm(request.POST, by=request.user)
    if form.is_valid():
        with refusals_as_errors(form):
            appoint_person(
                member, form.cleaned_data["role"], form.cleaned_data["program"], form.cleaned_data["ends_on"], by=request.user
            )
            messages.success(request, _("%(person)s was appointed.") % {"person": member})
            return _to(member)
    return _member_page(request, member, form)


@manager_required(Can.MANAGE_PEOPLE)
@require_POST
def role_revoke(request: HttpRequest, public_id: str, number: int) -> HttpResponse:
    member = _member(public_id)
    assignment = get_object_or_404(RoleAssignment, pk=number, user=member)
    with refusals_as_messages(request):
        revoke_role(assignment, by=request.user)
        messages.success(request, _("The role was taken back."))
    return _to(member)


@manager_required(Can.MANAGE_PEOPLE)
@require_POST
def member_deactivate(request: HttpRequest, public_id: str) -> HttpResponse:
    member = _member(public_id)
    with refusals_as_messages(request):
        deactivate_person(member, by=request.user)
        messages.success(request, _("%(person)s was deactivated.") % {"person": member})
    return _to(member)


@manager_required(Can.MANAGE_PEOPLE)
@require_POST
def member_reactivate(request: HttpRequest, public_id: str) -> HttpResponse:
    member = _member(public_id)
    with refusals_as_messages(request):
        reactivate_person(member, by=request.user)
        messages.success(request, _("%(person)s was reactivated.") % {"person": member})
    return _to(member)


def _member(public_id: str) -> Any:
    number = User.pk_from(public_id)
    member = None if number is None else team().filter(pk=number).first()
    if member is None:
        raise Http404
    return member


def _may_appoint(request: HttpRequest, member: User) -> bool:
    return rights_of(request.user).has(Can.MANAGE_PEOPLE) and member.pk != request.user.pk and member.is_active


def _member_page(request: HttpRequest, member: Any, form: RoleForm | None) -> HttpResponse:
    by = request.user
    others = member.pk != by.pk
    roles = [(role, others and may_decide_about(by, role.role, role.program)) for role in member.current_roles]
    decides = rights_of(by).has(Can.MANAGE_PEOPLE)
    closes = others and rights_of(by).everywhere(Can.MANAGE_PEOPLE) and all(decided for _role, decided in roles)
    context = {
        "member": member,
        "roles": roles,
        "form": form,
        "decides": decides,
        "closes": closes,
        "history": history_of(member) if decides else None,
    }
    return render(request, "accounts/manager/member_detail.html", context)


def _to(member: User) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("manage:member_detail", args=[member.public_id]))
