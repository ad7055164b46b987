"""Enrollments: whom we admit to which program, and what is decided about them later."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Case, F, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from affiliates.forms import DecisionForm, EnrollForm, RejectForm
from affiliates.models import Affiliate, Enrollment, EnrollmentStatus
from affiliates.queries import known_countries
from affiliates.services import MOVES, change_enrollments, enroll_affiliate
from affiliates.views.manager import affiliate_page, managed_affiliate
from core.access import Can, manager_required, programs_of, rights_of
from core.choices import country_name
from core.components import number_text
from core.listing import (
    BulkAction,
    ChoiceFilter,
    Column,
    DateFilter,
    Empty,
    Listing,
    PersonColumn,
    RelatedFilter,
    StateColumn,
    TimeColumn,
)
from core.ui import redirect_back, refusals_as_errors, refusals_as_messages
from programs.queries import several_programs, visible_programs

RANK = Case(  # what waits for a decision stands first
    When(status=EnrollmentStatus.PENDING, then=Value(0)),
    When(status=EnrollmentStatus.INVITED, then=Value(1)),
    default=Value(2),
)


def enrollment_listing(request: HttpRequest, *, bulk: bool = True) -> Listing:
    manages = rights_of(request.user).has(Can.MANAGE_AFFILIATES)
    return Listing(
        request,
        Enrollment.objects.visible_to(request.user).select_related("affiliate", "program"),
        name="enrollments",
        caption=_("Enrollments"),
        columns=[
            PersonColumn("affiliate", gettext_lazy("Affiliate"), detail="affiliate.email", sort="affiliate__name"),
            Column("program", gettext_lazy("Program"), sort="program__name", shown=several_programs(request.user)),
            StateColumn("status", gettext_lazy("State"), sort=[RANK, F("status_at").desc()]),
            Column("pitch", gettext_lazy("How they promote"), template="affiliates/manager/_pitch.html"),
            Column(
                "country", gettext_lazy("Country"), value=lambda e: country_name(e.affiliate.country), export="affiliate.country"
            ),
            Column("kind", gettext_lazy("Type"), value=lambda e: Affiliate.Kind(e.affiliate.kind).label),
            TimeColumn("status_at", gettext_lazy("Since"), sort=True),
            TimeColumn("created_at", gettext_lazy("Came on"), shown=False),
        ],
        filters=[
            ChoiceFilter("status", gettext_lazy("State"), choices=EnrollmentStatus),
            RelatedFilter(
                "program", gettext_lazy("Program"), rows=lambda: visible_programs(request.user).order_by("name"), param="slug"
            ),
            ChoiceFilter("country", gettext_lazy("Country"), field="affiliate__country", choices=known_countries(request.user)),
            ChoiceFilter("kind", gettext_lazy("Type"), field="affiliate__kind", choices=Affiliate.Kind),
            DateFilter("created_at", gettext_lazy("Came on")),
        ],
        tabs="status",
        search=["affiliate__name", "affiliate__email", "pitch"],
        search_hint=_("Affiliate or pitch"),
        default_sort="status",
        row_url=lambda e: reverse("manage:affiliate_detail", args=[e.affiliate.public_id]),
        bulk=_bulk() if manages and bulk else [],
        empty=Empty(
            _("Nobody is enrolled yet"),
            _("Affiliates stand here once they apply on the public page, or once you put them into a program."),
            reverse("manage:affiliate_create") if manages else "",
            _("Add an affiliate"),
            icon="user-plus",
        ),
    )


def _bulk() -> list[BulkAction]:
    return [
        BulkAction(
            gettext_lazy("Approve"),
            reverse("manage:enrollment_approve"),
            confirm=lambda number: ngettext(
                "Approve {count} enrollment? The affiliate gets a mail, and their links earn from now on.",
                "Approve {count} enrollments? Each affiliate gets a mail, and their links earn from now on.",
                number,
            ),
            icon="circle-check",
            tone="primary",
            states=_that_become(EnrollmentStatus.APPROVED),
        ),
        BulkAction(
            gettext_lazy("Reject"),
            reverse("manage:enrollment_reject"),
            confirm=lambda number: ngettext(
                "Reject {count} enrollment? An applicant gets a mail, and can be taken up again later.",
                "Reject {count} enrollments? Applicants get a mail, and can be taken up again later.",
                number,
            ),
            icon="x",
            tone="danger",
            form=RejectForm(auto_id="reject_%s"),
            states=_that_become(EnrollmentStatus.REJECTED),
        ),
    ]


def _that_become(status: str) -> list[str]:
    return [before for before, after in MOVES.items() if status in after]


@manager_required(Can.SEE)
def enrollment_list(request: HttpRequest) -> HttpResponse:
    return enrollment_listing(request).response("affiliates/manager/enrollment_list.html")


@manager_required(Can.MANAGE_AFFILIATES)
@require_POST
def enrollment_approve(request: HttpRequest) -> HttpResponse:
    with refusals_as_messages(request):
        count = change_enrollments(_selected(request), EnrollmentStatus.APPROVED, by=request.user)
        messages.success(
            request,
            ngettext("%(count)s enrollment approved.", "%(count)s enrollments approved.", count) % {"count": number_text(count)},
        )
    return redirect_back(request, "manage:enrollment_list")


@manager_required(Can.MANAGE_AFFILIATES)
@require_POST
def enrollment_reject(request: HttpRequest) -> HttpResponse:
    form = RejectForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say why: it stands on the timeline. Nothing was rejected."))
        return redirect_back(request, "manage:enrollment_list")
    with refusals_as_messages(request):
        reason = form.cleaned_data["reason"]
        count = change_enrollments(_selected(request), EnrollmentStatus.REJECTED, by=request.user, reason=reason)
        messages.success(
            request,
            ngettext("%(count)s enrollment rejected.", "%(count)s enrollments rejected.", count) % {"count": number_text(count)},
        )
    return redirect_back(request, "manage:enrollment_list")


def _selected(request: HttpRequest) -> QuerySet[Enrollment]:
    """The chosen rows, by number: locking a filtered list may not join what it narrows by."""
    return Enrollment.objects.filter(pk__in=list(enrollment_listing(request, bulk=False).selected().values_list("pk", flat=True)))


@manager_required(Can.MANAGE_AFFILIATES)
@require_POST
def enrollment_change(request: HttpRequest, public_id: str) -> HttpResponse:
    """One decision about one enrollment."""
    programs = programs_of(request.user, Can.MANAGE_AFFILIATES)
    enrollments = Enrollment.objects.all() if programs is None else Enrollment.objects.filter(program__in=programs)
    enrollment = get_object_or_404(enrollments.select_related("affiliate", "program"), pk=Enrollment.pk_from(public_id))
    form = DecisionForm(request.POST)
    if form.is_valid():
        status = form.cleaned_data["status"]
        with refusals_as_messages(request):
            change_enrollments(
                Enrollment.objects.filter(pk=enrollment.pk), status, by=request.user, reason=form.cleaned_data["reason"]
            )
            messages.success(
                request,
                _("%(affiliate)s is now %(status)s in %(program)s.")
                % {
                    "affiliate": enrollment.affiliate,
                    "program": enrollment.program,
                    "status": EnrollmentStatus(status).label.lower(),
                },
            )
    else:
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    return redirect_back(request, "manage:affiliate_detail", enrollment.affiliate.public_id)


@manager_required(Can.MANAGE_AFFILIATES)
@require_POST
def enrollment_create(request: HttpRequest, public_id: str) -> HttpResponse:
    """Put the affiliate into another program."""
    affiliate = managed_affiliate(request, public_id)
    programs = visible_programs(request.user, Can.MANAGE_AFFILIATES)
    form = EnrollForm(request.POST, programs=programs)
    if form.is_valid():
        with refusals_as_errors(form):
            program, status = form.cleaned_data["program"], form.cleaned_data["status"]
            enroll_affiliate(affiliate, program, by=request.user, status=status)
            messages.success(request, _("%(affiliate)s is in %(program)s.") % {"affiliate": affiliate, "program": program})
            return redirect("manage:affiliate_detail", affiliate.public_id)
    return affiliate_page(request, affiliate, enroll=form)
