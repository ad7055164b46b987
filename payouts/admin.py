from __future__ import annotations

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from core.admin import ReadOnlyAdmin
from payouts.models import Payout, PayoutBatch, PayoutLine, PayoutMethod


@admin.register(PayoutMethod)
class PayoutMethodAdmin(ReadOnlyAdmin):
    hidden = ("details",)
    list_display = ["affiliate", "type", "currency", "hint", "usable_from", "created_by", "created_at", "replaced_at"]
    list_filter = ["type", "currency"]
    list_select_related = ["affiliate", "created_by"]
    search_fields = ["affiliate__name", "affiliate__email"]
    date_hierarchy = "created_at"


@admin.register(PayoutBatch)
class PayoutBatchAdmin(ReadOnlyAdmin):
    list_display = ["public_id", "program", "currency", "cutoff", "status", "created_by", "approved_by", "paid_at", "reference"]
    list_filter = ["status", "program", "currency"]
    list_select_related = ["program", "created_by", "approved_by"]
    search_fields = ["reference", "program__name"]
    date_hierarchy = "created_at"


@admin.register(Payout)
class PayoutAdmin(ReadOnlyAdmin):
    list_display = ["public_id", "batch", "affiliate", "amount", "currency", "status", "exceptions", "paid_at"]
    list_filter = ["status", "currency", "batch__program", ["affiliate", AutocompleteSelectFilter]]
    list_select_related = ["batch", "affiliate"]
    search_fields = ["affiliate__name", "affiliate__email"]
    date_hierarchy = "created_at"


@admin.register(PayoutLine)
class PayoutLineAdmin(ReadOnlyAdmin):
    list_display = ["id", "payout", "commission", "reversal", "adjustment", "amount", "released_at"]
    list_filter = ["payout__status"]
    list_select_related = ["payout", "commission", "reversal", "adjustment"]
    search_fields = ["payout__affiliate__name"]
    ordering = ["-pk"]
