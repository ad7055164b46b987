from __future__ import annotations

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from commissions.models import Commission, CommissionRule, Reversal, RuleVersion
from core.admin import ReadOnlyAdmin, ReadOnlyInline


class RuleVersionInline(ReadOnlyInline):
    model = RuleVersion


@admin.register(CommissionRule)
class CommissionRuleAdmin(ReadOnlyAdmin):
    list_display = ["name", "program", "event", "offer", "affiliate", "priority", "archived_at"]
    list_filter = ["program", "event"]
    list_select_related = ["program", "offer", "affiliate"]
    search_fields = ["name", "program__name"]
    date_hierarchy = "created_at"
    inlines = [RuleVersionInline]


@admin.register(RuleVersion)
class RuleVersionAdmin(ReadOnlyAdmin):
    list_display = ["rule", "number", "type", "value", "starts_at", "created_by"]
    list_filter = ["type", "rule__program"]
    list_select_related = ["rule", "created_by"]
    search_fields = ["rule__name"]
    date_hierarchy = "starts_at"


class ReversalInline(ReadOnlyInline):
    model = Reversal


@admin.register(Commission)
class CommissionAdmin(ReadOnlyAdmin):
    list_display = [
        "public_id",
        "affiliate",
        "conversion",
        "amount",
        "reversed",
        "currency",
        "decision",
        "decided_by",
        "payable_at",
    ]
    list_filter = ["decision", "reason_code", "currency", "conversion__program", ["affiliate", AutocompleteSelectFilter]]
    list_select_related = ["affiliate", "conversion", "decided_by"]
    search_fields = ["conversion__external_id__startswith", "affiliate__name"]
    date_hierarchy = "created_at"
    inlines = [ReversalInline]


@admin.register(Reversal)
class ReversalAdmin(ReadOnlyAdmin):
    list_display = ["public_id", "commission", "refund", "amount", "currency", "created_at"]
    list_filter = ["currency"]
    list_select_related = ["commission", "refund"]
    search_fields = ["refund__external_id__startswith"]
    date_hierarchy = "created_at"
