"""What commissions show about an affiliate: on its page, and in the list of affiliates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import BigIntegerField, Count, F, OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from affiliates.fields import Fields
from affiliates.models import Affiliate
from commissions.models import Commission, Decision
from commissions.queries import with_state
from core.access import Can, programs_of, rights_of
from core.listing import Column, MoneyColumn, NumberColumn
from core.money import MoneyField
from programs.queries import visible_programs
from tracking.models import Conversion

SHOWN = 8
DAYS = 30
CURRENCIES = 3  # columns of earnings; more would not fit


def conversions_card(request: HttpRequest, affiliate: Affiliate) -> dict[str, Any] | None:
    """The latest conversions, with what each earned for those who see money."""
    rights = rights_of(request.user)
    if not rights.has(Can.SEE_TRACKING):
        return None
    conversions = list(
        Conversion.objects.visible_to(request.user)
        .filter(affiliate=affiliate)
        .select_related("program", "link", "coupon")
        .defer("given", "fingerprint", "subs")
        .order_by("-occurred_at", "-pk")[: SHOWN + 1]
    )
    money = rights.has(Can.SEE_MONEY)
    earned: dict[int, list[Commission]] = {}
    if money and conversions:
        visible = Commission.objects.visible_to(request.user).filter(conversion__in=conversions, affiliate=affiliate)
        for commission in with_state(visible).order_by("pk"):
            earned.setdefault(commission.conversion_id, []).append(commission)
    return {
        "affiliate": affiliate,
        "rows": [(conversion, earned.get(conversion.pk, [])) for conversion in conversions[:SHOWN]],
        "more": len(conversions) > SHOWN,
        "money": money,
    }


def recent_fields(request: HttpRequest) -> Fields | None:
    """Conversions and earnings of the last 30 days, after refunds and without what was rejected: one column a currency."""
    if not rights_of(request.user).has(Can.SEE_TRACKING):
        return None
    since = timezone.now() - timedelta(days=DAYS)
    conversions = Conversion.objects.filter(affiliate=OuterRef("pk"), occurred_at__gte=since)
    tracked = programs_of(request.user, Can.SEE_TRACKING)
    if tracked is not None:
        conversions = conversions.filter(program__in=tracked)
    annotations: dict[str, Any] = {"recent_conversions": _per_affiliate(conversions, Count("pk"), BigIntegerField())}
    columns: list[Column] = [
        NumberColumn(
            "recent_conversions",
            _("Conversions, 30 days"),
            value=lambda a: a.recent_conversions or 0,
            sort=F("recent_conversions"),
        )
    ]
    currencies = _currencies(request)
    for currency in currencies:
        label = _("Earned, 30 days") if len(currencies) == 1 else format_lazy(_("Earned, 30 days, {currency}"), currency=currency)
        key = f"recent_{currency.lower()}"
        annotations[key] = _per_affiliate(_commissions(request, since, currency), Sum(F("amount") - F("reversed")), MoneyField())
        columns.append(MoneyColumn(key, label, value=_or_nothing(key), currency=_always(currency), sort=F(key)))
    return Fields(annotations, columns)


def _currencies(request: HttpRequest) -> list[str]:
    if not rights_of(request.user).has(Can.SEE_MONEY):
        return []
    programs = visible_programs(request.user, Can.SEE_MONEY).order_by("currency")
    return list(programs.values_list("currency", flat=True).distinct()[:CURRENCIES])


def _commissions(request: HttpRequest, since: Any, currency: str) -> QuerySet[Commission]:
    commissions = Commission.objects.filter(affiliate=OuterRef("pk"), occurred_at__gte=since, currency=currency)
    programs = programs_of(request.user, Can.SEE_MONEY)
    if programs is not None:
        commissions = commissions.filter(conversion__program__in=programs)
    return commissions.exclude(decision=Decision.REJECTED)


def _per_affiliate(rows: QuerySet[Any], measure: Any, output: Any) -> Subquery:
    return Subquery(rows.order_by().values("affiliate").annotate(n=measure).values("n"), output_field=output)


def _or_nothing(key: str) -> Any:
    return lambda affiliate: getattr(affiliate, key) or None


def _always(currency: str) -> Any:
    return lambda _affiliate: currency
