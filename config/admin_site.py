from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from unfold.sites import UnfoldAdminSite


def clock(request: HttpRequest) -> str:
    """Whose time the admin's dates are in: they name none themselves."""
    return _("Times in %(zone)s") % {"zone": timezone.get_current_timezone_name()}


SIGN_IN = {"account", "mfa", "usersessions"}


class TributaryAdminSite(UnfoldAdminSite):
    """Admins sign in at the one sign-in page (with their second factor), never at a form of the admin's own."""

    def has_permission(self, request: HttpRequest) -> bool:
        from core.access import is_admin

        return is_admin(request.user)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """What allauth keeps of people stands with them, under one heading."""
        apps: list[Any] = super().get_app_list(request, app_label)
        people = next((app for app in apps if app["app_label"] == "accounts"), None)
        if app_label or people is None:
            return apps
        for app in apps:
            if app["app_label"] in SIGN_IN:
                people["models"] += app["models"]
        people["models"].sort(key=lambda model: model["name"])
        return [app for app in apps if app["app_label"] not in SIGN_IN]

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Where the admin's pages send whom they do not let in: on to the sign-in page, or nowhere."""
        asked = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure()):
            asked = reverse("admin:index")
        if not request.user.is_authenticated:
            return redirect_to_login(asked)
        if not self.has_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(asked)
