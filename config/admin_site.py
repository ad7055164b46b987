from django.http import HttpRequest
from unfold.sites import UnfoldAdminSite


class TributaryAdminSite(UnfoldAdminSite):
    """Admins sign in at the one sign-in page (with their second factor), never at a form of the admin's own."""

    def has_permission(self, request: HttpRequest) -> bool:
        from core.access import is_admin

        return is_admin(request.user)

    def login(self, request: HttpRequest, extra_context=None):
        from django.contrib.auth.views import redirect_to_login
        from django.core.exceptions import PermissionDenied

        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.get_full_path())
