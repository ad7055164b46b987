"""An affiliate's home and its numbers. Balances and payouts are shown to those who see to the money, numbers to everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, Exists, OuterRef, When
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from affiliates.access import affiliate_required, has_function
from affiliates.models import Affiliate, Enrollment, EnrollmentStatus, Function
from commissions.credited import credited_conversions, net_of, state_of
from commissions.performance import Performance, performance
from core.components import day_text
from core.exports import stream_csv, stream_xlsx
from core.money import round_money
from core.ui import Chart, Period, Series
from payouts.prospects import prospects
from payouts.queries import balances
from programs.models import Offer, Program
from tracking.models import Link, Status

LATEST = 6
MEASURES = {"earned": gettext_lazy("Earned"), "conversions": gettext_lazy("Conversions"), "clicks": gettext_lazy("Clicks")}


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do next: what, why, and the button that does it."""

    icon: str
    title: str
    text: str
    url: str = ""
    label: str = ""


@affiliate_required()
def home(request: HttpRequest) -> HttpResponse:
    affiliate: Affiliate = request.affiliate  # type: ignore[attr-defined]
    links = Link.objects.filter(affiliate=affiliate, offer__program=OuterRef("program"))
    enrollments = list(affiliate.enrollments.select_related("program").annotate(has_link=Exists(links)).order_by("program__name"))
    latest = list(credited_conversions(affiliate).order_by("-occurred_at", "-pk")[:LATEST])
    program = _chosen(request, enrollments, latest[0].program_id if latest else None)
    sees_money = has_function(request, Function.FINANCE, Function.LEADER)
    context: dict[str, Any] = {
        "affiliate": affiliate,
        "program": program,
        "programs": _programs(enrollments),
        "sees_money": sees_money,
        "latest": [(each, net_of(each), state_of(each)) for each in latest],
        "link": _best_link(affiliate, enrollments, latest),
        "now": timezone.now(),
    }
    if sees_money:
        methods = list(affiliate.payout_methods.current())
        context |= {
            "balances": balances(affiliate.pk),
            "prospects": prospects(affiliate.pk, [e.program for e in enrollments if _has_begun(e)], methods),
            "may_set": has_function(request, Function.FINANCE),
        }
    context["steps"] = _steps(request, enrollments, context.get("prospects", ()))
    if program is not None:
        context |= _course(request, affiliate, program)
    return render(request, "reports/portal/home.html", context)


def _best_link(affiliate: Affiliate, enrollments: Sequence[Enrollment], latest: Sequence[Any]) -> Link | None:
    """The one to hand out from here: the active link that sold last, else the newest; none where nothing would count."""
    approved = [enrollment.program_id for enrollment in enrollments if enrollment.status == EnrollmentStatus.APPROVED]
    counting = affiliate.links.filter(
        status=Status.ACTIVE,
        offer__status=Offer.Status.ACTIVE,
        offer__program__in=approved,
        offer__program__status=Program.Status.ACTIVE,
    )
    sold = next((each.link_id for each in latest if each.link_id), None)
    return counting.order_by(Case(When(pk=sold, then=0), default=1), "-pk").first()


def _has_begun(enrollment: Enrollment) -> bool:
    """Whether there can be money: an application that waits or was refused has none."""
    return enrollment.status not in {EnrollmentStatus.PENDING, EnrollmentStatus.REJECTED, EnrollmentStatus.INVITED}


def _programs(enrollments: Sequence[Enrollment]) -> list[Program]:
    return [enrollment.program for enrollment in enrollments if _has_begun(enrollment)]


def _chosen(request: HttpRequest, enrollments: Sequence[Enrollment], recent: int | None) -> Program | None:
    """The program in the address, else the one that sold last, else the first. Numbers have one currency and one clock, so
    they are of one program."""
    programs = _programs(enrollments)
    asked = [program for program in programs if program.slug == request.GET.get("program")]
    sold = [program for program in programs if program.pk == recent]
    return next(iter([*asked, *sold, *programs]), None)


def _course(request: HttpRequest, affiliate: Affiliate, program: Program) -> dict[str, Any]:
    """The period in numbers and in one chart. Days are the program's; one statement reads both periods."""
    period = Period.from_request(request, zone=program.zone)
    before = period.previous
    days = {row.key: row for row in performance(program, "day", before.start, period.end, affiliates=[affiliate.pk])}
    measure = request.GET.get("show", "")
    measure = measure if measure in MEASURES else "earned"
    kept = request.GET.copy()
    cards = []
    for key, label in MEASURES.items():
        kept["show"] = key
        now, then = (sum(_values(days, span, key), Decimal(0)) for span in (period, before))
        cards.append((key, label, now, then if period.compare else None, f"?{kept.urlencode()}", key == measure))
    series = [Series(str(MEASURES[measure]), _values(days, period, measure))]
    if period.compare:
        then_values = _values(days, before, measure)
        # Months differ in length: the chart has as many days as this period.
        then_values = (then_values + [None] * period.days)[: period.days]
        series.append(Series(_("Period before"), then_values, compared=True))
    currency = program.currency if measure == "earned" else ""
    title = _("%(measure)s a day") % {"measure": MEASURES[measure]}
    return {
        "period": period,
        "measures": cards,
        "chart": Chart(title, period.each_day(), series, currency=currency),
        "quiet": not days,
    }


def _values(days: dict[str, Performance], period: Period, measure: str) -> list[Any]:
    name = "commission" if measure == "earned" else measure
    rows = (days.get(day.isoformat()) for day in period.each_day())
    return [getattr(row, name) if row else Decimal(0) for row in rows]


def _steps(request: HttpRequest, enrollments: Sequence[Any], owed: Sequence[Any]) -> list[Step]:
    """What to do next, the most urgent first; nothing where all is well."""
    approved = [enrollment for enrollment in enrollments if enrollment.status == EnrollmentStatus.APPROVED]
    steps = _link_steps(request, approved)
    missing = sorted({each.currency for each in owed if each.method is None})
    if missing and has_function(request, Function.FINANCE) and approved:
        text = _("Without one nothing can be paid. It takes two minutes; the first one can be used at once.")
        title = _("Set where you are paid in %(currencies)s") % {"currencies": _(", ").join(missing)}
        step = Step("wallet", title, text, reverse("portal:payout_method"), _("Set a payout method"))
        waits = any(each.method is None and (each.payable or each.on_its_way) for each in owed)
        steps.insert(0 if waits else len(steps), step)  # money that waits for it comes before what may earn some
    for enrollment in enrollments:
        told = _TOLD.get(enrollment.status)
        if told:
            step = Step(told[0], str(told[1]) % {"program": enrollment.program}, str(told[2]))
            steps.append(_with_manager(step, request) if enrollment.status == EnrollmentStatus.SUSPENDED else step)
    if not enrollments:
        text = _("Apply to one on the public page; once it admits you, its offers and your links stand here.")
        steps.append(Step("building-store", _("You are in no program yet"), text, reverse("home"), _("See the programs")))
    return steps


def _with_manager(step: Step, request: HttpRequest) -> Step:
    manager = request.affiliate.manager  # type: ignore[attr-defined]
    if manager is None:
        return step
    return replace(step, url=f"mailto:{manager.email}", label=_("Write to %(person)s") % {"person": manager})


def _link_steps(request: HttpRequest, approved: Sequence[Any]) -> list[Step]:
    if not has_function(request, Function.MARKETING, Function.LEADER):
        return []
    return [
        Step(
            "link",
            _("Make your first link for %(program)s") % {"program": enrollment.program},
            _("Whoever comes to the shop through it counts as yours."),
            reverse("portal:link_create"),
            _("Make a link"),
        )
        for enrollment in approved
        if not enrollment.has_link and enrollment.program.status == Program.Status.ACTIVE
    ]


_TOLD = {
    EnrollmentStatus.PENDING.value: (
        "hourglass",
        gettext_lazy("%(program)s is reading your application"),
        gettext_lazy("You get a mail once it is decided. Until then there is nothing that you need to do."),
    ),
    EnrollmentStatus.SUSPENDED.value: (
        "alert-triangle",
        gettext_lazy("You are suspended from %(program)s"),
        gettext_lazy("New clicks and sales do not count until that is lifted. What you earned stays yours."),
    ),
}

# Numbers

GROUPS = {
    "day": gettext_lazy("Day"),
    "link": gettext_lazy("Link"),
    "offer": gettext_lazy("Offer"),
    "sub1": "sub1",
}
ROWS = 200  # that the page shows; the file has all


@affiliate_required()
def numbers(request: HttpRequest) -> HttpResponseBase:
    """Clicks, conversions and what they earned, by day, link, offer or sub id, over a period, in one program."""
    affiliate: Affiliate = request.affiliate  # type: ignore[attr-defined]
    enrollments = list(affiliate.enrollments.select_related("program").order_by("program__name"))
    recent = affiliate.conversions.order_by("-occurred_at", "-pk").values_list("program", flat=True).first()
    program = _chosen(request, enrollments, recent)
    if program is None:
        return render(request, "reports/portal/numbers.html", {})
    period = Period.from_request(request, zone=program.zone)
    by = request.GET.get("by", "")
    by = by if by in GROUPS else "day"
    rows = performance(program, by, period.start, period.end, affiliates=[affiliate.pk])
    names = _names(affiliate, by)
    # Days newest first; everything else by what it earned.
    rows.sort(key=(lambda row: row.key) if by == "day" else (lambda row: (row.commission, row.clicks)), reverse=True)
    table = [(row, *names(row.key)) for row in rows]
    if request.GET.get("export") in {"csv", "xlsx"}:
        stream = stream_csv if request.GET["export"] == "csv" else stream_xlsx
        return stream(_file(by, table), _heading(by), f"numbers-{program.slug}-by-{by}-{period.start}-{period.end}")
    context = {
        "program": program,
        "programs": _programs(enrollments),
        "period": period,
        "by": by,
        "by_label": GROUPS[by],
        "groups": [(key, label, _address(request, by=key), key == by) for key, label in GROUPS.items()],
        "rows": table[:ROWS],
        "hidden": max(len(table) - ROWS, 0),
        "total": _total(rows, program),
        "chart": _numbers_chart(by, table, period, program),
        "csv_url": _address(request, export="csv"),
        "xlsx_url": _address(request, export="xlsx"),
    }
    return render(request, "reports/portal/numbers.html", context)


def _address(request: HttpRequest, **changes: str) -> str:
    query = request.GET.copy()
    query.pop("export", None)
    for name, value in changes.items():
        query[name] = value
    return f"?{query.urlencode()}"


def _names(affiliate: Affiliate, by: str) -> Any:
    """A function from a row's key to what it is called and where it leads."""
    if by == "link":
        links = {str(link.pk): link for link in affiliate.links.all()}

        def name_link(key: str) -> tuple[str, str]:
            link = links.get(key)
            return (
                (link.code, reverse("portal:link_detail", args=[link.public_id]))
                if link
                else (_("Without a link: coupons, returning customers"), "")
            )

        return name_link
    if by == "offer":
        offers = dict(affiliate.links.order_by().values_list("offer_id", "offer__name").distinct())
        return lambda key: (offers.get(int(key), _("Another offer")) if key else _("Without an offer"), "")
    if by == "sub1":
        conversions = reverse("portal:conversion_list")
        return lambda key: (key or _("Without sub1"), f"{conversions}?{urlencode({'sub1': key})}" if key else "")
    return lambda key: (day_text(date.fromisoformat(key)), "")


def _heading(by: str) -> list[str]:
    return [
        by,
        "clicks",
        "unique_clicks",
        "conversions",
        "conversion_rate",
        "sales",
        "refunded",
        "earned",
        "earned_per_click",
        "currency",
    ]


def _file(by: str, table: Sequence[tuple[Performance, str, str]]) -> Any:
    for row, name, _url in table:
        label = row.key if by == "day" else name
        counted = [row.clicks, row.unique_clicks, row.conversions, row.conversion_rate]
        sums = [round_money(amount, row.currency) for amount in (row.amount, row.refunded, row.commission)]
        yield [label, *counted, *sums, row.epc, row.currency]


def _total(rows: Sequence[Performance], program: Program) -> Performance:
    """The sums; visitors are counted once in each row, so their sum says nothing and is left out."""
    nothing = Decimal(0)
    return Performance(
        "",
        sum(row.clicks for row in rows),
        0,
        sum(row.conversions for row in rows),
        sum(row.clicked for row in rows),
        sum((row.amount for row in rows), nothing),
        sum((row.refunded for row in rows), nothing),
        sum((row.commission for row in rows), nothing),
        program.currency,
    )


def _numbers_chart(by: str, table: Sequence[tuple[Performance, str, str]], period: Period, program: Program) -> Chart | None:
    if not table:
        return None
    if by == "day":
        days = {row.key: row for row, _name, _url in table}
        return Chart(
            _("Earned a day"),
            period.each_day(),
            [Series(_("Earned"), _values(days, period, "earned"))],
            currency=program.currency,
        )
    top = table[:10]
    title = _("Earned, the ten that earned most") if len(table) > 10 else _("Earned")
    return Chart(
        title,
        [name for _row, name, _url in top],
        [Series(_("Earned"), [row.commission for row, _n, _u in top])],
        kind="bar",
        currency=program.currency,
    )
