from __future__ import annotations

from typing import Any

from django.contrib import admin

from core.admin import EditableNotes, ReadOnlyAdmin, ReadOnlyInline
from programs.models import Offer, Program, TermsVersion
from programs.services import update_program


class OfferInline(ReadOnlyInline):
    model = Offer

    def get_fields(self, request: Any, obj: Any = None) -> list[str]:
        return ["name", "slug", "status", "landing_url"]


@admin.register(Program)
class ProgramAdmin(EditableNotes):
    notes = ("summary", "description")
    update = update_program
    list_display = ["name", "slug", "status", "currency", "attribution_model", "hold_days", "minimum_payout", "public"]
    list_filter = ["status", "currency", "public"]
    search_fields = ["name", "slug"]
    date_hierarchy = "created_at"
    inlines = [OfferInline]


@admin.register(Offer)
class OfferAdmin(ReadOnlyAdmin):
    list_display = ["name", "slug", "program", "status", "landing_url"]
    list_filter = ["status", "program"]
    list_select_related = ["program"]
    search_fields = ["name", "slug", "landing_url"]


@admin.register(TermsVersion)
class TermsVersionAdmin(ReadOnlyAdmin):
    list_display = ["program", "number", "published_at"]
    list_filter = ["program"]
    list_select_related = ["program"]
    search_fields = ["text"]
    date_hierarchy = "published_at"
