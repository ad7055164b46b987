"""Affiliates, for those who look after them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from affiliates.fields import fields_for
from affiliates.forms import AffiliateForm, EnrollForm, InviteForm, NewAffiliateForm
from affiliates.models import Affiliate, Enrollment, EnrollmentStatus, Function
from affiliates.queries import affiliate_managers, known_countries, timeline_of
from affiliates.services import create_affiliate, enroll_affiliate, invite_member, update_affiliate
from affiliates.views.decisions import Move, moves_of
from core import components
from core.access import Can, manager_required, rights_of
from core.api.references import find
from core.choices import country_name
from core.listing import ChoiceFilter, Column, Empty, Listing, PersonColumn, RelatedFilter, TimeColumn
from core.ui import refusals_as_errors
from programs.queries import visible_programs


class EnrollmentsColumn(Column):
    """The affiliate's programs that the reader sees, each with its state."""

    def cell(self, row: Any) -> SafeString:
        if not row.shown_enrollments:
            return format_html('<span class="quiet">{}</span>', _("In no program"))
        tagged = ((e.program.name, components.chip(e.status)) for e in row.shown_enrollments)
        return format_html_join("", '<span class="tagged"><span>{}</span> {}</span>', tagged)


def affiliate_listing(request: HttpRequest) -> Listing:
    fields = fields_for(request)
    manages = rights_of(request.user).has(Can.MANAGE_AFFILIATES)
    enrollments = Enrollment.objects.visible_to(request.user).select_related("program").order_by("program__name")
    return Listing(
        request,
        Affiliate.objects.visible_to(request.user)
        .select_related("manager")
        .prefetch_related(Prefetch("enrollments", queryset=enrollments, to_attr="shown_enrollments"))
        .annotate(**fields.annotations),
        name="affiliates",
        caption=_("Affiliates"),
        columns=[
            PersonColumn("name", gettext_lazy("Affiliate"), value=lambda a: a, detail="email", sort=True),
            EnrollmentsColumn("status", gettext_lazy("Enrolled"), value=_told_enrollments),
            *fields.columns,
            Column("country", gettext_lazy("Country"), value=lambda a: country_name(a.country), sort=True, export="country"),
            Column("kind", gettext_lazy("Type"), value=lambda a: Affiliate.Kind(a.kind).label, sort=True),
            PersonColumn("manager", gettext_lazy("Manager"), sort="manager__name"),
            TimeColumn("created_at", gettext_lazy("Since"), sort=True),
            Column("email", gettext_lazy("E-mail"), shown=False),
            Column("external_id", gettext_lazy("External id"), shown=False),
        ],
        filters=_filters(request),
        tabs="status",
        search=["name", "email", "external_id__exact", _by_id],
        search_hint=_("Name, e-mail or external id"),
        default_sort="name",
        row_url=lambda a: reverse("manage:affiliate_detail", args=[a.public_id]),
        empty=Empty(
            _("No affiliates yet"),
            _("Add the first one by hand: they get a mail with a link to their account. Or let them apply on the public page."),
            reverse("manage:affiliate_create") if manages else "",
            _("Add an affiliate"),
            icon="users",
        ),
    )


def _filters(request: HttpRequest) -> list[Any]:
    program = request.GET.get("program", "")

    def with_status(affiliates: QuerySet[Affiliate], status: str) -> QuerySet[Affiliate]:
        """In the program that the list is narrowed to, where it is to one."""
        enrollments = Enrollment.objects.visible_to(request.user).filter(affiliate=OuterRef("pk"), status=status)
        return affiliates.filter(Exists(enrollments.filter(program__slug=program) if program else enrollments))

    def in_program(affiliates: QuerySet[Affiliate], chosen: Any) -> QuerySet[Affiliate]:
        return affiliates.filter(Exists(Enrollment.objects.filter(affiliate=OuterRef("pk"), program=chosen)))

    return [
        ChoiceFilter("status", gettext_lazy("Enrolled"), choices=EnrollmentStatus, apply=with_status),
        RelatedFilter(
            "program",
            gettext_lazy("Program"),
            rows=lambda: visible_programs(request.user).order_by("name"),
            param="slug",
            apply=in_program,
        ),
        ChoiceFilter("country", gettext_lazy("Country"), choices=known_countries(request.user)),
        ChoiceFilter("kind", gettext_lazy("Type"), choices=Affiliate.Kind),
        RelatedFilter("manager", gettext_lazy("Manager"), rows=affiliate_managers, param="email"),
    ]


def _by_id(word: str) -> Q | None:
    pk = Affiliate.pk_from(word)
    return Q(pk=pk) if pk is not None else None


def _told_enrollments(affiliate: Any) -> str:
    return "; ".join(f"{e.program}: {e.status}" for e in affiliate.shown_enrollments)


@manager_required(Can.SEE)
def affiliate_list(request: HttpRequest) -> HttpResponse:
    context = {"manages": rights_of(request.user).has(Can.MANAGE_AFFILIATES)}
    return affiliate_listing(request).response("affiliates/manager/affiliate_list.html", context)


@manager_required(Can.SEE)
def affiliate_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    return affiliate_page(request, visible_affiliate(request, public_id))


@manager_required(Can.MANAGE_AFFILIATES)
def affiliate_create(request: HttpRequest) -> HttpResponse:
    given = visible_programs(request.user, Can.MANAGE_AFFILIATES).filter(slug=request.GET.get("program", "")).first()
    form = NewAffiliateForm(request.POST or None, by=request.user, initial={"program": given} if given else {})
    if form.is_valid():
        with refusals_as_errors(form):
            affiliate = _create(form.cleaned_data, request.user)
            messages.success(request, _told_created(affiliate, form.cleaned_data))
            return redirect("manage:affiliate_detail", affiliate.public_id)
    return render(request, "affiliates/manager/affiliate_create.html", {"form": form})


@transaction.atomic
def _create(asked: dict[str, Any], by: Any) -> Affiliate:
    """The affiliate, its program and its invitation: all of them or none."""
    fields = {name: value for name, value in asked.items() if name not in ("program", "invite")}
    affiliate = create_affiliate(by=by, **fields)
    if asked["program"]:
        # Whether they get a mail is asked for by name: the invitation greets them.
        enroll_affiliate(affiliate, asked["program"], by=by, status=EnrollmentStatus.APPROVED, tell=False)
    if asked["invite"]:
        invite_member(affiliate, affiliate.email, [Function.OWNER], by=by)
    return affiliate


def _told_created(affiliate: Affiliate, asked: dict[str, Any]) -> str:
    if asked["invite"]:
        return _("%(affiliate)s was added, and an invitation went to %(email)s.") % {
            "affiliate": affiliate,
            "email": affiliate.email,
        }
    return _("%(affiliate)s was added. Nobody can sign in for them yet.") % {"affiliate": affiliate}


@manager_required(Can.MANAGE_AFFILIATES)
def affiliate_edit(request: HttpRequest, public_id: str) -> HttpResponse:
    affiliate = managed_affiliate(request, public_id)
    form = AffiliateForm(request.POST or None, instance=managed_affiliate(request, public_id), by=request.user)
    if form.is_valid():
        with refusals_as_errors(form):
            update_affiliate(affiliate, by=request.user, **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("manage:affiliate_detail", affiliate.public_id)
    return render(request, "affiliates/manager/affiliate_edit.html", {"form": form, "affiliate": affiliate})


def visible_affiliate(request: HttpRequest, public_id: str) -> Affiliate:
    return _found(Affiliate.objects.visible_to(request.user), public_id)


def managed_affiliate(request: HttpRequest, public_id: str) -> Affiliate:
    return _found(Affiliate.objects.looked_after_by(request.user), public_id)


def entrusted_affiliate(request: HttpRequest, public_id: str) -> Affiliate:
    return _found(Affiliate.objects.entrusted_to(request.user), public_id)


def _found(affiliates: QuerySet[Affiliate], public_id: str) -> Affiliate:
    affiliate = find(affiliates.select_related("manager", "parent"), public_id)
    if affiliate is None:
        raise Http404
    return affiliate


def affiliate_page(
    request: HttpRequest, affiliate: Affiliate, *, enroll: EnrollForm | None = None, invite: InviteForm | None = None
) -> HttpResponse:
    """One affiliate's page; with a form that was refused, where there is one."""
    rights = rights_of(request.user)
    every = {e.program_id: e for e in affiliate.enrollments.select_related("program", "terms").order_by("program__name")}
    seen = {p.pk: p for p in visible_programs(request.user)}
    itself = Affiliate.objects.filter(pk=affiliate.pk)
    manages = rights.has(Can.MANAGE_AFFILIATES) and itself.looked_after_by(request.user).exists()
    others = visible_programs(request.user, Can.MANAGE_AFFILIATES).exclude(pk__in=every) if manages else None
    parent = Affiliate.objects.visible_to(request.user).filter(pk=affiliate.parent_id).first() if affiliate.parent_id else None
    open_ones = Q(accepted_at__isnull=True, revoked_at__isnull=True)
    context = {
        "affiliate": affiliate,
        "parent": parent,
        "country": country_name(affiliate.country) if affiliate.country else "",
        "manages": manages,
        "entrusted": manages and itself.entrusted_to(request.user).exists(),
        "known": itself.known_to(request.user).exists(),
        "enrollments": [_with_moves(request, e) for pk, e in every.items() if pk in seen],
        "enroll": enroll or (EnrollForm(programs=others) if others else None),
        "members": affiliate.members.filter(removed_at__isnull=True).select_related("user").order_by("user__name", "pk"),
        "invitations": affiliate.invitations.filter(open_ones).order_by("-created_at"),
        "invite": invite or InviteForm(initial={"email": affiliate.email, "functions": [Function.OWNER]}, auto_id="invite_%s"),
        "events": timeline_of(affiliate, request.user),
        "now": timezone.now(),
    }
    return render(request, "affiliates/manager/affiliate_detail.html", context)


def _with_moves(request: HttpRequest, enrollment: Enrollment) -> tuple[Enrollment, list[Move]]:
    manages = rights_of(request.user).has(Can.MANAGE_AFFILIATES, enrollment.program_id)
    return enrollment, moves_of(enrollment) if manages else []
