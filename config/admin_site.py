from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.sites import UnfoldAdminSite


class TributaryAdminSite(UnfoldAdminSite):
    """Admins sign in at the one sign-in page (with their second factor), never at a form of the admin's own."""

    def has_permission(self, request: HttpRequest) -> bool:
        from core.access import is_admin

        return is_admin(request.user)

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
