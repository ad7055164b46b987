from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from core.admin import ReadOnlyAdmin, ReadOnlyInline
from tracking.models import Click, Conversion, Coupon, Customer, Link, Refund


@admin.register(Link)
class LinkAdmin(ReadOnlyAdmin):
    list_display = ["code", "affiliate", "offer", "status", "destination_url", "created_at"]
    list_filter = ["status", "offer__program", ["affiliate", AutocompleteSelectFilter]]
    list_select_related = ["affiliate", "offer"]
    search_fields = ["code", "affiliate__name"]
    date_hierarchy = "created_at"


@admin.register(Coupon)
class CouponAdmin(ReadOnlyAdmin):
    list_display = ["code", "affiliate", "program", "offer", "status", "created_at"]
    list_filter = ["status", "program", ["affiliate", AutocompleteSelectFilter]]
    list_select_related = ["affiliate", "program", "offer"]
    search_fields = ["code", "affiliate__name"]
    date_hierarchy = "created_at"


@admin.register(Click)
class ClickAdmin(ReadOnlyAdmin):
    """Millions of rows in daily partitions: newest first by the key, found by a click's id."""

    list_display = ["id", "at", "link_id", "affiliate_id", "offer_id", "outcome", "bot", "ip", "came_from"]
    list_filter = ["outcome", "bot"]
    search_fields = ["id__exact"]
    search_help_text = _("A click's id, whole")
    ordering = ["-id"]

    @admin.display(description=_("Referrer"))
    def came_from(self, click: Click) -> str:
        return Truncator(click.referrer).chars(50)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        from uuid import UUID

        try:
            return (queryset.filter(pk=UUID(search_term)) if search_term else queryset), False
        except ValueError:
            return queryset.none(), False


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    list_display = ["external_id", "program", "affiliate", "link", "coupon", "tied_at"]
    list_filter = ["program", ["affiliate", AutocompleteSelectFilter]]
    list_select_related = ["program", "affiliate", "link", "coupon"]
    search_fields = ["external_id__startswith", "email__iexact"]
    ordering = ["-pk"]


class RefundInline(ReadOnlyInline):
    model = Refund


@admin.register(Conversion)
class ConversionAdmin(ReadOnlyAdmin):
    list_display = [
        "external_id",
        "program",
        "event",
        "occurred_at",
        "amount",
        "currency",
        "refunded",
        "affiliate",
        "source",
        "reason",
    ]
    list_filter = ["program", "event", "source", "reason", "currency", ["affiliate", AutocompleteSelectFilter]]
    list_select_related = ["program", "affiliate"]
    search_fields = ["external_id__startswith", "customer__external_id__exact"]
    date_hierarchy = "occurred_at"
    inlines = [RefundInline]


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ["external_id", "conversion", "amount", "refunded_after", "occurred_at", "reason"]
    list_filter = ["conversion__program"]
    list_select_related = ["conversion"]
    search_fields = ["external_id__startswith", "conversion__external_id__startswith"]
    date_hierarchy = "occurred_at"
