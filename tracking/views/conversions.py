"""Conversions as the team sees them: what came, who is credited with it, and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from babel.dates import format_timedelta
from django.db.models import F, Q, QuerySet
from django.db.models.fields.json import KeyTransform
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from affiliates.models import Affiliate
from core.access import Can, manager_required, rights_of
from core.components import number_text
from core.languages import locale
from core.listing import (
    ChoiceFilter,
    CodeColumn,
    Column,
    DateFilter,
    Empty,
    Listing,
    MoneyColumn,
    PersonColumn,
    RelatedFilter,
    StateColumn,
    TextFilter,
    TimeColumn,
    WhyColumn,
)
from core.models import Event
from programs.queries import several_programs, visible_programs
from tracking.attribution import explain_attribution, parse_click_id
from tracking.conversion_events import event_label
from tracking.models import UNPRICED, Click, Conversion, ConversionQuerySet, Customer, Source

# As Conversion.status tells them: each excludes those before it.
STATUSES = {
    "recorded": pgettext_lazy("conversion", "Credited"),
    "unattributed": gettext_lazy("Unattributed"),
    "unpriced": gettext_lazy("Unpriced"),
    "partially_refunded": gettext_lazy("Refunded in part"),
    "refunded": gettext_lazy("Refunded"),
}


def in_status(conversions: ConversionQuerySet, status: str) -> ConversionQuerySet:
    if status == "unpriced":
        return conversions.unpriced()
    untouched = Q(refunded=0)
    return conversions.filter(
        {
            "refunded": Q(refunded__gt=0, refunded=F("amount")),
            "partially_refunded": Q(refunded__gt=0, refunded__lt=F("amount")) & ~UNPRICED,
            "unattributed": untouched & ~UNPRICED & Q(affiliate__isnull=True),
            "recorded": untouched & ~UNPRICED & Q(affiliate__isnull=False),
        }[status]
    )


@manager_required(Can.SEE_TRACKING)
def conversion_list(request: HttpRequest) -> HttpResponse:
    return _listing(request).response("tracking/manager/conversion_list.html")


def _listing(request: HttpRequest) -> Listing:
    return Listing(
        request,
        Conversion.objects.visible_to(request.user)
        .select_related("program", "affiliate", "link", "coupon", "customer")
        .annotate(tried=KeyTransform("tried", "given"))
        .defer("given", "fingerprint", "subs"),
        name="conversions",
        caption=_("Conversions"),
        columns=[
            Column("order", _("Order"), value="external_id", sort="external_id"),
            Column("event", _("Event"), value=lambda c: event_label(c.event), sort=True, export="event"),
            MoneyColumn("amount", _("Amount"), sort=True),
            MoneyColumn("refunded", _("Refunded"), value=lambda c: -c.refunded if c.refunded else None),
            StateColumn("status", _("State")),
            PersonColumn("affiliate", _("Affiliate"), sort="affiliate__name", url=_affiliate_url),
            WhyColumn(
                "source",
                _("Credited by"),
                value=why_credited,
                title=lambda c: c.source_label or _("Nobody"),
                export="source_label",
            ),
            Column("why", _("Why"), value=why_credited, shown=False),
            CodeColumn("through", _("Link or coupon"), value=lambda c: c.link or c.coupon or ""),
            Column(
                "program",
                _("Program"),
                value="program.name",
                sort="program__name",
                shown=several_programs(request.user, Can.SEE_TRACKING),
            ),
            TimeColumn("occurred_at", _("Occurred"), sort=True),
        ],
        filters=[
            ChoiceFilter("status", _("State"), choices=list(STATUSES.items()), apply=in_status),
            _related("program", _("Program"), lambda: visible_programs(request.user, Can.SEE_TRACKING), "slug"),
            _related("affiliate", _("Affiliate"), lambda: Affiliate.objects.visible_to(request.user)),
            ChoiceFilter("source", _("Credited by"), choices=[*Source.choices, ("none", _("Nobody"))], apply=_by_source),
            TextFilter("event", _("Event"), field="event__iexact"),
            DateFilter("occurred_at", _("Occurred")),
        ],
        tabs="status",
        search=["external_id", _by_customer, _by_click, _by_public_id],
        search_hint=_("Order, customer or click id"),
        default_sort="-occurred_at",
        row_url=lambda c: reverse("manage:conversion_detail", args=[c.public_id]),
        empty=Empty(
            _("No conversions yet"),
            _("They come over the API or from a file: one for each order, credited by the click or the coupon it came with."),
            icon="shopping-cart",
        ),
    )


def _related(key: str, label: str, rows: Callable[[], QuerySet[Any]], param: str = "public_id") -> RelatedFilter:
    return RelatedFilter(key, label, rows=rows, param=param)


def why_credited(conversion: Any) -> str:
    """The decision in sentences; needs `tried` annotated, of what it was given."""
    return explain_attribution(conversion.reason, conversion.tried or [])


def _affiliate_url(conversion: Conversion) -> str:
    return reverse("manage:affiliate_detail", args=[conversion.affiliate.public_id]) if conversion.affiliate else ""


def _by_source(conversions: QuerySet[Conversion], source: str) -> QuerySet[Conversion]:
    return conversions.filter(source="" if source == "none" else source)


def _by_customer(word: str) -> Q:
    return Q(customer__in=Customer.objects.filter(Q(external_id=word) | Q(email__iexact=word)).values("pk"))


def _by_click(word: str) -> Q | None:
    """The click that is credited, or one that came and is not."""
    click_id = parse_click_id(word)
    return Q(click_id=click_id) | Q(given__click_id__in=[word, str(click_id), f"clk_{click_id}"]) if click_id else None


def _by_public_id(word: str) -> Q | None:
    number = Conversion.pk_from(word)
    return Q(pk=number) if number is not None else None


@manager_required(Can.SEE_TRACKING)
def conversion_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    visible = Conversion.objects.visible_to(request.user).select_related(
        "program", "affiliate", "customer", "link", "coupon", "offer"
    )
    conversion = get_object_or_404(visible, pk=Conversion.pk_from(public_id))
    tried = conversion.given.get("tried", [])
    click = _click(conversion)
    given_click_id = str(conversion.given.get("click_id", ""))
    context = {
        "conversion": conversion,
        "why": explain_attribution(conversion.reason, tried),
        "click": click,
        "before_sale": _before_sale(click, conversion) if click else "",
        "given_click_id": given_click_id,
        "came_with": parse_click_id(given_click_id),
        "items": [item for item in conversion.given.get("items") or [] if isinstance(item, dict)],
        "metadata": list((conversion.given.get("metadata") or {}).items()),
        "refunds": conversion.refunds.all(),
        "events": _history(request, conversion),
    }
    return render(request, "tracking/manager/conversion_detail.html", context)


def _history(request: HttpRequest, conversion: Conversion) -> QuerySet[Event]:
    """What came of it is told to those who see money."""
    events = Event.objects.about(conversion)
    sees_money = rights_of(request.user).has(Can.SEE_MONEY, conversion.program_id)
    return events if sees_money else events.filter(name__startswith="conversion.")


def _click(conversion: Conversion) -> Click | None:
    """The click behind it: the credited one, else the one that came with it, if it is this program's."""
    click_id = conversion.click_id or parse_click_id(str(conversion.given.get("click_id", "")))
    return Click.objects.filter(pk=click_id, program_id=conversion.program_id).first() if click_id else None


def _before_sale(click: Click, conversion: Conversion) -> str:
    """In days where there are some: the attribution window is counted so."""
    distance = conversion.occurred_at - click.at
    days = abs(distance).days
    told = ngettext("%(days)s day", "%(days)s days", days) % {"days": number_text(days)} if days else _in_hours(distance)
    return (_("%(time)s before the sale") if distance.total_seconds() >= 0 else _("%(time)s after the sale")) % {"time": told}


def _in_hours(distance: timedelta) -> str:
    return format_timedelta(abs(distance), locale=locale(), threshold=1)
