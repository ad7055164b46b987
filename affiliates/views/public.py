from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from accounts.models import Role
from accounts.queries import has_second_factor
from affiliates.access import memberships
from core.access import is_team, person_required, rights_of

OUGHT_TO_HAVE_A_SECOND_FACTOR = frozenset({Role.ADMIN, Role.FINANCE})


@person_required
def after_login(request: HttpRequest) -> HttpResponse:
    """Where a sign-in leads: the team to its home, affiliates to theirs, everybody else to a page that says how things stand."""
    if is_team(request.user):
        if rights_of(request.user).roles & OUGHT_TO_HAVE_A_SECOND_FACTOR and not has_second_factor(request.user):
            _remind_of_second_factor(request)
        return redirect("manage:home")
    if memberships(request.user):
        return redirect("portal:home")
    return render(request, "affiliates/public/after_login.html")


def _remind_of_second_factor(request: HttpRequest) -> None:
    messages.warning(
        request,
        format_html(
            '{} <a href="{}">{}</a>',
            _("You decide about money and people: a password alone is little."),
            reverse("mfa_index"),
            _("Set up a second factor"),
        ),
    )
