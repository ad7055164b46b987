"""Settings: what admins set for everybody, API keys among it."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.forms import KeyForm
from accounts.models import ApiKey, Role
from accounts.services import create_key, create_service, opens_anything, revoke_key
from core.access import Can, is_admin, manager_required
from core.components import number_text
from core.listing import (
    BooleanFilter,
    BulkAction,
    ChoiceFilter,
    CodeColumn,
    Column,
    Empty,
    Listing,
    PersonColumn,
    StateColumn,
    TimeColumn,
)
from core.ui import menu_within, redirect_back, refusals_as_errors, refusals_as_messages


@manager_required(Can.SEE)
def settings_home(request: HttpRequest) -> HttpResponse:
    """What the reader may set: the menu's entries under Settings."""
    context = {"pages": menu_within(request, "manager", "manage:settings_home"), "is_admin": is_admin(request.user)}
    return render(request, "accounts/manager/settings_home.html", context)


@manager_required(Can.ADMINISTER)
def key_list(request: HttpRequest) -> HttpResponse:
    return _keys(request).response("accounts/manager/key_list.html")


def _keys(request: HttpRequest) -> Listing:
    return Listing(
        request,
        ApiKey.objects.with_roles().select_related("program", "created_by"),
        name="api-keys",
        caption=_("API keys"),
        columns=[
            Column("name", gettext_lazy("Name"), sort=True),
            CodeColumn("start", gettext_lazy("Begins with")),
            Column("role", gettext_lazy("Role"), value=lambda key: Role(key.role).label, sort="role"),
            Column("program", gettext_lazy("Program"), value=lambda key: key.program or _("All programs"), sort="program__name"),
            PersonColumn("user", gettext_lazy("Acts for"), sort="user__name"),
            TimeColumn("last_used_at", gettext_lazy("Last used"), sort=True),
            TimeColumn("created_at", gettext_lazy("Made"), sort=True),
            StateColumn("state", gettext_lazy("State"), value=_state, text=_state_label),
        ],
        filters=[
            ChoiceFilter("role", gettext_lazy("Role"), choices=Role),
            BooleanFilter(
                "revoked",
                gettext_lazy("State"),
                yes=gettext_lazy("Revoked"),
                no=gettext_lazy("Open"),
                apply=lambda keys, value: keys.filter(revoked_at__isnull=not value),
            ),
        ],
        search=["name", "start__istartswith", "user__name", "user__email"],
        default_sort="-created_at",
        bulk=[
            BulkAction(
                gettext_lazy("Revoke"),
                reverse("manage:key_revoke"),
                confirm=lambda number: ngettext(
                    "Revoke {count} key? What uses it is refused from now on.",
                    "Revoke {count} keys? What uses them is refused from now on.",
                    number,
                ),
                icon="key-off",
                tone="danger",
            )
        ],
        empty=Empty(
            gettext_lazy("No API keys yet"),
            gettext_lazy("A key lets a machine act for a person or a service, for example your shop that reports sales."),
            reverse("manage:key_create"),
            gettext_lazy("Make a key"),
            icon="key",
        ),
    )


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if not key.user.is_active:
        return "inactive"
    return "active" if opens_anything(key) else "expired"


def _state_label(key: ApiKey) -> str:
    return _("Role ended") if _state(key) == "expired" else ""


@manager_required(Can.ADMINISTER)
@never_cache
def key_create(request: HttpRequest) -> HttpResponse:
    """The key's text is in this one answer and nowhere else."""
    form = KeyForm(request.POST or None)
    if form.is_valid():
        asked = form.cleaned_data
        with refusals_as_errors(form), transaction.atomic():
            scope = {"name": asked["name"], "role": asked["role"], "program": asked["program"], "by": request.user}
            user = asked["user"] or create_service(**scope)
            key, text = create_key(user, **scope)
            return render(request, "accounts/manager/key_created.html", {"key": key, "text": text})
    return render(request, "accounts/manager/key_create.html", {"form": form})


@manager_required(Can.ADMINISTER)
@require_POST
def key_revoke(request: HttpRequest) -> HttpResponse:
    with refusals_as_messages(request), transaction.atomic():
        keys = list(_keys(request).selected())
        for key in keys:
            revoke_key(key, by=request.user)
        messages.success(
            request,
            ngettext("%(count)s key opens nothing any more.", "%(count)s keys open nothing any more.", len(keys))
            % {"count": number_text(len(keys))},
        )
    return redirect_back(request, "manage:key_list")
