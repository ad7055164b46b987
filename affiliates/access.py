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
    """The affiliates a person belongs to, by name; read once per user object, as menus ask on every page."""
    if not user.is_authenticated or not user.is_active:
        return []
    if not hasattr(user, "_memberships"):
        current = AffiliateMember.objects.filter(user=user, removed_at__isnull=True)
        user._memberships = list(current.select_related("affiliate").order_by("affiliate__name", "pk"))
    members: list[AffiliateMember] = user._memberships
    return members


def current_member(request: HttpRequest) -> AffiliateMember | None:
    """The membership that the portal shows: the one chosen in this session, else the first."""
    members = memberships(request.user)
    chosen = request.session.get(SESSION_KEY) if members else None
    return next((m for m in members if m.affiliate_id == chosen), members[0] if members else None)


def has_function(request: HttpRequest, *functions: Function) -> bool:
    """Whether the portal's pages guarded by these functions open for this person: what menu entries ask."""
    member = current_member(request)
    return member is not None and holds(member, *functions)


def holds(member: AffiliateMember, *functions: Function) -> bool:
    """Whether this person has one of these functions within the affiliate; owners have all."""
    return not functions or bool({Function.OWNER, *functions} & set(member.functions))


def affiliate_required(*functions: Function) -> Callable[[View], View]:
    """Members of an affiliate: with functions named, those who have one of them, and owners, who have all.

    Sets `request.member` and `request.affiliate`; portal queries start from there.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            member = current_member(request)
            if member is None or not has_function(request, *functions):
                raise PermissionDenied
            request.member, request.affiliate = member, member.affiliate  # type: ignore[attr-defined]
            request.memberships = memberships(request.user)  # type: ignore[attr-defined]
            return view(request, *args, **kwargs)

        guarded.guard = ("affiliate", functions)  # type: ignore[attr-defined]
        return guarded

    return guard
