from __future__ import annotations

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from core.admin import ReadOnlyAdmin
from ledger.models import Account, Transfer


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ["id", "kind", "program", "affiliate", "currency"]
    list_filter = ["kind", "currency", "program", ["affiliate", AutocompleteSelectFilter]]
    list_select_related = ["program", "affiliate"]
    search_fields = ["affiliate__name", "affiliate__email", "program__name"]


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin):
    list_display = ["at", "kind", "key", "debit", "credit", "amount", "currency"]
    list_filter = ["kind", "currency"]
    list_select_related = ["debit__program", "debit__affiliate", "credit__program", "credit__affiliate"]
    search_fields = ["key__startswith"]
    search_help_text = "commission:17, reversal:4, payout:9"
    date_hierarchy = "at"
