"""Who signs in for an affiliate, seen to by its managers (owners have their own page in the portal)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import User
from affiliates.forms import FunctionsForm, InviteForm
from affiliates.models import Affiliate, AffiliateMember
from affiliates.services import invite_member, remove_member, revoke_invitation, set_member_functions
from affiliates.views.manager import affiliate_page, entrusted_affiliate
from core.access import Can, manager_required
from core.ui import refusals_as_errors, refusals_as_messages


@manager_required(Can.MANAGE_AFFILIATES)
@require_POST
def member_invite(request: HttpRequest, public_id: str) -> HttpResponse:
    """A first invitation, or another one to the same address: the link before it leads nowhere then."""
    affiliate = entrusted_affiliate(request, public_id)
    form = InviteForm(request.POST, auto_id="invite_%s")
    if form.is_valid():
        with refusals_as_errors(form):
            invitation = invite_member(affiliate, form.cleaned_data["email"], form.cleaned_data["functions"], by=request.user)
            messages.success(request, _("An invitation went to %(email)s.") % {"email": invitation.email})
            return redirect("manage:affiliate_detail", affiliate.public_id)
    return affiliate_page(request, affiliate, invite=form)


@manager_required(Can.MANAGE_AFFILIATES)
@require_POST
def invitation_revoke(request: HttpRequest, public_id: str, number: int) -> HttpResponse:
    affiliate = entrusted_affiliate(request, public_id)
    invitation = get_object_or_404(affiliate.invitations, pk=number)
    with refusals_as_messages(request):
        revoke_invitation(invitation, by=request.user)
        messages.success(request, _("The invitation of %(email)s was taken back.") % {"email": invitation.email})
    return redirect("manage:affiliate_detail", affiliate.public_id)


@manager_required(Can.MANAGE_AFFILIATES)
def member_functions(request: HttpRequest, public_id: str, user_id: str) -> HttpResponse:
    affiliate = entrusted_affiliate(request, public_id)
    member = _member(affiliate, user_id)
    form = FunctionsForm(request.POST or None, initial={"functions": member.functions})
    if form.is_valid():
        with refusals_as_errors(form):
            set_member_functions(member, form.cleaned_data["functions"], by=request.user)
            messages.success(request, _("Saved."))
            return redirect("manage:affiliate_detail", affiliate.public_id)
    context = {"form": form, "member": member, "affiliate": affiliate}
    return render(request, "affiliates/manager/member_functions.html", context)


@manager_required(Can.MANAGE_AFFILIATES)
@require_POST
def member_remove(request: HttpRequest, public_id: str, user_id: str) -> HttpResponse:
    affiliate = entrusted_affiliate(request, public_id)
    member = _member(affiliate, user_id)
    with refusals_as_messages(request):
        remove_member(member, by=request.user)
        messages.success(request, _("%(person)s was taken out.") % {"person": member.user})
    return redirect("manage:affiliate_detail", affiliate.public_id)


def _member(affiliate: Affiliate, user_id: str) -> AffiliateMember:
    members = affiliate.members.filter(removed_at__isnull=True).select_related("user", "affiliate")
    return get_object_or_404(members, user=User.pk_from(user_id))
