from __future__ import annotations

from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Group

from accounts.models import ApiKey, KeptAnswer, RoleAssignment, User
from core.admin import ReadOnlyAdmin, ReadOnlyInline

for theirs in (Authenticator, EmailAddress, EmailConfirmation, Group, UserSession):  # shown by ours below, or of no use here
    if admin.site.is_registered(theirs):
        admin.site.unregister(theirs)


class RoleInline(ReadOnlyInline):
    model = RoleAssignment
    fk_name = "user"


class KeyInline(ReadOnlyInline):
    model = ApiKey
    fk_name = "user"
    hidden = ("hash",)


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    hidden = ("password",)
    list_display = ["email", "name", "is_active", "is_service", "last_login", "date_joined"]
    list_filter = ["is_active", "is_service", "assignments__role"]
    search_fields = ["email", "name"]
    date_hierarchy = "date_joined"
    inlines = [RoleInline, KeyInline]


@admin.register(RoleAssignment)
class RoleAssignmentAdmin(ReadOnlyAdmin):
    list_display = ["user", "role", "program", "ends_on", "created_at", "granted_by", "revoked_at", "revoked_by"]
    list_filter = ["role", "program"]
    list_select_related = ["user", "program", "granted_by", "revoked_by"]
    search_fields = ["user__email", "user__name"]
    date_hierarchy = "created_at"


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    hidden = ("hash",)
    list_display = ["name", "start", "user", "role", "program", "last_used_at", "created_at", "revoked_at"]
    list_filter = ["role", "program"]
    list_select_related = ["user", "program"]
    search_fields = ["name", "start", "user__email"]
    date_hierarchy = "created_at"


@admin.register(KeptAnswer)
class KeptAnswerAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "api_key", "method", "path", "key", "status"]
    list_filter = ["method", "status"]
    list_select_related = ["api_key"]
    search_fields = ["key", "path"]
    date_hierarchy = "created_at"
    ordering = ["-pk"]


@admin.register(EmailAddress)
class EmailAddressAdmin(ReadOnlyAdmin):
    list_display = ["email", "user", "primary", "verified"]
    list_filter = ["primary", "verified"]
    list_select_related = ["user"]
    search_fields = ["email", "user__name"]


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin):
    """Who has which second factor. Its secret is nobody's business."""

    hidden = ("data",)
    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type"]
    list_select_related = ["user"]
    search_fields = ["user__email", "user__name"]


@admin.register(UserSession)
class UserSessionAdmin(ReadOnlyAdmin):
    hidden = ("session_key", "data")
    list_display = ["user", "created_at", "last_seen_at", "ip", "user_agent"]
    list_filter = ["last_seen_at"]
    list_select_related = ["user"]
    search_fields = ["user__email", "user__name", "ip"]
