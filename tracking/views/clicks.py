"""Recent clicks, as they were recorded. A list reads the partitions of a few days, never the whole table."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db.models import CharField, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from affiliates.models import Affiliate
from core.access import Can, manager_required, programs_of
from core.ids import encode_id
from core.listing import (
    BooleanFilter,
    ChoiceFilter,
    Column,
    DateFilter,
    Empty,
    Listing,
    PersonColumn,
    RelatedFilter,
    StateColumn,
    TextFilter,
    TimeColumn,
)
from core.ui import Period
from programs.models import Program
from programs.queries import several_programs, visible_programs
from tracking.attribution import parse_click_id
from tracking.columns import ClickIdColumn, VisitorColumn
from tracking.models import Click, ClickOutcome, Link, click_time
from tracking.partitions import first_id_at

SHOWN_DAYS = 7
MOST_DAYS = 31
EARLIEST = date(1990, 1, 1)
STATES = {
    ClickOutcome.CREDITED: "attributed",
    ClickOutcome.LINK_PAUSED: "paused",
    ClickOutcome.NOT_ENROLLED: "suspended",
    ClickOutcome.OFFER_CLOSED: "closed",
}
DAYS = DateFilter("day", gettext_lazy("Days"), apply=lambda clicks, _days: clicks)  # the base of the list is bounded by them


def click_days(request: HttpRequest) -> Period:
    """The days that are read: those asked for, their last 31 at most; else the day of the click searched for; else a week."""
    today = timezone.localdate()
    asked = DAYS.read(request.GET)
    if asked is None and (day := _day_of(request.GET.get("q", ""))):
        return Period("custom", day, day)
    start, end = (_sane(day, today) for day in asked or (None, None))
    if end is None:
        end = min(start + timedelta(days=MOST_DAYS - 1), today) if start else today
    start = start or end - timedelta(days=SHOWN_DAYS - 1)
    return Period("custom", min(max(start, end - timedelta(days=MOST_DAYS - 1)), end), end)


def _sane(day: date | None, today: date) -> date | None:
    return max(min(day, today), EARLIEST) if day else None


def _day_of(text: str) -> date | None:
    """The day that a click id tells, where there are clicks of such a day."""
    click_id = parse_click_id(text)
    try:
        day = timezone.localdate(click_time(click_id)) if click_id else None
    except (ValueError, OverflowError):
        return None
    return day if day and day >= EARLIEST else None


def visible_clicks(user: Any, days: Period) -> QuerySet[Click]:
    """Clicks of these days in the programs that the person sees, with the names of what they went through."""
    start, end = days.bounds()
    clicks = Click.objects.filter(id__gte=first_id_at(start), id__lt=first_id_at(end))
    programs = programs_of(user, Can.SEE_TRACKING)
    if programs is not None:
        clicks = clicks.filter(program_id__in=programs)
    return clicks.annotate(
        link_code=_named(Link, "link_id", "code"),
        affiliate_name=_named(Affiliate, "affiliate_id", "name"),
        program_name=_named(Program, "program_id", "name"),
    )


def _named(model: Any, key: str, field: str) -> Subquery:
    return Subquery(model.objects.order_by().filter(pk=OuterRef(key)).values(field)[:1], output_field=CharField())


@manager_required(Can.SEE_TRACKING)
def click_list(request: HttpRequest) -> HttpResponse:
    days = click_days(request)
    listing = Listing(
        request,
        visible_clicks(request.user, days),
        name="clicks",
        caption=_("Clicks"),
        columns=[
            TimeColumn("at", gettext_lazy("When"), sort="id"),
            Column(
                "link_code", gettext_lazy("Link"), url=lambda c: reverse("manage:link_detail", args=[encode_id("lnk", c.link_id)])
            ),
            PersonColumn(
                "affiliate_name",
                gettext_lazy("Affiliate"),
                url=lambda c: reverse("manage:affiliate_detail", args=[encode_id("aff", c.affiliate_id)]),
            ),
            Column("program_name", gettext_lazy("Program"), shown=several_programs(request.user, Can.SEE_TRACKING)),
            StateColumn(
                "outcome",
                gettext_lazy("Outcome"),
                value=lambda c: STATES[ClickOutcome(c.outcome)],
                text=lambda c: ClickOutcome(c.outcome).label,
            ),
            VisitorColumn("bot", gettext_lazy("Visitor")),
            Column("sub1", gettext_lazy("sub1")),
            Column("referrer", gettext_lazy("Came from"), value=lambda c: referring_site(c.referrer), export="referrer"),
            ClickIdColumn("id", gettext_lazy("Click id")),
            Column("url", gettext_lazy("Sent to"), shown=False),
        ],
        filters=[
            DAYS,
            ChoiceFilter("outcome", gettext_lazy("Outcome"), choices=ClickOutcome),
            TextFilter("link", gettext_lazy("Link"), apply=_through_link),
            RelatedFilter(
                "affiliate",
                gettext_lazy("Affiliate"),
                rows=lambda: Affiliate.objects.visible_to(request.user).order_by("name"),
                apply=lambda clicks, affiliate: clicks.filter(affiliate_id=affiliate.pk),
            ),
            _program_filter(request),
            BooleanFilter("bot", gettext_lazy("Visitor"), yes=gettext_lazy("Bots"), no=gettext_lazy("People")),
        ],
        search=[_by_id],
        search_hint=_("Click id"),
        default_sort="-id",
        empty=Empty(
            _("No clicks in these days"),
            _("A click stands here as soon as the visitor has been sent on. Open any link to see one."),
            reverse("manage:link_list"),
            _("Links"),
            icon="click",
        ),
    )
    return listing.response("tracking/manager/click_list.html", {"days": days, "most": MOST_DAYS})


def _program_filter(request: HttpRequest) -> RelatedFilter:
    return RelatedFilter(
        "program",
        gettext_lazy("Program"),
        rows=lambda: visible_programs(request.user, Can.SEE_TRACKING).order_by("name"),
        param="slug",
        apply=lambda clicks, program: clicks.filter(program_id=program.pk),
    )


def _through_link(clicks: QuerySet[Click], code: str) -> QuerySet[Click]:
    return clicks.filter(link_id__in=list(Link.objects.filter(code__iexact=code).values_list("pk", flat=True)[:100]))


def _by_id(word: str) -> Q | None:
    click_id = parse_click_id(word)
    return Q(pk=click_id) if click_id is not None else None


def referring_site(referrer: str) -> str:
    """The host of the page that the visitor came from; the whole address stands in files."""
    try:
        return urlsplit(referrer).hostname or ""
    except ValueError:
        return ""
