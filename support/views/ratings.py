"""Ratings: from the chat, and from a signed link without a sign-in. Looking at a link records nothing: mail scanners look at all."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from affiliates.access import affiliate_required
from affiliates.models import AffiliateMember
from core.access import public_page
from core.errors import Refusal
from core.ui import refusals_as_messages
from support.languages import as_read_by
from support.models import Rating
from support.portal import visible_tickets
from support.services.ratings import check_still_theirs, give_rating, rating_of, rating_token, reopen_from_rating


@affiliate_required()
@require_POST
def rating_give(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """One of the five in the chat; then the page that asks why, if they like."""
    rating = get_object_or_404(Rating, pk=Rating.pk_from(public_id), ticket__in=visible_tickets(request))
    with refusals_as_messages(request):
        rating = give_rating(rating, _score(request), via=Rating.Via.PORTAL, by=request.user)
        return redirect("rating_page", token=rating_token(rating))
    return redirect("portal:help_chat", slug=rating.program.slug)


@public_page
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def rating_page(request: HttpRequest, token: str) -> HttpResponseBase:
    """The clicked score waits in a form that sends itself once a person looks at it; afterwards there is room for the reason."""
    try:
        rating, clicked = rating_of(token)
    except Refusal as refusal:
        return render(request, "support/public/rating.html", {"refused": refusal.message}, status=404)
    with as_read_by(rating.ticket):
        return _page(request, rating, clicked)


def _page(request: HttpRequest, rating: Rating, clicked: int | None) -> HttpResponseBase:
    try:
        check_still_theirs(rating)
    except Refusal as refusal:
        return render(request, "support/public/rating.html", {"refused": refusal.message}, status=410)
    if request.method == "POST":
        return _answer(request, rating)
    context = {
        "rating": rating,
        "token": rating_token(rating),
        "clicked": clicked if clicked != rating.score and not request.GET else None,
        "scores": Rating.Score,
        "chat": request.user.is_authenticated and _members(rating).filter(user=request.user).exists(),
    }
    return render(request, "support/public/rating.html", context)


def _members(rating: Rating) -> QuerySet[AffiliateMember]:
    return AffiliateMember.objects.filter(affiliate=rating.ticket.affiliate_id, removed_at=None)


def _answer(request: HttpRequest, rating: Rating) -> HttpResponse:
    with refusals_as_messages(request):
        if "reopen" in request.POST:
            reopen_from_rating(rating)
            messages.success(request, _("It goes on: a person looks at it again."))
        reason = request.POST.get("reason")
        if rating.score is not None or _score(request) is not None:
            give_rating(rating, _score(request), via=Rating.Via.LINK, reason=reason)
    return redirect("rating_page", token=rating_token(rating))


def _score(request: HttpRequest) -> int | None:
    text = request.POST.get("score", "")
    return int(text) if text in {"1", "2", "3", "4", "5"} else None
