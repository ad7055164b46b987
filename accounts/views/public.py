"""Pages of whoever is signed in, and the metrics."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_prometheus.exports import ExportToDjangoView

from accounts.browsers import browser_in_words
from accounts.forms import ProfileForm
from accounts.services import find_key
from core.access import Can, person_required, public_page, rights_of


@person_required
def profile(request: HttpRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=request.user)
    if form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("profile")
    return render(request, "accounts/public/profile.html", {"form": form})


@person_required
@require_POST
def session_end(request: HttpRequest, number: int) -> HttpResponse:
    """Sign one of one's own browsers out, from its next request on."""
    session = get_object_or_404(UserSession, pk=number, user=request.user)
    session.end()
    messages.success(request, _("%(browser)s is signed out.") % {"browser": browser_in_words(session.user_agent)})
    return redirect("usersessions_list")


@public_page
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text: to admins, to keys of admins, and to whoever asks from this machine without a proxy between."""
    here = request.META.get("REMOTE_ADDR") in {"127.0.0.1", "::1"} and "X-Forwarded-For" not in request.headers
    if not here and not _may_see_metrics(request):
        raise PermissionDenied
    return ExportToDjangoView(request)


def _may_see_metrics(request: HttpRequest) -> bool:
    scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        key = find_key(text.strip())
        return key is not None and rights_of(key.user).everywhere(Can.ADMINISTER)
    return rights_of(request.user).everywhere(Can.ADMINISTER)
