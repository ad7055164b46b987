"""The affiliate's own profile. Everybody in the account reads it; owners and leaders change it."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from affiliates.access import affiliate_required, has_function
from affiliates.forms_portal import ProfileForm
from affiliates.models import Affiliate, Function
from affiliates.services import update_affiliate
from core.choices import country_name
from core.ui import refusals_as_errors


@affiliate_required()
def profile(request: HttpRequest) -> HttpResponse:
    affiliate: Affiliate = request.affiliate  # type: ignore[attr-defined]
    may_change = has_function(request, Function.LEADER)
    if request.method == "POST" and not may_change:
        raise PermissionDenied
    initial = {name: getattr(affiliate, name) for name in ProfileForm.base_fields}
    form = ProfileForm(request.POST or None, initial=initial)
    if form.is_valid():
        with refusals_as_errors(form):
            update_affiliate(affiliate, by=request.user, **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("portal:profile")
    context = {
        "affiliate": affiliate,
        "form": form,
        "may_change": may_change,
        "country": country_name(affiliate.country) if affiliate.country else "",
        "functions": [str(Function(value).label) for value in request.member.functions],  # type: ignore[attr-defined]
    }
    return render(request, "affiliates/portal/profile.html", context)
