from __future__ import annotations

from django.contrib import admin

from affiliates.models import Affiliate, AffiliateMember, Enrollment, Invitation
from affiliates.services import update_affiliate
from core.admin import EditableNotes, ReadOnlyAdmin, ReadOnlyInline


class EnrollmentInline(ReadOnlyInline):
    model = Enrollment


class MemberInline(ReadOnlyInline):
    model = AffiliateMember


@admin.register(Affiliate)
class AffiliateAdmin(EditableNotes):
    notes = ("note",)
    update = update_affiliate
    list_display = ["name", "email", "kind", "country", "currency", "manager", "external_id", "created_at"]
    list_filter = ["kind", "country", "enrollments__program", "enrollments__status"]
    list_select_related = ["manager"]
    search_fields = ["name", "email", "external_id", "website"]
    date_hierarchy = "created_at"
    inlines = [EnrollmentInline, MemberInline]


@admin.register(AffiliateMember)
class AffiliateMemberAdmin(ReadOnlyAdmin):
    list_display = ["affiliate", "user", "functions_told", "created_at", "removed_at"]
    list_filter = [("removed_at", admin.EmptyFieldListFilter)]
    list_select_related = ["affiliate", "user"]
    search_fields = ["affiliate__name", "user__email", "user__name"]
    date_hierarchy = "created_at"


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    hidden = ("token_hash",)
    list_display = ["email", "affiliate", "functions_told", "invited_by", "created_at", "expires_at", "accepted_at", "revoked_at"]
    list_filter = [("accepted_at", admin.EmptyFieldListFilter), ("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["affiliate", "invited_by"]
    search_fields = ["email", "affiliate__name"]
    date_hierarchy = "created_at"


@admin.register(Enrollment)
class EnrollmentAdmin(ReadOnlyAdmin):
    list_display = ["affiliate", "program", "status", "status_at", "reason"]
    list_filter = ["status", "program"]
    list_select_related = ["affiliate", "program"]
    search_fields = ["affiliate__name", "affiliate__email", "pitch"]
    date_hierarchy = "status_at"
