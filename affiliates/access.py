"""The affiliates' guard: every portal page starts from the affiliate that the signed-in person belongs to."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from affiliates.models import AffiliateMember, Function

SESSION_KEY = "affiliate"  # which affiliate is shown to someone who belongs to several

View = Callable[..., HttpResponseBase]


def memberships(user: Any) -> list[AffiliateMember]:
    """The affiliates a person belongs to, by name."""
    if not user.is_authenticated or not user.is_active:
        return []
    return list(
        AffiliateMember.objects.filter(user=user, removed_at__isnull=True).select_related("affiliate").order_by("affiliate__name")
    )


def affiliate_required(*functions: Function) -> Callable[[View], View]:
    """Members of an affiliate: with functions named, those who have one of them, and owners, who have all.

    Sets `request.member` and `request.affiliate`; portal queries start from there.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            members = memberships(request.user)
            if not members:
                raise PermissionDenied
            chosen = request.session.get(SESSION_KEY)
            member = next((m for m in members if m.affiliate_id == chosen), members[0])
            if functions and not {Function.OWNER, *functions} & set(member.functions):
                raise PermissionDenied
            request.member, request.affiliate, request.memberships = member, member.affiliate, members  # type: ignore[attr-defined]
            return view(request, *args, **kwargs)

        guarded.guard = ("affiliate", functions)  # type: ignore[attr-defined]
        return guarded

    return guard
