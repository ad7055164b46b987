"""Who signs in for an affiliate: the owners' page about their people, and the way in for whoever is invited."""

from __future__ import annotations

from allauth.account.utils import perform_login
from allauth.core import ratelimit
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.models import User
from affiliates.access import SESSION_KEY, affiliate_required, memberships
from affiliates.forms import AcceptForm, FunctionsForm, InviteForm
from affiliates.models import Affiliate, AffiliateMember, Function, Invitation
from affiliates.services import (
    accept_invitation,
    find_invitation,
    invite_member,
    remove_member,
    revoke_invitation,
    set_member_functions,
)
from core.access import public_page
from core.ui import refusals_as_errors, refusals_as_messages


@affiliate_required()
def people(request: HttpRequest) -> HttpResponse:
    return _people_page(request, InviteForm(initial={"functions": [Function.MARKETING]}))


@affiliate_required(Function.OWNER)
@require_POST
def people_invite(request: HttpRequest) -> HttpResponse:
    form = InviteForm(request.POST)
    if form.is_valid():
        if not ratelimit.consume(request, action="invite", user=request.user):  # each one sends a mail to a stranger
            return ratelimit.respond_429(request)
        with refusals_as_errors(form):
            invitation = invite_member(
                _affiliate(request), form.cleaned_data["email"], form.cleaned_data["functions"], by=request.user
            )
            messages.success(request, _("An invitation went to %(email)s.") % {"email": invitation.email})
            return redirect("portal:people")
    return _people_page(request, form)


@affiliate_required(Function.OWNER)
@require_POST
def invitation_revoke(request: HttpRequest, number: int) -> HttpResponse:
    invitation = get_object_or_404(Invitation, pk=number, affiliate=_affiliate(request))
    with refusals_as_messages(request):
        revoke_invitation(invitation, by=request.user)
        messages.success(request, _("The invitation of %(email)s was taken back.") % {"email": invitation.email})
    return redirect("portal:people")


@affiliate_required(Function.OWNER)
def member_edit(request: HttpRequest, public_id: str) -> HttpResponse:
    member = _member(request, public_id)
    form = FunctionsForm(request.POST or None, initial={"functions": member.functions})
    if form.is_valid():
        with refusals_as_errors(form):
            set_member_functions(member, form.cleaned_data["functions"], by=request.user)
            messages.success(request, _("Saved."))
            return redirect("portal:people")
    return render(request, "affiliates/portal/member_edit.html", {"form": form, "member": member})


@affiliate_required(Function.OWNER)
@require_POST
def member_remove(request: HttpRequest, public_id: str) -> HttpResponse:
    member = _member(request, public_id)
    with refusals_as_messages(request):
        remove_member(member, by=request.user)
        messages.success(request, _("%(person)s was taken out.") % {"person": member.user})
        if member.user_id == request.user.pk:
            return redirect("after_login")
    return redirect("portal:people")


@affiliate_required()
@require_POST
def affiliate_switch(request: HttpRequest) -> HttpResponse:
    """Show another one of the affiliates that the signed-in person belongs to."""
    wanted = Affiliate.pk_from(request.POST.get("affiliate", ""))
    member = next((m for m in memberships(request.user) if m.affiliate_id == wanted), None)
    if member is None:
        raise Http404
    request.session[SESSION_KEY] = member.affiliate_id
    return redirect("portal:home")


@public_page
@never_cache
def invitation_accept(request: HttpRequest, token: str) -> HttpResponse:
    """The link of an invitation's mail. Reading it changes nothing: mail scanners follow links too."""
    invitation = find_invitation(token)
    if invitation is None:
        return render(request, "affiliates/portal/invitation_gone.html", status=404)
    known = User.objects.filter(email__iexact=invitation.email).first()
    has_account = known is not None and known.has_usable_password()
    stranger = request.user.is_authenticated and (known is None or not has_account or request.user.pk != known.pk)
    form = None if has_account else AcceptForm(request.POST or None)
    if request.method == "POST" and not stranger and (form is None or form.is_valid()):
        asked = form.cleaned_data if form else {"name": "", "password": ""}
        with refusals_as_errors(form) if form else refusals_as_messages(request):
            by = request.user if request.user.is_authenticated else None
            user = accept_invitation(token, name=asked["name"], password=asked["password"], by=by)
            messages.success(
                request, _("You are in. This is the account of %(affiliate)s.") % {"affiliate": invitation.affiliate}
            )
            response = redirect("portal:home")
            if by is None:  # the mail has proved the address; a second factor is asked for as at any sign-in
                response = perform_login(request, user, email_verification="none", redirect_url=reverse("portal:home"))
            request.session[SESSION_KEY] = invitation.affiliate_id
            return response
    context = {"invitation": invitation, "has_account": has_account, "stranger": stranger, "form": form}
    return render(request, "affiliates/portal/invitation_accept.html", context)


def _affiliate(request: HttpRequest) -> Affiliate:
    return request.affiliate  # type: ignore[attr-defined]


def _member(request: HttpRequest, public_id: str) -> AffiliateMember:
    members = AffiliateMember.objects.filter(affiliate=_affiliate(request), removed_at__isnull=True)
    return get_object_or_404(members.select_related("user", "affiliate"), user=User.pk_from(public_id))


def _people_page(request: HttpRequest, form: InviteForm) -> HttpResponse:
    affiliate = _affiliate(request)
    invited = affiliate.invitations.filter(accepted_at__isnull=True, revoked_at__isnull=True, expires_at__gt=timezone.now())
    context = {
        "members": affiliate.members.filter(removed_at__isnull=True).select_related("user").order_by("user__name", "pk"),
        "invitations": invited.order_by("-created_at"),
        "owner": Function.OWNER in request.member.functions,  # type: ignore[attr-defined]
        "form": form,
        "others": [m.affiliate for m in request.memberships if m.affiliate_id != affiliate.pk],  # type: ignore[attr-defined]
    }
    return render(request, "affiliates/portal/people.html", context)
